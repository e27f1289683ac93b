"""A unit of ours among the system's: what writing, starting and taking it away have in common.

Owns the file and what systemd is told of it. What goes into it, and what is said of the service
itself, is each command's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from server.errors import StartRefused, Text
from server.service import placing
from server.service.unit import UNIT_FOLDER, made_by_us

NOTHING_STARTED = Text(
    "这里没有运行 systemd，因此没有启动。", "No systemd runs here, so nothing was started."
)


@dataclass(frozen=True, slots=True)
class PlacedUnit:
    """`made_by` is its first line; below another `root` than the system's nothing is started."""

    name: str
    made_by: str
    root: Path

    @property
    def file(self) -> Path:
        """Where systemd looks for it."""
        return self.root / UNIT_FOLDER.lstrip("/") / self.name

    @property
    def in_system(self) -> bool:
        """Whether this machine's own system is meant."""
        return self.root == Path("/")

    @property
    def can_be_started(self) -> bool:
        """Whether there is a systemd that reads it."""
        return self.in_system and placing.RUNNING_SYSTEMD.is_dir()

    def refuse_to_install(self, program: Path) -> None:
        """Before anything is written. Raises `StartRefused`."""
        placing.refuse_if_not_root()
        if self.file.is_file() and not self._is_ours():
            raise StartRefused(
                f"{self.file} was written by somebody else and is left alone. Move it away first.",
                f"{self.file} 不是由本程序写入的，未作改动。请先把它移走。",
            )
        if (hidden := placing.hidden_folder(program)) is not None:
            raise StartRefused(
                f"The service's user cannot read {hidden}. Put Tongke where every user can read "
                "it, such as /opt/tongke, and install from there.",
                f"服务的用户无法读取 {hidden}。请把同课放到所有用户都能读取的位置"
                "（如 /opt/tongke），再从那里安装。",
            )

    def write(self, text: str) -> Text:
        """Raises OSError."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(text, encoding="utf-8")
        self.file.chmod(0o644)
        return Text(f"已写入 {self.file}", f"Written: {self.file}")

    def load(self, *, start: bool) -> None:
        """Has systemd read it, and start it anew where that is wanted. Raises `StartRefused`."""
        placing.systemctl("daemon-reload")
        if start:
            placing.systemctl("enable", "--quiet", self.name)
            placing.systemctl("restart", self.name)

    def remove(self) -> Iterator[Text]:
        """Stops it and takes it away. Raises OSError and `StartRefused`."""
        placing.refuse_if_not_root()
        if not self.file.is_file():
            raise StartRefused(f"There is no {self.file}.", f"没有 {self.file}。")
        if not self._is_ours():
            raise StartRefused(
                f"{self.file} was written by somebody else and is left alone.",
                f"{self.file} 不是由本程序写入的，未作改动。",
            )
        if self.can_be_started:
            placing.systemctl("disable", "--quiet", "--now", self.name)
            yield Text("已停止。", "Stopped.")
        self.file.unlink()
        if self.can_be_started:
            placing.systemctl("daemon-reload")
        yield Text(f"已删除 {self.file}", f"Removed: {self.file}")

    def _is_ours(self) -> bool:
        return made_by_us(self.file.read_text(errors="replace"), self.made_by)
