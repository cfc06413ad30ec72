"""Parses a project's source as Python, without ever importing or executing it.

A hostile, broken or huge source raises `InvalidSourceError` and never crashes the process.
"""

import ast
import mmap
import re
import threading
import warnings
from itertools import islice

# The syntax tree of 1 MiB can take 1 GiB of memory. What a project may hold is far less.
MAX_SOURCE_CHARS = 1024 * 1024
# CPython builds the text of `import a.a.a...` again for each dot and keeps all of them: 20,000 dots take 0.4 GiB, and
# 120,000 dots (240 KB) crash the process.
MAX_DOTS = 200
# CPython 3.11 scans an f-string again for each of its braces, and holds the interpreter's lock. This is the number of
# braces times the length of the source: about a second of work.
MAX_BRACE_WORK = 3_000_000_000
# The parser's time and memory grow with the tokens: 256 KiB of `a;` are 262,144 of them (1.2 s, 360 MiB), 256 KiB of
# real code about 60,000. Sources are compared and merged line by line.
MAX_TOKENS = 120_000
MAX_LINES = 30_000
# The most bytes of memory that the syntax tree takes per token.
_TREE_BYTES = 1_500

BYTE_ORDER_MARK = "\ufeff"
TOO_DEEP = "the code is nested too deeply"

# Any non-ASCII character may be part of a name. The quantifiers are possessive, so the scan is linear.
_DOTTED = re.compile(r"[\w\x80-\U0010ffff]++(?:[\s\\]*+\.[\s\\]*+[\w\x80-\U0010ffff]++)*+")
# Words, numbers and signs, including those in strings and comments: at least as many as the parser counts.
_TOKEN = re.compile(r"[0-9]+\.[0-9]+|\w+|[^\w\s]")
_UNREADABLE = re.compile("[\0\ud800-\udfff]")
# Python's own line ends. str.splitlines would also split at form feeds and at Unicode separators.
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")

# catch_warnings replaces the filters of the process: two threads inside it could leave the warnings switched off.
_warnings_lock = threading.Lock()


class InvalidSourceError(ValueError):
    """The source cannot be parsed as Python; the message says why.

    Attributes:
        reason: the message without the line.
        line: the number of the line, from 1, or None where there is none.
    """

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(f"line {line}: {reason}" if line else reason)
        self.reason = reason
        self.line = line or None

    def __reduce__(self) -> tuple[type["InvalidSourceError"], tuple[str, int | None]]:
        # Pickle would use the message, which names the line, as the reason, and drop the line.
        return type(self), (self.reason, self.line)


def parse_source(code: str) -> ast.Module:
    """Return the syntax tree of a source.

    A leading byte-order mark is ignored, as Python does in a file.

    Raises:
        InvalidSourceError: it is not Python, or parsing it would take too much time, memory or nesting.
        MemoryError: this machine has too little memory left; the source may be valid.
    """
    _refuse_costly(code)
    code = code.removeprefix(BYTE_ORDER_MARK)
    try:
        with _warnings_lock, warnings.catch_warnings():
            # A warning about an invalid escape would quote the user's source in the log.
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except SyntaxError as error:
        invalid = InvalidSourceError(error.msg[:300], error.lineno)
    except RecursionError:
        invalid = InvalidSourceError(TOO_DEEP)
    except MemoryError:
        # CPython raises this also where the parser's own stack overflows.
        if _memory_is_short(code):
            raise
        invalid = InvalidSourceError(TOO_DEEP)
    except (ValueError, OverflowError, SystemError):
        # SystemError: CPython 3.11 raises it for some broken f-strings.
        invalid = InvalidSourceError("the code cannot be parsed as Python")
    # Raised here, outside the handlers, it has no SyntaxError as its context, whose traceback quotes the source.
    raise invalid


def _refuse_costly(code: str) -> None:
    """Raise InvalidSourceError for sources that are too costly for CPython's parser."""
    if len(code) > MAX_SOURCE_CHARS:
        raise InvalidSourceError(f"the code has more than {MAX_SOURCE_CHARS} characters")
    if unreadable := _UNREADABLE.search(code):
        character = "null byte" if unreadable.group() == "\0" else "lone surrogate"
        raise InvalidSourceError(f"the code holds a {character}", _line_at(code, unreadable.start()))
    if code.count("{") * len(code) > MAX_BRACE_WORK:
        raise InvalidSourceError("the code has too many braces")
    if sum(code.count(end) for end in "\r\n") > MAX_LINES and _line_at(code, len(code)) > MAX_LINES:
        raise InvalidSourceError(f"the code has more than {MAX_LINES:,} lines; shorten it")
    if len(code) > MAX_TOKENS and any(islice(_TOKEN.finditer(code), MAX_TOKENS, None)):
        raise InvalidSourceError(
            f"the code has more than {MAX_TOKENS:,} words and signs; remove generated or repeated parts"
        )
    for dotted in _DOTTED.finditer(code):
        if dotted.group().count(".") > MAX_DOTS:
            reason = f"a name has more than {MAX_DOTS} dots"
            raise InvalidSourceError(reason, _line_at(code, dotted.start()))


def _memory_is_short(code: str) -> bool:
    """Whether there is too little memory for the source's tree. Tests it by a mapping that is released immediately."""
    try:
        mmap.mmap(-1, (len(code) + 1) * _TREE_BYTES).close()
    except OSError:
        return True
    return False


def _line_at(code: str, position: int) -> int:
    return len(LINE.findall(code[:position] + "."))
