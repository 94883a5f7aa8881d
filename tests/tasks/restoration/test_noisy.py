import numpy as np
import pytest

from elmyr import Restorer
from elmyr.tasks.restoration import corrupt, restore_noisy
from tests.conftest import small_image_set


@pytest.fixture(scope="module")
def trained() -> Restorer:
    return Restorer(images=160, device="cpu", precision="fp32").fit(small_image_set(120))


def test_without_masks_it_is_the_restorer_s_own_repair(trained: Restorer) -> None:
    noisy = corrupt(small_image_set(4).in_memory(), "noise:0.2").images
    expected = trained.restore(noisy, answers=3, seed=2)
    found = restore_noisy(trained, noisy, answers=3, seed=2)
    assert np.array_equal(found.images, expected.images) and np.array_equal(found.answers, expected.answers)


def test_with_masks_what_is_known_is_cleaned_too_and_answers_stay_apart(trained: Restorer) -> None:
    noisy = corrupt(small_image_set(4).in_memory(), "noise:0.2").images
    masks = np.zeros((4, 8, 8), np.bool_)
    masks[:, :, 4:] = True
    filled = trained.restore(noisy, masks, answers=3)
    found = restore_noisy(trained, noisy, masks, answers=3)
    assert np.array_equal(filled.images[:, :, :4], noisy[:, :, :4])
    assert not np.array_equal(found.images[:, :, :4], noisy[:, :, :4])
    assert np.array_equal(found.images, trained.restore(filled.images).images)
    assert found.answers.shape == (3, 4, 8, 8, 1) and found.uncertainty.shape == (4, 8, 8)
    one = restore_noisy(trained, noisy, masks)
    assert np.array_equal(one.images, found.images) and len(one.answers) == 0 and not one.uncertainty.any()
