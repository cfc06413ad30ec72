"""Where the variables of a source are looked up."""

from dataclasses import dataclass, field

from backend.app.domain.projects.workflow.values import Value


@dataclass
class Scope:
    """The variables of a function, or of a branch of one, which hides those around it."""

    parent: "Scope | None" = None
    names: dict[str, Value] = field(default_factory=dict)

    def find(self, name: str) -> Value | None:
        """What the variable holds; None where it is not one of the source."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return None
