"""What the event bus carries: events for clients, and a message for the relays alone."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from shared.events import Event


class AccessChangedEvent(BaseModel):
    """Only for the relays, never sent to clients: they check again who may subscribe to the project."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    type: Literal["access_changed"] = "access_changed"
    event_id: str
    project_id: str
    created_at: datetime


BusMessage = Event | AccessChangedEvent
bus_message_adapter: TypeAdapter[BusMessage] = TypeAdapter(
    Annotated[BusMessage, Field(discriminator="type")], config=ConfigDict(defer_build=True)
)
