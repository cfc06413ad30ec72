"""What the prompts are built of, for what writes them and for what reads them: the demo model and tests."""

PATCH_TOOL = "submit_patch"
# How the tool's answer begins where it did not take the patch.
REFUSED = "Refused"

CODE = "code"
FOCUS = "focus"
REQUEST = "request"
PATCH = "patch"
NEW_CODE = "new_code"
EARLIER_REVIEWS = "earlier_reviews"


def tagged(tag: str, *lines: str, node: str | None = None) -> list[str]:
    """The lines of a section: the tag, what it holds, and its end.

    Args:
        tag: one of the tags above.
        lines: what it holds.
        node: the agent that the section is about, as an attribute of the tag.
    """
    attribute = "" if node is None else f' node="{node}"'
    return [f"<{tag}{attribute}>", *lines, f"</{tag}>"]


def section(text: str, tag: str) -> str:
    """What a section holds, from its first tag to its last end; empty where there is no such section."""
    lines = [line.rstrip("\r") for line in text.split("\n")]
    if f"<{tag}>" not in lines or f"</{tag}>" not in lines:
        return ""
    end = len(lines) - 1 - lines[::-1].index(f"</{tag}>")
    return "\n".join(lines[lines.index(f"<{tag}>") + 1 : end])


def focus_node(text: str) -> str | None:
    """The agent that the focus section is about, or None."""
    start = f'<{FOCUS} node="'
    return next((line[len(start) :].rstrip('">\r') for line in text.split("\n") if line.startswith(start)), None)
