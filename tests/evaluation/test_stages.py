"""A judgment says at each stage how many are left."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from elmyr import compare, evaluate
from elmyr.evaluation.stages import Stages
from elmyr.images import save_npz
from elmyr.tasks.recognition import Recognizer
from tests.conftest import small_image_set


@pytest.fixture
def samples(tmp_path: Path) -> list[Path]:
    save_npz(small_image_set(160), tmp_path / "data.npz")
    for seed in (1, 2):
        save_npz(small_image_set(40, seed=seed), tmp_path / f"{seed}.npz")
    return [tmp_path / "1.npz", tmp_path / "2.npz"]


@pytest.mark.parametrize("use", [False, True])
@pytest.mark.parametrize(
    "judged", [lambda paths, **how: evaluate(paths[0], **how), compare], ids=["evaluate", "compare"]
)
def test_each_stage_is_told_with_how_many_there_are(
    samples: list[Path], judged: Callable[..., Any], use: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("elmyr.evaluation.downstream.default_updates", lambda images: 2)
    said: list[str] = []
    judged(samples, data=tmp_path / "data.npz", extractor="pixels", use=use, say=said.append)
    count = 4 if use else 3
    assert [line.split(":")[0] for line in said if line[:1].isdigit()] == [
        f"{n} of {count}" for n in range(1, count + 1)
    ]


def test_the_progress_of_a_training_ends_where_the_training_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[int, int]] = []

    class Heard:
        def __init__(self, what: str, *, total: int, unit: str) -> None:
            self.total = total

        def __enter__(self) -> "Heard":
            return self

        def __exit__(self, *how: object) -> None:
            pass

        def advance(self, position: int) -> None:
            heard.append((position, self.total))

    monkeypatch.setattr("elmyr.evaluation.stages.Progress", Heard)
    recognizer = Recognizer(method="supervised", updates=3, batch=16, base=8, dimension=8, device="cpu")
    Stages(quiet=False).fitted(recognizer, small_image_set(), "a recognizer")
    assert heard[-1] == (48, 48)
    heard.clear()
    Stages(quiet=True).fitted(recognizer, small_image_set(), "a recognizer")
    assert not heard
