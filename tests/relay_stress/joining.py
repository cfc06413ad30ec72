"""Plans when clients join a running stream, with which `after`, and whose connections break."""

from dataclasses import dataclass, field
from functools import partial
from random import Random

from tests.relay.live_relay import PROJECT, SESSION
from tests.relay_stress.crowd import POLLING, Crowd, Report
from tests.relay_stress.stream import Actions, Stream

Kinds = dict[tuple[str, ...], int]

# Parts of the stream. A polling client gets 16 events a request and would slow down all others: it joins late and needs
# only the last events, the first such client a fifth of the stream.
_EARLY, _LATE, _CUTS = (0.01, 0.8), (0.9, 0.96), (0.3, 0.99)


@dataclass
class Joining:
    """Plans for the clients of a stream.

    Attributes:
        stream: the stream.
        total: how many events it will have.
        random: decides which clients and when.
        began: by client, the number after which it must receive everything; None: after its `last_seq`.
        cuts: the clients whose connections were aborted.
    """

    stream: Stream
    total: int
    random: Random
    began: dict[str, int | None] = field(default_factory=dict)
    cuts: list[str] = field(default_factory=list)

    def arrivals(self, crowd: Crowd, prefix: str, kinds: Kinds) -> Actions:
        """Each client connects at its own time."""
        actions: Actions = []
        for transports, count in kinds.items():
            for number in range(count):
                name = f"{prefix} {'+'.join(transports)} {number}"
                at = self._position(*(_LATE if transports == POLLING else _EARLY))
                actions.append((at, partial(self._arrive, crowd, name, transports)))
        return actions

    def breaks(self, crowd: Crowd, count: int) -> Actions:
        """Connections break one by one."""
        return [(self._position(*_CUTS), partial(self._cut, crowd)) for _ in range(count)]

    def check(self, reports: dict[str, Report], crowd: Crowd) -> None:
        """Each client has received every event once and in order; the relay disconnected no client."""
        for name, report in reports.items():
            assert report.mistakes == [], name
            assert report.truncated == [], name
            assert report.last == {SESSION: self.total}, name
            began = self.began[name]
            if began is None:
                began = crowd.joined[name][0]["last_seq"][SESSION]
            assert report.events == self.total - began, name
            assert len(report.ends) == self.cuts.count(name), (name, report.ends)

    async def _arrive(self, crowd: Crowd, name: str, transports: tuple[str, ...]) -> None:
        last = self.stream.last
        choice = self.random.random()
        if transports == POLLING:
            began: int | None = last * 4 // 5 if name.endswith(" 0") else max(0, last - self.random.randint(0, 400))
        else:
            began = 0 if choice < 0.6 else None if choice < 0.8 else self.random.randint(0, last)
        self.began[name] = began
        await crowd.open(name, transports, PROJECT, None if began is None else {SESSION: began})

    async def _cut(self, crowd: Crowd) -> None:
        await crowd.until(lambda: len(crowd.received) > 0, "a client is subscribed")
        name = self.random.choice(sorted(crowd.received))
        self.cuts.append(name)
        await crowd.cut(name)
        await crowd.until(lambda: len(crowd.ended[name]) >= self.cuts.count(name), f"{name} noticed its end")

    def _position(self, begin: float, end: float) -> int:
        return self.random.randint(int(self.total * begin), int(self.total * end))
