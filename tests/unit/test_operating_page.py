"""The operator's book says what the product says, and reckons as the profiles do."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from hardware_profiles import RoomProfile, load_room_profile, load_server_profile
from hardware_profiles.room import VideoSourceName

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = {"en": DOCS / "operating.md", "zh": DOCS / "zh" / "operating.md"}
SAID = re.compile(r"\*\*([^*]+)\*\*")
PUT_IN = "…"


def server_texts() -> str:
    """Every text of the server and its commands, with a sign where something is put in."""
    found = []
    for file in sorted((ROOT / "server").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = (p.value if isinstance(p, ast.Constant) else PUT_IN for p in node.values)
                found.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return "\n".join(found)


def page_texts(language: str) -> str:
    """The catalogues of the pages, as they are written."""
    folder = ROOT / "web_client" / "src" / "i18n" / language
    return "\n".join(file.read_text("utf-8") for file in sorted(folder.glob("*.ts")))


@pytest.mark.parametrize("language", PAGES)
def test_each_sentence_is_one_that_the_product_shows(language: str) -> None:
    said = SAID.findall(PAGES[language].read_text("utf-8"))
    assert len(said) == 13
    known = server_texts() + page_texts(language)
    assert [each for each in said if each not in known] == []


def test_both_pages_quote_the_same_sentences() -> None:
    """Each in its own language: where a Text has the one, it has the other."""
    pairs = zip(*(SAID.findall(page.read_text("utf-8")) for page in PAGES.values()), strict=True)
    texts = {
        tuple(PUT_IN.join(part for part in each) for each in pair)
        for file in sorted((ROOT / "server").rglob("*.py"))
        for pair in bilingual(file)
    }
    told = [(en, zh) for en, zh in pairs if any(en in one for _, one in texts)]
    assert len(told) >= 5
    for en, zh in told:
        assert any(en in one and zh in other for other, one in texts), (en, zh)


def bilingual(file: Path) -> list[tuple[list[str], list[str]]]:
    """Two texts that stand beside each other in one call or tuple, Chinese first or last."""
    found = []
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        items = node.args if isinstance(node, ast.Call) else getattr(node, "elts", [])
        texts = [text for text in map(text_of, items) if text is not None]
        for one, other in pairwise(texts):
            pair = sorted((one, other), key=lambda each: not re.search("[一-鿿]", "".join(each)))
            found.append((pair[0], pair[1]))
    return found


def text_of(node: ast.expr) -> list[str] | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.JoinedStr):
        return [str(p.value) for p in node.values if isinstance(p, ast.Constant)]
    return None


def test_the_disk_is_reckoned_from_what_rooms_send() -> None:
    """At most: each picture's largest and smallest layer, each sound; three rooms and a lead."""
    room, lead = load_room_profile("standard"), load_room_profile("teacher-laptop")
    sent = 3 * recorded(room, "students") + recorded(lead, "teacher", "screen")
    assert 9.0e6 < sent < 9.5e6
    hour_gb = 9.5e6 / 8 * 3600 / 1e9
    page = PAGES["en"].read_text("utf-8")
    assert round(hour_gb, 1) == 4.3 and "4.3 GB an hour" in page and "9.5 Mb/s" in page
    rows = re.findall(r"^\| (\d) cores, \d+ GB \| (\d+) \| ([0-9.]+) TB", page, re.M)
    assert len(rows) == 3
    for (cores, lessons, disk_tb), name in zip(rows, ("small", "medium", "large"), strict=True):
        profile = load_server_profile(name)
        assert (profile.machine.cores, profile.admit.lessons) == (int(cores), int(lessons))
        assert round(int(lessons) * 20 * 4 * 4.3 / 1000, 1) == float(disk_tb)


def recorded(profile: RoomProfile, *sources: VideoSourceName) -> int:
    pictures = [profile.source(name) for name in sources]
    layers = [sorted(x.max_bitrate_bps for x in one.layers) for one in pictures if one is not None]
    assert len(layers) == len(sources)
    return sum(one[0] + one[-1] for one in layers) + profile.sound.max_bitrate_bps


@pytest.mark.skipif(
    shutil.which("promtool") is None, reason="needs Debian's prometheus (scripts/need-servers.sh)"
)
def test_prometheus_takes_the_rules(tmp_path: Path) -> None:
    (rules,) = re.findall(
        r"^```yaml\n(groups:.*?)^```$", (DOCS / "metrics.md").read_text("utf-8"), re.M | re.S
    )
    file = tmp_path / "tongke.yml"
    for text, good in ((rules, True), (rules.replace("rate(", "rat("), False)):
        file.write_text(text)
        done = subprocess.run(
            ["promtool", "check", "rules", str(file)], capture_output=True, text=True, check=False
        )
        assert (done.returncode == 0) is good, done.stdout + done.stderr


def test_every_metric_of_a_rule_is_told_by_the_server() -> None:
    page = (DOCS / "metrics.md").read_text("utf-8")
    (rules,) = re.findall(r"^```yaml\n(groups:.*?)^```$", page, re.M | re.S)
    told = set(re.findall(r"^\| `(tongke_\w+)`", page, re.M))
    named = {re.sub("_bucket$", "", name) for name in re.findall(r"\btongke_\w+", rules)}
    assert len(named) > 10 and named <= told
