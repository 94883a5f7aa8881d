"""Training: the loop, the plain GAN's task, runs and their directories."""

from elmyr.training.opening import open_gan
from elmyr.training.repeat import repeat
from elmyr.training.run import resume, train
from elmyr.training.rundir import RunDirectory, open_run

__all__ = ["RunDirectory", "open_gan", "open_run", "repeat", "resume", "train"]
