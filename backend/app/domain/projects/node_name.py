"""The one rule for the names of nodes: what the reader draws, the API accepts and the disk can hold."""

import unicodedata

# The memory of a node's session lies in a folder `project_{id}_node_{name}`: file systems allow 255 bytes.
MAX_NODE_NAME_BYTES = 200

_DIGITS = frozenset("0123456789")


def normalized_node_name(name: str) -> str:
    """The name as Python reads it: `ﬁ` and `fi` are one identifier (NFKC)."""
    return unicodedata.normalize("NFKC", name)


def is_node_name(name: str) -> bool:
    """Whether a node may have this name: at most 200 bytes of letters, marks, digits, `_`, `.` and `-`, normalized.

    Every Python identifier of that length is one; so is the path of an agent of another module, `shop.billing`.
    """
    if not name or len(name) > MAX_NODE_NAME_BYTES:
        return False
    first, letters = name[0], name.replace(".", "").replace("-", "")
    return (
        (first in _DIGITS or first.isidentifier())
        and f"_{letters}".isidentifier()
        and len(name.encode()) <= MAX_NODE_NAME_BYTES
        and normalized_node_name(name) == name
    )
