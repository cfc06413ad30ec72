"""`python -m tests.model_server`: the model server as a process of its own, until a signal stops it."""

import argparse
import asyncio

from tests.model_server.calls import ModelState
from tests.model_server.process import serve_until_stopped
from tests.model_server.server import create_app


async def run(port: int, pace_seconds: float) -> None:
    """Serve until a signal asks to stop."""
    state = ModelState(pace_seconds)
    await serve_until_stopped(create_app(state), port)
    await state.offloader.close()


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(prog="model_server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--pace", type=float, default=0.0, help="seconds between two pieces of a streamed answer")
    given = parser.parse_args()
    asyncio.run(run(given.port, given.pace))


if __name__ == "__main__":
    main()
