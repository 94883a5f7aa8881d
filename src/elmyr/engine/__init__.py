"""The engine: the life of a run, whatever is trained in it."""

from typing import TYPE_CHECKING

from elmyr.core.lazy import lazily

if TYPE_CHECKING:
    from elmyr.engine.dry_run import rehearse as rehearse
    from elmyr.engine.repeating import repeat as repeat
    from elmyr.engine.run import open_model as open_model
    from elmyr.engine.run import resume as resume
    from elmyr.engine.saving.run_directory import RunDirectory as RunDirectory
    from elmyr.engine.saving.run_directory import open_run as open_run
    from elmyr.engine.saving.run_directory import refuse_taken as refuse_taken

__all__ = ["RunDirectory", "open_model", "open_run", "refuse_taken", "rehearse", "repeat", "resume"]

# At their first use: who only reads run directories, as a web page does, must not wait for torch.
__getattr__ = lazily(
    __name__,
    {
        "RunDirectory": "elmyr.engine.saving.run_directory",
        "open_model": "elmyr.engine.run",
        "open_run": "elmyr.engine.saving.run_directory",
        "refuse_taken": "elmyr.engine.saving.run_directory",
        "rehearse": "elmyr.engine.dry_run",
        "repeat": "elmyr.engine.repeating",
        "resume": "elmyr.engine.run",
    },
)
