"""What a plan tells of the time, and what a budget leaves out: effort first, then seeds."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from elmyr.core.errors import InputError
from elmyr.images import save_npz
from elmyr.studies import StudyAsk, make_study_plan, rehearse_study
from elmyr.studies.arms import ARMS
from elmyr.studies.arms.table import SINGLE
from elmyr.studies.config import StudyConfig
from tests.conftest import small_image_set

QUICK: dict[str, Any] = {"images": 64, "updates": 4, "settings": ("network.base=8", "batch=16"), "device": "cpu"}
PLAIN = [
    *("real", "real + classical", "real + strong", "GAN", "generated"),
    *("real + 50 % generated", "real + classical + 50 % generated", "real + strong + 50 % generated"),
]


@pytest.fixture
def blobs(tmp_path: Path) -> Path:
    save_npz(small_image_set(240), tmp_path / "blobs.npz")
    return tmp_path / "blobs.npz"


@pytest.fixture
def machine_of_known_speed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A GAN takes 100 seconds, an arm one; 'real and slow', which a standard effort tries, 50."""
    slow = replace(ARMS["real"], name="real and slow", cost=50.0, effort="standard")
    ARMS.add(slow.name, slow)
    quick = [arm for arm in SINGLE if arm.within("quick")]
    monkeypatch.setattr("elmyr.studies.arms.table.SINGLE", (*quick, slow))
    monkeypatch.setattr("elmyr.studies.work.estimate.Timing.gan", 100.0)
    monkeypatch.setattr("elmyr.studies.work.estimate.Timing.arm", lambda self, arm: arm.cost)
    yield
    ARMS.remove(slow.name)


def planned(blobs: Path, **asked: Any) -> StudyConfig:
    return make_study_plan(StudyAsk(blobs, **QUICK | asked))


def test_the_plan_times_every_piece_of_a_seed(blobs: Path) -> None:
    config = planned(blobs, seeds=4, images_per_class=(8, None))
    _, whole = rehearse_study(config)
    assert [(cell, what) for cell, what, _ in whole.rows(config)] == [
        (cell, what) for cell in ("8 images a class", "all images") for what in PLAIN
    ]
    assert whole.seconds() == pytest.approx(4 * whole.seconds(1))
    _, estimated = rehearse_study(noisy := planned(blobs, seeds=1, label_noise=(0.2,)))
    by_arm = {what: spent for _, what, spent in estimated.rows(noisy)}
    assert by_arm["suspects dropped"] > by_arm["real + classical"]  # the doubts take their time, too


@pytest.mark.usefixtures("machine_of_known_speed")
def test_a_budget_leaves_seeds_out(blobs: Path) -> None:
    config, said = planned(blobs, seeds=4), list[str]()
    assert rehearse_study(config, 1e6)[0] == config
    fewer, left = rehearse_study(config, 2.5 * 107, said.append)
    assert fewer.seeds == (0, 1) and left.seconds() == pytest.approx(2 * 107)
    assert said[:2] == ["within 5m: 2 of 4 seeds, about 4m", "left out: seeds 2 to 3"]
    with pytest.raises(InputError, match="--budget 50s is too small: one seed takes about 2m here"):
        rehearse_study(config, 50)


@pytest.mark.usefixtures("machine_of_known_speed")
def test_an_effort_that_does_not_fit_names_what_is_left_out_before_seeds_are(blobs: Path) -> None:
    config, said = planned(blobs, seeds=2, effort="thorough"), list[str]()
    assert "real and slow" in config.cells[0].arms
    kept, left = rehearse_study(config, 2 * 160, said.append)
    assert (kept.effort, kept.seeds, left.seconds()) == ("thorough", (0, 1), pytest.approx(2 * 158))
    assert said == ["within 6m: 2 of 2 seeds, about 6m"]
    said.clear()
    kept, left = rehearse_study(config, 2 * 120, said.append)
    assert kept.left_out == {"thorough": pytest.approx(2 * 158), "standard": pytest.approx(2 * 158)}
    assert (kept.model_copy(update={"left_out": {}}), left.seconds()) == (
        planned(blobs, seeds=2), pytest.approx(2 * 107)
    )  # fmt: skip
    assert said[0] == "--effort thorough does not fit into 4m: quick is taken, without real and slow"
    kept, _ = rehearse_study(config, 120, said.append)
    assert (kept.effort, kept.seeds) == ("quick", (0,))


def test_an_unknown_effort_is_refused_with_the_nearest(blobs: Path) -> None:
    with pytest.raises(InputError, match="no effort 'standart': did you mean 'standard'?"):
        StudyAsk(blobs, effort="standart")
    with pytest.raises(InputError, match="no effort 'x': choose from: quick, standard, thorough"):
        StudyAsk(blobs, effort="x")


def test_studies_of_before_are_of_the_quick_effort(blobs: Path) -> None:
    written = planned(blobs, seeds=1).model_dump(mode="json")
    assert written.pop("effort") == "quick"
    assert StudyConfig.model_validate(written).effort == "quick"


def test_many_ways_need_a_validation_part_that_can_choose(tmp_path: Path) -> None:
    save_npz(small_image_set(48), tmp_path / "few.npz")
    with pytest.raises(InputError, match=r"has 6 images, too few to choose among \d+ ways to train: --effort thorough"):
        planned(tmp_path / "few.npz", seeds=1, effort="thorough")
    with pytest.raises(InputError, match="takes about 240 labeled images, of which 30 choose, and there are 48: add"):
        planned(tmp_path / "few.npz", seeds=1, effort="standard")
    said: list[str] = []
    make_study_plan(StudyAsk(tmp_path / "few.npz", seeds=1, **QUICK), said.append)
    assert said[-1].startswith("the validation part has 6 images, too few to choose well: about 240 labeled images")
