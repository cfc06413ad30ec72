"""CloudFormation's functions, as far as the templates use them."""

import re
from collections.abc import Mapping
from typing import Any

_REFERENCE = re.compile(r"\$\{([^!}][^}]*)\}")


class Resolver:
    """Evaluates the values in a template.

    Args:
        values: of parameters, of pseudo parameters, and of attributes ("Storage.Outputs.TableName"). What is not there
            is a resource that was not made: its reference becomes its own name in angle brackets.
        conditions: the template's.
    """

    def __init__(self, values: Mapping[str, Any], conditions: Mapping[str, Any] | None = None) -> None:
        self._values = values
        self._conditions = conditions or {}

    def resolve(self, value: Any) -> Any:
        """A value without functions; properties that are AWS::NoValue are left out."""
        if isinstance(value, list):
            return [resolved for inner in value if (resolved := self.resolve(inner)) is not None]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name == "Ref" or name.startswith("Fn::"):
                return self._call(name, argument)
        return {name: resolved for name, inner in value.items() if (resolved := self.resolve(inner)) is not None}

    def holds(self, condition: str) -> bool:
        """Whether a condition of the template holds."""
        return bool(self.resolve(self._conditions[condition]))

    def _look_up(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return None
        return self._values.get(name, f"<{name}>")

    def _call(self, name: str, argument: Any) -> Any:
        match name:
            case "Ref":
                return self._look_up(argument)
            case "Fn::GetAtt":
                return self._look_up(argument if isinstance(argument, str) else ".".join(argument))
            case "Fn::Sub":
                return _REFERENCE.sub(lambda found: str(self._look_up(found[1])), argument)
            case "Fn::If":
                condition, then, otherwise = argument
                return self.resolve(then if self.holds(condition) else otherwise)
            case "Fn::Equals":
                left, right = map(self.resolve, argument)
                return str(left) == str(right)
            case "Fn::Not":
                return not self.resolve(argument[0])
            case "Fn::Join":
                return str(argument[0]).join(self.resolve(argument[1]))
            case "Fn::Split":
                return str(self.resolve(argument[1])).split(argument[0])
            case "Fn::Select":
                return self.resolve(argument[1])[int(argument[0])]
            case _:
                raise NotImplementedError(name)
