"""Whether a page is one of ours, by the `Origin` that its browser says (RFC 6454 §7). Pure."""

from __future__ import annotations

from urllib.parse import urlsplit


def same_origin(origin: str, *hosts: str) -> bool:
    """Whether a page of `origin` was served by one of these hosts; an empty one is no host."""
    try:
        page = urlsplit(origin).netloc.lower()
    except ValueError:
        return False
    return page != "" and page in {host.lower() for host in hosts}
