"""The key of the model's server, out of Secrets Manager."""

import logging
import time
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from backend.app.domain.errors import TurnError
from shared.aws_service import AwsService

logger = logging.getLogger(__name__)

_KEPT_SECONDS = 300.0


class ModelKey:
    """Reads the secret on first use, and again after some minutes or when the model's server refused it."""

    def __init__(
        self, secretsmanager: AwsService, secret_arn: str, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._secretsmanager = secretsmanager
        self._secret_arn = secret_arn
        self._seconds = seconds
        self._key = ""
        self._read_at = 0.0

    async def get(self) -> str:
        """The key. Raises TurnError "model_key_unavailable", retryable: the secret may be written later."""
        if not self._key or self._seconds() - self._read_at >= _KEPT_SECONDS:
            self._key = await self._read()
            self._read_at = self._seconds()
        return self._key

    def discard(self) -> None:
        """Read the secret again before the next use: the key was refused, perhaps it was replaced."""
        self._key = ""

    async def _read(self) -> str:
        try:
            answer = await self._secretsmanager.call("get_secret_value", SecretId=self._secret_arn)
        except (ClientError, BotoCoreError) as error:
            logger.exception("The secret of VIBEWIRE_OPENAI_SECRET_ARN cannot be read")
            raise _unavailable("it cannot be read") from error
        key = str(answer.get("SecretString", "")).strip()
        # A key must fit in a header; the secret of a new stack is empty.
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            logger.error("The secret of VIBEWIRE_OPENAI_SECRET_ARN holds no key")
            raise _unavailable("it holds no key")
        return key


def _unavailable(reason: str) -> TurnError:
    return TurnError("model_key_unavailable", f"The secret with the model's key: {reason}.", retryable=True)
