"""What can go wrong, in the words of the domain. Each error has a stable `code`; none knows of HTTP.

`retryable` says whether doing the very same thing again later may help.
"""

from typing import ClassVar

from shared.event_log import LogUnavailableError

_NAME_CHARACTERS = 80


def shortened(name: str) -> str:
    """A caller's own text, fit to be named in an error."""
    return name if len(name) <= _NAME_CHARACTERS else f"{name[:_NAME_CHARACTERS]}..."


class DomainError(Exception):
    """An expected refusal. The message is written for whoever called."""

    code: ClassVar[str]
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str, *, session_id: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.session_id = session_id


class NotFoundError(DomainError):
    """There is no such thing, or it is not the caller's: the two are not told apart."""


class ProjectNotFoundError(NotFoundError):
    """No such project for this user."""

    code = "project_not_found"

    def __init__(self, project_id: str) -> None:
        super().__init__(f"There is no project {shortened(project_id)} that you may use.")


class VersionNotFoundError(NotFoundError):
    """The project has no such version."""

    code = "version_not_found"


class SessionNotFoundError(NotFoundError):
    """No such session for this user."""

    code = "session_not_found"

    def __init__(self, session_id: str) -> None:
        super().__init__(f"There is no session {shortened(session_id)} that you may use.")


class ResponseNotFoundError(NotFoundError):
    """The message has no such model response."""

    code = "response_not_found"


class MessageNotFoundError(NotFoundError):
    """No such message for this user."""

    code = "message_not_found"

    def __init__(self, message_id: str) -> None:
        super().__init__(f"There is no message {shortened(message_id)} that you may use.")


class OwnerOnlyError(DomainError):
    """A member tried what only the owner may do."""

    code = "owner_only"


class InvalidInputError(DomainError):
    """What was sent cannot be meant like this; nothing was changed."""

    code = "invalid_input"


class InvalidCodeError(InvalidInputError):
    """The code is not Python."""

    code = "invalid_code"


class CodeTooLargeError(InvalidInputError):
    """The code is larger than a project may be."""

    code = "code_too_large"


class InvalidNodeIdError(InvalidInputError):
    """The node id could not name a memory."""

    code = "invalid_node_id"


class PromptTooLongError(InvalidInputError):
    """The prompt is longer than it may be."""

    code = "prompt_too_long"


class InvalidCursorError(InvalidInputError):
    """The cursor is not one that a list gave out."""

    code = "invalid_cursor"


class TwoMessageIdsError(InvalidInputError):
    """The message was named in two ways at once."""

    code = "two_message_ids"


class TooManyMembersError(InvalidInputError):
    """The project cannot be shared with so many."""

    code = "too_many_members"


class StaleVersionError(DomainError):
    """The code was changed since the version that the caller started from. Read it again, then retry."""

    code = "stale_version"


class MessageIdConflictError(DomainError):
    """The message id was used before, with another prompt or in another session."""

    code = "message_id_conflict"


class TooManyQueuedMessagesError(DomainError):
    """The session has as many waiting messages as it may have. Retry when one has ended."""

    code = "too_many_queued_messages"
    retryable = True


class EventLogBusyError(DomainError):
    """Others kept appending to the session's event log: the event could not be logged, nothing was changed."""

    code = "event_log_busy"
    retryable = True


class StorageError(DomainError, LogUnavailableError):
    """The store cannot be used now. Nothing was changed; the same call may work later.

    Attributes:
        reason: the technology's own name of the failure, for logs and for the server's operator.
    """

    retryable = True

    def __init__(self, detail: str, reason: str) -> None:
        super().__init__(detail)
        self.reason = reason


class StorageFullError(StorageError):
    """The store's disk is full."""

    code = "storage_full"

    def __init__(self, reason: str) -> None:
        super().__init__("The disk of the server is full; nothing was changed. Make room, then try again.", reason)


class StorageUnavailableError(StorageError):
    """The store's file cannot be read or written now: locked, read-only, no memory, a failing disk."""

    code = "storage_unavailable"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The store of the server cannot be used now ({reason}); nothing was changed. Try again later.", reason
        )


class StorageDamagedError(StorageError):
    """The store's file is no longer what was written. Trying again does not help: a backup must be restored."""

    code = "storage_damaged"
    retryable = False

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The store of the server is damaged ({reason}). The server's operator must restore a backup.", reason
        )


class TurnFencedError(Exception):
    """This attempt no longer owns its turn: another began, or the message ended. Write nothing more."""


class TurnCancelRequestedError(Exception):
    """Somebody asked to cancel the message while it ran."""


class StaleBaseError(Exception):
    """The project's code changed since the turn read it; its patch was not applied."""


class MemoryCorruptError(Exception):
    """The memory file cannot be read, or a turn in it is torn. It must be rebuilt from the store."""


class MemoryMissingError(Exception):
    """The memory file that a commit was meant for is not there."""


class TurnError(Exception):
    """A turn cannot go on.

    Attributes:
        code: stable; becomes the `code` of `message_failed`.
        detail: for people.
        retryable: whether beginning the turn again may help.
        retry_after: seconds that whoever failed asks to be left alone.
    """

    def __init__(self, code: str, detail: str, *, retryable: bool, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.retryable = retryable
        self.retry_after = retry_after
