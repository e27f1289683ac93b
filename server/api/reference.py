"""The interface's reference page, `/api/docs`: made from the OpenAPI description, plain HTML.

No script and nothing from elsewhere, so that it works in a county's closed network and under our
own content security policy.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "code{background:#f2f4f4;padding:.1em .3em;border-radius:4px}"
    "section{border-top:1px solid #d5dcdc;padding:.5rem 0}"
    "h3{margin:.5rem 0;font-size:1rem}b{display:inline-block;min-width:4.5rem}"
    "pre{background:#f2f4f4;padding:.5rem;border-radius:8px;overflow:auto;margin:.3rem 0}"
)


@router.get("/api/docs")
async def reference(request: Request) -> HTMLResponse:
    """Every call with what goes in and comes out."""
    description: dict[str, Any] = request.app.openapi()
    return HTMLResponse("".join(_page(description)))


def _page(description: dict[str, Any]) -> Iterator[str]:
    title = escape(description["info"]["title"])
    yield f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
    yield f"<style>{_STYLE}</style><h1>{title}</h1>"
    yield '<p>Machine-readable: <a href="/api/openapi.json">/api/openapi.json</a></p>'
    for path, calls in description["paths"].items():
        for method, call in calls.items():
            yield from _call(description, path, method, call)


def _call(
    description: dict[str, Any], path: str, method: str, call: dict[str, Any]
) -> Iterator[str]:
    yield f"<section><h3><b>{escape(method.upper())}</b> <code>{escape(path)}</code></h3>"
    yield f"<p>{escape(call.get('description') or call.get('summary', ''))}</p>"
    if parameters := [p for p in call.get("parameters", []) if p["in"] == "query"]:
        names = ", ".join(f"<code>{escape(p['name'])}</code>" for p in parameters)
        yield f"<p>Query: {names}</p>"
    if body := call.get("requestBody"):
        yield from _shape(description, "In", body)
    for status, response in call.get("responses", {}).items():
        if status.startswith("2"):
            yield from _shape(description, f"Out ({status})", response)
    yield "</section>"


def _shape(description: dict[str, Any], label: str, content: dict[str, Any]) -> Iterator[str]:
    schema = content.get("content", {}).get("application/json", {}).get("schema")
    if schema:
        yield f"<p>{label}</p><pre>{escape(_told(description, schema, depth=0))}</pre>"


def _told(description: dict[str, Any], schema: dict[str, Any], *, depth: int) -> str:
    """A schema in a line or a few: names, kinds, `?` for what may be left out."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        within = description["components"]["schemas"][name]
        # a shape within a shape within a shape is told elsewhere
        return name if depth > 3 else _told(description, within, depth=depth + 1)
    if "enum" in schema:
        return " | ".join(f'"{value}"' for value in schema["enum"])
    if kinds := schema.get("anyOf") or schema.get("oneOf"):
        return " | ".join(_told(description, kind, depth=depth) for kind in kinds)
    if schema.get("type") == "array":
        return f"[{_told(description, schema.get('items', {}), depth=depth)}]"
    if "properties" in schema:
        return _object(description, schema, depth=depth)
    return str(schema.get("const", schema.get("type", "any")))


def _object(description: dict[str, Any], schema: dict[str, Any], *, depth: int) -> str:
    needed = set(schema.get("required", []))
    indent = "  " * depth
    lines = [
        f"{indent}  {name}{'' if name in needed else '?'}: "
        f"{_told(description, kind, depth=depth + 1)}\n"
        for name, kind in schema["properties"].items()
    ]
    return "{\n" + "".join(lines) + indent + "}"
