"""The HTML account of a run or a study: one file, readable without script, printable."""

from pathlib import Path

from elmyr.errors import InputError
from elmyr.files import write_text
from elmyr.report.run_report import run_page
from elmyr.report.study_report import study_page

__all__ = ["write_report"]


def write_report(folder: Path) -> Path:
    """Writes `report.html` into a run or study directory, whole or not at all; gives its path.

    InputError if the folder is neither, or holds a damaged record.
    """
    if (folder / "study.json").is_file():
        content = study_page(folder)
    elif (folder / "config.json").is_file():
        content = run_page(folder)
    else:
        raise InputError(
            f"'{folder}' is neither a run nor a study directory: name a folder that holds config.json or study.json"
        )
    path = folder / "report.html"
    write_text(path, content)
    return path
