"""`Objects` in an S3-compatible store, by obstore (its requests are signed, AWS Signature V4).

obstore tries nothing again by itself here: what is sent how often is `uploading`'s to decide. A
store that takes a request and never answers is away like any other, when its time is over
(`Patience`).
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from recorder.stored_pieces import PIECE_BYTES
from server.config import Settings
from server.errors import StartRefused
from server.recordings.objects import ObjectMissing, ObjectsAway

if TYPE_CHECKING:
    from obstore.store import S3Store

_CONNECT_TIMEOUT = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a request may take: for the answer to begin, and for each byte that goes or comes.

    A store that takes longer than some seconds over an answer helps no player; the rate is that of
    a line of half a megabit a second, on which 16 MiB take four and a half minutes.
    """

    answer_s: float = 15.0
    bytes_per_s: float = 62_500.0

    def for_bytes(self, count: int) -> float:
        """In seconds."""
        return self.answer_s + count / self.bytes_per_s


PATIENCE = Patience()


class S3Objects:
    """A bucket. `prefix` stands before every name."""

    def __init__(
        self,
        *,
        bucket: str,
        endpoint: str,
        region: str,
        keys: tuple[str, str],
        prefix: str = "",
        patience: Patience = PATIENCE,
    ) -> None:
        """Raises `StartRefused` when obstore is not installed, or the settings make no store."""
        try:
            from obstore.exceptions import BaseError  # noqa: PLC0415 - an optional part
            from obstore.store import S3Store  # noqa: PLC0415 - as above
        except ImportError:
            raise StartRefused(
                "The setting store_bucket needs obstore, which is not installed. Install it with: "
                f"{sys.prefix}/bin/pip install obstore",
                "设置 store_bucket 需要 obstore，但没有安装。"
                f"请运行 {sys.prefix}/bin/pip install obstore",
            ) from None
        key_id, secret = keys
        self._patience = patience
        place = {"endpoint": endpoint} if endpoint else {}
        try:
            self._store: S3Store = S3Store(
                bucket,
                prefix=prefix or None,
                region=region,
                access_key_id=key_id,
                secret_access_key=secret,
                # Stores of one's own are reached by a path: no name is made for each bucket.
                virtual_hosted_style_request=not endpoint,
                client_options={
                    "allow_http": endpoint.startswith("http://"),
                    "timeout": timedelta(seconds=2 * patience.for_bytes(PIECE_BYTES)),
                    "connect_timeout": _CONNECT_TIMEOUT,
                },
                retry_config={"max_retries": 0, "retry_timeout": timedelta(0)},
                **place,  # type: ignore[arg-type]  # a bucket, or nothing
            )
        except (BaseError, ValueError) as error:
            raise StartRefused(
                f"The object store of the setting store_bucket cannot be used: {error}.",
                f"无法使用设置 store_bucket 中的对象存储：{error}。",
            ) from None

    async def put(self, key: str, data: bytes) -> None:
        """One request: no multipart upload, so that what arrived is one object or none."""
        async with self._asked(key, self._patience.for_bytes(len(data))):
            await self._store.put_async(key, data, use_multipart=False)

    async def get(self, key: str) -> bytes:
        """All of it."""
        async with self._asked(key, self._patience.answer_s):
            found = await self._store.get_async(key)
        async with self._asked(key, self._patience.for_bytes(found.meta["size"])):
            return bytes(await found.bytes_async())

    async def get_range(self, key: str, begin: int, end: int) -> bytes:
        """A range request."""
        async with self._asked(key, self._patience.for_bytes(end - begin)):
            return bytes(await self._store.get_range_async(key, start=begin, end=end))

    async def delete(self, key: str) -> None:
        """S3 says the same whether it was there."""
        with contextlib.suppress(ObjectMissing):
            async with self._asked(key, self._patience.answer_s):
                await self._store.delete_async(key)

    @asynccontextmanager
    async def _asked(self, key: str, limit_s: float) -> AsyncIterator[None]:
        """What the store does not do in this time, and all that its client raises, in our words."""
        try:
            async with asyncio.timeout(limit_s):
                yield
        except FileNotFoundError:
            raise ObjectMissing(key) from None
        except TimeoutError:
            raise ObjectsAway(f"no answer in {limit_s:.0f} s") from None
        except Exception as error:  # the exceptions of a native client, and of its transport
            raise ObjectsAway(_plain(error)) from None


def objects_of(settings: Settings) -> S3Objects:
    """The store that the settings name. Raises `StartRefused`."""
    bucket, _, prefix = settings.store_bucket.partition("/")
    return S3Objects(
        bucket=bucket,
        prefix=prefix,
        endpoint=settings.store_endpoint,
        region=settings.store_region,
        keys=_keys(settings.store_keys_file),
    )


def _keys(path: Path | None) -> tuple[str, str]:
    """The file's two words. Raises `StartRefused`."""
    try:
        words = path.read_text("utf-8").split() if path is not None else []
    except (OSError, UnicodeDecodeError) as error:
        raise StartRefused(
            f"store_keys_file {path} cannot be read: {error}.",
            f"无法读取 store_keys_file {path}：{error}。",
        ) from None
    if len(words) != 2:
        raise StartRefused(
            f"store_keys_file {path} must hold the access key's id and its secret, one a line.",
            f"store_keys_file {path} 中应是访问密钥的 ID 和密钥，各占一行。",
        )
    return words[0], words[1]


def _plain(error: Exception) -> str:
    """The first line: the rest is how the client came to it."""
    return str(error).split("\n", 1)[0][:300] or type(error).__name__
