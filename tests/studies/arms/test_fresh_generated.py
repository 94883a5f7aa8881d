"""The arms of generated images without an end: each trains, and a recipe is chosen once, by short trainings."""

from typing import Any

import numpy as np
import pytest

from elmyr.core.files import read_json, write_json
from elmyr.images import save_npz
from elmyr.studies import StudyAsk, make_study_plan
from elmyr.studies.arms import train_arm
from elmyr.studies.arms.fresh_generated import FRESH, HARDEST, SHORT
from elmyr.studies.cell_data import CellData
from elmyr.studies.work.pieces import GAN, Piece, Worker
from elmyr.tasks.recognition.generated.generated_choice import MOST_TRIED, SHARES, TRUNCATIONS
from elmyr.tasks.recognition.learning.chosen_samples import Choice
from tests.conftest import small_image_set

UPDATES = 10


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> CellData:
    """Blobs of a study whose GAN is trained."""
    folder = tmp_path_factory.mktemp("study")
    save_npz(small_image_set(120), folder / "blobs.npz")
    quick: dict[str, Any] = {"images": 96, "updates": UPDATES, "settings": ("network.base=8", "batch=16")}
    config = make_study_plan(StudyAsk(folder / "blobs.npz", seeds=1, device="cpu", **quick))
    (folder / "study").mkdir()
    write_json(folder / "study" / "config.json", config.model_dump(mode="json"))
    worker, piece = Worker(folder / "study"), Piece(0, 0, GAN)
    worker.perform(piece)
    return worker.ground(piece)


@pytest.mark.parametrize("arm", [arm for arm in FRESH if "chosen" not in arm.name], ids=lambda arm: arm.name)
def test_each_arm_learns_from_the_gan(arm: Any, ground: CellData) -> None:
    learned = train_arm(arm, ground, updates=UPDATES)
    assert learned.recognizer.method_ == arm.method and learned.recognizer.classes_.tolist() == [0, 1, 2]
    assert len(learned.read) == len(ground.test) and arm.uses_gan and arm.counts and arm.effort != "quick"


def test_a_recipe_is_chosen_once_and_the_arm_is_trained_by_it(ground: CellData) -> None:
    (arm,) = [arm for arm in FRESH if arm.name == "real + classical + chosen generated"]
    assert ground.checkpoints and str(96) not in ground.checkpoints
    learned = train_arm(arm, ground, updates=6 * UPDATES)
    (file,) = (ground.study / "choices").iterdir()
    chosen = read_json(file)
    assert len(chosen["tried"]) == len(SHARES) + len(TRUNCATIONS) + len(ground.checkpoints) <= MOST_TRIED
    assert chosen["recipe"] in [each["recipe"] for each in chosen["tried"]]
    assert learned.recognizer.generated_share == chosen["recipe"]["share"]
    last = learned.recognizer.updates
    assert last + MOST_TRIED * int(SHORT * last) <= 6 * UPDATES < 2 * last and learned.recognizer.seed == ground.seed

    other = {"share": 0.1, "truncation": 1.5, "checkpoint": ground.checkpoints[0]}
    write_json(file, chosen | {"recipe": other})
    assert train_arm(arm, ground, updates=UPDATES).recognizer.generated_share == 0.1


def test_hard_images_are_balanced_also_where_too_few_of_a_class_are_good_enough(ground: CellData) -> None:
    made = ground.fresh(choice=Choice(reader=ground.rival, hardest=HARDEST, demanding=False)).images(0, 300)
    assert np.bincount(made.require_labels()).tolist() == [100, 100, 100]
    plain = ground.fresh().images(0, 300)
    agreed = [
        (ground.rival.predict(each.images) == np.array(each.classes)[each.require_labels()]).mean()
        for each in (plain, made)
    ]
    assert agreed[0] < agreed[1]
