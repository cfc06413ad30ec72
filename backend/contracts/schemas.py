"""JSON schemas of pydantic models, as documents of an API hold them: each model by its name, none inside another."""

from typing import Any, Literal

from pydantic import TypeAdapter

from backend.contracts.meanings import add_meanings

Json = dict[str, Any]
COMPONENTS = "#/components/schemas/{model}"


def schemas_of(*adapters: TypeAdapter[Any], mode: Literal["validation", "serialization"] = "serialization") -> Json:
    """The schemas of the adapters' models by name.

    Args:
        adapters: of models, or of unions of models.
        mode: of what is received, or of what is sent; what is sent has all its fields.
    """
    _, whole = TypeAdapter.json_schemas([(one, mode, one) for one in adapters], ref_template=COMPONENTS)
    schemas: Json = whole.get("$defs", {})
    for schema in schemas.values():
        add_meanings(schema)
        if mode == "serialization":
            require_every_field(schema)
    return schemas


def require_every_field(schema: Json) -> None:
    """Say that every field of an object is there: a default is written like any other value.

    What is left out at one value has that value as `x-omitted-when`.
    """
    if "properties" in schema:
        schema["required"] = [name for name, one in schema["properties"].items() if "x-omitted-when" not in one]
