"""What is made of several runs is the work of one process: torchrun is refused before anything is opened."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from elmyr import study, sweep
from elmyr.core.errors import InputError
from elmyr.studies import resume_study
from elmyr.studies.articles import articles, resume_articles
from elmyr.studies.sweeps import resume_sweep


@pytest.mark.parametrize(
    ("work", "what"),
    [
        (lambda out: study("digits", out=out), "a study"),
        (lambda out: resume_study(out), "a study"),
        (lambda out: sweep("digits", settings={"batch": [8, 16]}, out=out), "a sweep"),
        (lambda out: resume_sweep(out), "a sweep"),
        (lambda out: articles("digits", out=out), "a run of the articles' systems"),
        (lambda out: resume_articles(out), "a run of the articles' systems"),
    ],
)
def test_a_group_of_processes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: Callable[[Path], Any], what: str
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match=f"^{what} is the work of one process: leave out torchrun$"):
        work(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
