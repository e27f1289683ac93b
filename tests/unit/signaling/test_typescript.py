"""The web client's messages are the server's."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import pytest

from signaling.protocol import messages as m
from signaling.protocol import typescript
from signaling.protocol.messages import CloseCode


def test_the_committed_file_is_fresh() -> None:
    assert typescript.main(["--check"]) == 0


def test_a_stale_file_is_named_and_rewritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "deep" / "messages.ts"
    assert typescript.main(["--check", "--target", str(target)]) == 1
    assert "is stale" in capsys.readouterr().err
    assert typescript.main(["--target", str(target)]) == 0
    assert typescript.main(["--check", "--target", str(target)]) == 0
    assert [path.name for path in target.parent.iterdir()] == ["messages.ts"]


@pytest.mark.parametrize(
    "line",
    [
        "export const PROTOCOL_VERSION = 1;",
        'export const MODE_VALUES = [\n  "blended",\n  "delivery",\n  "research",\n] as const;',
        "export type Mode = (typeof MODE_VALUES)[number];",
        "  resume?: string | null;",  # clients may leave it out
        "  away_since: number | null;",  # the server always sends it
        "  sources: Record<string, Source>;",
        "  seats: [string, number][];",
        '  kind: "audio" | "video";',
        '  type: "give_floor";',
        "  /** closed by its own device */\n  muted: boolean;",
        "/** A line to all. */\nexport interface SendChat {",
        "  REPLACED: 4101, // the same device, or who leads, is here on another connection",
    ],
)
def test_how_python_becomes_typescript(line: str) -> None:
    assert line in typescript.generate()


def test_every_message_enum_and_code_is_there() -> None:
    text = typescript.generate()
    for declared in vars(m).values():
        if isinstance(declared, type) and declared.__module__.startswith("signaling."):
            if issubclass(declared, StrEnum):
                assert f"export type {declared.__name__} =" in text
            elif issubclass(declared, m.Model) and declared not in (m.Model, m.Request, m.Reply):
                assert f"export interface {declared.__name__} {{" in text
    assert all(f"{code.name}: {code.value}" in text for code in CloseCode)


def test_a_type_without_a_mapping_is_refused() -> None:
    with pytest.raises(TypeError, match="no TypeScript for"):
        typescript._type(set[int])
