"""How training images are changed: by name, in mixed pairs, and by what a validation part chooses."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch.nn import functional as F

from elmyr import Recognizer
from elmyr.core import seeds
from elmyr.core.errors import InputError
from elmyr.core.files import read_json
from elmyr.engine.task import Batch
from elmyr.images import ImageSet, save_npz
from elmyr.losses.policies.affine import random_affine
from elmyr.tasks.gan.model import to_unit
from elmyr.tasks.recognition import read_through, spec, train_recognizer
from elmyr.tasks.recognition.learning.augmenting import Augmenting
from elmyr.tasks.recognition.learning.labeled_loss import LabeledLoss
from elmyr.tasks.recognition.learning.lesson import Lesson
from elmyr.tasks.recognition.learning.methods import read_method
from elmyr.tasks.recognition.learning.policy_choice import (
    CANDIDATES,
    chosen_policy,
    strongest_of_the_best,
    within_seconds,
)
from tests.conftest import small_image_set

QUICK: dict[str, Any] = {"updates": 40, "batch": 32, "base": 8, "dimension": 16, "device": "cpu"}


def batch_of(n: int = 24, classes: int = 3) -> Batch:
    blobs = small_image_set(n, classes=classes)
    return Batch(torch.from_numpy(blobs.images).permute(0, 3, 1, 2), torch.from_numpy(blobs.require_labels()))


def shown(how: Augmenting, batch: Batch, part: slice | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    return how.shown(batch, part or slice(0, len(batch)), seed=5, position=96, classes=3)


def test_the_policy_affine_is_the_classical_augmentation_to_the_bit() -> None:
    batch = batch_of()
    images, labels = shown(Augmenting("affine"), batch)
    random = seeds.generator(5, "augmentation", 96)
    assert torch.equal(images, random_affine(to_unit(batch.images), random)) and labels is not batch
    assert torch.equal(shown(Augmenting(), batch)[0], to_unit(batch.images))


@pytest.mark.parametrize("mixing", ["mixup", "cutmix"])
def test_a_mixed_image_is_labeled_by_what_is_shown_of_each_class(mixing: str) -> None:
    """Images of one level that names their class: the mean level of a mixture says what is in it."""
    labels = torch.arange(64) % 3
    batch = Batch((labels * 100).to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 8, 8), labels)
    images, soft = shown(Augmenting("none", mixing), batch)
    levels = to_unit(torch.tensor([0, 100, 200], dtype=torch.uint8))
    assert torch.allclose(images.mean((1, 2, 3)), soft @ levels, atol=1e-5)
    assert torch.allclose(soft.sum(1), torch.ones(64)) and (soft >= 0).all()
    assert ((soft > 0).sum(1) == 2).sum() > 10  # partners are of other classes, too
    assert (soft[torch.arange(64), labels] > 0).float().mean() > 0.98


@pytest.mark.parametrize("mixing", ["none", "mixup", "cutmix"])
def test_a_process_s_share_is_shown_as_in_the_whole_batch(mixing: str) -> None:
    how, batch = Augmenting("affine+erasing+strong", mixing), batch_of()
    images, labels = shown(how, batch)
    for part in (slice(0, 8), slice(8, 24)):
        share = shown(how, batch, part)
        assert torch.equal(share[1], labels[part]) and torch.allclose(share[0], images[part], atol=1e-6)


def loss_of(weights: list[float] | None) -> LabeledLoss:
    return LabeledLoss.of(None if weights is None else np.array(weights), None, torch.device("cpu"))


def test_each_label_of_a_mixed_image_counts_by_its_own_class_weight() -> None:
    logits, weights = torch.randn(6, 3, generator=torch.Generator().manual_seed(0)), [4.0, 1.0, 0.5]
    first, second, own = torch.tensor([0, 1, 2, 0, 1, 2]), torch.tensor([1, 1, 0, 2, 2, 1]), torch.rand(6)
    soft = own[:, None] * F.one_hot(first, 3) + (1 - own[:, None]) * F.one_hot(second, 3)
    told = -logits.log_softmax(1)
    each = torch.tensor(weights)
    pairs = [own * each[first] * told[range(6), first], (1 - own) * each[second] * told[range(6), second]]
    assert torch.allclose(loss_of(weights)(logits, soft, soft), sum(pairs).mean())
    assert torch.allclose(loss_of(None)(logits, soft, soft), (soft * told).sum(1).mean())
    taught = torch.softmax(torch.randn(6, 3), 1)  # a teacher's targets: the image counts as its labels do
    expected = ((own * each[first] + (1 - own) * each[second]) * (taught * told).sum(1)).mean()
    assert torch.allclose(loss_of(weights)(logits, taught, soft), expected)


def test_a_policy_and_a_mixing_are_settings_of_a_recognizer_that_learns() -> None:
    blobs, fresh, settings = small_image_set(), small_image_set(90, seed=7), {"augment": "strong", "mixing": "cutmix"}
    recognizer = Recognizer(**QUICK | {"updates": 120}, settings=settings)
    assert clone(recognizer).get_params() == recognizer.get_params()
    recognizer.fit(blobs.images, blobs.labels)
    assert recognizer.score(fresh.images, fresh.labels) > 0.9
    assert recognizer.augment_ == "strong"


def test_settings_of_before_there_were_policies_mean_what_they_meant() -> None:
    assert [read_method("supervised", {"augment": on}).augment for on in (True, False)] == ["affine", "none"]
    assert read_method("augment").augment == read_method("gan-augment").augment == "affine"
    assert all(read_method(name).mixing == "none" for name in ("supervised", "augment", "gan-augment"))


@pytest.mark.parametrize(
    ("method", "changes", "complaint"),
    [
        ("augment", {"augment": "afine"}, "no change of training images 'afine': did you mean 'affine'"),
        ("augment", {"mixing": "cutmixup"}, "no mixing of images 'cutmixup'"),
        ("consistency", {"augment": "strong"}, "in its own ways: leave out augment and mixing"),
        ("gan-semi", {"mixing": "mixup"}, "in its own ways: leave out augment and mixing"),
    ],
)
def test_what_is_no_policy_or_is_not_heard_is_refused(method: str, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        read_method(method, changes)


# The choice: rows of blobs may be mirrored, slanted bars mean another class when they are.


def slanted(n: int, seed: int = 0) -> ImageSet:
    """Diagonal bars: from top left in class 0, from top right in class 1."""
    rng, labels = np.random.default_rng(seed), np.arange(n) % 2
    images = rng.integers(0, 60, (n, 8, 8, 1), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        places = np.arange(8)
        image[places, places if label == 0 else 7 - places] += 180
    return ImageSet(images, labels, ("down", "up"), "bars")


def choice_on(images: ImageSet, judges: ImageSet, **parameters: Any) -> Any:
    lesson = Lesson.of(
        images.images, images.labels, validation=None if judges is None else (judges.images, judges.labels)
    )
    settings = {"augment": "auto"} | parameters.pop("settings", {})
    return chosen_policy(Recognizer(**QUICK | {"updates": 400} | parameters, settings=settings), lesson)


def test_flips_are_added_where_mirrored_images_are_read_as_well_and_nowhere_else() -> None:
    harmless = choice_on(small_image_set(120), small_image_set(60, seed=1))
    harmful = choice_on(slanted(120), slanted(60, seed=1))
    assert harmless.policy.endswith("flips") and "flips" not in harmful.policy
    assert max(harmful.reached.values()) > 0.9 and harmful.mirrored < 0.5
    assert list(harmful.reached) == [name for name in CANDIDATES if "photometric" not in name]  # gray
    assert harmful.told.startswith(f"training images are changed by {harmful.policy}, chosen by short trainings on 60")
    assert "\n" not in harmful.told and "25% more updates" in harmful.told


def test_the_strongest_of_the_candidates_that_are_not_clearly_behind_is_taken() -> None:
    right = np.zeros((4, 400))
    right[0, :300], right[1, :330], right[2, 2:330], right[3, :280] = 1, 1, 1, 1
    names = ["none", "weak", "strong", "stronger"]
    assert strongest_of_the_best(dict(zip(names, right, strict=True))) == "weak"  # two fewer, surely
    right[2, 398:] = 1  # as many right, other ones
    assert strongest_of_the_best(dict(zip(names, right, strict=True))) == "strong"
    assert strongest_of_the_best({"none": right[0], "stronger": right[3]}) == "none"


@pytest.mark.parametrize("count", [None, 49])
def test_without_enough_validation_images_a_policy_has_to_be_named(count: int | None) -> None:
    there = "there is none" if count is None else "this one has 49"
    with pytest.raises(InputError, match=f"at least 50 images, and {there}: name a policy"):
        choice_on(slanted(60), None if count is None else slanted(count))  # type: ignore[arg-type]  # none at all


def test_the_chosen_policy_is_said_kept_and_the_parameters_stay(tmp_path: Path) -> None:
    bars, judges, said = slanted(120), slanted(60, seed=1), list[str]()
    recognizer = Recognizer(method="auto-augment", **QUICK)
    before = recognizer.get_params()
    recognizer.fit(bars.images, bars.labels, validation=(judges.images, judges.labels), say=said.append)
    assert recognizer.get_params() == before and recognizer.method_ == "auto-augment"
    assert recognizer.augment_ in said[0] and recognizer.augment_ != "auto"
    recognizer.save(tmp_path)
    assert Recognizer.load(tmp_path).augment_ == recognizer.augment_
    again = clone(recognizer).fit(bars.images, bars.labels, validation=(judges.images, judges.labels))
    assert np.array_equal(again.predict_proba(judges.images), recognizer.predict_proba(judges.images))


def test_a_run_has_the_chosen_policy_in_its_config_and_its_summary(tmp_path: Path) -> None:
    save_npz(slanted(480), tmp_path / "bars.npz")
    said: list[str] = []
    settings = {"augment": "auto"}
    run = train_recognizer(
        tmp_path / "bars.npz", Recognizer(**QUICK), out=tmp_path / "run", settings=settings, say=said.append
    )
    policy = read_json(run.config)["parameters"]["settings"]["augment"]
    assert policy not in ("auto", "") and read_json(run.summary)["augment"] == policy
    assert any(line.startswith(f"training images are changed by {policy}, ") for line in said)
    assert f"- training images changed by: {policy}\n" in (run.path / "README.md").read_text(encoding="utf-8")
    assert policy in (run.path / "log.txt").read_text(encoding="utf-8")
    with pytest.raises(InputError, match="name a policy, as augment=strong"):
        train_recognizer(tmp_path / "bars.npz", Recognizer(**QUICK), validate=False, settings=settings)


def test_the_choice_of_a_policy_takes_its_time_from_the_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_npz(slanted(480), tmp_path / "bars.npz")
    asked: list[int | None] = []
    monkeypatch.setattr(
        spec, "chosen_policy", lambda reader, *of: asked.append(reader.updates) or chosen_policy(reader, *of)
    )
    reader = Recognizer(method="auto-augment", base=8, dimension=16, batch=64, device="cpu")
    run = train_recognizer(tmp_path / "bars.npz", reader, out=tmp_path / "run", minutes=0.02)
    (updates,) = asked
    trained = read_json(run.config)["parameters"]["updates"]
    assert updates is not None and trained < 10 * updates  # None: the method's own, however short the time
    lesson = Lesson.of(slanted(60), None)
    assert within_seconds(reader, lesson, 1e-9).updates == 1
    assert within_seconds(named := Recognizer(**QUICK), lesson, 3.0) is named


# The mean over several views of an image.


def test_the_mean_over_views_is_of_the_image_and_small_changes_of_it() -> None:
    fresh, recognizer = slanted(80, seed=3).images, Recognizer(**QUICK).fit(slanted(120))
    one, five = recognizer.predict_proba(fresh), recognizer.predict_proba(fresh, average=5)
    assert np.array_equal(recognizer.predict_proba(fresh, average=1), one)
    assert np.allclose(five.sum(1), 1) and 1e-4 < np.abs(five - one).mean() < 0.1
    assert np.allclose(recognizer.predict_proba(fresh[7:9], average=5), five[7:9], atol=1e-6)  # in whatever company
    assert (recognizer.predict(fresh, average=5) == recognizer.classes_[five.argmax(1)]).all()
    reading = read_through(recognizer, slanted(80, seed=3), average=5)
    assert np.allclose(reading.probability, five.max(1)) and reading.as_json()["views"] == 5
    assert "80 images of bars (the mean of 5 views of each): accuracy" in reading.lines("images", "bars")[0]
    with pytest.raises(InputError, match="over 0 views"):
        recognizer.predict_proba(fresh, average=0)
