"""Where the report of an attack is written."""

from __future__ import annotations

import os
from pathlib import Path

from elmyr.core.errors import InputError
from elmyr.engine.saving.places import CONFIG, Run, finished_model
from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.tasks.recognition.attacks.asked import AttackAsk
from elmyr.tasks.recognition.attacks.kept import FOLDER, PAGES, RECORD
from elmyr.tasks.recognition.kept_scores import plain
from elmyr.tasks.recognition.predicting.trained import KIND


def usual_folder(name: Run, ask: AttackAsk, data: str | None, through: Run | None = None) -> Path | None:
    """In a recognizer's run, named after attack, restorer and, where they are not its own, images; None without a run.

    Attacks that differ in anything else take the place of each other.
    """
    run = RunDirectory(finished_model(name, KIND).parent)
    if not run.config.is_file() or run.kind != KIND:
        return None
    what = "-".join(ask.named)
    beside = [] if through is None else ["through", plain(Path(str(through)).name)]
    beside += [] if data is None else [plain(Path(data).stem)]
    return run.path / FOLDER / "-".join([what, ask.norm, *beside])


def check_folder(path: Path) -> Path:
    """The folder; InputError, before work starts, where it is a file, could not be made, or holds another's report."""
    above = path
    while not above.exists() and above != above.parent:
        above = above.parent
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise InputError(f"cannot write into '{path}': name a folder that can be made and written to with --out")
    reports = [] if (path / RECORD).is_file() else sorted(one.name for one in path.glob(PAGES))
    for other in ([CONFIG] if (path / CONFIG).exists() else []) + reports:
        raise InputError(
            f"'{path}' holds the {other} of something else, whose report an attack's would replace: name another "
            "folder with --out"
        )
    return path
