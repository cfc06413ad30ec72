"""The scopes of variables."""

from dataclasses import dataclass, field

from backend.app.domain.projects.workflow.values import Value


@dataclass
class Scope:
    """The variables of a function or a branch, which shadow those of its parent."""

    parent: "Scope | None" = None
    names: dict[str, Value] = field(default_factory=dict)

    def find(self, name: str) -> Value | None:
        """The value of the variable; None where the source does not assign it."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return None
