"""The HTTP interface, one router an area; `docs/http_api.md` is the map."""
