"""Generate docs/api.md and the page's TypeScript types from the OpenAPI document: ``make docs``."""

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

`make docs` generates this page from the OpenAPI document, which a running product serves at `/api/openapi.json`. Do not
edit it by hand.

Every response has the header `X-Request-ID`; a request may send its own (up to 64 letters, digits and `._:-`). Every
error is an RFC 9457 problem document, `application/problem+json`, with a stable `code` for programs. Under `/api` an
unknown URL is a 404 and a wrong method a 405, both as problem documents. Times are ISO 8601 in UTC.
"""


def render(document: dict[str, Any]) -> str:
    """Return the whole page."""
    schemas = document["components"]["schemas"]
    parts = [HEAD]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method != "parameters":
                parameters = operations.get("parameters", []) + operation.get("parameters", [])
                # The head of the page describes X-Request-ID.
                parameters = [each for each in parameters if each["name"] != "X-Request-ID"]
                parts.append(_operation(method, path, operation, parameters))
    parts.append("## Documents\n")
    parts += [_schema(name, schema) for name, schema in sorted(schemas.items())]
    return "\n".join(parts)


def write_types(document: dict[str, Any], target: Path) -> None:
    """Write the TypeScript types of all requests and responses."""
    npm = [sys.executable, str(PROJECT / "frontend" / "npm.py")]
    command = [*npm, "run", "-s", "schema", "--", "--output", str(target)]
    subprocess.run(command, input=json.dumps(document), text=True, check=True, stderr=subprocess.PIPE)


def _operation(method: str, path: str, operation: dict[str, Any], parameters: list[dict[str, Any]]) -> str:
    lines = [f"## {method.upper()} {path}\n", f"{operation['summary']}.\n"]
    if parameters:
        lines += ["| parameter | in | type | meaning |", "|---|---|---|---|"]
        lines += [
            f"| `{p['name']}` | {p['in']} | {_type(p['schema'])} | {p.get('description', '')} |" for p in parameters
        ]
        lines.append("")
    if body := operation.get("requestBody"):
        necessity = "required" if body.get("required") else "optional"
        meaning = body.get("description") or _type(body["content"]["application/json"]["schema"])
        lines.append(f"Body ({necessity}, `application/json`): {meaning}\n")
    lines += ["| status | document | meaning |", "|---|---|---|"]
    for status, response in sorted(operation["responses"].items()):
        contents = response.get("content", {}).values()
        documents = [_type(content["schema"]) for content in contents if "schema" in content]
        lines.append(f"| {status} | {', '.join(documents)} | {response['description']} |")
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
        return ", ".join("null" if value is None else f"`{value}`" for value in schema["enum"])
    kind = schema.get("type", "any")
    name = " or ".join(kind) if isinstance(kind, list) else kind
    if name == "array":
        return f"array of {_type(schema['items'])}"
    limits = [limit for limit in ("minimum", "maximum", "default") if schema.get(limit) is not None]
    bounds = [f"{limit} {schema[limit]}" for limit in limits]
    return f"{name} ({', '.join(bounds)})" if bounds else name


def main() -> None:
    """Write both files."""
    # Nothing connects to these servers.
    urls = {"DATABASE_URL": "postgresql://nobody@localhost/none", "REDIS_URL": "redis://localhost/0"}
    os.environ |= {"AUTH": "local", **urls}
    with create_app().test_client() as client:
        document = client.get("/api/openapi.json").get_json()
    TARGET.write_text(render(document))
    write_types(document, TYPES)


if __name__ == "__main__":
    main()
