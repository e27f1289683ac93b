"""The lesson protocol as TypeScript: `web_client/src/protocol/messages.ts`, generated.

Owns the mapping from `terms` and `messages` to TypeScript, no message itself.
`python -m signaling.protocol.typescript` writes the file, `--check` fails when it is stale.

The mapping: a `StrEnum` becomes a constant array and the union of its literals, an `IntEnum` a
constant object; a model becomes an interface with a doc comment; the two message unions stay
discriminated by `type`. In what clients send a field with a default may be left out; the server
always sends every field.
"""

from __future__ import annotations

import argparse
import builtins
import enum
import inspect
import json
import re
import sys
import types
import typing
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from signaling.protocol import messages, terms

TARGET = Path(__file__).parents[2] / "web_client" / "src" / "protocol" / "messages.ts"

_HEADER = """\
// Generated from signaling/protocol/{terms,messages}.py. Do not edit:
// `python -m signaling.protocol.typescript`.
//
// The protocol is told in docs/protocol.md.
"""

_PRIMITIVES: dict[object, str] = {
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    type(None): "null",
}
_BASES = (messages.Model, messages.Request, messages.Reply)
_TRAILING_COMMENT = re.compile(r"^ {4}(\w+)\b.*?\s#\s(.*)$")


@cache
def generate() -> str:
    """The whole TypeScript file."""
    sent_by_clients = set(_reachable(messages.ClientMessage))
    parts = [_HEADER, f"export const PROTOCOL_VERSION = {messages.PROTOCOL_VERSION};\n"]
    for declared in (*_declared_in(terms), *_declared_in(messages)):
        if issubclass(declared, enum.StrEnum):
            parts.append(_enum(declared))
        elif issubclass(declared, enum.IntEnum):
            parts.append(_number_enum(declared))
        elif issubclass(declared, BaseModel) and declared not in _BASES:
            parts.append(_interface(declared, optional_defaults=declared in sent_by_clients))
    parts.append(_union("ClientMessage", messages.ClientMessage))
    parts.append(_union("ServerMessage", messages.ServerMessage))
    return "\n".join(parts)


def _declared_in(module: types.ModuleType) -> Iterator[type]:
    """The classes a module declares, in their order there, without those it only imports."""
    for declared in vars(module).values():
        if isinstance(declared, type) and declared.__module__ == module.__name__:
            yield declared


def main(arguments: list[str] | None = None) -> int:
    """Write the file, or with `--check` compare it; the process's exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m signaling.protocol.typescript", description=__doc__
    )
    parser.add_argument("--check", action="store_true", help="fail when the file is stale")
    parser.add_argument("--target", type=Path, default=TARGET)
    options = parser.parse_args(arguments)
    text = generate()
    target: Path = options.target
    current = target.read_text(encoding="utf-8") if target.exists() else ""
    if current == text:
        return 0
    if options.check:
        sys.stderr.write(f"{target} is stale: run `python -m signaling.protocol.typescript`\n")
        return 1
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(".ts.part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(target)
    return 0


def _enum(declared: type[enum.StrEnum]) -> str:
    comments = comments_of(declared)
    array = re.sub(r"(?<!^)(?=[A-Z])", "_", declared.__name__).upper() + "_VALUES"
    lines = [f"export const {array} = ["]
    for member in declared:
        comment = comments.get(member.name)
        lines.append(f"  {json.dumps(member.value)}," + (f" // {comment}" if comment else ""))
    lines.append("] as const;")
    return (
        "\n".join(lines)
        + "\n\n"
        + _doc(declared)
        + f"export type {declared.__name__} = (typeof {array})[number];\n"
    )


def _number_enum(declared: type[enum.IntEnum]) -> str:
    comments = comments_of(declared)
    lines = [_doc(declared) + f"export const {declared.__name__} = {{"]
    for member in declared:
        comment = comments.get(member.name)
        lines.append(f"  {member.name}: {member.value}," + (f" // {comment}" if comment else ""))
    lines.append("} as const;")
    name = declared.__name__
    return "\n".join(lines) + f"\nexport type {name} = (typeof {name})[keyof typeof {name}];\n"


def _interface(model: type[BaseModel], *, optional_defaults: bool) -> str:
    comments = comments_of(model)
    lines = []
    for name, field in _own_order(model):
        comment = comments.get(name)
        if comment:
            lines.append(f"  /** {comment} */")
        may_lack = optional_defaults and not field.is_required() and name != "type"
        lines.append(f"  {name}{'?' if may_lack else ''}: {_type(field.annotation)};")
    return _doc(model) + f"export interface {model.__name__} {{\n" + "\n".join(lines) + "\n}\n"


def _own_order(model: type[BaseModel]) -> Iterable[tuple[str, FieldInfo]]:
    """`type` first, `request_id` last, the rest as declared."""
    place = {"type": -1, "request_id": 1}
    return sorted(model.model_fields.items(), key=lambda item: place.get(item[0], 0))


def _union(name: str, annotated: object) -> str:
    (union, *_rest) = get_args(annotated)
    members = "".join(f"\n  | {member.__name__}" for member in get_args(union))
    return f"export type {name} ={members};\n"


def _type(annotation: Any) -> str:
    if annotation in _PRIMITIVES:
        return _PRIMITIVES[annotation]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel | enum.Enum):
        return annotation.__name__
    return _generic(get_origin(annotation), get_args(annotation))


def _generic(origin: object, arguments: tuple[Any, ...]) -> str:
    match origin:
        case typing.Annotated:
            text = _type(arguments[0])
        case typing.Literal:
            text = " | ".join(json.dumps(value) for value in arguments)
        case typing.Union | types.UnionType:
            text = " | ".join(_type(argument) for argument in arguments)
        case builtins.list:
            item = _type(arguments[0])
            text = f"({item})[]" if " | " in item else f"{item}[]"
        case builtins.tuple:
            text = "[" + ", ".join(_type(argument) for argument in arguments) + "]"
        case builtins.dict:
            text = f"Record<string, {_type(arguments[1])}>"
        case _:
            raise TypeError(f"no TypeScript for {origin!r}: teach signaling.protocol.typescript")
    return text


def _reachable(annotation: object) -> Iterator[type[BaseModel]]:
    """Every model an annotation mentions, itself included."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from _reachable(field.annotation)
    for argument in get_args(annotation):
        yield from _reachable(argument)


def _doc(declared: type) -> str:
    text = inspect.cleandoc(declared.__dict__.get("__doc__") or "")
    if not text:
        return ""
    lines = text.splitlines()
    if len(lines) == 1:
        return f"/** {lines[0]} */\n"
    return "/**\n" + "".join(f" * {line}".rstrip() + "\n" for line in lines) + " */\n"


def comments_of(declared: type) -> dict[str, str]:
    """The comment behind each field or member of a class in the Python source."""
    found = (_TRAILING_COMMENT.match(line) for line in inspect.getsource(declared).splitlines())
    return {match[1]: match[2] for match in found if match}


if __name__ == "__main__":
    sys.exit(main())
