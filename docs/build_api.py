"""Writes what follows from the OpenAPI document, itself written from the code: ``make docs``.

That is docs/api.md for people, and the types that the page's code is checked against.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from app import create_app

PROJECT = Path(__file__).resolve().parent.parent
TARGET = PROJECT / "docs" / "api.md"
TYPES = PROJECT / "frontend" / "src" / "api" / "schema.d.ts"

HEAD = """# The HTTP interface

Written by `make docs` from the OpenAPI document that a running product serves at `/api/openapi.json`; not edited by
hand.

Every answer carries `X-Request-ID`; a request may bring its own (letters, digits and `._:-`, up to 64 of them). Every
error is an RFC 9457 problem document, `application/problem+json`, whose `code` is stable and made for programs. Under
`/api` an unknown address is a 404 and a wrong method a 405, as problem documents too. Times are ISO 8601 in UTC.
"""


def render(document: dict[str, Any]) -> str:
    """The whole page."""
    schemas = document["components"]["schemas"]
    parts = [HEAD]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method != "parameters":
                parameters = operations.get("parameters", []) + operation.get("parameters", [])
                parameters = [each for each in parameters if each["name"] != "X-Request-ID"]  # said once, above
                parts.append(_operation(method, path, operation, parameters))
    parts.append("## Documents\n")
    parts += [_schema(name, schema) for name, schema in sorted(schemas.items())]
    return "\n".join(parts)


def write_types(document: dict[str, Any], target: Path) -> None:
    """Write the TypeScript types of everything that goes over the wire."""
    npm = [sys.executable, str(PROJECT / "frontend" / "npm.py")]
    words = ["run", "-s", "schema", "--", "--output", str(target)]
    subprocess.run([*npm, *words], input=json.dumps(document), text=True, check=True, stderr=subprocess.PIPE)


def _operation(method: str, path: str, operation: dict[str, Any], parameters: list[dict[str, Any]]) -> str:
    lines = [f"## {method.upper()} {path}\n", f"{operation['summary']}.\n"]
    if parameters:
        lines += ["| parameter | in | type | meaning |", "|---|---|---|---|"]
        lines += [
            f"| `{p['name']}` | {p['in']} | {_type(p['schema'])} | {p.get('description', '')} |" for p in parameters
        ]
        lines.append("")
    if body := operation.get("requestBody"):
        needed = "required" if body.get("required") else "optional"
        what = body.get("description") or _type(body["content"]["application/json"]["schema"])
        lines.append(f"Body ({needed}, `application/json`): {what}\n")
    lines += ["| answer | document | when |", "|---|---|---|"]
    for status, answer in sorted(operation["responses"].items()):
        documents = [_type(content["schema"]) for content in answer.get("content", {}).values() if "schema" in content]
        lines.append(f"| {status} | {', '.join(documents)} | {answer['description']} |")
    return "\n".join(lines) + "\n"


def _schema(name: str, schema: dict[str, Any]) -> str:
    lines = [f"### {name}\n", "| member | type | meaning |", "|---|---|---|"]
    for member, kind in schema.get("properties", {}).items():
        lines.append(f"| `{member}` | {_type(kind)} | {kind.get('description', '')} |")
    return "\n".join(lines if schema.get("properties") else [lines[0], "An object without members."]) + "\n"


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return ", ".join("null" if word is None else f"`{word}`" for word in schema["enum"])
    kind = schema.get("type", "any")
    words = " or ".join(kind) if isinstance(kind, list) else kind
    if words == "array":
        return f"array of {_type(schema['items'])}"
    bounds = [f"{name} {schema[name]}" for name in ("minimum", "maximum", "default") if schema.get(name) is not None]
    return f"{words} ({', '.join(bounds)})" if bounds else words


def main() -> None:
    """Write both."""
    # No server is asked; the addresses only have to look like some.
    addresses = {"DATABASE_URL": "postgresql://nobody@localhost/none", "REDIS_URL": "redis://localhost/0"}
    os.environ |= {"AUTH": "local", **addresses}
    with create_app().test_client() as client:
        document = client.get("/api/openapi.json").get_json()
    TARGET.write_text(render(document))
    write_types(document, TYPES)


if __name__ == "__main__":
    main()
