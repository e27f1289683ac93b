"""Is the server alive, and can it take lessons: `/healthz`, `/readyz`."""

from __future__ import annotations

import anyio
from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse

from server.accounts.access import ServicesOf
from server.database.data_folder import make_folder
from server.errors import StartRefused

router = APIRouter(tags=["health"])


@router.get("/healthz", response_class=PlainTextResponse)
async def healthz() -> PlainTextResponse:
    """Alive: the process answers."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
async def readyz(services: ServicesOf) -> JSONResponse:
    """Ready to take lessons: each check and its fault, if it has one."""
    checks = {
        "database": "ok",
        "data_folder": "ok",
        "media": "ok" if services.media.ready else "not listening",
    }
    try:
        with anyio.fail_after(2):
            await services.database.ping()
    except Exception as error:  # whatever the database raises is a reason
        checks["database"] = f"{type(error).__name__}"
    try:
        await anyio.to_thread.run_sync(
            lambda: make_folder(services.settings.data_folder, setting="data_folder")
        )
    except StartRefused:
        checks["data_folder"] = "not writable"
    ready = all(state == "ok" for state in checks.values())
    return JSONResponse({"ready": ready, "checks": checks}, status_code=200 if ready else 503)
