"""Finds the line of every key and array element in a TOML text.

`tomllib` reads values but forgets where they stood; an error must name its line. This walks a
text that `tomllib` has already accepted (so it need not check anything) and returns paths with
their lines. Values are skipped, not read. Grammar: TOML 1.0.0.
"""

from __future__ import annotations

Path = tuple[str | int, ...]

_SPACE = " \t\r\n"
_BARE_VALUE_END = ",]}\n#"


def key_lines(text: str) -> dict[Path, int]:
    """Path of each key, table and array element → its line, counted from 1.

    `text` must be valid TOML. `[[layers]]` and `layers = [{…}]` both give `("layers", 0)`.
    """
    walker = _Walker(text)
    walker.document()
    return walker.lines


class _Walker:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Path, int] = {}
        self.table_arrays: dict[Path, int] = {}  # how many `[[…]]` of this path so far

    def document(self) -> None:
        prefix: Path = ()
        while self.skip_blank():
            if self.text.startswith("[[", self.at):
                prefix = self.header(2)
            elif self.text[self.at] == "[":
                prefix = self.header(1)
            else:
                self.pair(prefix)

    def header(self, brackets: int) -> Path:
        line = self.line()
        self.at += brackets
        names = self.key()
        self.at += brackets
        path: Path = ()
        for name in names[:-1]:
            self.lines.setdefault((*path, name), line)  # a table that only its inner ones imply
            path = self.inside((*path, name))
        path = (*path, names[-1])
        if brackets == 2:
            self.lines.setdefault(path, line)
            self.table_arrays[path] = self.table_arrays.get(path, 0) + 1
            path = self.inside(path)
        self.lines[path] = line
        return path

    def inside(self, path: Path) -> Path:
        """The last element so far when `path` is an array of tables, else `path`."""
        count = self.table_arrays.get(path, 0)
        return (*path, count - 1) if count else path

    def pair(self, prefix: Path) -> None:
        line = self.line()
        names = self.key()
        path = prefix
        for name in names:
            path = (*path, name)
            self.lines.setdefault(path, line)
        self.at += 1  # "="
        self.value(path)

    def key(self) -> list[str]:
        """A dotted key; stops at what follows it (`=` or `]`)."""
        names: list[str] = []
        while True:
            self.skip_blank()
            if self.text[self.at] in "\"'":
                start = self.at
                self.skip_string()
                names.append(self.text[start + 1 : self.at - 1])
            else:
                start = self.at
                while self.text[self.at] not in " \t.=]":
                    self.at += 1
                names.append(self.text[start : self.at])
            self.skip_blank()
            if self.text[self.at] != ".":
                return names
            self.at += 1

    def value(self, path: Path) -> None:
        self.skip_blank()
        first = self.text[self.at]
        if first in "\"'":
            self.skip_string()
        elif first == "[":
            self.array(path)
        elif first == "{":
            self.inline_table(path)
        else:
            while self.at < len(self.text) and self.text[self.at] not in _BARE_VALUE_END:
                self.at += 1

    def array(self, path: Path) -> None:
        self.at += 1
        index = 0
        while self.skip_blank() and self.text[self.at] != "]":
            self.lines[(*path, index)] = self.line()
            self.value((*path, index))
            index += 1
            self.skip_blank()
            if self.text[self.at] == ",":
                self.at += 1
        self.at += 1

    def inline_table(self, path: Path) -> None:
        self.at += 1
        while self.skip_blank() and self.text[self.at] != "}":
            self.pair(path)
            self.skip_blank()
            if self.text[self.at] == ",":
                self.at += 1
        self.at += 1

    def skip_string(self) -> None:
        quote = self.text[self.at]
        mark = quote * 3 if self.text.startswith(quote * 3, self.at) else quote
        self.at += len(mark)
        while not self.text.startswith(mark, self.at):
            self.at += 2 if quote == '"' and self.text[self.at] == "\\" else 1
        self.at += len(mark)
        while len(mark) == 3 and self.text.startswith(quote, self.at):
            self.at += 1  # quotes that belong to the text may stand right before the closing mark

    def skip_blank(self) -> bool:
        """Skip white space, line ends and comments; False at the end of the text."""
        while self.at < len(self.text):
            if self.text[self.at] == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif self.text[self.at] in _SPACE:
                self.at += 1
            else:
                return True
        return False

    def line(self) -> int:
        return self.text.count("\n", 0, self.at) + 1
