"""Applies a model's diff to a project's source, or refuses it with a reason.

The diffs are V4A: the format of the SDK's `agents.apply_diff` and of its apply_patch tool. `apply_diff` is not used,
because it guesses where a refusal helps the model more: it accepts lines with another indentation, chooses the first of
several places, ignores an `@@` line that is not in the file, and inserts lines without context at the top. Where a diff
is unambiguous, the results are the same; a test compares them.
"""

import re

from backend.app.domain.projects.source import InvalidSourceError, parse_source
from backend.app.programs.vibecoder.patched_file import PatchedFile
from backend.app.programs.vibecoder.v4a import PatchRefusedError, parse_diff, quote


def apply_patch(code: str, diff: str, max_code_bytes: int) -> str:
    """Return the code after the diff.

    A code fence, the `*** Begin Patch` envelope and git's headers around the diff are ignored. Context must match the
    file except for white space at the end of a line. Unchanged lines keep their bytes; new lines get the line end of
    the file.

    Args:
        code: the source to change.
        diff: a V4A diff of that one file; a unified diff is accepted as well, without its line numbers.
        max_code_bytes: the size limit of the new code in bytes of UTF-8; a diff may be twice as large.

    Raises:
        PatchRefusedError: nothing else, for any text.
    """
    if _size(diff) > 2 * max_code_bytes:
        raise PatchRefusedError(f"The diff is longer than {2 * max_code_bytes} bytes. Send a smaller one.")
    file = PatchedFile(code)
    for hunk in parse_diff(diff):
        file.apply(hunk)
    changed = file.text()
    if changed == code:
        raise PatchRefusedError("The diff changes nothing. Mark lines to remove with - and lines to add with +.")
    if _size(changed) > max_code_bytes:
        raise PatchRefusedError(f"The code would be longer than {max_code_bytes} bytes. Make it shorter.")
    try:
        parse_source(changed)
    except InvalidSourceError as error:
        raise PatchRefusedError(_not_python(changed, error)) from None
    return changed


def _size(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))


def _not_python(code: str, error: InvalidSourceError) -> str:
    lines = re.split(r"\r\n|\r|\n", code)
    there = f" It reads {quote(lines[error.line - 1])}." if error.line and error.line <= len(lines) else ""
    return f"With this diff the code is not valid Python: {error}.{there} Nothing was changed; correct the diff."
