"""Generated images are chosen by a discriminator's and a recognizer's judgement, and classes keep their shares."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elmyr import GAN, Recognizer, train
from elmyr.core.errors import InputError
from elmyr.engine import resume
from elmyr.images import ImageSet, save_npz
from elmyr.tasks.gan import open_gan
from elmyr.tasks.gan.sampling.asked import in_shares
from elmyr.tasks.recognition import chosen_samples, train_recognizer
from elmyr.tasks.recognition.learning.chosen_samples import Choice, _occurrences, samples_of_choice
from elmyr.tasks.recognition.sources import config_of
from tests.conftest import small_image_set

TINY = {"network.base": 8, "network.latent": 16, "network.embedding": 4, "batch": 16}


@pytest.fixture(scope="module")
def unequal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Blobs, 90 : 60 : 30."""
    images, labels = small_image_set(270), np.repeat([0, 1, 2], [90, 60, 30])
    assert images.labels is not None
    places = np.concatenate([np.flatnonzero(images.labels == label)[: (labels == label).sum()] for label in range(3)])
    path = tmp_path_factory.mktemp("unequal") / "blobs.npz"
    save_npz(images.take(places), path)
    return path


@pytest.fixture(scope="module")
def run(unequal: Path) -> Path:
    return train(unequal, out=unequal.parent / "gan", images=1_600, settings=TINY, device="cpu").path


@pytest.fixture(scope="module")
def gan(run: Path) -> GAN:
    return open_gan(run, device="cpu")


class Picky(Recognizer):
    """Reads images with an odd sum of pixels as another class than they are."""

    def predict_proba(self, X: np.ndarray, *, average: int = 1) -> np.ndarray:
        read, odd = super().predict_proba(X, average=average), X.reshape(len(X), -1).sum(1) % 2 == 1
        read[odd] = np.roll(read[odd], 1, axis=1)
        return read


@pytest.fixture(scope="module")
def reader() -> Recognizer:
    blobs = small_image_set(120)
    names = np.array(blobs.classes)[blobs.require_labels()]
    return Picky(method="supervised", updates=60, device="cpu").fit(blobs.images, names)


def read_right(reader: Recognizer, images: ImageSet) -> np.ndarray:
    return np.asarray(reader.predict(images.images) == np.array(images.classes)[images.require_labels()])


def test_without_a_choice_they_are_the_gans_first_samples(gan: GAN) -> None:
    assert (chosen_samples(gan, 40, seed=3).images == gan.sample(40, seed=3).images).all()


@pytest.mark.parametrize("realism", [1.0, 0.5, 0.2])
@pytest.mark.parametrize("judged", [False, True])
def test_classes_keep_their_shares_and_what_is_kept_is_good_enough(
    gan: GAN, reader: Recognizer, realism: float, judged: bool
) -> None:
    chosen = chosen_samples(gan, 90, realism=realism, reader=reader if judged else None)
    assert gan.config.class_counts is not None
    expected = np.bincount(in_shares(gan.config.class_counts, 90))
    assert np.bincount(chosen.require_labels()).tolist() == expected.tolist()
    assert expected[0] > expected[1] > expected[2] > 0
    if judged:
        assert read_right(reader, chosen).all()
        assert 0.2 < read_right(reader, gan.sample(300)).mean() < 0.8  # there was something to leave out
    if realism < 1:
        for label in range(3):
            of_class = gan.sample(500, label=label, seed=99)
            least = np.quantile(gan.discriminate(of_class), 1 - realism)
            kept = chosen.take(np.flatnonzero(chosen.require_labels() == label))
            assert np.median(gan.discriminate(kept)) > least


def test_the_same_seed_chooses_the_same(gan: GAN, reader: Recognizer) -> None:
    one, other, another = (chosen_samples(gan, 30, realism=0.5, reader=reader, seed=seed) for seed in (1, 1, 2))
    assert (one.images == other.images).all() and (one.images != another.images).any()


def test_only_the_most_real_of_a_round_are_kept(gan: GAN) -> None:
    chosen = chosen_samples(gan, 60, realism=0.25)
    shown = {image.tobytes() for image in chosen.images}
    rest = chosen_samples(gan, 240, realism=0.999)  # other rounds of the same GAN
    others = rest.take([place for place, image in enumerate(rest.images) if image.tobytes() not in shown])
    assert gan.discriminate(chosen).mean() > gan.discriminate(others).mean()


@pytest.mark.parametrize("realism", [0.0, -0.5, 0.04, 1.5, float("nan")])
def test_a_share_that_is_none_is_refused(gan: GAN, realism: float) -> None:
    with pytest.raises(InputError, match="--realism is .*: it is a share, from 0.05 to 1"):
        chosen_samples(gan, 10, realism=realism)


def test_a_class_that_is_never_read_as_such_is_named(gan: GAN) -> None:
    blobs = small_image_set(120)
    names = np.array(["b", "c", "a"])[blobs.require_labels()]  # all exchanged
    wrong = Recognizer(method="supervised", updates=60, device="cpu").fit(blobs.images, names)
    with pytest.raises(InputError, match=r"images of '[abc]' too few are good enough"):
        chosen_samples(gan, 200, reader=wrong)


def test_where_it_is_not_demanded_what_is_missing_is_filled(gan: GAN) -> None:
    blobs = small_image_set(120)
    names = np.array(["b", "c", "a"])[blobs.require_labels()]
    wrong = Recognizer(method="supervised", updates=60, device="cpu").fit(blobs.images, names)
    made = samples_of_choice(gan, 60, Choice(reader=wrong, demanding=False))
    assert np.bincount(made.require_labels()).tolist() == np.bincount(in_shares((90, 60, 30), 60)).tolist()


def test_a_reader_of_other_classes_is_refused(gan: GAN) -> None:
    blobs = small_image_set(120)
    numbers = Recognizer(method="supervised", updates=2, device="cpu").fit(blobs.images, blobs.require_labels())
    with pytest.raises(InputError, match="other classes than the GAN's, a, b, c"):
        chosen_samples(gan, 10, reader=numbers)


@given(st.lists(st.integers(0, 3), max_size=30))
def test_occurrences_count_those_before(labels: Sequence[int]) -> None:
    counted = _occurrences(np.array(labels, np.int64)).tolist()
    assert counted == [labels[:place].count(label) for place, label in enumerate(labels)]


def test_a_run_says_how_its_images_were_chosen_and_resumes(unequal: Path, run: Path, tmp_path: Path) -> None:
    def small(method: str) -> Recognizer:
        return Recognizer(method=method, updates=30, device="cpu")

    agreeing = train_recognizer(unequal, small("supervised"), out=tmp_path / "agreeing")
    chosen = train_recognizer(
        unequal, small("gan-augment"), out=tmp_path / "chosen", gan=run, realism=0.5, agreeing=agreeing.path
    )
    config = config_of(chosen)
    assert config.realism == 0.5 and config.agreeing == str(agreeing.path)
    plain = train_recognizer(unequal, small("gan-augment"), out=tmp_path / "plain", gan=run)
    assert config_of(plain).digests["generated"] != config.digests["generated"]
    chosen.summary.unlink()
    assert resume(chosen.path).finished
    with pytest.raises(InputError, match="choose among generated images"):
        train_recognizer(unequal, small("augment"), out=tmp_path / "none", realism=0.5)
