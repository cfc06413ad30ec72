"""Errors of the store's technology: a full or failing disk, a damaged file."""

from backend.app.domain.errors import DomainError
from shared.event_log import LogUnavailableError


class StorageError(DomainError, LogUnavailableError):
    """The store cannot be used now. Nothing was changed; the same call may work later.

    Attributes:
        reason: the store's own name of the failure, for logs and for the server's operator.
    """

    retryable = True

    def __init__(self, detail: str, reason: str) -> None:
        super().__init__(detail)
        self.reason = reason


class StorageFullError(StorageError):
    """The store's disk is full."""

    code = "storage_full"

    def __init__(self, reason: str) -> None:
        super().__init__("The server's disk is full; nothing was changed. Free some space, then try again.", reason)


class StorageUnavailableError(StorageError):
    """The store's file cannot be read or written now: locked, read-only, no memory, a failing disk."""

    code = "storage_unavailable"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The server's store is unavailable ({reason}); nothing was changed. Try again later.", reason)


class StorageDamagedError(StorageError):
    """The store's file is damaged. Retrying does not help: a backup must be restored."""

    code = "storage_damaged"
    retryable = False

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The server's store is damaged ({reason}). The server's operator must restore a backup.", reason
        )
