"""TypeScript declarations from pydantic's JSON schemas. Raises ValueError for a schema it cannot translate."""

import json
from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]

_HEADER = "// Written by `make contracts` from the code of the backend. Do not edit.\n"
_PLAIN = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}


def module_text(*parts: str) -> str:
    """Join declarations to a module."""
    return "\n".join((_HEADER, *parts))


def declaration(name: str, schema: Json) -> str:
    """Declare an interface or type for the schema."""
    text = _comment(schema, "")
    if "properties" in schema:
        return f"{text}export interface {name} {_object(schema)}\n"
    return f"{text}export type {name} = {_type(schema)};\n"


def union(name: str, comment: str, members: Iterable[str]) -> str:
    """Declare a union type."""
    return f"/** {comment} */\nexport type {name} =\n  | " + "\n  | ".join(members) + ";\n"


def constant_list(name: str, comment: str, values: Iterable[str]) -> str:
    """Declare a constant list of strings with literal types."""
    lines = "".join(f"  {json.dumps(value)},\n" for value in values)
    return f"/** {comment} */\nexport const {name} = [\n{lines}] as const;\n"


def handlers(name: str, comment: str, lines: dict[str, str]) -> str:
    """Declare an interface of event handlers for socket.io-client's types."""
    text = "".join(f"  {event}: ({arguments}) => void;\n" for event, arguments in lines.items())
    return f"/** {comment} */\nexport interface {name} {{\n{text}}}\n"


def _object(schema: Json) -> str:
    required = schema.get("required", [])
    lines = [
        f"{_comment(field, '  ')}  {name}{'' if name in required else '?'}: {_type(field)};\n"
        for name, field in schema["properties"].items()
    ]
    return "{\n" + "".join(lines) + "}"


def _comment(schema: Json, indent: str) -> str:
    text = " ".join(schema.get("description", "").replace("*/", "* /").split())
    return f"{indent}/** {text} */\n" if text else ""


def _type(schema: Json) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return " | ".join(dict.fromkeys(_type(one) for one in schema[choice]))
    if schema.get("type") == "array":
        inner = _type(schema["items"])
        return f"{inner}[]" if inner.isidentifier() else f"({inner})[]"
    if schema.get("type") == "object" and "properties" in schema:
        return "{ " + " ".join(_object(schema)[1:-1].split()) + " }"
    if schema.get("type") == "object":
        values = schema.get("additionalProperties", True)
        return f"Record<string, {_type(values) if isinstance(values, dict) else 'unknown'}>"
    if schema.get("type") in _PLAIN:
        return _PLAIN[schema["type"]]
    raise ValueError(f"Cannot translate the schema to TypeScript: {json.dumps(schema)}")
