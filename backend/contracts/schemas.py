"""JSON schemas of pydantic models as components of a document: each model under its name, none nested."""

from typing import Any, Literal

from pydantic import TypeAdapter

Json = dict[str, Any]
COMPONENTS = "#/components/schemas/{model}"


def schemas_of(*adapters: TypeAdapter[Any], mode: Literal["validation", "serialization"] = "serialization") -> Json:
    """Return the schemas of the adapters' models by name.

    Args:
        adapters: type adapters of models, or of unions of models.
        mode: `validation` for what is received, `serialization` for what is sent, which has all fields.
    """
    _, definitions = TypeAdapter.json_schemas([(one, mode, one) for one in adapters], ref_template=COMPONENTS)
    schemas: Json = definitions.get("$defs", {})
    if mode == "serialization":
        for schema in schemas.values():
            require_every_field(schema)
    return schemas


def require_every_field(schema: Json) -> None:
    """Mark every field of an object as required: defaults are serialized like any other value.

    A field that is left out at one value has that value in `x-omitted-when`.
    """
    if "properties" in schema:
        schema["required"] = [name for name, one in schema["properties"].items() if "x-omitted-when" not in one]
