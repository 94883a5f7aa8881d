"""What is written of a run or a study: one page, whole or not at all."""

from collections.abc import Callable
from pathlib import Path

from elmyr.core.errors import InputError
from elmyr.core.files import require_place, write_text
from elmyr.core.tables import Table
from elmyr.engine.saving.places import GAN_KIND, STUDY_KIND, kind_of, require_plugins, with_article
from elmyr.engine.tasks import TASKS
from elmyr.report.pages.task_report import own_page
from elmyr.report.words import ENGLISH, Words, words_in

Page = Callable[[Path, Words], str]

PAGES: Table[Page] = Table(
    "page",
    lazy={
        GAN_KIND: "elmyr.report.pages.run_report:run_page",
        STUDY_KIND: "elmyr.report.pages.study_report:study_page",
        "recognizer": "elmyr.report.pages.recognizer_report:recognizer_page",
        "articles": "elmyr.report.pages.articles_page:articles_page",
        "sweep": "elmyr.report.pages.sweep_page:sweep_page",
        **dict.fromkeys(("restorer", "translator", "adaptation"), "elmyr.report.pages.task_report:task_page"),
    },
)


def write_report(folder: Path, *, language: str = "en", out: Path | None = None) -> Path:
    """Writes the page of a run or study directory, whole or not at all; gives its path.

    In English `report.html` in the folder, in another language `report.zh.html`, or `out`. InputError if the folder is
    neither, holds a damaged record or answers about another run, for an unknown language, and as `check_page`.
    """
    words = words_in(language)
    if out is not None:
        check_page(out)
    content = report_of(folder, words)
    path = out or folder / ("report.html" if language == "en" else f"report.{language}.html")
    write_text(path, content)
    return path


def report_of(folder: Path, words: Words = ENGLISH) -> str:
    """The page of a run or study directory; InputError as `write_report`."""
    kind = _kind_of(folder)
    if kind in TASKS.origins:
        return own_page(folder, words)
    if kind not in PAGES:
        require_plugins(folder)
        raise InputError(
            f"'{folder}' is the run of {with_article(kind)}, of which this elmyr has no page: use another version"
        )
    return PAGES[kind](folder, words)


def _kind_of(folder: Path) -> str:
    if (folder / "study.json").is_file():
        return STUDY_KIND
    if not (folder / "config.json").is_file():
        raise InputError(
            f"'{folder}' is neither a run nor a study directory: name a folder that holds config.json or study.json"
        )
    kind = kind_of(folder)
    if kind == STUDY_KIND:
        raise InputError(f"the study in '{folder}' is not finished: elmyr resume {folder}")
    return kind


def check_page(path: Path) -> None:
    """InputError, before work starts, where no page could be written to `path`."""
    require_place(path, ".html", "a page")
