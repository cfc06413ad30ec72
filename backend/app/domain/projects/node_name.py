"""The rule for names of nodes, for the workflow reader, the API and the memory's files alike."""

import unicodedata

# The memory of a node's session is in a folder `project_{id}_node_{name}`: file systems allow 255 bytes.
MAX_NODE_NAME_BYTES = 200

_DIGITS = frozenset("0123456789")


def normalized_node_name(name: str) -> str:
    """The name normalized as Python does it (NFKC): `ﬁ` and `fi` are the same identifier."""
    return unicodedata.normalize("NFKC", name)


def is_node_name(name: str) -> bool:
    """Whether a node may have this name: at most 200 bytes of letters, marks, digits, `_`, `.` and `-`, normalized.

    Every Python identifier of that length is allowed; so is the path of an agent in another module, `shop.billing`.
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
