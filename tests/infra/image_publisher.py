"""The publisher of the relay's image, and stand-ins for what it talks to: no container engine, no registry."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.server_process import ROOT

CONTAINERFILE = ROOT / "infra/relay/Containerfile"
ENGINE = """#!{python}
import json, sys, pathlib
given = sys.argv[1:]
call = {{"arguments": given, "stdin": sys.stdin.read() if "--password-stdin" in given else ""}}
if given[0] == "build":
    call["files"] = sorted(str(p.relative_to(given[-1])) for p in pathlib.Path(given[-1]).rglob("*") if p.is_file())
with open({calls!r}, "a") as calls:
    calls.write(json.dumps(call) + "\\n")
sys.exit(1 if given[0] in {failing!r} else 0)
"""


def load_publisher() -> ModuleType:
    """infra/relay/publish_image.py, which is a script and in no package."""
    script = ROOT / "infra/relay/publish_image.py"
    spec = importlib.util.spec_from_file_location("publish_image", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # A script finds the modules beside it.
    sys.path.insert(0, str(script.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(script.parent))
    return module


class Engine:
    """A container engine that records its calls and does nothing."""

    def __init__(self, folder: Path, *failing: str) -> None:
        self._calls = folder / "calls"
        self.program = folder / "engine"
        self.program.write_text(ENGINE.format(python=sys.executable, calls=str(self._calls), failing=failing))
        self.program.chmod(0o755)

    @property
    def calls(self) -> list[dict[str, Any]]:
        lines = self._calls.read_text().splitlines() if self._calls.exists() else []
        return [call for call in map(json.loads, lines) if call["arguments"] != ["info"]]


def push_image(ecr: Any, tag: str, content: str = "1") -> str:
    """Put an image into the repository. Returns its digest."""
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    config = {"digest": f"sha256:{content}"}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": []})
    pushed = ecr.put_image(repositoryName="vibewire-relay", imageManifest=manifest, imageTag=tag)
    digest: str = pushed["image"]["imageId"]["imageDigest"]
    return digest
