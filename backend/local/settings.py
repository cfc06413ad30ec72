"""The settings of the local process."""

from pathlib import Path
from typing import Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, field_validator

from backend.app.settings import AppSettings
from shared.identity_settings import parse_origins


class LocalSettings(AppSettings):
    """The settings of `make run`, from environment variables."""

    data_dir: Path = Field(Path(".vibewire"), description="Where the local engine keeps its files.")
    host: str = Field("127.0.0.1", description="The address to listen on; without identity settings only loopback.")
    port: int = Field(8765, ge=0, le=65535, description="The port to listen on; 0: any free one.")
    origins: str = Field(
        "", description="Web origins that may call and connect, divided by commas; only with identity settings."
    )
    workers: PositiveInt = Field(8, description="Turns that run at the same time in one process.")
    fill_seconds: PositiveFloat = Field(
        15, description="How often the relay compares its cursors with the log, in seconds."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = Field(
        "WARNING", description="From which level on Vibewire logs to the terminal; INFO shows the milestones of turns."
    )
    demo_pace_seconds: NonNegativeFloat = Field(
        0.04,
        description="The demo model's pause between two pieces that it writes, in seconds; it thinks for 15 of them.",
    )
    openai_api_key: str | None = Field(
        None,
        repr=False,
        description="The key of the model's server; without it the demo model answers.",
    )

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_capitals(cls, level: object) -> object:
        return level.upper() if isinstance(level, str) else level

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """The web origins that may call and connect."""
        return parse_origins(self.origins)
