"""What resumes a run or a study, whatever was trained in it. A kind is a line in the table."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING, Any

from elmyr.core.amounts import Amount
from elmyr.core.calls import checked
from elmyr.core.errors import InputError
from elmyr.core.thread_counts import Threads
from elmyr.engine.saving.places import (
    ARTICLES_KIND,
    STUDY_KIND,
    SWEEP_KIND,
    Run,
    called,
    kind_of,
    run_path,
    with_article,
)
from elmyr.engine.tasks import TASKS
from elmyr.images import Data, source_of
from elmyr.studies.work.cluster import current

if TYPE_CHECKING:
    from elmyr.engine import RunDirectory
    from elmyr.engine.config import Settings
    from elmyr.studies import Study
    from elmyr.studies.articles import Articles
    from elmyr.studies.sweeps import Sweep

COMPOSED = {  # of several trainings, imported for one of its kind only
    STUDY_KIND: ("elmyr.studies", "resume_study"),
    ARTICLES_KIND: ("elmyr.studies.articles", "resume_articles"),
    SWEEP_KIND: ("elmyr.studies.sweeps", "resume_sweep"),
    "adaptation": ("elmyr.tasks.translation", "resume_adaptation"),
}
SETS: dict[str, int] = {ARTICLES_KIND: 2}  # of images, where that is more than one
OPTIONS = {"settings": "set"}  # what the command line calls a choice, where not by its own name


@checked
def resume(
    run: Run,
    *,
    images: Amount | None = None,
    settings: Settings = (),
    data: Data | None = None,
    data_root: str | os.PathLike[str] | None = None,
    processes: int | None = None,
    keep_going: bool = False,
    track: str | None = None,
    threads: Threads | None = None,
    device: str | None = None,
    quiet: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> RunDirectory | Study | Articles | Sweep:
    """Resumes an interrupted run or study, to the same result, and returns it finished.

    images: another budget, of a finished run too. data: where the images are by now, or the images themselves, as
    `train` takes them; of a translator and the articles a pair, None for what has not moved. processes: of a study, a
    sweep or the articles. settings are the run's own; keep_going, track: as `train` has them; threads: from here on so
    many, or "auto"; device: where it goes on, if not where it was. Raises InputError for a choice that a study, or a
    run of this kind, does not have.
    """
    path = run_path(run)
    kind = kind_of(path)
    if kind in COMPOSED:
        package, name = COMPOSED[kind]
        function = getattr(import_module(package), name)
    else:
        from elmyr.engine.run import resume as function
    asked = {
        "images": images,
        "settings": settings or None,
        "data": data if data is None else _places(data, kind),
        "processes": processes,
        "keep_going": keep_going or None,
        "track": track,
        "threads": threads,
        "device": device,
    }
    given = {choice: value for choice, value in asked.items() if value is not None}
    strange = next((choice for choice in given if choice not in signature(function).parameters), None)
    if strange is None and current() is not None and "processes" not in signature(function).parameters:
        strange = "cluster"  # it is one piece of work
    if strange is not None:
        option = OPTIONS.get(strange, strange).replace("_", "-")
        raise InputError(f"'{path}' is the run of {with_article(kind)}, which resumes without --{option}: leave it out")
    done: RunDirectory | Study | Articles | Sweep = function(path, data_root=data_root, quiet=quiet, say=say, **given)
    return done


def sources_of(kind: str) -> int:
    """How many sets of images a run of a kind learns from, at most."""
    return TASKS[kind].sources if kind in TASKS else SETS.get(kind, 1)


def _places(data: Data, kind: str) -> Any:
    """Where the images are: one place, or one of each source, as A's and B's of a translator."""
    sources = sources_of(kind)
    if sources == 1:
        return source_of(data)
    if not isinstance(data, tuple | list) or len(data) != sources:
        raise InputError(
            f"a {called(kind)} learned from two sets of images: give data=(a, b), None for what has not moved"
        )
    return tuple(None if each is None else source_of(each) for each in data)
