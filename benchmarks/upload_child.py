"""`python -m benchmarks.upload_child FOLDER RECORDING PORT PREFIX`: sends one recording, and ends.

Whoever measures kills it on the way. What it sends goes to an S3 server on this machine.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from server.recordings.s3_objects import S3Objects
from server.recordings.uploading import Uploads
from tests.object_server import BUCKET, KEYS

# Some pieces a second, so that a kill meets one on its way.
PIECE_BYTES = 1 << 20


def objects_at(port: int, prefix: str) -> S3Objects:
    """The store, as the server sees it."""
    endpoint = f"http://127.0.0.1:{port}"
    return S3Objects(bucket=BUCKET, endpoint=endpoint, region="us-east-1", keys=KEYS, prefix=prefix)


async def send(folder: Path, recording_id: str, port: int, prefix: str) -> None:
    """Until all of it is proved."""
    uploads = Uploads(
        objects_at(port, prefix), folder, spool_bytes=1 << 40, piece_bytes=PIECE_BYTES
    )
    await uploads.send(recording_id)


if __name__ == "__main__":
    asyncio.run(send(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]))
