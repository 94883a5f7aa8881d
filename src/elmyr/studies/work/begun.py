"""Work of many trainings that a directory holds: refused where it is another, followed where its images have moved."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel

from elmyr.core.errors import InputError
from elmyr.core.files import write_json
from elmyr.core.thread_counts import cores
from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.tasks.gan.plan import config_of


def refuse_other_work(folder: Path, held: str, what: str) -> None:
    """InputError: a directory holds other work than what is asked for. held: such as "another study"; what: differs."""
    raise InputError(
        f"'{folder}' holds {held} ({what}): choose another with --out, or resume it: elmyr resume {folder}"
    )


def write_moved(run: RunDirectory, config: BaseModel, places: Iterable[tuple[RunDirectory, str, str | None]]) -> None:
    """Writes down where images lie by now: the config of the whole, and of each GAN begun in it its source and root."""
    with run.locked():
        write_json(run.config, config.model_dump(mode="json"))
        for gan, source, root in places:
            if gan.config.is_file():
                of_gan = config_of(gan)
                moved = of_gan.model_copy(update={"data": of_gan.data.at(source, root)})
                write_json(gan.config, moved.model_dump(mode="json"))


def processes_in_words(processes: int, threads: int) -> list[str]:
    """The options that share work out as it was: 0 processes where this machine has not so many cores as that takes."""
    there = processes if processes * threads <= cores() else 0
    return ["--processes", str(there), "--threads", str(threads)]
