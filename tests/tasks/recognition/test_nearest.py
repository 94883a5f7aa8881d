import numpy as np
import pytest

from elmyr.core.errors import InputError
from elmyr.images import ImageSet
from elmyr.tasks.recognition import Recognizer
from elmyr.tasks.recognition.predicting.nearest import TOGETHER, Nearest
from tests.conftest import small_image_set


@pytest.fixture(scope="module")
def reader() -> Recognizer:
    return Recognizer(base=8, dimension=16, device="cpu").initialize((8, 8, 1))


def test_an_image_that_is_known_is_its_own_nearest_and_distances_are_those_of_features(reader: Recognizer) -> None:
    known = small_image_set(40)
    nearest = Nearest(reader, known)
    found = nearest(known.in_memory()[5:8], 4)
    assert found.places[:, 0].tolist() == [5, 6, 7]
    features = reader.features(known.images)
    for row, place in enumerate((5, 6, 7)):
        distances = np.linalg.norm(features - features[place], axis=1)
        assert np.allclose(found.distances[row], np.sort(distances)[:4], atol=1e-3)
        assert np.allclose(distances[found.places[row]], np.sort(distances)[:4], atol=1e-3)


def test_many_images_find_what_each_finds_alone(reader: Recognizer) -> None:
    known = small_image_set(40)
    nearest, images = Nearest(reader, known), np.concatenate([known.in_memory(), known.in_memory()[:30]])
    assert len(images) > 2 * TOGETHER and len(images) % TOGETHER
    found = nearest(images, 3)
    assert found.places.shape == found.distances.shape == (70, 3)
    assert (np.sort(found.places[40:]) == np.sort(found.places[:30])).all()
    for number in (0, TOGETHER, 69):
        assert np.allclose(found.distances[number], nearest(images[number : number + 1], 3).distances[0], atol=1e-3)


def test_more_than_there_are_gives_all_and_none_are_refused(reader: Recognizer) -> None:
    known = small_image_set(6)
    found = Nearest(reader, known)(known.in_memory()[:1], 20)
    assert sorted(found.places[0].tolist()) == list(range(6))
    with pytest.raises(InputError, match="is empty"):
        Nearest(reader, ImageSet(np.zeros((0, 8, 8, 1), np.uint8), None))
