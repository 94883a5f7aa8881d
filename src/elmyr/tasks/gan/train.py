"""A GAN trained from Python, in one call."""

from __future__ import annotations

import os
from typing import Any

from elmyr.core.amounts import Amount
from elmyr.core.calls import checked
from elmyr.core.thread_counts import AUTO, Threads
from elmyr.engine.config import Settings
from elmyr.engine.run import train as train_run
from elmyr.engine.saving.places import Run
from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.engine.spec import Asked, RunOptions, Say, hush
from elmyr.images import AS_IT_IS, Data, Shaping
from elmyr.tasks.gan.plan import GANAsk
from elmyr.tasks.gan.spec import GAN_SPEC


@checked
def train(
    data: Data,
    labels: Any = None,
    *,
    out: str | os.PathLike[str] | None = None,
    preset: str = "residual",
    images: Amount | None = None,
    minutes: Amount | None = None,
    seed: int = 0,
    settings: Settings = (),
    device: str = "auto",
    precision: str = "auto",
    data_root: str | os.PathLike[str] | None = None,
    shaping: Shaping = AS_IT_IS,
    rescue: bool = False,
    deterministic: bool = False,
    threads: Threads = AUTO,
    start_from: Run | None = None,
    keep_going: bool = False,
    track: str | None = None,
    quiet: bool = False,
    say: Say = hush,
) -> RunDirectory:
    """Trains a GAN on the training part of an image set and returns its finished run directory.

    data: a known name ("digits", "mnist"), a path, or what is in memory, in the form of `shaping`: images with `labels`
    (arrays, tensors, lists), an image set, a data set of torch. What is in memory is kept in the cache, so that the run
    can be resumed. The split into training, validation and test part follows from `seed`. The budget is `images` seen,
    exactly (200_000, 2e5 or "200k"), or `minutes` from this call on (90 or "1h30m"); without either 200,000 images,
    60,000 below 16 pixels a side. settings: `{"penalties.r1": 2}` or `["penalties.r1=2"]` over the preset's choices.
    rescue: whether the training monitor begins a network anew, with other settings, where it finds a problem.
    deterministic: the same bits on any number of threads, at the speed of one. threads: so many compute, up to the
    cores here; "auto": the quicker of one, half and all that torch has, measured before and watched on the way, which
    the run writes down; the bits of its weights depend on their number. start_from: a run with the same networks
    whose weights this one begins with. keep_going: whether a full disk ends the training or only its saving. track:
    "tensorboard" or "trackio", told the figures and previews as well. `say` hears a line about each stage. quiet:
    whether no progress is shown; else there
    is a bar in a terminal or a notebook, elsewhere a line every half minute. Raises InputError before anything is
    written.

    Under `torchrun` its processes train together, each its share of every batch, and `out` is needed; a group that was
    started again resumes the run.
    """
    asked = Asked(
        images, minutes, seed, settings, device, precision, data_root, shaping, deterministic, start_from, threads
    )
    ask = GANAsk(data, labels, preset=preset, rescue=rescue, asked=asked)
    return train_run(GAN_SPEC, ask, RunOptions(out, keep_going, track, quiet, say))
