"""The domain's errors. Each has a stable `code` and no HTTP status.

`retryable` says whether repeating the same call later may succeed.
"""

from typing import ClassVar

_NAME_CHARACTERS = 80


def shortened(name: str) -> str:
    """A caller's text, shortened to be quoted in an error."""
    return name if len(name) <= _NAME_CHARACTERS else f"{name[:_NAME_CHARACTERS]}..."


class DomainError(Exception):
    """An expected error. The message is written for the caller."""

    code: ClassVar[str]
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str, *, session_id: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.session_id = session_id


class NotFoundError(DomainError):
    """It does not exist, or the caller has no access to it: the response is the same."""


class UnknownIdError(NotFoundError):
    """There is nothing with this id."""

    kind: ClassVar[str]

    def __init__(self, unknown_id: str) -> None:
        super().__init__(f"{self.kind} {shortened(unknown_id)} does not exist, or you have no access to it.")


class ProjectNotFoundError(UnknownIdError):
    """No such project for this user."""

    code = "project_not_found"
    kind = "Project"


class VersionNotFoundError(NotFoundError):
    """The project has no such version."""

    code = "version_not_found"


class SessionNotFoundError(UnknownIdError):
    """No such session for this user."""

    code = "session_not_found"
    kind = "Session"


class ResponseNotFoundError(NotFoundError):
    """The message has no such model response."""

    code = "response_not_found"


class MessageNotFoundError(UnknownIdError):
    """No such message for this user."""

    code = "message_not_found"
    kind = "Message"


class OwnerOnlyError(DomainError):
    """Only the owner may do this."""

    code = "owner_only"


class InvalidInputError(DomainError):
    """The request is well-formed but not valid; nothing was changed."""

    code = "invalid_input"


class InvalidCodeError(InvalidInputError):
    """The code is not Python."""

    code = "invalid_code"


class CodeTooLargeError(InvalidInputError):
    """The code exceeds the size limit."""

    code = "code_too_large"


class InvalidNodeIdError(InvalidInputError):
    """The node id is not a valid node name."""

    code = "invalid_node_id"


class PromptTooLongError(InvalidInputError):
    """The prompt exceeds the size limit."""

    code = "prompt_too_long"


class InvalidCursorError(InvalidInputError):
    """The cursor was not returned by this list."""

    code = "invalid_cursor"


class TwoMessageIdsError(InvalidInputError):
    """Both `message_id` and `Idempotency-Key` were sent."""

    code = "two_message_ids"


class TooManyMembersError(InvalidInputError):
    """The project would have more members than the limit."""

    code = "too_many_members"


class StaleVersionError(DomainError):
    """The code was changed since the version that the caller started from. Read it again, then retry."""

    code = "stale_version"


class MessageIdConflictError(DomainError):
    """The message id was used before, with another prompt or in another session."""

    code = "message_id_conflict"


class TooManyQueuedMessagesError(DomainError):
    """The session has as many queued messages as the limit allows. Retry when one has ended."""

    code = "too_many_queued_messages"
    retryable = True


class EventLogBusyError(DomainError):
    """The event could not be logged, because of concurrent appends to the session's log. Nothing was changed."""

    code = "event_log_busy"
    retryable = True


class TurnFencedError(Exception):
    """This attempt no longer holds its turn: another one started, or the message ended. Write nothing more."""


class TurnCancelRequestedError(Exception):
    """A user cancelled the message while it was running."""


class StaleBaseError(Exception):
    """The project's code changed since the turn read it; its patch was not applied."""


class MemoryCorruptError(Exception):
    """The memory file cannot be read, or a turn in it is incomplete. It must be rebuilt from the store."""


class MemoryMissingError(Exception):
    """The memory file to append to does not exist."""


class TurnError(Exception):
    """A turn failed.

    Attributes:
        code: stable; becomes the `code` of `message_failed`.
        detail: a sentence for users.
        retryable: whether another attempt may succeed.
        retry_after: seconds that the failing server asks to wait before the next call.
    """

    def __init__(self, code: str, detail: str, *, retryable: bool, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.retryable = retryable
        self.retry_after = retry_after
