"""The articles' systems from end to end: trained, judged, put to their uses, written down."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elmyr.core import machine, plugins
from elmyr.core.amounts import Amount
from elmyr.core.calls import checked
from elmyr.core.errors import InputError
from elmyr.core.files import write_json
from elmyr.core.thread_counts import AUTO, Threads, refuse_other_threads
from elmyr.engine.group.devices import placed_anew
from elmyr.engine.guards import refuse_groups
from elmyr.engine.progress import told
from elmyr.engine.saving.places import ARTICLES_KIND, Run
from elmyr.engine.saving.run_directory import RunDirectory, config_as, new_directory, open_run
from elmyr.images import AS_IT_IS, Data, Shaping
from elmyr.studies.articles.config import ArticlesAsk, ArticlesConfig, make_articles_config
from elmyr.studies.articles.gathering import gathered
from elmyr.studies.articles.pieces import TRAINING, Piece, Worker, pieces_of
from elmyr.studies.articles.places import run_of
from elmyr.studies.articles.record import FILE, ArticlesRecord
from elmyr.studies.work.begun import refuse_other_work, write_moved
from elmyr.studies.work.clock import Clock, counted
from elmyr.studies.work.interruption import resumable
from elmyr.studies.work.worker_pool import NoMainGuard, Pool, at_once, performed

ARTICLES = Path("articles")
CALLED = "the articles' systems"
SETS = ("data", "color")
Say = Callable[[str], None]


@dataclass(frozen=True, repr=False)
class Articles:
    """The articles' systems, trained and judged: their directory, and what `articles.json` holds."""

    path: Path
    record: ArticlesRecord

    @property
    def content(self) -> dict[str, Any]:
        """The record as JSON values."""
        return self.record.model_dump(mode="json")

    def __repr__(self) -> str:
        numbers = ", ".join(str(system.number) for system in self.record.systems)
        return f"Articles('{self.path}': {numbers})"


@checked
def articles(
    data: Data = "mnist",
    *,
    color: Data = "cifar10",
    only: Sequence[int] | None = None,
    effort: str = "quick",
    images: Amount | None = None,
    remedies: bool = False,
    seed: int = 0,
    out: str | os.PathLike[str] | None = None,
    processes: int = 1,
    device: str = "auto",
    precision: str = "auto",
    data_root: str | os.PathLike[str] | None = None,
    shaping: Shaping = AS_IT_IS,
    threads: Threads = AUTO,
    quiet: bool = False,
    say: Say = lambda line: None,
) -> Articles:
    """Trains the systems of the five articles as written and cured, judges them, and puts them to their uses.

    data: gray images 28x28 in the form of `shaping`; color: those of article 3, brought to 64x64. only: the numbers of
    some articles, such as (0, 3). effort: "quick", or "full" for the articles' own budgets; `images` is that of every
    training instead. remedies: whether each step from written to cured, each of the articles' own remedies and the
    rescue by the training monitor are trained as well. processes: how many pieces of work are done at once (0: one a
    core). threads: as `study` has them. out: a directory, which may hold the same, begun. Raises InputError before
    anything is written.
    """
    of_machine = device, precision, data_root, shaping, processes, threads
    ask = ArticlesAsk(data, color, only, effort, images, remedies, seed, *of_machine)
    return conduct(ask, out=out, quiet=quiet, say=say)


def conduct(
    ask: ArticlesAsk, *, out: str | os.PathLike[str] | None = None, quiet: bool = False, say: Say = lambda line: None
) -> Articles:
    """What is asked for, parameters as `articles`."""
    refuse_groups("a run of the articles' systems")
    config = make_articles_config(ask, say)
    if out is not None and (Path(out) / "config.json").is_file():
        return _to_end(Path(out), _same(Path(out), config, ask.threads), quiet, say)
    folder = new_directory(out, parent=ARTICLES, name=config.name)
    write_json(folder / "config.json", config.model_dump(mode="json"))
    try:
        return _to_end(folder, config, quiet, say)
    except NoMainGuard:
        shutil.rmtree(folder)  # nothing was done
        raise


def resume_articles(
    name: Run,
    *,
    processes: int | None = None,
    data: Sequence[str | os.PathLike[str] | None] = (),
    data_root: str | os.PathLike[str] | None = None,
    device: str | None = None,
    quiet: bool = False,
    say: Say = lambda line: None,
) -> Articles:
    """Resumes an interrupted run of the articles' systems, by another number of processes where asked.

    data: where its images lie by now, the gray and the color ones in turn, None for what has not moved; of a run of
    one set the place of that. data_root: the folder that holds named data sets by now. device: where it goes on, if not
    where it was. InputError where the images are others.
    """
    refuse_groups("a run of the articles' systems")
    run = open_run(name, ARTICLES_KIND)
    config = config_as(run, ArticlesConfig)
    if processes is not None and processes < 1:
        raise InputError(f"--processes is {processes}: at least 1")
    if any(data) or data_root is not None:
        config = _moved(run, config, data, data_root)
    config = placed_anew(run, config, config.device, device)
    return _to_end(run.path, config.model_copy(update={"processes": processes or config.processes}), quiet, say)


def _moved(
    run: RunDirectory,
    config: ArticlesConfig,
    places: Sequence[str | os.PathLike[str] | None],
    data_root: str | os.PathLike[str] | None,
) -> ArticlesConfig:
    """The config whose images lie elsewhere by now, written down, also in its GANs' runs."""
    known = {name: each for name, each in zip(SETS, (config.data, config.color), strict=True) if each is not None}
    if len(known) == 1:
        places = [each for each in places if each is not None]
    if len(places) > len(known):
        raise InputError(f"--data is given {len(places)} times, and '{run.path}' has one image set: give it once")
    given = dict(zip(known, places, strict=False))
    there = {name: each.at(given.get(name) or each.source, data_root) for name, each in known.items()}
    for data in there.values():
        data.reopened()  # refuses other images
    config = config.model_copy(update=there)
    of_systems = ((system, config.of(system.side)) for system in config.systems)
    write_moved(
        run,
        config,
        (
            (run_of(run.path, system, training), data.source, data.root)
            for system, data in of_systems
            for training in config.trainings(system)
        ),
    )
    return config


def _same(folder: Path, config: ArticlesConfig, threads: Threads) -> ArticlesConfig:
    """The config in a directory, to be resumed; InputError where it is of anything else than what is asked for."""
    theirs = config_as(open_run(folder, ARTICLES_KIND), ArticlesConfig)
    one, other = (each.model_dump(mode="json", exclude={"processes", "threads"}) for each in (theirs, config))
    in_order = sorted(one, key=lambda name: name in SETS)  # another seed has other images, too
    differing = next((name for name in in_order if one[name] != other[name]), None)
    if differing is not None:
        what = "its images are others" if differing in SETS else f"{differing} is {one[differing]!r}"
        refuse_other_work(folder, "other trainings of the articles' systems", what)
    refuse_other_threads(str(folder), threads, theirs.threads)
    return theirs.model_copy(update={"processes": config.processes})


def _to_end(folder: Path, config: ArticlesConfig, quiet: bool, say: Say) -> Articles:
    run = RunDirectory(folder)
    say = run.noting(say)
    with resumable(folder, "the work"), run.locked():
        return _conducted(folder, config, quiet, say)


def _conducted(folder: Path, config: ArticlesConfig, quiet: bool, say: Say) -> Articles:
    worker, pieces = Worker(folder), pieces_of(config)
    surroundings = {"device": config.device, "precision": config.precision}
    write_json(folder / "environment.json", machine.environment() | plugins.environment() | surroundings)
    done = {piece for piece in pieces if worker.is_done(piece)}
    numbers = ", ".join(map(str, config.numbers))
    say(f"articles {numbers}: {counted(len(pieces))} of work, in {folder}")
    if done:
        say(f"{len(done)} of them are done")
    clock = Clock(pieces, done, config.processes)
    for piece, seconds in _outcomes(worker, pieces, done, config, quiet, say):
        say(f"{worker.told(piece)} in {told(seconds)}{clock.told(piece, seconds)}")
    record = gathered(folder, worker)
    write_json(folder / FILE, record.model_dump(mode="json"))
    return Articles(folder, record)


def _outcomes(
    worker: Worker, pieces: Sequence[Piece], done: set[Piece], config: ArticlesConfig, quiet: bool, say: Say
) -> Iterator[tuple[Piece, float]]:
    if at_once(config.processes):
        pool = Pool.of(worker.folder, Worker, CALLED, config, quiet)
        yield from performed(pool, pieces, done)
        return
    for piece in pieces:
        if piece not in done:
            if piece.what == TRAINING:
                images = config.budget(piece.system, worker.training(piece))
                say(f"article {piece.number}, {piece.slug}: training a GAN, {images:,} images seen")
            with machine.threads(config.threads):  # those that it began with: sums depend on them in their last bits
                seconds = worker.perform(piece, quiet=quiet, say=say)
            yield piece, seconds
