"""A recognizer for images that nobody labeled: the labeled ones translated into their kind, and self-training.

After PixelDA (Bousmalis et al. 2017) for the first part and FixMatch (Sohn et al. 2020) for the second. An adaptation
is a directory with two runs in it: `translator`, and `recognizer`, which is what was wanted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from elmyr.core import machine, seeds
from elmyr.core.amounts import Amount, image_count
from elmyr.core.errors import InputError, InterruptedRun
from elmyr.core.files import write_json
from elmyr.core.thread_counts import AUTO, Threads, asked_threads
from elmyr.engine.group.devices import placed_anew
from elmyr.engine.guards import refuse_groups, write_beginning
from elmyr.engine.run import resume
from elmyr.engine.saving.places import RUNS, Run
from elmyr.engine.saving.run_directory import RunDirectory, config_as, new_directory, open_run
from elmyr.images import AS_IT_IS, Data, Shaping, lasting_name, save_npz, source_of
from elmyr.tasks.recognition import Recognizer, train_recognizer
from elmyr.tasks.translation.domains import open_domains
from elmyr.tasks.translation.files import translated
from elmyr.tasks.translation.spec import train_translator
from elmyr.tasks.translation.translator import Translator

KIND: Literal["adaptation"] = "adaptation"
# What a translator for this needs: nothing in a labeled image says what stands behind it in the other kind, so that is
# taken from examples; and its label alone is to stay, which a recognizer that learns along sees to.
SETTINGS: Mapping[str, Any] = {
    "back": False,
    "styled": True,
    "identity": 0.0,
    "contrast": 0.0,
    "label": 0.5,
    "batch": 32,
    "learning_rate": 1e-3,
}


class AdaptationConfig(BaseModel):
    """All choices of an adaptation; `config.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Literal["adaptation"] = KIND
    source: str
    target: str
    root: str | None
    shaping: Shaping
    translation: int | None = Field(None, ge=1, description="the translator's budget in images; None for none")
    self_training: bool = Field(True, description="whether the target's images are learned from as they are read")
    updates: int | None = Field(None, description="the recognizer's budget")
    base: int | None = Field(None, description="channels of the recognizer, where not its method's")
    dimension: int | None = Field(None, description="entries of its features, where not its method's")
    class_weight: dict[str, float] | str | None = Field(None, description="the recognizer's, of labeled images")
    seed: int
    device: str
    precision: str
    threads: int | None = Field(None, ge=1, description="of its trainings; chosen by each where null")


def train_adapted(
    source: Data,
    target: Data,
    *,
    out: str | os.PathLike[str] | None = None,
    translation: Amount | None = None,
    self_training: bool = True,
    recognizer: Recognizer | None = None,
    data_root: str | os.PathLike[str] | None = None,
    shaping: Shaping = AS_IT_IS,
    threads: Threads = AUTO,
    quiet: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> RunDirectory:
    """Trains a recognizer for `target`, whose labels are not looked at, on the labels of `source`.

    Gives the finished directory of the adaptation; its `recognizer` is a run like any other. It learns from the labeled
    images, half of them laid over textures of the target, and by `self_training` from the target's images as it reads
    them. translation: the budget, in images, of a translator that turns the labeled images into the target's kind
    first; the recognizer then learns from what was made in their place. recognizer: one that is not fitted yet, of
    which seed, size, updates, class weight, device and precision are taken. threads: as `train` has them. Raises
    InputError before anything is written.
    """
    refuse_groups("a recognizer of another kind of image")
    if translation is None and not self_training:
        raise InputError("without translation and without self-training nothing is adapted: ask for one of the two")
    translation = image_count(translation, "translation")
    source, target = source_of(source, shaping=shaping), source_of(target, shaping=shaping)
    if lasting_name(source) == lasting_name(target):
        raise InputError(f"--target is '{os.fspath(target)}', the labeled images themselves: name others")
    told, notes = recognizer or Recognizer(), list[str]()
    device = machine.choose_device(told.device)
    domains = open_domains(
        source, target, paired=False, seed=told.seed, data_root=data_root, shaping=shaping, say=notes.append
    )
    domains.a.train.require_labels()
    config = AdaptationConfig(
        source=lasting_name(source),
        target=lasting_name(target),
        root=None if data_root is None else os.path.abspath(data_root),
        shaping=shaping.model_copy(update={"size": domains.shaping.size}),
        translation=translation,
        self_training=self_training,
        updates=told.updates,
        base=told.base,
        dimension=told.dimension,
        class_weight=told.class_weight,
        seed=told.seed,
        device=str(device),
        precision=machine.choose_precision(told.precision, device),
        threads=asked_threads(threads),
    )
    name = f"{domains.a.train.name}-to-{domains.b.train.name}-adaptation"
    run = RunDirectory(new_directory(out, parent=RUNS, name=name))
    write_beginning(run, config, device=config.device, precision=config.precision)
    note = run.noting(say)
    for line in notes:
        note(line)
    _to_its_end(run, config, quiet, note)
    return run


def resume_adaptation(
    name: Run,
    *,
    data_root: str | os.PathLike[str] | None = None,
    device: str | None = None,
    quiet: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> RunDirectory:
    """Resumes an interrupted adaptation as if nothing had happened, and returns it finished.

    device: where it goes on, if not where it was.
    """
    run = open_run(name, KIND)
    if run.finished:
        say(f"'{run.path}' is finished already: nothing to do")
        return run
    config = config_as(run, AdaptationConfig)
    if data_root is not None:
        config = config.model_copy(update={"root": os.path.abspath(data_root)})
    config = placed_anew(run, config, config.device, device)
    _to_its_end(run, config, quiet, run.noting(say))
    return run


def _to_its_end(run: RunDirectory, config: AdaptationConfig, quiet: bool, say: Callable[[str], None]) -> None:
    try:
        _run_to_end(run, config, quiet, say)
    except InterruptedRun as error:
        told = str(error).partition("; resume with")[0]
        number = error.exit_code - 128
        raise InterruptedRun(f"{told}; resume with: elmyr resume {run.path}", signal_number=number) from None


def _run_to_end(run: RunDirectory, config: AdaptationConfig, quiet: bool, say: Callable[[str], None]) -> None:
    stand_ins = None
    if config.translation:
        stand_ins = run.path / "translated.npz"
        made = _translator(run, config, quiet, say)
        if not stand_ins.exists():
            _write_translated(made, stand_ins, config)
    reader = RunDirectory(run.path / "recognizer")
    if reader.config.is_file():
        resume(reader.path, data_root=config.root, device=config.device, quiet=quiet, say=say)
    else:
        train_recognizer(
            config.source,
            Recognizer(
                method="adapt" if config.self_training else "augment",
                # Translated images lie over textures of the target already.
                settings={"semi.another_kind": stand_ins is None} if config.self_training else None,
                updates=config.updates,
                base=config.base,
                dimension=config.dimension,
                class_weight=config.class_weight,
                seed=config.seed,
                device=config.device,
                precision=config.precision,
            ),
            out=reader.path,
            instead=stand_ins,
            unlabeled=config.target if config.self_training else None,
            validate=False,  # its images are of the source: what reads them best need not read the target's best
            data_root=config.root,
            shaping=config.shaping,
            threads=config.threads or AUTO,
            quiet=quiet,
            say=say,
        )
    write_json(run.summary, {"recognizer": str(reader.path), "translated": config.translation is not None})


def _translator(run: RunDirectory, config: AdaptationConfig, quiet: bool, say: Callable[[str], None]) -> RunDirectory:
    """The run of the translator, finished."""
    made = RunDirectory(run.path / "translator")
    if made.config.is_file():
        return resume(made.path, data_root=config.root, device=config.device, quiet=quiet, say=say)
    return train_translator(
        config.source,
        config.target,
        out=made.path,
        method="contrastive",
        images=config.translation,
        seed=config.seed,
        settings=SETTINGS,
        device=config.device,
        precision=config.precision,
        data_root=config.root,
        shaping=config.shaping,
        threads=config.threads or AUTO,
        quiet=quiet,
    )


def _write_translated(made: RunDirectory, path: Any, config: AdaptationConfig) -> None:
    domains = open_domains(
        config.source, config.target, paired=False, seed=config.seed, data_root=config.root, shaping=config.shaping
    )
    translator = Translator.load(made.path, device=config.device, precision=config.precision)
    examples = domains.b.train.images
    save_npz(translated(translator, domains.a.train, examples=examples, seed=seeds.TRANSLATED), path)
