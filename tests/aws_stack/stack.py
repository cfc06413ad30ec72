"""Vibewire as it runs on AWS, on this machine: each of our parts in a process of its own, AWS by moto.

Functions run in sandboxes with the environment that the template gives them; this process plays API Gateway and the
event source mapping. Relays are processes; tokens come from an issuer of the test's own.
"""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.app.api.application import ALL_ROUTES
from tests.aws_stack.event_source_mapping import EventSourceMapping
from tests.aws_stack.gateway import Gateway
from tests.aws_stack.sandboxes import Lambda, scratch_folder
from tests.identity.issuer import TokenIssuer
from tests.moto_server import Moto, start_moto
from tests.server_process import ServerProcess
from tests.template_stack import TemplateStack, create_stack


@dataclass(frozen=True)
class AwsStack:
    """What is running."""

    moto: Moto
    issuer: TokenIssuer
    template: TemplateStack
    functions: Lambda
    relays: list[ServerProcess]
    api_url: str
    folder: Path

    def token(self, user: str = "ann") -> str:
        """A token of a user."""
        return self.issuer.token(user)

    def client(self, service: str) -> Any:
        """A boto3 client of the stand-in for AWS."""
        return self.moto.client(service)


@contextmanager
def start_stack(model_url: str, *, relays: int = 1, workers: int = 2, **settings: str) -> Iterator[AwsStack]:
    """Start everything, and stop it in the end.

    Args:
        model_url: the server of the model.
        relays: how many relay processes.
        workers: how many turns may run at the same time.
        settings: of the functions, by their names in lower case, in place of the template's.
    """
    folder = scratch_folder()
    with ExitStack() as closing:
        closing.callback(shutil.rmtree, folder)
        moto = closing.enter_context(start_moto())
        issuer = closing.enter_context(TokenIssuer())
        template = create_stack(moto.client)
        answers = {
            "JwksUrl": issuer.jwks_url,
            "JwtIssuer": issuer.settings["jwt_issuer"],
            "JwtAudience": issuer.settings["jwt_audience"],
            "OpenAiBaseUrl": model_url,
        }
        more = {
            **moto.environment,
            "VIBEWIRE_MEMORY_DIR": str(folder / "memory"),
            **{f"VIBEWIRE_{name.upper()}": value for name, value in settings.items()},
        }
        functions = Lambda(_environments(template, answers, more), folder)
        closing.callback(functions.end)
        relay_environment = {**template.relay_environment(**answers), **moto.environment}
        relay_environment |= {"VIBEWIRE_HOST": "127.0.0.1", "VIBEWIRE_PORT": "0"}
        started = [
            closing.enter_context(
                ServerProcess(
                    "tests.relay.quick_relay", environment={**relay_environment, "HOSTNAME": f"relay-{number}"}
                )
            )
            for number in range(relays)
        ]
        gateway = closing.enter_context(Gateway(functions))
        closing.enter_context(
            EventSourceMapping(moto.client("sqs"), template.turn_queue_url, functions, parallel=workers, timeout=120)
        )
        yield AwsStack(moto, issuer, template, functions, started, gateway.url, folder)


def _environments(template: TemplateStack, answers: dict[str, str], more: dict[str, str]) -> dict[str, dict[str, str]]:
    names = [*(route.name for route in ALL_ROUTES), "run_turn", "erase_session", "close_abandoned_turns"]
    return {
        f"functions.{name}": {
            **template.environment_of(f"{name.title().replace('_', '')}Function", **answers),
            **_only_known(template.environment_of(f"{name.title().replace('_', '')}Function", **answers), more),
        }
        for name in names
    }


def _only_known(given: dict[str, str], more: dict[str, str]) -> dict[str, str]:
    # The template decides which settings a function has; a test only gives them other values.
    return {name: value for name, value in more.items() if name in given or name.startswith("AWS_")}
