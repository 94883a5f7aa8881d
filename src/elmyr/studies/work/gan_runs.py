"""A GAN of a larger work: trained, or resumed where it was begun; and whether it was still learning at its end."""

from __future__ import annotations

import shutil

from elmyr.core.files import read_lines
from elmyr.engine.run import resume, train
from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.engine.spec import RunOptions, Say, hush
from elmyr.tasks.gan.plan import GANAsk
from elmyr.tasks.gan.spec import GAN_SPEC

LOOKED_AT = "watch_frechet_distance"
FEWEST_LOOKS = 4


def train_or_resume(run: RunDirectory, ask: GANAsk, *, quiet: bool = True, say: Say = hush) -> None:
    """Trains what is asked for in the run's directory; one that was begun goes on from its last checkpoint."""
    if run.config.is_file():
        resume(run.path, data_root=ask.asked.data_root, device=ask.asked.device, quiet=quiet, say=say)
        return
    if run.path.exists():
        shutil.rmtree(run.path)  # killed before there was anything to go on from
    train(GAN_SPEC, ask, RunOptions(run.path, quiet=quiet, say=say))


def progress_of(run: RunDirectory) -> float | None:
    """By what the distance to real images was multiplied in the second half of a training, by its monitor's looks.

    Of 0.5 it was halved, of 1 nothing was learned any more. Means of two looks, as one may be odd; None where it looked
    less than four times.
    """
    lines = read_lines(run.metrics) if run.metrics.is_file() else []
    looks = [float(line[LOOKED_AT]) for line in lines if isinstance(line.get(LOOKED_AT), int | float)]
    middle = len(looks) // 2
    if len(looks) < FEWEST_LOOKS or not min(looks) > 0:
        return None
    return sum(looks[-2:]) / sum(looks[middle - 1 : middle + 1])
