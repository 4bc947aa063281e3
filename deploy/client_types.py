"""Writes backend/client/schema.py from docs/openapi.yaml: a TypedDict for each document, a Literal for each set of words.

    python deploy/client_types.py docs/openapi.yaml backend/client/schema.py

Generators that were tried make classes with a library of their own (pydantic, attrs); the client gives what the server
sent as it is, so that a dictionary that is known to mypy is all it needs.
"""

from __future__ import annotations

import keyword
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

HEAD = '''"""The API's documents and addresses as types. Made by deploy/client_types.py of docs/openapi.yaml: do not edit."""

from __future__ import annotations

from typing import Any, Final, Literal, NotRequired, TypeAlias, TypedDict
'''
METHODS = ("get", "post", "put", "patch", "delete")
PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}


def type_of(schema: Mapping[str, Any]) -> str:
    """The Python type of a schema, as text."""
    found = _bare_type(schema)
    return f"{found} | None" if schema.get("nullable") and "None" not in found else found


def _bare_type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    for together in ("allOf", "oneOf"):
        if together in schema:
            return " | ".join(dict.fromkeys(type_of(part) for part in schema[together]))
    if "enum" in schema:
        return _literal(schema["enum"])
    kind = schema.get("type")
    if kind == "array":
        return f"list[{type_of(schema['items'])}]"
    if kind == "object" and isinstance(inside := schema.get("additionalProperties"), dict):
        return f"dict[str, {type_of(inside) if inside else 'Any'}]"
    if kind == "object":
        return "dict[str, Any]"
    return PLAIN[kind] if kind else "Any"


def _literal(values: list[Any]) -> str:
    words = [repr(value) for value in values if value is not None]
    parts = ([f"Literal[{', '.join(words)}]"] if words else []) + (["None"] if None in values else [])
    return " | ".join(parts)


def documents(schemas: Mapping[str, Any]) -> Iterator[str]:
    """The definition of each schema, by name."""
    for name, schema in sorted(schemas.items()):
        if schema.get("type") != "object" or "properties" not in schema:
            # Quoted, because what it names may be defined below.
            alias = ": TypeAlias" if type_of(schema) == "None" else ""
            yield f'{name}{alias} = {type_of(schema)}\n"""{_summary(schema) or "One of several words."}"""\n'
            continue
        required = set(schema.get("required", ()))
        fields = {key: type_of(field) for key, field in schema["properties"].items()}
        fields = {key: found if key in required else f"NotRequired[{found}]" for key, found in fields.items()}
        if all(key.isidentifier() and not keyword.iskeyword(key) for key in fields):
            lines = [f"class {name}(TypedDict):", f'    """{_summary(schema) or "A document."}"""', ""]
            yield "\n".join([*lines, *(f"    {key}: {found}" for key, found in fields.items())]) + "\n"
        else:
            listed = ", ".join(f'"{key}": "{found}"' for key, found in fields.items())
            yield f'{name} = TypedDict("{name}", {{{listed}}})\n"""{_summary(schema)}"""\n'


def _summary(schema: Mapping[str, Any]) -> str:
    text = str(schema.get("description", ""))
    return "" if text.startswith("* `") else " ".join(text.split("\n\n")[0].split()).replace('"', "'")


def operations(paths: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(operation id, method, path) of every operation, by id."""
    for path, methods in paths.items():
        for method in METHODS:
            if method in methods:
                yield methods[method]["operationId"], method.upper(), path


def module(document: Mapping[str, Any]) -> str:
    """The whole module, not yet formatted."""
    table = sorted(operations(document["paths"]))
    rows = "".join(f'    "{name}": ("{method}", "{path}"),\n' for name, method, path in table)
    names = f"Operation = Literal[{', '.join(repr(name) for name, _, _ in table)}]\n"
    addresses = (
        f'{names}"""What the API can do, by the name of each operation."""\n\n'
        f"ADDRESSES: Final[dict[Operation, tuple[str, str]]] = {{\n{rows}}}\n"
        '"""Method and address of each operation."""\n'
    )
    return "\n\n".join([HEAD, *documents(document["components"]["schemas"]), addresses])


if __name__ == "__main__":
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    target.write_text(module(yaml.safe_load(source.read_text())))
    ruff, style = [sys.executable, "-m", "ruff"], ["--config", "pyproject.toml", "--quiet", str(target)]
    subprocess.run([*ruff, "format", *style], check=True)
    subprocess.run([*ruff, "check", "--fix", *style], check=True)
