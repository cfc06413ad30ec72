"""New ids."""

from uuid_utils import uuid7


class Uuid7Ids:
    """The IdGenerator of production: UUIDv7 (RFC 9562), so that ids sort by the time they were made."""

    def new_id(self) -> str:
        """A new UUIDv7 as a string."""
        return str(uuid7())
