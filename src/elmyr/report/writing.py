"""What is written of a run or a study: one page, whole or not at all."""

from collections.abc import Callable, Mapping
from pathlib import Path

from elmyr.errors import InputError
from elmyr.files import require_place, write_text
from elmyr.report.recognizer_report import recognizer_page
from elmyr.report.records import read_table
from elmyr.report.run_report import run_page
from elmyr.report.study_report import study_page
from elmyr.report.task_report import TASKS, task_page
from elmyr.report.words import Words, words_in
from elmyr.runs import GAN_KIND, STUDY_KIND, kind_in

# The page of each kind of run.
PAGES: Mapping[str, Callable[[Path, Words], str]] = {
    GAN_KIND: run_page,
    STUDY_KIND: study_page,
    "recognizer": recognizer_page,
    **dict.fromkeys(TASKS, task_page),
}


def write_report(folder: Path, *, language: str = "en", out: Path | None = None) -> Path:
    """Writes the page of a run or study directory, whole or not at all; gives its path.

    In English `report.html` in the folder, in another language `report.zh.html`, or `out`. InputError if the folder is
    neither, holds a damaged record or answers about another run, for an unknown language, and as `check_page`.
    """
    words = words_in(language)
    if out is not None:
        check_page(out)
    kind = _kind_of(folder)
    if kind not in PAGES:
        raise InputError(f"'{folder}' is the run of a {kind}, of which this elmyr has no page: use another version")
    content = PAGES[kind](folder, words)
    path = out or folder / ("report.html" if language == "en" else f"report.{language}.html")
    write_text(path, content)
    return path


def _kind_of(folder: Path) -> str:
    if (folder / "study.json").is_file():
        return STUDY_KIND
    if not (folder / "config.json").is_file():
        raise InputError(
            f"'{folder}' is neither a run nor a study directory: name a folder that holds config.json or study.json"
        )
    kind = kind_in(read_table(folder / "config.json"))
    if kind == STUDY_KIND:
        raise InputError(f"the study in '{folder}' is not finished: elmyr resume {folder}")
    return kind


def check_page(path: Path) -> None:
    """InputError, before work starts, where no page could be written to `path`."""
    require_place(path, ".html", "a page")
