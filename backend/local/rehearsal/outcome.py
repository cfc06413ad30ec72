"""What a rule did."""

from __future__ import annotations

from dataclasses import dataclass

from backend.local.rehearsal.scene import Scene
from backend.local.rehearsal.words import listed


@dataclass(frozen=True)
class Outcome:
    """What one rule did with one part of a request.

    Attributes:
        code: The source afterwards; the same when nothing changed.
        note: What to tell the user.
        touched: Variables of the agents it made or changed.
    """

    code: str
    note: str
    touched: tuple[str, ...] = ()


def unknown_agent(phrase: str, scene: Scene) -> Outcome:
    """Tell the user that a name fits no agent.

    Args:
        phrase: What the user wrote.
        scene: What the rule looked at.

    Returns:
        An outcome that changes nothing.
    """
    names = [agent.var for agent in scene.agents]
    if not names:
        return Outcome(scene.code, "There is no agent in the code yet. Ask me to create one.")
    wanted = " ".join(phrase.split())[:60]
    known = f"The agents are {listed(names)}." if len(names) > 1 else f"The only agent is {names[0]}."
    return Outcome(scene.code, f"I do not see which agent you mean by {wanted!r}. {known}")
