"""Which profile is in force: the server's at its start, a classroom's in a lesson."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from server.errors import StartRefused
from server.node.hardware import choose_server_profile, load_send_profile
from signaling.protocol.messages import Mode, Role


def test_the_server_starts_with_the_profile_asked_for() -> None:
    assert choose_server_profile("small").name == "small"
    assert choose_server_profile("auto").name in ("tiny", "small", "medium", "large", "region")
    with pytest.raises(StartRefused, match=r"server_profile.*Did you mean 'medium'"):
        choose_server_profile("mediun")


def test_a_wrong_file_is_told_at_the_start_and_does_not_stop_it(tmp_path: Path) -> None:
    (tmp_path / "rooms").mkdir()
    wrong = tmp_path / "rooms" / "village.toml"
    wrong.write_text('title_zh = "村"\ntitle = "Village"\n', encoding="utf-8")
    with capture_logs() as logs:
        assert choose_server_profile("small", [tmp_path]).name == "small"
    assert [log["why"] for log in logs] == [
        f"{wrong}:2: title: unknown key; did you mean 'title_zh'?"
    ]
    with capture_logs() as logs:
        sent = load_send_profile("village", Mode.BLENDED, Role.ROOM, [tmp_path])
    assert sent.name == "standard"  # the lesson goes on
    assert len(logs) == 1
