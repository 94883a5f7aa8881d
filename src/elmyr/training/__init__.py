"""Training: the loop, the plain GAN's task, runs and their directories."""

from typing import TYPE_CHECKING

from elmyr.lazy import lazily

if TYPE_CHECKING:
    from elmyr.training.gan_train import train as train
    from elmyr.training.opening import open_gan as open_gan
    from elmyr.training.rehearsal import rehearse as rehearse
    from elmyr.training.repeating import repeat as repeat
    from elmyr.training.run import open_model as open_model
    from elmyr.training.run import resume as resume
    from elmyr.training.rundir import RunDirectory as RunDirectory
    from elmyr.training.rundir import open_run as open_run
    from elmyr.training.rundir import refuse_taken as refuse_taken

__all__ = [
    "RunDirectory",
    "open_gan",
    "open_model",
    "open_run",
    "refuse_taken",
    "rehearse",
    "repeat",
    "resume",
    "train",
]

# At their first use: who only reads run directories, as a web page does, must not wait for torch.
__getattr__ = lazily(
    __name__,
    {
        "RunDirectory": "elmyr.training.rundir",
        "open_gan": "elmyr.training.opening",
        "open_model": "elmyr.training.run",
        "open_run": "elmyr.training.rundir",
        "refuse_taken": "elmyr.training.rundir",
        "rehearse": "elmyr.training.rehearsal",
        "repeat": "elmyr.training.repeating",
        "resume": "elmyr.training.run",
        "train": "elmyr.training.gan_train",
    },
)
