"""The shapes of the HTTP interface, printed: `python -m server.api.description`.

The pages' types are made from it (`npm run api` in `web_client`), and a check fails when they are
stale. Nothing is opened or listened to for it. The whole description, paths included, is served at
`/api/openapi.json`.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from server.app import create_app
from server.config import Settings


def shapes() -> str:
    """The bodies of requests and answers as an OpenAPI document without paths, in JSON."""
    whole = create_app(Settings()).openapi()
    schemas = {name: _untitled(schema) for name, schema in whole["components"]["schemas"].items()}
    document = whole | {"paths": {}, "components": {"schemas": schemas}}
    return json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _untitled(schema: dict[str, Any]) -> dict[str, Any]:
    """Without the titles that only repeat the names; a property may be called `title` itself."""
    kept = {key: value for key, value in schema.items() if key != "title"}
    properties = kept.get("properties")
    if properties is not None:
        kept["properties"] = {name: _untitled(inner) for name, inner in properties.items()}
    return kept


if __name__ == "__main__":
    sys.stdout.write(shapes())
