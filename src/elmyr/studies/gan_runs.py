"""A GAN of a larger work: trained, or resumed where it was begun."""

from __future__ import annotations

import shutil

from elmyr.engine.run import resume, train
from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.engine.spec import RunOptions, Say, hush
from elmyr.tasks.gan.plan import GANAsk
from elmyr.tasks.gan.spec import GAN_SPEC


def train_or_resume(run: RunDirectory, ask: GANAsk, *, quiet: bool = True, say: Say = hush) -> None:
    """Trains what is asked for in the run's directory; one that was begun goes on from its last checkpoint."""
    if run.config.is_file():
        resume(run.path, data_root=ask.asked.data_root, quiet=quiet, say=say)
        return
    if run.path.exists():
        shutil.rmtree(run.path)  # killed before there was anything to go on from
    train(GAN_SPEC, ask, RunOptions(run.path, quiet=quiet, say=say))
