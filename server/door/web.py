"""The web client's files: found, compressed once, cached by browsers as long as is right.

Every address that is no file and no interface is a page of the client, which routes by itself:
it gets `index.html`. When the client is not built, a plain page says so and what to do.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread
from fastapi import APIRouter, Request, Response

from server.api.methods import PAGES, is_page, refuse_method
from server.errors import not_found

_HASHED = "assets/"  # Vite puts a content hash into the names in here
_YEAR = "public, max-age=31536000, immutable"
_ASK = "no-cache"  # may be kept, must be asked for: the ETag answers
_COMPRESSED = (".html", ".js", ".css", ".svg", ".json", ".map", ".txt", ".webmanifest")
_LARGEST_KEPT = 4 << 20  # a page's file is far smaller; what is larger is sent as it is
_TYPES = {  # the system's own table may lack these or say text/plain
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}
_NOT_BUILT = """<!doctype html>
<html lang="zh-CN"><meta charset="utf-8"><title>同课 Tongke</title>
<h1>网页尚未构建</h1>
<p>服务器在运行，但没有找到网页文件。请在源码目录运行 <code>make setup</code>，然后刷新。</p>
<h1 lang="en">The pages are not built</h1>
<p lang="en">The server runs, but the web pages are missing. Run <code>make setup</code> in the
source folder, then reload.</p>
"""


@dataclass(frozen=True, slots=True)
class WebFile:
    """One file, read; `compressed` is None where that saves nothing."""

    content: bytes
    compressed: bytes | None
    etag: str
    media_type: str
    modified_ns: int


class WebFolder:
    """The built client. Files are read at first use, and again when they change."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._files: dict[Path, WebFile] = {}

    async def find(self, name: str) -> WebFile | None:
        """The file of that name, None if there is none (or it lies elsewhere)."""
        return await anyio.to_thread.run_sync(self._find, name)

    def _find(self, name: str) -> WebFile | None:
        try:
            path = (self._folder / name).resolve()
            if not path.is_relative_to(self._folder) or not path.is_file():
                return None
            stat = path.stat()
        except (OSError, ValueError):  # a name no file can have
            return None
        kept = self._files.get(path)
        if kept is None or kept.modified_ns != stat.st_mtime_ns:
            if stat.st_size > _LARGEST_KEPT:
                return None
            kept = _read(path, stat.st_mtime_ns)
            self._files[path] = kept
        return kept


def _read(path: Path, modified_ns: int) -> WebFile:
    content = path.read_bytes()
    compressed = None
    if path.suffix in _COMPRESSED:
        packed = gzip.compress(content, 9, mtime=0)
        compressed = packed if len(packed) < len(content) else None
    media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
    return WebFile(
        content=content,
        compressed=compressed,
        etag=f'"{hashlib.sha256(content).hexdigest()[:20]}"',
        media_type=media_type or "application/octet-stream",
        modified_ns=modified_ns,
    )


def built_client() -> Path:
    """The folder of the pages that came with this program."""
    import web_client  # noqa: PLC0415 - only its place is wanted

    return Path(web_client.__file__).parent / "dist"


def pages_are_built(folder: Path) -> bool:
    """Whether people who come find pages there."""
    return (folder / "index.html").is_file()


def web_router(folder: Path) -> APIRouter:
    """The route that answers everything the interface does not. Add it last."""
    files = WebFolder(folder)
    router = APIRouter(include_in_schema=False)

    @router.api_route(PAGES, methods=["GET", "HEAD"])
    async def page(name: str, request: Request) -> Response:
        if not is_page(name):
            refuse_method(request)
            raise not_found("地址", "address")
        found = await files.find(name or "index.html")
        if found is not None:
            return _response(request, found, _YEAR if name.startswith(_HASHED) else _ASK)
        if name.startswith(_HASHED) or "." in name.rsplit("/", 1)[-1]:
            raise not_found("文件", "file")
        index = await files.find("index.html")
        if index is None:
            return Response(_NOT_BUILT, 503, {"cache-control": "no-store"}, media_type="text/html")
        return _response(request, index, _ASK)

    return router


def _response(request: Request, file: WebFile, cache: str) -> Response:
    headers = {"etag": file.etag, "cache-control": cache, "vary": "accept-encoding"}
    if file.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    content = file.content
    if file.compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        content = file.compressed
        headers["content-encoding"] = "gzip"
    response = Response(content, headers=headers, media_type=file.media_type)
    if request.method == "HEAD":
        response.body = b""
    return response
