"""The right words for commands and options that elmyr does not have, as a command line to copy."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from typing import Any

from elmyr.cli.helping.examples import EXAMPLES
from elmyr.cli.helping.rewording import Rewording
from elmyr.core.errors import nearest
from elmyr.core.synonyms import COMMANDS, plain

OF_THE_PROGRAM = ("version", "help", "h")


def corrected(program: Any, words: Sequence[str]) -> str | None:
    """One line about words that the program does not know, with what to write instead; None where it knows all.

    program: the group of all commands, as typer makes it; words: those after the program's name.
    """
    if words and words[0].startswith("-") and plain(words[0]) not in OF_THE_PROGRAM:
        return _about_order(program, list(words))
    command, path, rest = program, list[str](), list(words)
    while rest and hasattr(command, "commands") and not rest[0].startswith("-"):
        if rest[0] not in command.commands:
            return _about_command(program, command, path, rest[0], rest[1:])
        command = command.commands[rest[0]]
        path.append(rest.pop(0))
    return None if hasattr(command, "commands") else _about_options(command, path, rest)


def unquoted(words: Sequence[str]) -> str | None:
    """One line about a path with blanks that came as several words, with the line in quotes; None without one."""
    for start in range(len(words)):
        if words[start].startswith("-") or os.path.lexists(words[start]):
            continue
        for end in range(start + 2, len(words) + 1):
            path = " ".join(words[start:end])
            if os.path.exists(path):
                line = shlex.join(["elmyr", *words[:start], path, *words[end:]])
                return _tried(f"the path '{path}' has a blank in it, so it needs quotes", line)
    return None


def _about_order(program: Any, words: list[str]) -> str | None:
    """Of options before the command, which come after it."""
    place = next((place for place, word in enumerate(words) if word in program.commands), None)
    if place is None:
        return None
    line = shlex.join(["elmyr", *words[place:], *words[:place]])
    return _tried("options come after the command", line)


def _about_command(program: Any, group: Any, path: list[str], typed: str, rest: list[str]) -> str:
    missing = f"no command '{typed}'"
    for row in (row for words, rows in COMMANDS.items() if plain(typed) in words.split() for row in rows):
        target = row.text.split()
        for root, start in ((group, path), (program, [])):
            command = _command(root, [word for word in target if not word.startswith("-")])
            if command is not None:
                return _tried(f"{missing}: {row.why}", _line([*start, *target], command, rest))
    near = nearest(typed, [name for name, command in group.commands.items() if not command.hidden])
    if near is not None:
        return _tried(f"{missing}: did you mean '{near}'?", _line([*path, near], group.commands[near], rest))
    if path == ["data"] and _is_data(typed):
        return _tried(
            f"{missing}, which is the name of data", _line([*path, "info"], group.commands["info"], [typed, *rest])
        )
    if not path and _is_data(typed):
        line = _line(["study"], program.commands["study"], [typed, *rest])
        return _tried(f"{missing}, which is the name of data: say what to do with them", line)
    return f"{missing} (see: {' '.join(['elmyr', *path])} --help)"


def _command(group: Any, names: Sequence[str]) -> Any:
    for name in names:
        group = getattr(group, "commands", {}).get(name)
    return group


def _line(path: Sequence[str], command: Any, rest: Sequence[str]) -> str:
    return shlex.join(["elmyr", *path]) if hasattr(command, "commands") else Rewording(command, path, rest).line


def _about_options(command: Any, path: list[str], rest: Sequence[str]) -> str | None:
    rewording = Rewording(command, path, rest)
    if rewording.unknown is not None:
        return f"no option {rewording.unknown} (see: {shlex.join(['elmyr', *path])} --help)"
    if not rewording.reasons:
        return _missing(path, rewording.lacking)
    typed, why = ", ".join(rewording.reasons), "; ".join(dict.fromkeys(rewording.reasons.values()))
    return _tried(f"no option {typed}: {why}", rewording.line)


def _missing(path: list[str], argument: str | None) -> str | None:
    """Of an argument that was left out, with an example."""
    if argument is None:
        return None
    return _tried(f"{' '.join(path)} needs {argument}", EXAMPLES[" ".join(path)][0])


def _tried(told: str, line: str) -> str:
    return f"{told}{'' if told.endswith('?') else ';'} try: {line}"


def _is_data(word: str) -> bool:
    from elmyr.images.derived import DERIVED
    from elmyr.images.readers import SOURCES

    return os.path.exists(word) or word in SOURCES or word in DERIVED
