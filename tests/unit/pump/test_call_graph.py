"""The pump's C files call each other one way only, and each has a header of its own.

Read from the sources, by name: a function belongs to the file that defines it (a header and its C
file are one), and a file calls whatever of another's it names, be it to call it or to hand it on.
"""

from __future__ import annotations

import re
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path
from textwrap import dedent

import pytest

NATIVE = Path(__file__).parents[3] / "mixer" / "pump" / "native"

NO_CODE = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])+'", re.DOTALL)
DIRECTIVE = re.compile(r"^[ \t]*#[^\n]*", re.MULTILINE)
DEFINITION = re.compile(r"^(\w[\w\s*]*?)\b(\w+)\(([^;{}]*)\)\s*\{", re.MULTILINE)
NAMED = re.compile(r"(?<!\.)(?<!->)(?<!struct )\b[A-Za-z_]\w*\b")  # no field, no type

DECLARED = re.compile(r"\b(\w+)\(")

Graph = dict[str, dict[str, set[str]]]  # file → file it calls → by which names


class Source:
    """One file: the functions it defines and declares, and the names of others' in it."""

    def __init__(self, path: Path) -> None:
        self.unit = path.stem
        self.is_header = path.suffix == ".h"
        text = NO_CODE.sub(" ", path.read_text()).replace("\\\n", " ")
        code = DIRECTIVE.sub("", text)
        self.own: set[str] = set()
        self.shared: set[str] = set()
        bodies = [line for line in DIRECTIVE.findall(text) if "include" not in line]
        for found in DEFINITION.finditer(code):
            is_own = not self.is_header and "static" in found[1].split()
            (self.own if is_own else self.shared).add(found[2])
            bodies.append(body_at(code, found.end()))
        searched = bodies if self.is_header else [*bodies, code]
        self.named = {name for text in searched for name in NAMED.findall(text)}
        for body in bodies:
            code = code.replace(body, "")
        self.declared = set(DECLARED.findall(code)) if self.is_header else set()


def body_at(code: str, begin: int) -> str:
    depth = 1
    for brace in re.finditer(r"[{}]", code[begin:]):
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            return code[begin : begin + brace.start()]
    raise AssertionError(f"a brace is never closed: {code[begin : begin + 60]!r}")


def sources_of(folder: Path) -> list[Source]:
    return [Source(path) for path in sorted([*folder.glob("*.c"), *folder.glob("*.h")])]


def owners_in(sources: list[Source]) -> dict[str, str]:
    return {name: source.unit for source in sources for name in source.shared}


def graph_of(folder: Path) -> Graph:
    sources = sources_of(folder)
    owner = owners_in(sources)
    graph: Graph = {}
    for source in sources:
        calls = graph.setdefault(source.unit, {})
        for name in source.named - source.own:
            if owner.get(name, source.unit) != source.unit:
                calls.setdefault(owner[name], set()).add(name)
    return graph


def circle_in(graph: Graph) -> str:
    """One circle, as its calls; empty: there is none."""
    try:
        TopologicalSorter({unit: list(calls) for unit, calls in graph.items()}).prepare()
    except CycleError as error:
        units = error.args[1][::-1]
        return "\n".join(
            f"{caller} calls {called}: {', '.join(sorted(graph[caller][called]))}"
            for caller, called in pairwise(units)
        )
    return ""


def test_no_file_is_called_by_what_it_calls() -> None:
    assert circle_in(graph_of(NATIVE)) == ""


def test_the_graph_is_that_of_the_packets_way() -> None:
    graph = graph_of(NATIVE)
    assert set(graph) == {path.stem for path in NATIVE.glob("*.[ch]")}
    assert graph["loop"]["ingress"] == {"core_receive"}
    assert "encoding_receive" in graph["ingress"]["encoding"]
    assert "consumer_take" in graph["encoding"]["consumer"]
    assert "transport_send_rtp" in graph["consumer"]["egress"]
    assert graph["egress"]["core"] == {"core_count"}  # of the header alone
    assert "pump_loop" in graph["pump"]["loop"]  # handed on, not called


def test_what_a_file_gives_is_declared_in_its_own_header_alone() -> None:
    sources = sources_of(NATIVE)
    owner = owners_in(sources)
    declared = {
        (name, source.unit) for source in sources for name in source.declared if name in owner
    }
    assert declared == set(owner.items())


FILES = {
    "upper.c": """
        #include "lower.h"
        static int own(int (*way)(void)) {
          return way();
        }
        /* above_all() is upper's */
        int above_all(void) {
          return own(lower_way);
        }
    """,
    "lower.h": """
        int lower_way(void);
        int above_all(void);
    """,
    "lower.c": """
        #include "lower.h"
        static int own(void) {
          struct above_all place = {.above_all = 1}, *there = &place;
          return place.above_all + there->above_all;
        }
        int lower_way(void) {
          return own(); // and not above_all()
        }
    """,
}


@pytest.mark.parametrize(
    ("added", "circle"),
    [
        ({}, []),
        (
            {"lower.c": "int lower_too(void) {\n  return above_all();\n}\n"},
            ["lower calls upper: above_all", "upper calls lower: lower_way"],
        ),
        (
            {"lower.h": "static inline int in_line(void) { return above_all(); }\n"},
            ["lower calls upper: above_all", "upper calls lower: lower_way"],
        ),
        (
            {"lower.h": "#define CALL() \\\n  above_all()\n"},
            ["lower calls upper: above_all", "upper calls lower: lower_way"],
        ),
        (
            {
                "middle.c": "int middle(void) {\n  return above_all();\n}\n",
                "lower.c": "static int (*const ways[])(void) = {middle};\n",
            },
            [
                "lower calls middle: middle",
                "middle calls upper: above_all",
                "upper calls lower: lower_way",
            ],
        ),
    ],
)
def test_a_circle_is_told_by_its_calls(
    tmp_path: Path, added: dict[str, str], circle: list[str]
) -> None:
    for name in FILES | added:
        (tmp_path / name).write_text(dedent(FILES.get(name, "")) + added.get(name, ""))
    assert sorted(set(circle_in(graph_of(tmp_path)).splitlines())) == sorted(circle)
