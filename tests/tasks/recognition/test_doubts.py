"""Which labels are likely wrong: the noise model, the folds, the way from an image set to a cleaned one."""

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elmyr import Recognizer, Shaping, train
from elmyr.cli import main
from elmyr.core.errors import InputError
from elmyr.images import ImageSet, load_images, save_images, save_npz
from elmyr.tasks.recognition import Doubts, doubting, doubts_of, told_of_spared, with_corrections, without_suspects
from elmyr.tasks.recognition.label_errors.estimate import doubts_by, out_of_fold
from elmyr.tasks.recognition.label_errors.suspected import Labels, labels_to_doubt, suspects_picture, write_suspects
from tests.conftest import small_image_set

QUICK = Recognizer(updates=40, batch=32, base=8, dimension=16, device="cpu")
QUICKEST = Recognizer(updates=1, base=8, dimension=8, device="cpu")


def with_wrong_labels(count: int = 120, every: int = 10) -> tuple[ImageSet, np.ndarray]:
    """Blobs of which each tenth has the next class as its label, and which these are."""
    blobs = small_image_set(count)
    wrong = np.arange(count) % every == 0
    return replace(blobs, labels=np.where(wrong, (blobs.require_labels() + 1) % 3, blobs.require_labels())), wrong


def drawn(share: float, flattened: float, count: int = 4000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Readings of five classes that are right about the truth but for an exponent; given labels; what is wrong."""
    random = np.random.default_rng(0)
    likely = random.dirichlet(np.full(5, 0.08), count)
    truth = np.array([random.choice(5, p=row) for row in likely])
    wrong = random.random(count) < share
    given = np.where(wrong, (truth + random.integers(1, 5, count)) % 5, truth)
    flat = np.maximum(likely, 1e-12) ** flattened
    return flat / flat.sum(1, keepdims=True), given, wrong


@pytest.mark.parametrize("share", [0.0, 0.05, 0.2, 0.4])
@pytest.mark.parametrize("flattened", [1.0, 0.3])
def test_the_share_of_wrong_labels_and_the_precision_are_estimated_right(share: float, flattened: float) -> None:
    read, given, wrong = drawn(share, flattened)
    doubts = doubts_by(read, given)
    assert doubts.share == pytest.approx(wrong.mean(), abs=0.025)
    suspects = doubts.suspects(0.9)
    if share > 0:
        assert wrong[suspects].mean() == pytest.approx(0.9, abs=0.04)
        assert wrong[suspects].sum() > 0.5 * wrong.sum()
    else:
        assert len(suspects) < 0.01 * len(given)


def test_classes_that_are_taken_for_each_other_are_learned() -> None:
    """Where only 0 is labeled 1, a 1 that is read as 0 is doubted more than a 0 that is read as 1."""
    read, _, _ = drawn(0, 1)
    random = np.random.default_rng(1)
    truth = np.array([random.choice(5, p=row / row.sum()) for row in read])
    given = np.where((truth == 0) & (random.random(len(truth)) < 0.3), 1, truth)
    unsure = np.where(np.arange(5) < 2, 0.5, 1e-9)[None]
    doubts = doubts_by(np.concatenate([read, unsure, unsure]), np.r_[given, 1, 0])
    assert doubts.chance[-2] > doubts.chance[-1] + 0.1
    assert doubts.proposed[-2:].tolist() == [0, 1]


def test_wrong_labels_are_found_and_the_right_ones_proposed() -> None:
    images, wrong = with_wrong_labels()
    doubts = doubts_of(images, recognizer=QUICK)
    suspects = doubts.suspects(0.9)
    assert set(np.flatnonzero(wrong)) <= set(suspects) and len(suspects) <= 1.25 * wrong.sum()
    assert (np.diff(doubts.chance[suspects]) <= 0).all()
    truth = small_image_set(120).require_labels()
    assert (with_corrections(images, doubts).labels == truth).mean() > 0.97
    left = without_suspects(images, doubts)
    assert len(left) == 120 - len(suspects)
    assert left.digest() == images.take(np.sort(np.setdiff1d(np.arange(120), suspects))).digest()


def test_no_image_is_read_by_a_recognizer_that_has_seen_it(monkeypatch: pytest.MonkeyPatch) -> None:
    images, _ = with_wrong_labels(61)
    learned: list[set[bytes]] = []
    fit, read = Recognizer.fit, Recognizer.predict_proba

    def noting_fit(self: Recognizer, X: Any, y: Any, **more: Any) -> Recognizer:
        learned.append({image.tobytes() for image in X})
        return fit(self, X, y, **more)

    def checking(self: Recognizer, X: Any) -> Any:
        assert not learned[-1] & {image.tobytes() for image in X}
        return read(self, X)

    monkeypatch.setattr(Recognizer, "fit", noting_fit)
    monkeypatch.setattr(Recognizer, "predict_proba", checking)
    probabilities = out_of_fold(images, QUICKEST, folds=3)
    assert len(learned) == 3 and np.allclose(probabilities.sum(1), 1)


def test_each_class_is_learned_by_every_fold_as_soon_as_it_has_two_images() -> None:
    blobs = small_image_set(60)
    few = blobs.take(np.r_[np.flatnonzero(blobs.labels != 2), np.flatnonzero(blobs.labels == 2)[:2]])
    read = out_of_fold(few, QUICKEST, folds=4)
    assert (read > 1e-9).all()


def test_a_seed_gives_the_same_doubts_again() -> None:
    images, _ = with_wrong_labels(60)
    quick = Recognizer(updates=5, base=8, dimension=8, device="cpu")
    once, again, other = (doubts_of(images, recognizer=quick, seed=seed, folds=2).chance for seed in (3, 3, 4))
    assert np.array_equal(once, again) and not np.array_equal(once, other)


def test_suspects_by_hand() -> None:
    doubts = Doubts(np.array([0, 1, 0, 1]), np.array([1, 0, 1, 0]), np.array([0.1, 0.96, 0.5, 0.86]))
    assert doubts.share == pytest.approx(0.605)
    assert doubts.suspects(0.9).tolist() == [1, 3] and doubts.suspects(0.7).tolist() == [1, 3, 2]
    assert doubts.suspects(0.97).tolist() == []
    with pytest.raises(InputError, match="the precision is 0"):
        doubts.suspects(0)


def test_classes_too_small_to_be_judged_are_spared() -> None:
    """Nobody learned to read the nine: what is doubted of them says nothing."""
    given = np.repeat([0, 1, 2], [60, 20, 9])
    assert doubts_by(np.eye(3)[given] * 0.9 + 0.1 / 3, given).spared == (2,)
    unspared = Doubts(given, (given + 1) % 3, np.where(given == 2, 0.95, 0.02))
    doubts = replace(unspared, spared=(2,))
    assert doubts.judged.sum() == 80 and doubts.share == pytest.approx(0.02)
    assert set(given[unspared.suspects(0.5)]) >= {2}
    assert len(doubts.suspects(0.5)) == 0
    images = ImageSet(np.zeros((89, 8, 8, 1), np.uint8), given, ("good", "scratched", "cracked"))
    assert len(without_suspects(images, doubts, 0.5)) == 89 > len(without_suspects(images, unspared, 0.5))
    assert (with_corrections(images, doubts, 0.5).labels == given).all()
    told = told_of_spared(images)
    assert told is not None and "none of their labels is named: 'cracked' (9)" in told
    assert told_of_spared(images.take(np.flatnonzero(given < 2))) is None


@pytest.mark.parametrize(
    ("change", "folds", "complaint"),
    [
        (lambda blobs: replace(blobs, labels=None, classes=()), 4, "has no labels"),
        (lambda blobs: blobs, 1, "there are 1 folds"),
        (lambda blobs: blobs.take([0, 3, 6]), 2, "fewer than two classes"),
        (lambda blobs: blobs.take([0, 1, 3, 4, 5]), 2, "class 'c' has one image"),
    ],
)
def test_labels_that_cannot_be_doubted_are_refused(change: Any, folds: int, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        doubts_of(change(small_image_set(30)), folds=folds, recognizer=QUICK)


@pytest.fixture(scope="module")
def noisy_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GAN that has learned blobs of which a fifth has a wrong label."""
    folder = tmp_path_factory.mktemp("noisy")
    save_npz(small_image_set(), folder / "blobs.npz")
    settings = {"network.base": 8, "batch": 32, "loop.watch_every": 0}
    shaping = Shaping(label_noise=0.2)
    train(folder / "blobs.npz", out=folder / "run", images=3000, settings=settings, shaping=shaping, device="cpu")
    return folder


def test_the_discriminator_s_reading_counts_as_well(noisy_run: Path) -> None:
    labels = labels_to_doubt(noisy_run / "blobs.npz", gan=noisy_run / "run", shaping=Shaping(label_noise=0.2))
    assert labels.truth is not None
    wrong = labels.truth != labels.images.require_labels()
    # After one update a recognizer says next to nothing.
    alone, both = (doubts_of(labels.images, gan=gan, recognizer=QUICKEST) for gan in (None, noisy_run / "run"))
    apart = [doubts.chance[wrong].mean() - doubts.chance[~wrong].mean() for doubts in (alone, both)]
    assert apart[1] > apart[0] + 0.2


def test_a_gan_that_knows_other_labels_or_reads_no_class_is_refused(noisy_run: Path, tmp_path: Path) -> None:
    blobs, run = noisy_run / "blobs.npz", noisy_run / "run"
    with pytest.raises(InputError, match="has learned other labels .* give --label-noise 0.2, --seed 0"):
        labels_to_doubt(blobs, gan=run)
    with pytest.raises(InputError, match="--seed 0"):
        labels_to_doubt(blobs, gan=run, seed=1, shaping=Shaping(label_noise=0.2))
    with pytest.raises(InputError, match="knows no class 'd'"):
        doubts_of(small_image_set(60, classes=5), gan=run)
    with pytest.raises(InputError, match=r"knows images \(8, 8, 1\)"):
        doubts_of(small_image_set(60, size=9), gan=run)
    settings = {"network.base": 4, "batch": 32, "auxiliary.classification": 0}
    plain = train(blobs, out=tmp_path / "plain", images=32, settings=settings, device="cpu")
    with pytest.raises(InputError, match="does not classify"):
        doubts_of(small_image_set(60), gan=plain.path)


def test_what_was_made_wrong_is_known_and_counted(blobs_file: Path) -> None:
    labels = labels_to_doubt(blobs_file, shaping=Shaping(label_noise=0.2))
    assert labels.truth is not None
    given = labels.images.require_labels()
    wrong = np.flatnonzero(given != labels.truth)
    assert len(wrong) == round(0.2 * len(given))
    doubts = Doubts(given, labels.truth, np.zeros(len(given)))
    assert labels.found(doubts, np.r_[wrong[:3], 0 if 0 not in wrong else np.setdiff1d(np.arange(9), wrong)[:1]]) == (
        0.75,
        3 / len(wrong),
    )
    whole = labels_to_doubt(blobs_file)
    assert len(whole.images) == 120 and whole.truth is None and whole.found(doubts, wrong) is None


def test_the_table_names_files_and_classes(tmp_path: Path) -> None:
    save_images(small_image_set(12), tmp_path / "folder")
    labels = labels_to_doubt(tmp_path / "folder")
    assert np.array_equal(labels.images.images, load_images(tmp_path / "folder").images)
    doubts = Doubts(labels.images.require_labels(), (labels.images.require_labels() + 1) % 3, np.linspace(0, 1, 12))
    table = StringIO()
    write_suspects(labels, doubts, np.array([11, 3]), table)
    head, first, second = table.getvalue().splitlines()
    assert head == "image,given,proposed,chance"
    name, given, proposed, chance = first.split(",")
    assert name == labels.names[11] and name.endswith(".png") and (tmp_path / "folder" / name).is_file()
    assert (given, proposed, chance) == ("c", "a", "1.0000") and second.endswith("0.2727")


def test_the_picture_shows_the_doubtful_images_with_words_under_them() -> None:
    labels = Labels(small_image_set(30), [])
    doubts = Doubts(labels.images.require_labels(), (labels.images.require_labels() + 1) % 3, np.ones(30))
    drawn = suspects_picture(labels, doubts, np.array([4, 7]))
    assert drawn is not None
    picture, legend = drawn
    assert picture.ndim == 3 and picture.shape[2] == 3 and legend == []
    enlarged = labels.images.images[4].repeat(12, 0).repeat(12, 1)
    assert (picture[8 : 8 + 96, 8 : 8 + 96] == enlarged).all()
    for line in range(3):
        under = picture[8 + 96 + 18 * line : 8 + 96 + 18 * (line + 1), 8 : 8 + 96]
        assert (under < 100).any() and (under == 255).mean() > 0.5
    assert suspects_picture(labels, doubts, np.array([], np.int64)) is None


def test_few_updates_are_the_default() -> None:
    assert doubting(small_image_set(9)).updates == 150
    assert doubting(small_image_set(9, size=28)).updates == 200
    assert doubting(small_image_set(9), updates=7).updates == 7


def test_the_command_says_what_it_found(
    blobs_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = f"elmyr recognizer doubts {blobs_file} --label-noise 0.2 --updates 30 --folds 2 --json --device cpu"
    monkeypatch.setattr("sys.argv", [*words.split(), "--corrected", str(tmp_path / "corrected.npz")])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    told = capsys.readouterr()
    found = json.loads(told.out)
    assert found["known"]["recall"] > 0.8 and found["known"]["precision"] > 0.6
    assert len(found["suspects"]) == len(found["given"]) == len(found["proposed"]) == len(found["chance"])
    assert "known, as they were made" in told.err
    truth = labels_to_doubt(blobs_file, shaping=Shaping(label_noise=0.2)).truth
    assert (load_images(tmp_path / "corrected.npz").labels == truth).mean() > 0.85


def test_no_class_vanishes_however_doubtful_its_labels() -> None:
    images = small_image_set(12)
    labels = images.require_labels()
    chance = np.where(labels == 2, 0.99 - 0.01 * np.arange(12), 0.01)
    doubts = Doubts(labels, (labels + 1) % 3, chance)
    assert (labels[doubts.suspects()] == 2).all() and len(doubts.suspects()) == 4
    for cleaned in (without_suspects(images, doubts), with_corrections(images, doubts)):
        left = np.flatnonzero(cleaned.require_labels() == 2)
        assert len(left) == 1
        assert (cleaned.images[left[0]] == images.images[11]).all()  # the least doubtful one
