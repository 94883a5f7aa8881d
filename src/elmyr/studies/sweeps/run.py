"""A sweep from end to end: every combination of values trained with every seed, judged, the best told."""

from __future__ import annotations

import html
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elmyr.core import machine, plugins
from elmyr.core.amounts import Amount
from elmyr.core.calls import checked
from elmyr.core.errors import InputError
from elmyr.core.files import read_json, write_json
from elmyr.core.thread_counts import AUTO, Threads, refuse_other_threads
from elmyr.engine.config import Settings
from elmyr.engine.group.devices import placed_anew
from elmyr.engine.guards import refuse_groups
from elmyr.engine.progress import told
from elmyr.engine.saving.places import SWEEP_KIND, Run
from elmyr.engine.saving.run_directory import RunDirectory, config_as, new_directory, open_run
from elmyr.engine.spec import Say, hush
from elmyr.images import AS_IT_IS, Data, Shaping
from elmyr.images.pictures.showing import table_html
from elmyr.studies.sweeps.config import SweepAsk, SweepConfig, make_sweep_plan
from elmyr.studies.sweeps.findings import FILE, found_in
from elmyr.studies.sweeps.pieces import (
    EXTRACTOR,
    JUDGMENT,
    TRAINING,
    Done,
    Piece,
    Worker,
    pieces_of,
    results_of,
    times_of,
)
from elmyr.studies.work.begun import refuse_other_work, write_moved
from elmyr.studies.work.clock import Clock, counted
from elmyr.studies.work.interruption import resumable
from elmyr.studies.work.worker_pool import NoMainGuard, Pool, at_once, performed

SWEEPS = Path("sweeps")
CALLED = "the sweep"


@dataclass(frozen=True, repr=False)
class Sweep:
    """A finished sweep: its directory and what `sweep.json` holds."""

    path: Path
    content: dict[str, Any]

    @property
    def best(self) -> dict[str, Any] | None:
        """The best variant: its settings, runs, values; None where none came to its end."""
        number = self.content["best"]
        return next((row for row in self.content["variants"] if row["number"] == number), None)

    def __repr__(self) -> str:
        return f"Sweep('{self.path}': {self.content['sentence']})"

    def _repr_html_(self) -> str:
        """A notebook's view: a table of the variants."""
        rows = [("settings", self.content["figure"] or "", "beside the best")]
        for row in self.content["variants"]:
            lost = "diverged" if row["diverged"] else "not finite"
            value = lost if row["value"] is None else f"{row['value']:.4g}"
            rows.append((row["name"], value, "best" if row["number"] == self.content["best"] else row["outcome"] or ""))
        return f"<div>{html.escape(str(self.path))}{table_html(rows)}</div>"


@checked
def sweep(
    data: Data,
    labels: Any = None,
    *,
    settings: Settings,
    out: str | os.PathLike[str] | None = None,
    seeds: int = 1,
    seed: int = 0,
    images: Amount | None = None,
    preset: str = "residual",
    extractor: str = "auto",
    device: str = "auto",
    precision: str = "auto",
    data_root: str | os.PathLike[str] | None = None,
    shaping: Shaping = AS_IT_IS,
    processes: int = 1,
    threads: Threads = AUTO,
    quiet: bool = False,
    say: Say = hush,
) -> Sweep:
    """Trains a GAN by every combination of the settings' values, judges all on the validation part, names the best.

    settings: `{"penalties.r1": [1, 3, 10]}` or `["penalties.r1=1,3,10"]`; those with one value hold for all trainings.
    seeds: how many trainings each has, from `seed` on: each is a new split, too; the figures are then means over them.
    images: the budget of each, by the image size where not given. extractor: as `evaluate` has it. processes: how many
    pieces of work are done at once (0: one a core). threads: as `study` has them. out: a directory, which may hold the
    same sweep, begun. Raises InputError before anything is written; a training that diverges ends no other.
    """
    of_machine = device, precision, data_root, shaping, processes, threads
    ask = SweepAsk(data, labels, settings, seeds, seed, images, preset, extractor, *of_machine)
    return conduct(ask, out=out, quiet=quiet, say=say)


def conduct(ask: SweepAsk, *, out: str | os.PathLike[str] | None = None, quiet: bool = False, say: Say = hush) -> Sweep:
    """The sweep that is asked for, parameters as `sweep`."""
    refuse_groups("a sweep")
    config = make_sweep_plan(ask, say)
    if out is not None and (Path(out) / "config.json").is_file():
        return _to_end(Path(out), _same(Path(out), config, ask.threads), quiet, say)
    folder = new_directory(out, parent=SWEEPS, name=config.data.name)
    write_json(folder / "config.json", config.model_dump(mode="json"))
    try:
        return _to_end(folder, config, quiet, say)
    except NoMainGuard:
        shutil.rmtree(folder)  # nothing was done
        raise


def resume_sweep(
    name: Run,
    *,
    processes: int | None = None,
    data: str | os.PathLike[str] | None = None,
    data_root: str | os.PathLike[str] | None = None,
    device: str | None = None,
    quiet: bool = False,
    say: Say = hush,
) -> Sweep:
    """Resumes an interrupted sweep as if nothing had happened, by another number of processes where asked.

    data, data_root, device: where its images or named data sets lie, and it computes, by now; the sweep and its runs
    keep it. InputError where the images are others.
    """
    refuse_groups("a sweep")
    run = open_run(name, SWEEP_KIND)
    config = config_as(run, SweepConfig)
    if processes is not None and processes < 1:
        raise InputError(f"--processes is {processes}: at least 1")
    if data is not None or data_root is not None:
        config = _moved(run, config, data, data_root)
    config = placed_anew(run, config, config.device, device)
    return _to_end(run.path, config.model_copy(update={"processes": processes or config.processes}), quiet, say)


def _moved(
    run: RunDirectory,
    config: SweepConfig,
    data: str | os.PathLike[str] | None,
    data_root: str | os.PathLike[str] | None,
) -> SweepConfig:
    """The config of a sweep whose images lie elsewhere by now, written down, also in its runs."""
    there = config.data.at(data or config.data.source, data_root)
    there.reopened()  # refuses other images
    config = config.model_copy(update={"data": there})
    gans = map(RunDirectory, (run.path / "runs").glob("*"))
    write_moved(run, config, ((gan, there.source, there.root) for gan in gans))
    return config


def _same(folder: Path, config: SweepConfig, threads: Threads) -> SweepConfig:
    """The config in a directory, to be resumed; InputError where it is of another sweep than what is asked for."""
    theirs = config_as(open_run(folder, SWEEP_KIND), SweepConfig)
    one, other = (each.model_dump(mode="json", exclude={"processes", "threads"}) for each in (theirs, config))
    differing = next((name for name in sorted(one, key=lambda name: name == "data") if one[name] != other[name]), None)
    if differing is not None:
        what = "its images are others" if differing == "data" else f"{differing} is {one[differing]!r}"
        refuse_other_work(folder, "another sweep", what)
    refuse_other_threads(str(folder), threads, theirs.threads)
    return theirs.model_copy(update={"processes": config.processes})


def _to_end(folder: Path, config: SweepConfig, quiet: bool, say: Say) -> Sweep:
    run = RunDirectory(folder)
    say = run.noting(say)
    with resumable(folder, CALLED), run.locked():
        return _conducted(folder, config, quiet, say)


def _conducted(folder: Path, config: SweepConfig, quiet: bool, say: Say) -> Sweep:
    worker, pieces = Worker(folder), pieces_of(config)
    results, times = results_of(folder), times_of(folder)
    config.data.reopened()  # refuses other images
    known = results.found()
    done = {piece for piece in pieces if _is_done(piece, worker, known)}
    say(f"sweep of {config.data.name}: {len(config.variants)} settings, {len(config.seeds)} seeds, "
        f"{counted(len(pieces))} of work, in {folder}")  # fmt: skip
    if done:
        say(f"{len(done)} of them are done, {len(pieces) - len(done)} left")
    if len(done) == len(pieces) and (folder / FILE).is_file():
        return Sweep(folder, read_json(folder / FILE))
    surroundings = {"device": config.device, "precision": config.precision}
    write_json(folder / "environment.json", machine.environment() | plugins.environment() | surroundings)
    before = [(what, float(line["seconds"])) for (_, _, what), line in times.found().items()]
    clock = Clock(pieces, done, config.processes, before, short=(EXTRACTOR,))
    for piece, outcome in _outcomes(folder, config, worker, pieces, done, quiet, say):
        number, seed = piece.place
        times.add({"variant": number, "seed": seed, "what": piece.what, "seconds": round(outcome.seconds, 1)})
        if outcome.line is not None:
            results.add(outcome.line)
        say(f"{_about(piece, outcome, config)}{clock.told(piece, outcome.seconds)}")
    results.settle(piece.place for piece in pieces if piece.what == JUDGMENT)
    write_json(folder / FILE, found_in(folder, config, quiet=quiet))
    return Sweep(folder, read_json(folder / FILE))


def _is_done(piece: Piece, worker: Worker, known: dict[tuple[Any, ...], Any]) -> bool:
    if piece.what == TRAINING:
        return worker.is_trained(piece)
    if piece.what == JUDGMENT:
        return piece.place in known
    return all((number + 1, piece.seed) in known for number in range(len(worker.config.variants)))


def _outcomes(
    folder: Path, config: SweepConfig, worker: Worker, pieces: Sequence[Piece], done: set[Piece], quiet: bool, say: Say
) -> Iterator[tuple[Piece, Done]]:
    if at_once(config.processes):
        yield from performed(Pool.of(folder, Worker, CALLED, config, quiet), pieces, done)
        return
    for piece in pieces:
        if piece not in done:
            if piece.what == TRAINING:
                say(f"{_where(piece, config)}: training a GAN, {config.images:,} images seen")
            with machine.threads(config.threads):  # those that it began with: sums depend on them in their last bits
                outcome = worker.perform(piece, quiet=quiet, say=say)
            yield piece, outcome


def _about(piece: Piece, outcome: Done, config: SweepConfig) -> str:
    if piece.what == EXTRACTOR:
        return f"seed {piece.seed}: feature extractor made in {told(outcome.seconds)}"
    if outcome.line is None:
        return f"{_where(piece, config)}: trained in {told(outcome.seconds)}"
    if "diverged" in outcome.line:
        return f"{_where(piece, config)}: diverged at {outcome.line['diverged']:,} images, the others go on"
    value = outcome.line["value"]
    figure = "is not finite" if value is None else f"{value:.4g}"
    return f"{_where(piece, config)}: {outcome.line['title']} {figure} on validation"


def _where(piece: Piece, config: SweepConfig) -> str:
    seed = f", seed {piece.seed}" if len(config.seeds) > 1 else ""
    return f"{config.name(piece.variant)}{seed}"
