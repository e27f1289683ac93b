"""The frame of a command's help in the machine's language: what typer says around our words."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup

from server.command_words import words


def _speak() -> None:
    from typer import rich_utils  # noqa: PLC0415 - only a help needs it

    rich_utils.OPTIONS_PANEL_TITLE = words("options")
    rich_utils.COMMANDS_PANEL_TITLE = words("commands")
    rich_utils.DEFAULT_STRING = f"[{words('default')}]"
    rich_utils.REQUIRED_LONG_STRING = f"[{words('required')}]"


class SpokenCommand(TyperCommand):
    """A command whose help is spoken."""

    def get_help_option(self, ctx: Any) -> Any:
        """`--help`, in words."""
        return _in_words(super().get_help_option(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The help."""
        _speak()
        super().format_help(ctx, formatter)


class SpokenGroup(TyperGroup):
    """A group of commands whose help is spoken."""

    def get_help_option(self, ctx: Any) -> Any:
        """`--help`, in words."""
        return _in_words(super().get_help_option(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The help."""
        _speak()
        super().format_help(ctx, formatter)


def _in_words(option: Any) -> Any:
    if option is not None:
        option.help = words("help")
    return option
