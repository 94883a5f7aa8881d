"""A recognizer behind a restorer: what is attacked is what predicts, and attacks that know of it count."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from elmyr.core.errors import InputError
from elmyr.tasks.recognition import Recognizer
from elmyr.tasks.recognition.attacks.asked import AttackAsk
from elmyr.tasks.recognition.attacks.gradient import gradient_of_loss
from elmyr.tasks.recognition.attacks.measuring import attack
from elmyr.tasks.recognition.attacks.outcome import ALL, ANSWERS, NOTHING
from elmyr.tasks.recognition.attacks.purified import as_if_unchanged, purified
from elmyr.tasks.recognition.attacks.seam import logits_of
from elmyr.tasks.restoration import Restorer
from tests.conftest import small_image_set


@pytest.fixture(scope="module")
def reader() -> Recognizer:
    blobs = small_image_set(120)
    names = np.array(blobs.classes)[blobs.require_labels()]
    return Recognizer(updates=40, base=8, dimension=16).fit(blobs.images, names)


@pytest.fixture(scope="module")
def restorer() -> Restorer:
    settings = {"widths": (8, 8), "batch": 16}
    return Restorer(corruption="noise:0.2", images=320, settings=settings, precision="fp32").fit(small_image_set(120))


def shown() -> tuple[torch.Tensor, torch.Tensor]:
    blobs = small_image_set(30, seed=1)
    labels = torch.from_numpy(blobs.require_labels())
    return torch.from_numpy(np.asarray(blobs.images)).permute(0, 3, 1, 2) / 255, labels


def test_what_is_attacked_predicts_as_the_recognizer_does_of_repaired_images(
    reader: Recognizer, restorer: Restorer
) -> None:
    images, _ = shown()
    pixels = (255 * images).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    expected = reader.predict_proba(restorer.restore(pixels).images)
    model = logits_of(reader)
    for defended in (purified(model, restorer), as_if_unchanged(model, restorer)):
        assert np.allclose(defended(images).softmax(1).detach().numpy(), expected, atol=0.03)  # a file's 8 bits


def test_the_gradient_is_that_of_both_and_of_the_recognizer_alone_where_the_repair_counts_as_none(
    reader: Recognizer, restorer: Restorer
) -> None:
    images, labels = shown()
    model = logits_of(reader)
    with torch.no_grad():
        hidden = torch.zeros_like(images[:, :1], dtype=torch.bool)
        repaired = ((restorer.net_(2 * images - 1, hidden) + 1) / 2).clamp(0, 1)
    alone = gradient_of_loss(model, repaired, labels)
    through, unchanged = (
        gradient_of_loss(defended(model, restorer), images, labels) for defended in (purified, as_if_unchanged)
    )
    assert torch.allclose(unchanged, alone, atol=1e-5)
    assert not torch.allclose(through, alone, atol=1e-3)


def test_attacks_that_know_of_the_restorer_leave_no_more_than_those_that_do_not(
    reader: Recognizer, restorer: Restorer
) -> None:
    ask = AttackAsk(attack="pgd", epsilons=(0.1, 0.4), count=24, steps=12)
    found = attack(reader, small_image_set(60, seed=1), ask, restorer=restorer)
    assert found.through == "a restorer" and not found.corruptions
    for level in found.levels:
        nothing, everything, answers = level.attacks
        assert [one.knows for one in level.attacks] == [NOTHING, ALL, ANSWERS]
        assert level.unaware is not None and level.robust.sum() <= level.unaware
        assert level.unaware == nothing.tried - nothing.fooled
        assert level.robust.sum() <= answers.tried - answers.fooled <= everything.tried
    right = int(found.clean.sum())
    assert found.levels[1].robust.sum() < 0.5 * right
    assert "under attacks that do not know of the restorer" in found.lines()[1]
    assert found.table()[0][2] == "knows of the restorer"
    assert found.as_json()["levels"][0]["unaware_accuracy"]["value"] == found.levels[0].unaware / 24
    without = attack(reader, small_image_set(60, seed=1), ask)
    assert all(level.unaware is None for level in without.levels) and without.through is None


def test_a_restorer_of_other_channels_is_refused(reader: Recognizer) -> None:
    settings = {"widths": (8, 8), "batch": 16}
    of_color = Restorer(corruption="noise:0.2", images=16, settings=settings).fit(small_image_set(30, channels=3))
    with pytest.raises(InputError, match="the images are gray, the model is for RGB images"):
        attack(reader, small_image_set(30), AttackAsk(attack="fgsm"), restorer=of_color)
