"""A study that borrows from other classes: what it may not borrow from, and that its arms learn from the set."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elmyr import ImageSet, Shaping, study
from elmyr.cli import main
from elmyr.core.errors import InputError
from elmyr.core.files import write_json
from elmyr.images import save_npz, split_source
from elmyr.studies import StudyAsk, make_study_plan
from elmyr.studies.arms import ARMS, Case, Training, arms_for
from elmyr.studies.arms.borrowing import WITH_GAN, WITHOUT_GAN
from elmyr.studies.borrowed import variators
from elmyr.studies.borrowed.variators import borrowed_images, variations, variator_of
from elmyr.studies.cell_data import CellData, opened
from elmyr.studies.config import StudyConfig
from elmyr.studies.summary import command_of
from elmyr.studies.work.pieces import Piece, Worker
from elmyr.tasks.recognition import TINY
from elmyr.tasks.variation import Variator
from tests.conftest import small_image_set

QUICK: dict[str, Any] = {"images": 64, "updates": 8, "device": "cpu", "settings": ("network.base=8", "batch=16")}


def stripes(count: int = 40, size: int = 8, channels: int = 1, seed: int = 5) -> ImageSet:
    """Two classes that blobs do not have: upright bars, left and right."""
    random = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.int64) % 2
    images = random.integers(0, 60, (count, size, size, channels), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[1:-1, 1 + 4 * label : 3 + 4 * label] += np.uint8(random.integers(80, 190))
    return ImageSet(images, labels, ("left", "right"), name="stripes")


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Blobs, and sets to borrow from."""
    blobs = small_image_set(120)
    near = stripes()
    near.images[3] = np.clip(blobs.images[7].astype(int) + 4, 0, 255).astype(np.uint8)  # a little lighter
    near.images[4:10] = blobs.images[20:26]
    sets = {
        "blobs": blobs,
        "stripes": stripes(),
        "large": stripes(size=12),
        "color": stripes(channels=3),
        "near": near,
        "one": stripes().take(np.arange(0, 40, 2)),
    }
    sets["one"] = ImageSet(sets["one"].images, np.zeros(20, np.int64), ("left",))
    sets["unlabeled"] = ImageSet(stripes().images, None)
    for name, images in sets.items():
        save_npz(images, tmp_path / f"{name}.npz")
    return {name: tmp_path / f"{name}.npz" for name in sets}


@pytest.fixture(autouse=True)
def few_variations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elmyr.studies.borrowed.variators.FEWEST_GENERATED", 300)


def planned(files: dict[str, Path], borrow: str | None, **asked: Any) -> StudyConfig:
    ask = StudyAsk(files["blobs"], seeds=1, borrow=None if borrow is None else files[borrow], **QUICK | asked)
    return make_study_plan(ask)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ("large", "has images 12x12 gray, 'blobs' 8x8 gray: shape both, such as with --size 8 --channels 1"),
        ("color", "has images 8x8 RGB, 'blobs' 8x8 gray: shape both"),
        ("unlabeled", "has no labels: name a set with classes"),
        ("one", "has one class: name a set of 2 or more"),
    ],
)
def test_a_set_that_nothing_can_be_borrowed_from_is_refused(files: dict[str, Path], other: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        planned(files, other)


def test_the_command_ends_with_2_in_one_line_and_writes_nothing(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["study", str(files["blobs"]), "--borrow", str(files["large"]), "--out", str(tmp_path / "study")]
    monkeypatch.setattr("sys.argv", ["elmyr", *words, "--device", "cpu"])
    with pytest.raises(SystemExit) as left:
        main()
    told = capsys.readouterr().err.strip()
    assert left.value.code == 2 and "shape both" in told and "\n" not in told
    assert not (tmp_path / "study").exists()


def test_images_that_it_judges_by_are_counted_and_named_though_they_are_a_little_lighter(
    files: dict[str, Path],
) -> None:
    """Seven images are shared; with each seed those of them that are not in the training part count."""
    told, source = [], opened(planned(files, None))
    for seed in range(6):
        splits = split_source(source, seed)
        shared = {image.tobytes() for image in source.train.images[[7, *range(20, 26)]]}
        inside = [sum(image.tobytes() in shared for image in part.images) for part in (splits.test, splits.validation)]
        if not any(inside):
            assert planned(files, "near", seed=seed).borrow is not None
            continue
        part, count = ("test", inside[0]) if inside[0] else ("validation", inside[1])
        with pytest.raises(
            InputError, match=rf"has {count} of the {part} images of 'blobs', .* seed {seed} "
        ) as raised:
            planned(files, "near", seed=seed)
        told.append(str(raised.value))
    assert any("is its image 3" in each for each in told)  # the lighter one
    assert planned(files, "near", seed=0, allow_duplicates=True).borrow is not None


def test_another_form_is_fine_where_both_are_shaped(files: dict[str, Path]) -> None:
    for other in ("large", "color"):
        config = planned(files, other, shaping=Shaping(size=(8, 8), channels=1))
        assert config.borrow is not None and config.borrow.shaping == Shaping(size=(8, 8), channels=1)
        words = command_of(config).split()
        assert words[words.index("--borrow") + 1] == str(files[other])


def test_both_sides_have_as_many_candidates_and_borrow_where_there_is_a_set(files: dict[str, Path]) -> None:
    without, with_set = planned(files, None).cells[0].arms, planned(files, "stripes").cells[0].arms
    assert {"pretrained", "real + classical + 25 % varied", "pretrained + 50 % varied"} < set(with_set)
    assert not {arm.name for arm in (*WITH_GAN, *WITHOUT_GAN)} & set(without)
    for effort in ("quick", "standard", "thorough"):
        for unbalanced in (False, True):
            arms = [ARMS[name] for name in arms_for(Case(Shaping(), unbalanced, borrows=True), effort)[0]]
            sides = [sum(arm.uses_gan == uses and arm.counts for arm in arms) for uses in (True, False)]
            assert sides[0] == sides[1]


def ground_of(folder: Path, config: StudyConfig) -> CellData:
    return CellData(folder / "study", config, config.cells[0], 0, opened(config))


def small(name: str) -> Any:
    return replace(ARMS[name], parameters={**TINY, **ARMS[name].parameters})


@pytest.mark.parametrize("name", [arm.name for arm in (*WITHOUT_GAN, *WITH_GAN)])
def test_an_arm_that_borrows_learns_another_thing_from_another_set(
    files: dict[str, Path], tmp_path: Path, name: str
) -> None:
    read = []
    for other in ("stripes", "near"):
        config = planned(files, other, allow_duplicates=True)
        ground, arm = ground_of(tmp_path / other, config), small(name)
        recognizer = arm.train(Training(arm, ground, arm.shares[0], 12))
        assert recognizer.classes_.tolist() == [0, 1, 2]
        assert recognizer.updates == (6 if name.startswith("pretrained") else 12)
        read.append(recognizer.predict_proba(ground.test.images))
    assert not np.allclose(*read)


def test_one_generator_varies_for_all_arms_of_a_seed(files: dict[str, Path], tmp_path: Path) -> None:
    ground = ground_of(tmp_path, planned(files, "stripes", images_per_class=(5,)))
    first, again = variations(ground), variations(ground)
    assert np.array_equal(first.images, again.images) and len(list(ground.samples.parent.glob("variator-*"))) == 1
    assert first.classes == ("a", "b", "c") and len(first) == 300
    assert variator_of(ground).trained["classes"] == ["left", "right"] and variator_of(ground).trained["images"] == 64


def test_without_a_set_the_large_classes_are_what_is_borrowed_from(files: dict[str, Path], tmp_path: Path) -> None:
    ground = ground_of(tmp_path, planned(files, None, imbalance=(10,)))
    counts = np.bincount(ground.labeled.require_labels())
    assert np.bincount(borrowed_images(ground).require_labels(), minlength=3).tolist() == [counts[0], 0, 0]
    arm = small("over-sampling + 25 % varied")
    tried = {
        labels: arms_for(Case(Shaping(labels_per_class=labels), unbalanced=True), "thorough")[0]
        for labels in (None, 3, 2)
    }
    assert {labels: arm.name in names for labels, names in tried.items()} == {None: True, 3: True, 2: False}
    for case in (Case(Shaping(images_per_class=2), unbalanced=True), Case(Shaping(), unbalanced=True, borrows=True)):
        assert arm.name not in arms_for(case, "thorough")[0]
    filled = arm.images(ground)
    assert np.bincount(filled.require_labels()).tolist() == [counts[0]] * 3
    known = {image.tobytes() for image in ground.labeled.images}
    added = filled.images[len(ground.labeled) :]
    assert [image.tobytes() not in known for image in added] == [place % 4 == 3 for place in range(len(added))]


def test_a_borrowed_set_that_is_not_what_it_was_is_refused_later(files: dict[str, Path], tmp_path: Path) -> None:
    ground = ground_of(tmp_path, planned(files, "stripes"))
    save_npz(stripes(seed=6), files["stripes"])
    with pytest.raises(InputError, match="is not what it was: restore it"):
        borrowed_images(ground)
    files["stripes"].unlink()
    with pytest.raises(InputError, match="is not at .* any more"):
        borrowed_images(ground)


def test_the_time_of_the_generator_counts_for_each_arm_that_varies_by_it(
    files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, config = tmp_path / "study", planned(files, "stripes")
    folder.mkdir()
    write_json(folder / "config.json", config.model_dump(mode="json"))
    learn = variators.learn_variations
    monkeypatch.setattr(variators, "learn_variations", lambda *given, **how: slowed(learn(*given, **how)))
    names = ("real + classical", "real + classical + 25 % varied", "real + classical + 50 % varied")
    plain, *varied = (Worker(folder).perform(Piece(0, 0, name)) for name in names)
    assert plain.seconds < 1000 < min(each.seconds for each in varied)
    assert all(each.result is not None and each.result.arm in names for each in varied)


def slowed(variator: Variator) -> Variator:
    variator.trained["seconds"] += 1000
    return variator


def test_a_study_that_borrows_is_no_study_that_does_not(files: dict[str, Path], tmp_path: Path) -> None:
    heard: list[str] = []
    ask = StudyAsk(files["blobs"], seeds=1, borrow=files["stripes"], **QUICK)
    config = make_study_plan(ask, heard.append)
    assert "borrows from 'stripes': 40 images of 2 classes" in heard
    (tmp_path / "study").mkdir()
    write_json(tmp_path / "study" / "config.json", config.model_dump(mode="json"))
    with pytest.raises(InputError, match=r"holds another study \(it borrows from '.*stripes.npz'\)"):
        study(files["blobs"], out=tmp_path / "study", seeds=1, **QUICK)
