"""`make run`: Vibewire on this machine, without an account; without a key the demo model answers."""

import shared.empty_variables  # noqa: F401 - it does its work when it is imported

import asyncio
import logging
import os
import sys
from contextlib import AsyncExitStack

import uvloop

from backend.local.demo_model.server import run_demo_model
from backend.local.process import PartDiedError, run_process
from backend.local.server_address import command_for, url_of
from backend.local.settings import LocalSettings
from backend.local.start_checks import CannotStartError, open_port
from backend.local.terminal_text import VisibleFormatter, visible
from shared.environment import InvalidSettingsError, read_settings

_OWN_LOGGERS = ("backend", "shared")

_BANNER = """
  Vibewire is listening on {url}

  model   {model}
  data    {data}

  Open that address in a browser, or watch it live in another terminal:   {watch}
  Then create a project and talk to it, there or with curl:

    P=$(curl -s {url}/projects -H 'content-type: application/json' -d '{{"name": "Support"}}' | cut -d'"' -f4)
    S=$(curl -s -X POST {url}/projects/$P/sessions | cut -d'"' -f4)
    curl -s {url}/sessions/$S/messages -H 'content-type: application/json' -d '{{"prompt": "Create a triage agent"}}'

  Ctrl-C stops it; what is queued goes on at the next start.
"""


async def run(settings: LocalSettings) -> None:
    """Run until a signal asks to stop."""
    async with AsyncExitStack() as stack:
        model = f"{settings.model or 'the default of the Agents SDK'} at {settings.openai_base_url or 'OpenAI'}"
        if settings.openai_api_key is None and settings.openai_base_url is None:
            base_url = await stack.enter_async_context(run_demo_model(settings.demo_pace_seconds))
            model = f"demo model, fixed rules: OPENAI_API_KEY is not set (it listens on {base_url})"
            settings = settings.model_copy(update={"openai_base_url": base_url})
        if settings.openai_api_key is None:
            settings = settings.model_copy(update={"openai_api_key": "none"})
        server = await stack.enter_async_context(run_process(settings))
        listener = open_port(settings)
        url = url_of(settings.host, listener.getsockname()[1])
        watch = command_for(url, "make watch")
        banner = _BANNER.format(url=url, watch=watch, model=model, data=settings.data_dir.resolve())
        print(visible(banner), flush=True)
        await server.serve(sockets=[listener])


def main() -> None:
    """Start, or say in one line why not. Exits with 1 also when a part of the process died."""
    handler = logging.StreamHandler()
    handler.setFormatter(VisibleFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    # Libraries log from warnings on: some log each of their calls at INFO.
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            settings = read_settings(LocalSettings, os.environ)
            for name in _OWN_LOGGERS:
                logging.getLogger(name).setLevel(settings.log_level)
            runner.run(run(settings))
    except (InvalidSettingsError, CannotStartError) as error:
        sys.exit(visible(f"Vibewire cannot start: {error}"))
    except PartDiedError as error:
        sys.exit(visible(f"Vibewire has stopped. {error}"))


if __name__ == "__main__":
    main()
