"""All keys of the DynamoDB table.

One partition per project, session, user, message id and wait slot:

| pk | sk | item |
| --- | --- | --- |
| PROJECT#project | PROJECT | the project, or its tombstone |
| | VERSION#number | an entry of the code's history |
| | CODE#number#digest#part | the code of a version |
| | SEQ#session | the `seq` of the newest event of an active session; also lists the active sessions |
| | KEY#node | the active session of a key (a node, or none for the global session) |
| SESSION#session | SESSION | the session, or its tombstone |
| | MESSAGE#number | a message |
| | TEXT#number#attempt#field#part | a long prompt, content or patch |
| | RESPONSE#number#attempt#call | a model response |
| | RESPONSE#number#attempt#call#part | further parts of a large body |
| | ITEMS#number#attempt#part | the items that an attempt adds to the memory |
| | EVENT#seq | an event of the log |
| USER#user | PROJECT#project | a candidate for the user's list of projects; the project itself decides |
| MESSAGE#message | MESSAGE | a message's session and number |
| WAIT#slot | WAIT | a wait slot: its holder, and when it expires |

The sparse index `due` (`due_kind`, `due_at`) finds candidates for the schedule: the first open message of each
session, deleted sessions and deleted projects.
"""

Key = dict[str, str]

DUE_INDEX = "due"
# The kinds of due items.
DUE_QUEUED = "QUEUED"
DUE_RUNNING = "RUNNING"
DUE_ERASURE = "ERASURE"
DUE_FINAL_ERASURE = "FINAL_ERASURE"
DUE_TOMBSTONE_EXPIRY = "OBLIVION"  # the value in existing tables; codespell:ignore oblivion
DUE_PROJECT = "PROJECT"

PROJECT_PREFIX = "PROJECT#"
VERSION_PREFIX = "VERSION#"
CODE_PREFIX = "CODE#"
SEQ_PREFIX = "SEQ#"
MESSAGE_PREFIX = "MESSAGE#"
EVENT_PREFIX = "EVENT#"
# Numbers in keys have leading zeros, so that they sort as numbers do.
_DIGITS = 12


def _padded(number: int) -> str:
    return f"{number:0{_DIGITS}d}"


def project_partition(project_id: str) -> str:
    """The partition of a project."""
    return f"{PROJECT_PREFIX}{project_id}"


def session_partition(session_id: str) -> str:
    """The partition of a session: everything that erasing it removes, except message locators."""
    return f"SESSION#{session_id}"


def user_partition(user_id: str) -> str:
    """The partition of a user."""
    return f"USER#{user_id}"


def project_key(project_id: str) -> Key:
    """A project."""
    return {"pk": project_partition(project_id), "sk": "PROJECT"}


def version_key(project_id: str, version: int) -> Key:
    """An entry of the history of a project's code."""
    return {"pk": project_partition(project_id), "sk": f"{VERSION_PREFIX}{_padded(version)}"}


def code_name(version: int, digest: str) -> str:
    """The sort key of a version's code, without the part."""
    return f"{CODE_PREFIX}{_padded(version)}#{digest}"


def seq_key(project_id: str, session_id: str) -> Key:
    """The sequence counter of an active session."""
    return {"pk": project_partition(project_id), "sk": f"{SEQ_PREFIX}{session_id}"}


def session_guard_key(project_id: str, node_id: str | None) -> Key:
    """The active session of a key."""
    return {"pk": project_partition(project_id), "sk": f"KEY#{node_id or ''}"}


def member_key(user_id: str, project_id: str) -> Key:
    """A project in a user's list."""
    return {"pk": user_partition(user_id), "sk": f"{PROJECT_PREFIX}{project_id}"}


def session_key(session_id: str) -> Key:
    """A session, or its tombstone."""
    return {"pk": session_partition(session_id), "sk": "SESSION"}


def message_key(session_id: str, number: int) -> Key:
    """A message by its number in its session."""
    return {"pk": session_partition(session_id), "sk": f"{MESSAGE_PREFIX}{_padded(number)}"}


def message_locator_key(message_id: str) -> Key:
    """The session and number of a message id; also prevents a second use of the id."""
    return {"pk": f"{MESSAGE_PREFIX}{message_id}", "sk": "MESSAGE"}


def wait_slot_key(slot: int) -> Key:
    """A wait slot. Each has a partition of its own, since all of them are written often."""
    return {"pk": f"WAIT#{slot}", "sk": "WAIT"}


def text_name(number: int, attempt: int, field: str) -> str:
    """The sort key of a long text of a message, without the part."""
    return f"TEXT#{_padded(number)}#{attempt:04d}#{field}"


def responses_prefix(number: int) -> str:
    """The prefix of the sort keys of a message's model responses."""
    return f"RESPONSE#{_padded(number)}#"


def response_name(number: int, attempt: int, call: int) -> str:
    """The sort key of a model response; further parts add their number."""
    return f"{responses_prefix(number)}{attempt:04d}#{call:06d}"


def items_name(number: int, attempt: int) -> str:
    """The sort key of the items that an attempt adds to the memory, without the part."""
    return f"ITEMS#{_padded(number)}#{attempt:04d}"


def event_key(session_id: str, seq: int) -> Key:
    """An event of a session's log."""
    return {"pk": session_partition(session_id), "sk": f"{EVENT_PREFIX}{_padded(seq)}"}


def number_in(sort_key: str) -> int:
    """The number in a sort key of a message, version or event."""
    return int(sort_key.split("#")[1])
