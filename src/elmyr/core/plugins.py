"""Plug-ins: Python files of a user's own that register parts, such as an objective or a pair of networks.

A plug-in is code that runs, so it is named by the user alone, never by a file that is opened.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from elmyr.core.calls import checked
from elmyr.core.errors import ElmyrError, InputError, suggestion
from elmyr.core.files import likely_meant
from elmyr.core.notes import note
from elmyr.core.tables import Table

VARIABLE = "ELMYR_PLUGINS"  # paths, as PATH has them; worker processes inherit it
GROUP = "elmyr.plugins"


@dataclass(frozen=True)
class PartKind:
    """A kind of part: its table as `module:attribute`, and where a run's config names one, as `key` or `key.inner`.

    In the latter `*` stands for the part's name, as a key whose value is not 0. in_model: whether what was trained
    needs it, not the training alone.
    """

    table: str
    named_at: str | None = None
    in_model: bool = False


KINDS = {
    "objective": PartKind("elmyr.losses.objectives:OBJECTIVES", "objective"),
    "networks": PartKind("elmyr.nets:PAIRS", "network.name", in_model=True),
    "penalty": PartKind("elmyr.losses.penalties:PENALTIES", "penalties.*"),
    "metric": PartKind("elmyr.evaluation:FIGURES"),
    "extractor": PartKind("elmyr.evaluation:EXTRACTORS"),
    "reader": PartKind("elmyr.images.readers:READERS"),
    "source": PartKind("elmyr.images.readers:SOURCES", "source"),
    "image figure": PartKind("elmyr.tasks.gan.directions.figures:IMAGE_FIGURES"),
    "task": PartKind("elmyr.engine.tasks:TASKS", "kind", in_model=True),
}


@dataclass(frozen=True)
class Plugin:
    """A file that has registered parts: its path as it was named, and the sha256 of what was read of it.

    asked: whether a command has to name it, as nothing else would load it.
    """

    path: str
    sha256: str
    asked: bool = False


_files: dict[str, Plugin] = {}  # by their real paths
_loading: list[Plugin] = []  # what it registers is its own, also by a file that it imports


@checked
def register(kind: str, name: str, part: Any = None) -> Any:
    """Adds a part of your own to elmyr, to be asked for by its name; returns the part.

    kind: "objective", "networks", "penalty", "metric", "extractor", "reader", "source", "image figure" or "task".
    Without a part it is a decorator of one: `@elmyr.register("objective", "mine")`. Raises InputError for an unknown
    kind, a taken name, and for what is no such part. docs/extending.md shows one of each.
    """
    file = sys._getframe(2).f_globals.get("__file__")  # of the caller, past the check of the call

    def add(part: Any) -> Any:
        whose = _loading[-1].path if _loading else _plugin_of(file).path if file and Path(file).is_file() else ""
        table_of(kind).add(name, part, whose)
        return part

    return add if part is None else add(part)


def table_of(kind: str) -> Table[Any]:
    """The table of a kind of part; InputError for an unknown one."""
    if kind not in KINDS:
        raise InputError(f"no kind of part '{kind}': {suggestion(kind, KINDS)}")
    module, _, attribute = KINDS[kind].table.partition(":")
    table: Table[Any] = getattr(import_module(module), attribute)
    return table


@checked
def load_plugin(path: str | os.PathLike[str]) -> None:
    """Runs a file that registers parts, once; worker processes that begin later run it too.

    Raises InputError for a file that is not there, fails, registers a taken name, or nothing: then nothing is added.
    """
    named = os.fspath(path)
    file = Path(named).expanduser()
    if not file.is_file():
        if file.is_dir():
            raise InputError(f"the plug-in '{named}' is a folder: name a file of Python")
        near = likely_meant(file)
        raise InputError(f"no plug-in '{named}': " + (f"did you mean '{near}'?" if near else "name a file of Python"))
    real = str(file.resolve())
    inherited = os.environ.get(VARIABLE, "")
    asked = real not in inherited.split(os.pathsep)
    if real not in _files:
        _run(named, file, real, asked)
    if asked:
        os.environ[VARIABLE] = os.pathsep.join(filter(None, [inherited, real]))


def _run(named: str, file: Path, real: str, asked: bool) -> None:
    content = file.read_bytes()
    _files[real] = Plugin(named, hashlib.sha256(content).hexdigest(), asked)
    stem = re.sub(r"\W", "_", file.stem)
    module = ModuleType(f"elmyr_plugin_{stem}_{_files[real].sha256[:8]}")
    module.__file__ = real
    sys.modules[module.__name__] = module
    if str(file.parent.resolve()) not in sys.path:
        sys.path.append(str(file.parent.resolve()))  # for the files beside it that it imports
    with _all_or_nothing(real):
        exec(compile(content, real, "exec"), module.__dict__)


def load_all(named: Iterable[str] = ()) -> None:
    """Loads the plug-ins that are named here, in the environment's ELMYR_PLUGINS, and by installed packages."""
    for path in [*named, *filter(None, os.environ.get(VARIABLE, "").split(os.pathsep))]:
        load_plugin(path)
    for point in entry_points(group=GROUP):
        try:
            point.load()
        except Exception as error:
            raise InputError(f"plug-in '{point.name}' ({point.value}) cannot be loaded: {_told(error)}") from error


def with_plugins(command: str) -> str:
    """A command of elmyr, `elmyr …`, with the plug-ins that it has to name."""
    named = "".join(f" --plugin {shlex.quote(plugin.path)}" for plugin in _files.values() if plugin.asked)
    return f"elmyr{named}{command.removeprefix('elmyr')}" if command.startswith("elmyr ") else command


def environment() -> dict[str, Any]:
    """The plug-ins of this process for a run's `environment.json`; empty where there is none."""
    found = [
        {"path": plugin.path, "sha256": plugin.sha256, "parts": parts}
        for plugin in _files.values()
        if (parts := _parts_of(plugin.path))
    ]
    return {"plugins": found} if found else {}


def require_parts(where: str | os.PathLike[str], surroundings: Any, config: Any, *, of_model: bool = False) -> None:
    """InputError where the config of a run names a part of a plug-in that is not here.

    surroundings: the run's `environment.json`, which tells what it was trained with. Nothing is loaded by it.
    of_model: whether only its model is opened.
    """
    for plugin, kind, name in _recorded(surroundings):
        known = KINDS[kind]
        if (of_model and not known.in_model) or not uses(config, known.named_at, name):
            continue
        table, path = table_of(kind), shlex.quote(plugin.path)
        told = f"'{os.fspath(where)}' was trained with the {table.kind} '{name}' of the plug-in {path}"
        if name not in table:
            raise InputError(f"{told}: pass --plugin {path}")
        if plugin.sha256 not in {here.sha256 for here in _files.values()}:
            here = table.origins.get(name) or "without a file"
            note(f"{told}: the plug-in now named, {here}, differs from the one that it was trained with")


def _recorded(surroundings: Any) -> Iterator[tuple[Plugin, str, str]]:
    """The plug-ins of an `environment.json`, each with kind and name of its parts; what is damaged is left out."""
    with suppress(KeyError, TypeError, AttributeError):
        for each in surroundings.get("plugins", ()):
            plugin = Plugin(" ".join(each["path"].split()), str(each["sha256"]))
            for kind in KINDS.keys() & each["parts"].keys():
                for name in each["parts"][kind]:
                    yield plugin, kind, str(name)


def uses(config: Any, named_at: str | None, name: str) -> bool:
    """Whether a config, at any depth, names a part there, as `PartKind.named_at` has it."""
    if named_at is None or not isinstance(config, Mapping):
        return False
    key, _, inner = named_at.partition(".")
    found = config.get(key)
    if inner and isinstance(found, Mapping):
        found = found.get(inner) if inner != "*" else (name if found.get(name) else None)
    return found == name or any(uses(each, named_at, name) for each in config.values())


def failing_in(error: BaseException) -> str | None:
    """The plug-in and the line in which an error arose; None where it arose elsewhere."""
    if isinstance(error, SyntaxError) and error.filename in _files:
        return f"plug-in '{_files[error.filename].path}', line {error.lineno}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in _files]
    return f"plug-in '{_files[frames[-1].filename].path}', line {frames[-1].lineno}" if frames else None


@contextmanager
def at_work(kind: str, name: str) -> Iterator[None]:
    """Inside, a part works: what fails in one of a plug-in is an InputError that names it and the file's line."""
    try:
        yield
    except Exception as error:
        table = table_of(kind)
        if isinstance(error, ElmyrError) or name not in table.origins:
            raise
        where = failing_in(error) or (f"plug-in '{table.origins[name]}'" if table.origins[name] else "of your own")
        raise InputError(f"{table.kind} '{name}' fails: {_told(error)} ({where})") from error


@contextmanager
def _all_or_nothing(real: str) -> Iterator[None]:
    """Inside, a plug-in is run: where it fails, or registers nothing, what it added is taken out again."""
    plugin = _files[real]
    _loading.append(plugin)
    try:
        yield
        if not _parts_of(plugin.path):
            raise InputError("it registers nothing, call elmyr.register(kind, name, part) in it")
    except BaseException as error:
        where = failing_in(error) or f"plug-in '{plugin.path}'"
        for kind, names in _parts_of(plugin.path).items():
            for name in names:
                table_of(kind).remove(name)
        del _files[real]
        if isinstance(error, Exception | SystemExit):
            raise InputError(f"{where}: {_told(error)}") from error
        raise
    finally:
        _loading.pop()


def _told(error: BaseException) -> str:
    reason = (str(getattr(error, "msg", None) or error).splitlines() or [""])[0]
    return reason if isinstance(error, ElmyrError) else f"{type(error).__name__}: {reason}"


def _plugin_of(file: str) -> Plugin:
    """The plug-in that a file is; also of one that was imported, not loaded."""
    real = str(Path(file).resolve())
    if real not in _files:
        _files[real] = Plugin(file, hashlib.sha256(Path(real).read_bytes()).hexdigest())
    return _files[real]


def _parts_of(path: str) -> dict[str, list[str]]:
    """What a plug-in has registered, by kind; looks only at tables that are loaded, since others hold nothing of it."""
    found: dict[str, list[str]] = {}
    for kind, at in KINDS.items():
        if at.table.partition(":")[0] in sys.modules:
            names = [name for name, origin in table_of(kind).origins.items() if origin == path]
            if names:
                found[kind] = names
    return found
