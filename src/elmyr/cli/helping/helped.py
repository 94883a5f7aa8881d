"""Help in parts: commands by what they are for, options by what they are about, and examples to copy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from elmyr.cli.helping.examples import EXAMPLES, GROUPS, MANY, OPTIONS

F = TypeVar("F", bound=Callable[..., Any])
WIDEST = 500  # letters of a command's line in the list, which is wrapped and not cut


class Commands(typer.Typer):
    """A group of commands whose help is in parts."""

    def __init__(self, **how: Any) -> None:
        super().__init__(cls=HelpedGroup, rich_markup_mode=None, **how)

    def command(self, name: str | None = None, **how: Any) -> Callable[[F], F]:
        """Registers a command as typer does."""
        return super().command(name, cls=HelpedCommand, **how)


class HelpedCommand(TyperCommand):
    """A command whose options stand under what they are about, where there are many, with its examples at the end."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Writes arguments and options in their parts."""
        parts: dict[str, list[tuple[str, str]]] = {title: [] for title in ("Arguments", "Options", *OPTIONS)}
        known = self.get_params(ctx)
        by_name = {name: title for title, names in OPTIONS.items() for name in names} if len(known) > MANY else {}
        for one in known:
            title = "Arguments" if one.param_type_name == "argument" else "Options"
            title = next((by_name[name] for name in one.opts if name in by_name), title)
            record = one.get_help_record(ctx)
            if record is not None:
                parts[title].append(record)
        for title, rows in parts.items():
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Writes the examples."""
        _write_examples(ctx, formatter)


class HelpedGroup(TyperGroup):
    """A group whose commands stand under what they are for."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Writes the commands in their parts."""
        known = {name: command.get_short_help_str(WIDEST) for name, command in self.commands.items()}
        for title, names in GROUPS.items():
            rows = [(name, known.pop(name)) for name in names if name in known and ctx.parent is None]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)
        if known:
            with formatter.section("Commands"):
                formatter.write_dl(list(known.items()))

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Writes what the group says at its end, and its examples."""
        super().format_epilog(ctx, formatter)
        _write_examples(ctx, formatter)


def _write_examples(ctx: Any, formatter: Any) -> None:
    names = list[str]()
    while ctx.parent is not None:
        names.insert(0, ctx.info_name)
        ctx = ctx.parent
    lines = EXAMPLES.get(" ".join(names) or "elmyr", ())
    if lines:
        with formatter.section("Examples"):
            formatter.write("".join(f"  {line}\n" for line in lines))
