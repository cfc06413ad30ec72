"""How much is measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """How much of everything.

    Attributes:
        seconds: after these the run is given up.
        rounds: samples of everything; a median worth the name needs at least three.
        sessions: fresh sessions in one sample, one after the other.
        stored_turns: turns in one sample with 10,000 stored items.
        given_turns: by items of history that the model is given, turns in one sample.
        ticked_turns: turns under the ticker.
        parallel_turns: turns of each of the parallel sessions in one sample.
        watched_sessions: fresh sessions in one sample of a watched room.
        import_rounds: fresh processes of each kind.
    """

    seconds: float
    rounds: int
    sessions: int
    stored_turns: int
    given_turns: dict[int, int]
    ticked_turns: int
    parallel_turns: int
    watched_sessions: int
    import_rounds: int


FULL = Plan(
    seconds=360,
    rounds=5,
    sessions=5,
    stored_turns=12,
    given_turns={200: 6, 2_000: 2},
    ticked_turns=12,
    parallel_turns=2,
    watched_sessions=4,
    import_rounds=11,
)
# Half a minute on two idle cores, and time enough on busy ones.
QUICK = Plan(
    seconds=300,
    rounds=1,
    sessions=2,
    stored_turns=3,
    given_turns={200: 1, 2_000: 1},
    ticked_turns=2,
    parallel_turns=1,
    watched_sessions=1,
    import_rounds=1,
)
