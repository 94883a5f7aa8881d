"""What is written of a run or a study: one page, whole or not at all."""

from pathlib import Path

from elmyr.errors import InputError
from elmyr.files import require_place, write_text
from elmyr.report.records import read_table
from elmyr.report.run_report import run_page
from elmyr.report.study_report import study_page
from elmyr.report.words import words_in
from elmyr.runs import GAN_KIND


def write_report(folder: Path, *, language: str = "en", out: Path | None = None) -> Path:
    """Writes the page of a run or study directory, whole or not at all; gives its path.

    In English `report.html` in the folder, in another language `report.zh.html`, or `out`. InputError if the folder is
    neither, holds a damaged record or answers about another run, for an unknown language, and as `check_page`.
    """
    words = words_in(language)
    if out is not None:
        check_page(out)
    if (folder / "study.json").is_file():
        content = study_page(folder, words)
    elif (folder / "config.json").is_file():
        kind = read_table(folder / "config.json").get("kind", GAN_KIND)
        if kind == "study":
            raise InputError(f"the study in '{folder}' is not finished: elmyr resume {folder}")
        if kind != GAN_KIND:
            raise InputError(f"'{folder}' is the run of a {kind}, not of a GAN: name another")
        content = run_page(folder, words)
    else:
        raise InputError(
            f"'{folder}' is neither a run nor a study directory: name a folder that holds config.json or study.json"
        )
    path = out or folder / ("report.html" if language == "en" else f"report.{language}.html")
    write_text(path, content)
    return path


def check_page(path: Path) -> None:
    """InputError, before work starts, where no page could be written to `path`."""
    require_place(path, ".html", "a page")
