"""Training: the loop, the plain GAN's task, runs and their directories."""

from elmyr.training.opening import open_gan
from elmyr.training.plan import make_plan
from elmyr.training.rehearsal import rehearse
from elmyr.training.repeat import repeat
from elmyr.training.run import resume, train
from elmyr.training.rundir import RunDirectory, open_run, refuse_taken

__all__ = ["RunDirectory", "make_plan", "open_gan", "open_run", "refuse_taken", "rehearse", "repeat", "resume", "train"]
