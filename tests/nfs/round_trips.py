"""Counts a client's calls to its NFS server, each of which is a round trip: Linux keeps them per mount."""

import re
from collections import Counter
from pathlib import Path

_MOUNT = re.compile(r"device \S+ mounted on (\S+) ")
_CALLS = re.compile(r"\s+([A-Z_]+): (\d+) ")


def calls_so_far(mount: Path) -> Counter[str]:
    """All calls of the mount's client, by name."""
    calls: Counter[str] = Counter()
    current = None
    for line in Path("/proc/self/mountstats").read_text().splitlines():
        if found := _MOUNT.match(line):
            current = found[1]
        elif current == str(mount) and (found := _CALLS.match(line)):
            calls[found[1]] += int(found[2])
    if not calls:
        raise ValueError(f"{mount} is not an NFS mount")
    return calls


def describe(calls: Counter[str]) -> str:
    """The calls for people, most frequent first."""
    return f"{calls.total()} ({', '.join(f'{name} {count}' for name, count in calls.most_common())})"
