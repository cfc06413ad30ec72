"""Messages on a relay's queue: events of the bus, and the probes that show that events arrive."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from shared.bus_messages import BusMessage


class RelayProbe(BaseModel):
    """Published by a relay to find out that its queue receives; other relays ignore it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    type: Literal["relay_probe"] = "relay_probe"
    probe_id: str
    queue: str


_adapter: TypeAdapter[BusMessage | RelayProbe] = TypeAdapter(
    Annotated[BusMessage | RelayProbe, Field(discriminator="type")]
)


class MalformedBusMessageError(ValueError):
    """Not an event and not a probe. The message says why, without quoting it."""


def parse_bus_message(body: str) -> BusMessage | RelayProbe:
    """Parse the body of a message. Raises MalformedBusMessageError."""
    try:
        return _adapter.validate_json(body)
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['type']}" for one in error.errors()[:5])
        raise MalformedBusMessageError("; ".join(problems)) from None
