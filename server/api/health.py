"""Is the server alive, and can it take lessons: `/healthz`, `/readyz`."""

from __future__ import annotations

import anyio
from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse

from server.api.access import ServicesOf
from server.clock_fault import NOT_SET, clock_fault
from server.database.free_space import space_in
from server.database.refusing import DatabaseRefused
from server.door.condition import SHUT
from server.door.web import built_client, pages_are_built
from server.recordings.object_store import ObjectStore
from server.recordings.uploading import UploadTotals
from server.services import Services

# As often as load balancers ask anyway; what is busy is free again by then.
_ASK_AGAIN_S = "5"

router = APIRouter(tags=["health"])


# Watchers of servers ask with HEAD too.
@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", response_class=PlainTextResponse)
async def healthz() -> PlainTextResponse:
    """Alive: the process answers."""
    return PlainTextResponse("ok\n")


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz")
async def readyz(services: ServicesOf) -> JSONResponse:
    """Ready to take lessons: each check and its fault, if it has one.

    A certificate with which browsers still come in is no reason to be unready; nor is a recorder
    that is down, without which lessons go on, a clock that nothing keeps right, or an object store
    that is away.
    """
    settings = services.settings
    data, recordings, built = await anyio.to_thread.run_sync(
        lambda: (
            space_in(settings.data_folder),
            space_in(settings.recordings),
            pages_are_built(settings.web_folder or built_client()),
        )
    )
    checks = {
        "database": await _database(services),
        "data_folder": data,
        "recordings_folder": recordings,
        "media": "ok" if services.media.ready else "not listening",
        "pages": "ok" if built else "not built",
    }
    ready = all(state == "ok" for state in checks.values())
    checks["clock"] = clock_fault(services.clock())
    ready = ready and checks["clock"] != NOT_SET
    if services.recording is not None:
        checks["recorder"] = "ok" if services.recording.totals().recorder_up else "not running"
    if isinstance(services.store, ObjectStore):
        checks["store"] = _store(services.store.uploads.totals())
    if services.certificate is not None:
        condition = services.certificate.condition
        faults = [finding.fault.value for finding in condition.findings]
        checks["certificate"] = ", ".join(faults) or "ok"
        ready = ready and not condition.faults & SHUT
    told = {"ready": ready, "checks": checks}
    if ready:
        return JSONResponse(told)
    return JSONResponse(told, status_code=503, headers={"Retry-After": _ASK_AGAIN_S})


async def _database(services: Services) -> str:
    """`busy`, `full` or `away` if it cannot be written; asked as a writer asks, who writes nothing.

    `moved` if its file is no longer where it was opened.

    That alone does not find a full disk: what waits to be written does.
    """
    if services.database.moved:
        return "moved"
    try:
        with anyio.fail_after(2):
            async with services.database.write(wait_s=1.0):
                pass
    except DatabaseRefused as refusal:
        return refusal.cause.name.lower()
    except Exception as error:  # whatever else the database raises is a reason
        return type(error).__name__
    waits_for = services.pending_writes.refusal
    return "ok" if waits_for is None else waits_for.cause.name.lower()


def _store(totals: UploadTotals) -> str:
    """Recordings wait safely while it is away; what fills the disk is to be seen to."""
    if totals.spool_full:
        return "away, and the spool is full" if totals.failures else "the spool is full"
    return "away" if totals.failures else "ok"
