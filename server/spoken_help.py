"""Typer's own words in the machine's language: the frame of a command's help, and what is wrong
with a command line.

Typer takes its words from no catalogue, so that they are put in where it lets us: the titles of its
panels, the usage line, the help option, and the errors on their way out. English is left as typer
says it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

from typer._click.exceptions import NoArgsIsHelpError, UsageError
from typer.core import TyperArgument, TyperCommand, TyperGroup

from server.command_words import one_word, words
from server.spoken import spoken


@cache
def _speak() -> None:
    from typer import rich_utils  # noqa: PLC0415 - only a help or an error needs it

    plain = rich_utils._make_rich_text

    def folded(**text: Any) -> Any:
        """A Chinese sentence is one word to rich, which cuts a word that is too long."""
        made: Any = plain(**text)
        made.overflow = "fold"
        return made

    if not words("help").isascii():
        rich_utils._make_rich_text = folded
    rich_utils.ARGUMENTS_PANEL_TITLE = words("arguments")
    rich_utils.OPTIONS_PANEL_TITLE = words("options")
    rich_utils.COMMANDS_PANEL_TITLE = words("commands")
    rich_utils.ERRORS_PANEL_TITLE = words("error")
    rich_utils.RICH_HELP = words("try")
    rich_utils.DEFAULT_STRING = f"[{one_word('default')}]"
    rich_utils.REQUIRED_LONG_STRING = f"[{words('required')}]"


class SpokenUsageError(UsageError):
    """What is wrong with a command line, in words."""


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except (SpokenUsageError, NoArgsIsHelpError):
        raise
    except UsageError as error:
        from server.wrong_options import told  # noqa: PLC0415 - a start meets none

        _speak()
        lines = spoken(told(error), encoding=sys.stderr.encoding)
        raise SpokenUsageError("\n".join(lines), error.ctx) from error


class SpokenCommand(TyperCommand):
    """A command whose help is spoken."""

    def get_help_option(self, ctx: Any) -> Any:
        """`--help`, in words."""
        return _explained(super().get_help_option(ctx))

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """The line of how it is used."""
        _usage(self, ctx, formatter)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The help."""
        _speak()
        _say_kinds(self, ctx)
        super().format_help(ctx, formatter)


class SpokenGroup(TyperGroup):
    """A group of commands whose help, and whose errors, are spoken."""

    def get_help_option(self, ctx: Any) -> Any:
        """`--help`, in words."""
        return _explained(super().get_help_option(ctx))

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """The line of how it is used."""
        _usage(self, ctx, formatter)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The help."""
        _speak()
        _say_kinds(self, ctx)
        super().format_help(ctx, formatter)

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Read the group's own options."""
        with _in_words():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """Read and run its command."""
        with _in_words():
            return super().invoke(ctx)


# What an option takes, of which typer has the names alone; choices are names of ours.
_KINDS = re.compile(r"(?<=[<\[])(?:int range|int|float range|float|str|(?i:path)|bool)(?=[>\]])")
_LIST = re.compile(r"list\[(.+)\]")


def _say_kinds(command: Any, ctx: Any) -> None:
    chinese = not words("help").isascii()
    for option in command.get_params(ctx):
        kind = option.display_type_rich(ctx=ctx) or ""
        said = _KINDS.sub(lambda found: one_word(found[0].lower()), kind)
        if said == kind and not _LIST.search(kind):
            continue
        said = _LIST.sub(r"\1…", said) if chinese else said
        if isinstance(option, TyperArgument):  # whose `metavar` is its name
            option.__dict__["display_type_rich"] = partial(_of_kind, said)
        else:
            option.metavar = said


def _of_kind(said: str, ctx: Any) -> str:
    return said


def _explained(option: Any) -> Any:
    if option is not None:
        option.help = words("help")
    return option


# Where a usage line says what may follow.
_PLACES = {"[OPTIONS]": "options_place", "COMMAND [ARGS]...": "command_place"}


def _usage(command: Any, ctx: Any, formatter: Any) -> None:
    pieces = command.collect_usage_pieces(ctx)
    said = [one_word(_PLACES[each]) if each in _PLACES else each for each in pieces]
    formatter.write_usage(ctx.command_path, " ".join(said), prefix=one_word("usage"))
