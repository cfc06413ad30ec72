"""The key of the model's server: read, kept for a while, and never a reason to hang or crash."""

from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest

from backend.app.domain.errors import TurnError
from functions.model_key import ModelKey
from functions.telemetry import Telemetry
from shared.aws_service import AwsService, build_service
from tests.functions.conftest import Printed
from tests.moto_aws import MotoAws

NAME = "openai"


class Seconds:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def secretsmanager(moto: MotoAws) -> AwsService:
    return build_service("secretsmanager", threads=ThreadPoolExecutor(1))


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def key(secretsmanager: AwsService, seconds: Seconds) -> ModelKey:
    return ModelKey(secretsmanager, NAME, seconds)


def store(text: str) -> None:
    client = boto3.client("secretsmanager")
    try:
        client.create_secret(Name=NAME, SecretString=text)
    except client.exceptions.ResourceExistsException:
        client.put_secret_value(SecretId=NAME, SecretString=text)


async def test_the_key_is_read_from_the_secret(key: ModelKey) -> None:
    store("sk-first\n")
    assert await key.get() == "sk-first"


async def test_the_key_is_cached_for_some_minutes(key: ModelKey, seconds: Seconds) -> None:
    store("sk-first")
    await key.get()
    store("sk-second")
    seconds.now += 299
    assert await key.get() == "sk-first"
    seconds.now += 2
    assert await key.get() == "sk-second"


async def test_a_key_that_was_refused_is_read_again(key: ModelKey) -> None:
    store("sk-first")
    await key.get()
    store("sk-second")
    key.discard()
    assert await key.get() == "sk-second"


async def test_a_missing_secret_is_a_failure_that_may_pass(
    key: ModelKey, telemetry: Telemetry, printed: Printed
) -> None:
    with pytest.raises(TurnError) as failed:
        await key.get()
    assert (failed.value.code, failed.value.retryable) == ("model_key_unavailable", True)
    assert "VIBEWIRE_OPENAI_SECRET_ARN" in printed.lines[-1]["message"]
    store("sk-late")
    assert await key.get() == "sk-late"


@pytest.mark.parametrize("text", [" ", "\n", "two words", "sk-é", "sk-\x00"])
async def test_a_secret_that_holds_no_key_is_a_failure_and_is_not_printed(
    key: ModelKey, telemetry: Telemetry, printed: Printed, text: str
) -> None:
    store(text)
    with pytest.raises(TurnError, match="holds no key"):
        await key.get()
    assert not text.strip() or text.strip() not in printed.text
