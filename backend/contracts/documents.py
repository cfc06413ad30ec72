"""`make contracts`: writes the documents, docs/reference/ and the event client's types.

`--check` only reports which are out of date.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from backend.app.api.application import build_application
from backend.app.api.problem_codes import PROBLEM_CODES
from backend.app.wiring import build_services
from backend.app.wiring_local import build_local_engine
from backend.contracts.asyncapi import asyncapi_document
from backend.contracts.openapi import openapi_document
from backend.contracts.reference import api_page, events_page
from backend.contracts.reference_limits import limits_page
from backend.contracts.reference_settings import settings_page
from backend.contracts.socket_examples import model_of_event
from backend.contracts.typescript import constant_list, declaration, handlers, module_text, union
from backend.local.settings import LocalSettings

Json = dict[str, Any]

FOLDER = Path(__file__).parent
REFERENCE = FOLDER.parents[1] / "docs" / "reference"
TYPES = FOLDER.parent / "client" / "src" / "contract"


def current_files() -> dict[Path, str]:
    """Return the current content of each generated file."""
    openapi = _openapi()
    asyncapi = asyncapi_document(openapi["info"]["version"])
    return {
        FOLDER / "openapi.json": _json_text(openapi),
        FOLDER / "asyncapi.json": _json_text(asyncapi),
        TYPES / "api.ts": _api_types(openapi),
        TYPES / "events.ts": _event_types(openapi, asyncapi),
        REFERENCE / "api.md": api_page(openapi),
        REFERENCE / "events.md": events_page(asyncapi),
        REFERENCE / "limits.md": limits_page(),
        REFERENCE / "settings.md": settings_page(),
    }


def _openapi() -> Json:
    # Nothing is opened: only the routes are read.
    settings = LocalSettings(data_dir=Path(tempfile.gettempdir()))
    return openapi_document(build_application(build_services(settings, build_local_engine(settings.data_dir))))


def _json_text(document: Json) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _api_types(openapi: Json) -> str:
    schemas = openapi["components"]["schemas"]
    codes = constant_list("PROBLEM_CODES", "Every `code` of a problem.", sorted(PROBLEM_CODES))
    return module_text(codes, *(declaration(name, schemas[name]) for name in sorted(schemas)))


def _event_types(openapi: Json, asyncapi: Json) -> str:
    shared = openapi["components"]["schemas"]
    schemas = asyncapi["components"]["schemas"]
    # Schemas of both documents are declared once.
    imported = sorted(name for name in schemas if name in shared)
    models = {name: model_of_event(name).__name__ for name in asyncapi["operations"] if not name.startswith("receive_")}
    logged = [name for name in models if models[name] in shared]
    sent = [name for name in models if models[name].endswith("Event")]
    return module_text(
        "import type {\n" + "".join(f"  {name},\n" for name in imported) + '} from "./api.ts";\n',
        "export type {\n" + "".join(f"  {name},\n" for name in imported) + "};\n",
        constant_list("EVENT_NAMES", "Every event that the relay sends.", models),
        constant_list("LOGGED_EVENT_NAMES", "The events that are logged: those with a `seq`.", logged),
        *(declaration(name, schemas[name]) for name in schemas if name not in shared),
        union("LoggedEvent", "The logged events, which are replayed.", (models[name] for name in logged)),
        union("SessionEvent", "The events of a project.", (models[name] for name in sent)),
        handlers(
            "ServerToClientEvents",
            "For socket.io-client's types.",
            {name: f"event: {model}" for name, model in models.items()},
        ),
        handlers(
            "ClientToServerEvents",
            "For socket.io-client's types.",
            {
                "subscribe": "request: Subscription, acknowledge: (result: Subscribed | Refusal) => void",
                "unsubscribe": "request: Unsubscription, acknowledge: (result: Unsubscribed | Refusal) => void",
            },
        ),
    )


def outdated_files() -> list[Path]:
    """Return the committed files that differ from the code."""
    return [path for path, text in current_files().items() if not path.exists() or path.read_text() != text]


def main() -> None:
    """Write the outdated files, or with `--check` exit with 1 if there are any."""
    outdated = outdated_files()
    names = ", ".join(str(path.relative_to(FOLDER.parents[1])) for path in outdated)
    if "--check" in sys.argv[1:]:
        sys.exit(f"Out of date, run `make contracts`: {names}" if outdated else 0)
    for path, text in current_files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    sys.stdout.write(f"Written: {names}\n" if outdated else "The contracts are up to date.\n")


if __name__ == "__main__":
    main()
