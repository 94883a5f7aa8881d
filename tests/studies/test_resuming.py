"""One function resumes every kind of run, and refuses the choices that a kind does not have."""

from pathlib import Path
from typing import Any

import pytest

import elmyr
from elmyr.core.errors import InputError
from elmyr.core.files import read_json, write_json
from elmyr.engine import repeat
from elmyr.engine.saving.places import with_article
from elmyr.engine.tasks import TASKS
from elmyr.studies.resuming import COMPOSED
from tests.conftest import small_image_set

CHOICES: dict[str, Any] = {
    "images": "32",
    "settings": {"penalties.r1": 2},
    "processes": 2,
    "keep_going": True,
    "track": "tensorboard",
    "device": "cpu",
}
HAS = {
    **{kind: {"images", "settings", "keep_going", "track", "device"} for kind in TASKS},
    "study": {"processes", "device"},
    "articles": {"processes", "device"},
    "sweep": {"processes", "device"},
    "adaptation": {"device"},
}


def begun(kind: str) -> Path:
    run = Path("run")
    run.mkdir()
    write_json(run / "config.json", {"kind": kind})
    return run


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("kind", [*TASKS, *COMPOSED])
def test_a_choice_that_a_kind_does_not_have_is_refused(kind: str, choice: str) -> None:
    refusal = (
        f"the run of {with_article(kind)}, which resumes without --{'set' if choice == 'settings' else choice[:4]}"
    )
    with pytest.raises(InputError) as refused:
        elmyr.resume(begun(kind), **{choice: CHOICES[choice]})
    assert (refusal in str(refused.value)) == (choice not in HAS[kind])


def test_a_run_of_a_kind_that_is_not_known_is_told() -> None:
    with pytest.raises(InputError, match="the run of a dream, which this elmyr does not know: update elmyr"):
        elmyr.resume(begun("dream"))


@pytest.mark.parametrize("kind", list(COMPOSED))
def test_what_is_made_of_several_runs_is_repeated_run_by_run(kind: str) -> None:
    run = begun(kind)
    (run / "first").mkdir()
    write_json(run / "first" / "config.json", {})
    with pytest.raises(InputError, match="'run' is made of several runs: name one of them, such as run/first"):
        repeat(run)


def test_a_restorer_is_trained_longer_on_images_that_moved_into_memory(tmp_path: Path) -> None:
    blobs, how = small_image_set(60), {"settings": {"widths": (8, 8)}, "device": "cpu"}
    run = elmyr.train_restorer(blobs, images=16, out=tmp_path / "run", **how)
    source = Path(read_json(run.config)["data"]["source"])
    source.unlink()
    with pytest.raises(InputError, match="the images are not at .* any more"):
        elmyr.resume(run, images=32)
    longer = elmyr.resume(run, images=32, data=blobs)
    assert read_json(longer.path / "summary.json")["images"] == 32


def test_a_translator_s_images_are_a_pair() -> None:
    with pytest.raises(InputError, match=r"give data=\(a, b\), None for what has not moved"):
        elmyr.resume(begun("translator"), data=small_image_set(9))
