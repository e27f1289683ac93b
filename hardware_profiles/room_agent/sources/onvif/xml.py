"""A camera's XML, read into plain nodes; whatever it holds, in bounded time and memory.

A document type definition is refused at its first sign (SOAP 1.2 §5 forbids it): entities, with
which a hundred bytes become gigabytes, and files of this machine, come from nowhere else. Names are
told without their namespaces: makes differ in the prefixes, and no name that is asked for here is
in two of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from hardware_profiles.room_agent.sources.onvif.errors import NotOnvif

# A camera with 32 profiles answers some 100 KB.
MOST_BYTES = 1 << 19
_MOST_NODES = 20_000
_MOST_DEPTH = 40


@dataclass(slots=True)
class Node:
    """One element: its name without namespace, its text without blanks around it."""

    name: str
    attributes: dict[str, str]
    children: list[Node] = field(default_factory=list)
    text: str = ""

    def all(self, *path: str) -> Iterator[Node]:
        """Those at this path below it; `**` is any depth."""
        if not path:
            yield self
            return
        first, *rest = path
        if first == "**":
            for node in self.walk():
                if node is not self and node.name == rest[0]:
                    yield from node.all(*rest[1:])
            return
        for child in self.children:
            if child.name == first:
                yield from child.all(*rest)

    def first(self, *path: str) -> Node | None:
        """The first of them."""
        return next(self.all(*path), None)

    def says(self, *path: str) -> str:
        """The text there; "" where there is none."""
        found = self.first(*path)
        return found.text if found is not None else ""

    def walk(self) -> Iterator[Node]:
        """It and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


def parse(data: bytes) -> Node:
    """The root. Raises `NotOnvif`."""
    if len(data) > MOST_BYTES:
        raise NotOnvif("too long")
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = reader.doctype
    parser.EntityDeclHandler = reader.doctype
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError):
        raise NotOnvif("broken XML") from None
    if reader.root is None:
        raise NotOnvif("empty")
    return reader.root


class _Reader:
    """What expat tells, as nodes."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[Node] = []
        self._count = 0

    def doctype(self, *_: object) -> None:
        raise NotOnvif("a document type")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > _MOST_NODES or len(self._open) >= _MOST_DEPTH:
            raise NotOnvif("too much of it")
        own = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        node = Node(name.rpartition(" ")[2], own)
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node
        self._open.append(node)

    def end(self, _name: str) -> None:
        node = self._open.pop()
        node.text = node.text.strip()

    def characters(self, text: str) -> None:
        self._open[-1].text += text
