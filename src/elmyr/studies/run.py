"""The study from end to end: does a GAN make a recognizer of these images better, by how much, and how sure is that?"""

from __future__ import annotations

import html
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elmyr.core import machine, plugins
from elmyr.core.amounts import Amount, seconds_of
from elmyr.core.calls import checked
from elmyr.core.errors import InputError
from elmyr.core.files import write_json
from elmyr.core.thread_counts import AUTO, Threads, refuse_other_threads
from elmyr.engine.config import Settings
from elmyr.engine.group.devices import placed_anew
from elmyr.engine.guards import refuse_groups
from elmyr.engine.saving.places import Run
from elmyr.engine.saving.run_directory import RunDirectory, config_as, new_directory, open_run
from elmyr.images import AS_IT_IS, Data, Shaping, Source, lasting_name, split_source
from elmyr.images.pictures.showing import table_html
from elmyr.studies.best.handing_over import HandingOver, hand_over
from elmyr.studies.best.keeping import remove_others
from elmyr.studies.best.repeats import repeats_of
from elmyr.studies.borrowed.borrowed_set import opened_again
from elmyr.studies.cell_data import opened
from elmyr.studies.config import EFFORTS, FAIR_SEEDS, KIND, StudyConfig
from elmyr.studies.folds import Folds
from elmyr.studies.next_steps import next_steps
from elmyr.studies.plan import StudyAsk, digest_of, make_study_plan
from elmyr.studies.summary import summary_of
from elmyr.studies.work.begun import refuse_other_work, write_moved
from elmyr.studies.work.clock import Clock
from elmyr.studies.work.estimate import told
from elmyr.studies.work.interruption import resumable
from elmyr.studies.work.ledger import Ledger
from elmyr.studies.work.pieces import FIGURES, GAN, Done, Piece, Worker, pieces_of, told_of
from elmyr.studies.work.rehearsal import at_effort, rehearse_study
from elmyr.studies.work.worker_pool import NoMainGuard, Pool, at_once, performed

STUDIES = Path("studies")


@dataclass(frozen=True, repr=False)
class Study:
    """A finished study: its directory and what `study.json` holds."""

    path: Path
    content: dict[str, Any]

    @property
    def verdicts(self) -> list[dict[str, Any]]:
        """Of each cell: its name, outcome, sentence, the difference with its 95 % interval, the arms compared.

        The outcome is "better", "worse" or "no significant effect", of one seed "not decided".
        """
        return [{"cell": cell["name"], **cell["verdict"]} for cell in self.content["cells"]]

    def __repr__(self) -> str:
        told = "; ".join(f"{verdict['cell']}: {verdict['outcome']}" for verdict in self.verdicts)
        return f"Study('{self.path}': {told})"

    def _repr_html_(self) -> str:
        """A notebook's view: a table of the verdicts."""
        rows = [("data", "verdict", "")] + [(each["cell"], each["outcome"], each["sentence"]) for each in self.verdicts]
        return f"<div>{html.escape(str(self.path))}{table_html(rows)}</div>"


@checked
def study(
    data: Data,
    labels: Any = None,
    *,
    out: str | os.PathLike[str] | None = None,
    seeds: int = FAIR_SEEDS,
    seed: int = 0,
    images: Amount | None = None,
    updates: Amount | None = None,
    preset: str = "residual",
    settings: Settings = (),
    device: str = "auto",
    precision: str = "auto",
    data_root: str | os.PathLike[str] | None = None,
    shaping: Shaping = AS_IT_IS,
    images_per_class: Sequence[int | None] | None = None,
    imbalance: Sequence[float | None] | None = None,
    label_noise: Sequence[float] | None = None,
    labels_per_class: Sequence[int | None] | None = None,
    folds: Folds = "auto",
    budget: Amount | None = None,
    processes: int = 1,
    allow_duplicates: bool = False,
    seeds_at_most: int | None = None,
    effort: str = "quick",
    borrow: Data | None = None,
    retrain: bool = False,
    recognizers: int = 1,
    robust: float | None = None,
    threads: Threads = AUTO,
    quiet: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Study:
    """Trains a GAN and the recognizers of all arms for each cell and seed, and compares the best with and without GAN.

    A cell is one trouble of the training part: each combination of the values of `images_per_class`, `imbalance`,
    `label_noise` and `labels_per_class` (None: all) is one. A seed is a new split, a new GAN and new recognizers;
    `seed` is the first of `seeds`. `images` is each GAN's budget, `updates` each recognizer's; both follow from the
    image size where not given. The arms with a GAN share the GAN of cell and seed, which has seen their training images
    only. Shares and best arms are chosen on validation; the test part only measures.

    folds: with F of them a seed tests one of F folds of the images, so that F seeds test each image once; "auto": 5
    where a class would have fewer than ten test images; None: a quarter of each class a seed, where there is no test
    part. budget: a time, in seconds or such as "2h"; where not all fits, a smaller effort is taken, then fewer seeds.
    seeds_at_most: where a cell is not decided after `seeds`, more follow, up to so many, with intervals that hold over
    all looks. effort: how many arms are tried: "quick", "standard" or "thorough". borrow: labeled images of other
    classes, for pretraining, and for a generator that learns there how images of a class differ. retrain: whether the
    best recognizer, which `best/` of the study holds, is trained once more in the end, on the validation part, too.
    recognizers: how often the two best arms are trained with each seed: their means are compared. robust: epsilon of
    attacks that are to be withstood, and judged under. processes: how many pieces of work are done at once (0: one a
    core). threads: of each process; "auto": as many as there are cores for, of one process the quicker number at first.
    out: a directory, which may hold the same study, begun. Raises InputError before anything is written.
    """
    of_cells = images_per_class, imbalance, label_noise, labels_per_class
    of_gan = images, updates, preset, settings, device, precision, data_root, shaping
    ask = StudyAsk(
        data, labels, seeds, seed, *of_gan, *of_cells, folds, processes, allow_duplicates, seeds_at_most,
        effort=effort, borrow=borrow, retrain=retrain, recognizers=recognizers, threads=threads, robust=robust,
    )  # fmt: skip
    return conduct(ask, out=out, budget=budget, quiet=quiet, say=say)


def conduct(
    ask: StudyAsk,
    *,
    out: str | os.PathLike[str] | None = None,
    budget: Amount | None = None,
    quiet: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Study:
    """The study that is asked for, parameters as `study`."""
    refuse_groups("a study")
    budget = seconds_of(budget)
    config = make_study_plan(ask, say)
    if out is not None and (Path(out) / "config.json").is_file():
        return _gone_on_with(Path(out), config, ask.threads, budget, quiet, say)
    if budget is not None:
        config, _ = rehearse_study(config, budget, say)
    folder = new_directory(out, parent=STUDIES, name=config.name)
    write_json(folder / "config.json", config.model_dump(mode="json"))
    try:
        return _to_end(folder, config, quiet, say)
    except NoMainGuard:
        shutil.rmtree(folder)  # nothing was done
        raise


def resume_study(
    name: Run,
    *,
    processes: int | None = None,
    data: str | os.PathLike[str] | None = None,
    data_root: str | os.PathLike[str] | None = None,
    device: str | None = None,
    quiet: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Study:
    """Resumes an interrupted study as if nothing had happened, by another number of processes where asked.

    data, data_root, device: where its images or named data sets lie, and it computes, by now; the study and its runs
    keep it. InputError where the images are others.
    """
    refuse_groups("a study")
    run = open_run(name, KIND)
    config = config_as(run, StudyConfig)
    if processes is not None and processes < 1:
        raise InputError(f"--processes is {processes}: at least 1")
    if data is not None or data_root is not None:
        config = _moved(run, config, data, data_root)
    config = placed_anew(run, config, config.device, device)
    return _to_end(run.path, config.model_copy(update={"processes": processes or config.processes}), quiet, say)


def _moved(
    run: RunDirectory,
    config: StudyConfig,
    data: str | os.PathLike[str] | None,
    data_root: str | os.PathLike[str] | None,
) -> StudyConfig:
    """The config of a study whose images lie elsewhere by now, written down, also in its GANs' runs."""
    source = config.source if data is None else lasting_name(data)
    root = config.root if data_root is None else os.path.abspath(data_root)
    config = config.model_copy(update={"source": source, "root": root})
    _require_same_images(opened(config), config, run.path)
    write_moved(run, config, ((gan, source, root) for gan in map(RunDirectory, (run.path / "runs").glob("*"))))
    return config


def _gone_on_with(
    folder: Path, config: StudyConfig, threads: Threads, budget: float | None, quiet: bool, say: Callable[[str], None]
) -> Study:
    """The study that a directory holds, to its end; InputError where it is another than the one that is asked for.

    Its seeds may be fewer and its effort smaller where a budget was given, or its seeds more where some were added; the
    processes are those that are asked for now.
    """
    theirs = config_as(open_run(folder, KIND), StudyConfig)
    if budget is not None and EFFORTS.index(theirs.effort) < EFFORTS.index(config.effort):
        config = at_effort(config, theirs.effort)
    ignored = {"processes", "threads", "retrain", "left_out"}
    ignored |= {"seeds", "looks"} if budget is not None else {"seeds"} if config.looks else set()
    one, other = (each.model_dump(exclude=ignored) for each in (theirs, config))
    differing = [
        name for name in ("source", "borrow", "seeds", "effort", "cells", *one) if one.get(name) != other.get(name)
    ]
    if differing:
        told_of = {
            "cells": f"it is of {'; '.join(cell.name for cell in theirs.cells)}, or by other arms",
            "digest": "its images are others",
            "borrow": f"it borrows from {'nothing' if theirs.borrow is None else repr(theirs.borrow.source)}",
            "seeds": f"its seeds are {', '.join(map(str, theirs.seeds))}",
        }
        what = told_of.get(differing[0], f"{differing[0]} is {one.get(differing[0])!r}")
        refuse_other_work(folder, "another study", what)
    refuse_other_threads(str(folder), threads, theirs.threads)
    if config.retrain and not theirs.retrain:
        theirs = theirs.model_copy(update={"retrain": True})
        with RunDirectory(folder).locked():
            write_json(folder / "config.json", theirs.model_dump(mode="json"))
    return _to_end(folder, theirs.model_copy(update={"processes": config.processes}), quiet, say)


def _to_end(folder: Path, config: StudyConfig, quiet: bool, say: Callable[[str], None]) -> Study:
    run = RunDirectory(folder)
    with resumable(folder, "the study"), ExitStack() as locks:
        locks.enter_context(run.locked())
        return _conducted(folder, config, locks, quiet, run.noting(say))


def _conducted(folder: Path, config: StudyConfig, locks: ExitStack, quiet: bool, say: Callable[[str], None]) -> Study:
    worker, ledger = Worker(folder), Ledger(folder)
    here = machine.environment() | plugins.environment()
    write_json(folder / "environment.json", here | {"device": config.device, "precision": config.precision})
    _require_same_images(worker.source, config, folder)
    if config.borrow is not None:
        opened_again(config.borrow, config.root)  # refuses other images
    while True:
        _work_through(folder, config, pieces_of(config), worker, ledger, quiet, say)
        if config.recognizers > 1:
            every = [*pieces_of(config), *repeats_of(config, ledger.results())]
            _work_through(folder, config, every, worker, ledger, quiet, say)
        content = summary_of(folder, config, ledger, worker)
        decided = all(cell["verdict"]["outcome"] in ("better", "worse") for cell in content["cells"])
        more = None if decided else config.extended()
        if more is None:
            break
        say(f"not decided after {len(config.seeds)} seeds: up to {len(more.seeds)}, of {more.most} at most")
        run = RunDirectory(folder)
        with_more = config_as(run, StudyConfig).model_copy(update={"seeds": more.seeds})
        write_json(run.config, with_more.model_dump(mode="json"))
        locks.enter_context(run.locked())  # of the file that has taken the place of the locked one
        config = more
    content |= {"best": hand_over(HandingOver(folder, config, content, worker, quiet, say))}
    content |= {"next": next_steps(content)}
    write_json(folder / "study.json", content)
    remove_others(folder)
    shutil.rmtree(folder / "samples", ignore_errors=True)  # made again from the GANs, where they are wanted
    return Study(folder, content)


def _work_through(
    folder: Path,
    config: StudyConfig,
    pieces: Sequence[Piece],
    worker: Worker,
    ledger: Ledger,
    quiet: bool,
    say: Callable[[str], None],
) -> None:
    """Does all pieces that are not done."""
    known = ledger.results()
    done = {
        piece
        for piece in pieces
        if piece.place(config) in known or (piece.what in (GAN, FIGURES) and worker.is_done(piece))
    }
    words = f"{len(config.cells)} data-scarcity scenarios, " if len(config.cells) > 1 else ""
    say(f"study of {config.name}: {words}{len(config.seeds)} seeds, {told_of(pieces)}, in {folder}")
    if done:
        say(f"{len(done)} of them are done, {len(pieces) - len(done)} left")
    before = [(what, spent) for (_, _, what), spent in ledger.seconds().items()]
    clock = Clock(pieces, done, config.processes, before, short=(FIGURES,))
    for piece, outcome in _outcomes(folder, config, worker, pieces, done, quiet, say):
        place = piece.place(config)
        ledger.add_time(*place, outcome.seconds)
        if outcome.result is not None:
            ledger.add(outcome.result)
        say(f"{_about(piece, outcome, config)}{clock.told(piece, outcome.seconds)}")
    ledger.settle(dict.fromkeys([*(each.place(config) for each in pieces if each.what not in (GAN, FIGURES)), *known]))


def _require_same_images(source: Source, config: StudyConfig, folder: Path) -> None:
    if digest_of(split_source(source, config.seeds[0], config.shaping)) != config.digest:
        raise InputError(f"'{config.source}' is not what '{folder}' began with: restore the images, or start again")


def _outcomes(
    folder: Path,
    config: StudyConfig,
    worker: Worker,
    pieces: Sequence[Piece],
    done: set[Piece],
    quiet: bool,
    say: Callable[[str], None],
) -> Iterator[tuple[Piece, Done]]:
    if at_once(config.processes):
        yield from performed(Pool.of(folder, Worker, "the study", config, quiet), pieces, done)
        return
    for piece in pieces:
        if piece not in done:
            if piece.what == GAN:
                say(f"{piece.told(config)}: training a GAN, {config.images:,} images seen")
            with machine.threads(config.threads):  # those that it began with: sums depend on them in their last bits
                outcome = worker.perform(piece, quiet=quiet, say=say)
            yield piece, outcome


def _about(piece: Piece, outcome: Done, config: StudyConfig) -> str:
    where = piece.told(config)
    if outcome.result is None:
        what = "GAN trained" if piece.what == GAN else "figures of the GAN computed"
        return f"{where}: {what} in {told(outcome.seconds)}"
    return f"{where}: {piece.what}: {100 * outcome.result.validation:.2f} % on validation"
