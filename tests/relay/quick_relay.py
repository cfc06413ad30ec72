"""The relay's process with short polls: long polls would block all of moto."""

import runpy
from unittest.mock import patch

from backend.relay import process

if __name__ == "__main__":
    with patch.object(process, "POLL_SECONDS", 1), patch.object(process, "CHECK_SECONDS", 0.1):
        runpy.run_module("backend.relay.main", run_name="__main__")
