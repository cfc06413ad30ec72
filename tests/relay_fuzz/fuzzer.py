"""Fuzzers that run until they are cancelled. Each attack has its own seed and can be repeated."""

import asyncio
import random
from collections import Counter
from urllib.parse import urlsplit

from tests.relay_fuzz.attacks import ATTACKS, Attacker
from tests.relay_fuzz.raw_connection import InputLog

# The longest time of one attack.
_ATTACK_SECONDS = 6.0


class Fuzzer:
    """One of several. `last` names its newest attack, and `input_log` has what it sent."""

    def __init__(self, url: str, seed: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self._address = (parts.hostname, parts.port)
        self._seed = seed
        self._number = 0
        self.input_log = InputLog()
        self.attacks: Counter[str] = Counter()
        self.last = ""

    async def run(self) -> None:
        """One attack after the other until cancelled."""
        while True:
            self._number += 1
            rng = random.Random(f"{self._seed}/{self._number}")
            attack = rng.choice(ATTACKS)
            self.last = f"{attack.__name__} with random.Random({self._seed}/{self._number})"
            self.attacks[attack.__name__] += 1
            try:
                async with asyncio.timeout(_ATTACK_SECONDS):
                    await attack(Attacker(self._address, rng, self.input_log))
            except (OSError, TimeoutError):
                continue  # the relay closed the connection, as it should

    def report(self) -> str:
        """The last attack, so that it can be repeated."""
        return "\n".join((self.last, *(f"    {kind}: {data!r}" for kind, data in self.input_log.last)))
