"""Generated images without an end: each is shown once, is the same however it is asked for, and keeps its label."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from elmyr import GAN, Recognizer, train
from elmyr.core.errors import InputError
from elmyr.core.notes import kept_notes
from elmyr.images import ImageSet, save_npz
from elmyr.nets import NetworkConfig
from elmyr.tasks.gan.model import GANConfig
from elmyr.tasks.gan.sampling.asked import in_shares
from elmyr.tasks.recognition import FreshSamples, Origin, chosen_samples, train_recognizer
from elmyr.tasks.recognition.generated.fresh_samples import BLOCK, FreshData
from elmyr.tasks.recognition.learning.chosen_samples import Choice
from elmyr.tasks.recognition.learning.fitting import Fitting
from elmyr.tasks.recognition.learning.lesson import Lesson
from elmyr.tasks.recognition.learning.methods import read_method
from elmyr.tasks.recognition.sources import config_of
from tests.conftest import small_image_set

NAMES = ("b", "c", "a")  # of the GAN, in another order than a recognizer has them


def new_gan(seed: int = 1, classes: tuple[str, ...] = NAMES, size: int = 8, counts: tuple[int, ...] = ()) -> GAN:
    network = NetworkConfig(base=8, latent=16)
    config = GANConfig(height=size, width=size, channels=1, classes=classes, class_counts=counts, network=network)
    torch.manual_seed(seed)
    return GAN(config, *config.build(), device="cpu", precision="fp32")


class ByPixels(Recognizer):
    """Reads a class in the sum of an image's pixels: right where that is even, and the surer the more remain by 10."""

    classes_ = np.array(["a", "b", "c"])

    def predict_proba(self, X: np.ndarray, *, average: int = 1) -> np.ndarray:
        sums = X.reshape(len(X), -1).sum(1, dtype=np.int64)
        read = np.full((len(X), 3), 0.1)
        read[np.arange(len(X)), sums % 3] = 0.5 + 0.04 * (sums % 10)
        return read


def as_asked(made: ImageSet) -> np.ndarray:
    read = ByPixels().predict_proba(made.images)
    return read[np.arange(len(made)), [["a", "b", "c"].index(made.classes[label]) for label in made.require_labels()]]


@pytest.fixture(scope="module")
def gan() -> GAN:
    return new_gan(counts=(50, 30, 20))


def distinct(images: np.ndarray) -> int:
    return len({image.tobytes() for image in images})


def test_an_image_is_the_same_whatever_is_asked_for_before_it(gan: GAN) -> None:
    whole = FreshSamples([Origin(gan)]).images(0, 2_100)
    assert distinct(whole.in_memory()) == 2_100
    again = FreshSamples([Origin(gan)])
    for begin, count in ((2_050, 50), (990, 20), (0, 1_000), (1_000, 1), (5, 2_000)):
        part = again.images(begin, count)
        assert np.array_equal(part.images, whole.images[begin : begin + count])
        assert np.array_equal(part.require_labels(), whole.require_labels()[begin : begin + count])
    other = FreshSamples([Origin(gan)], seed=5).images(0, 10)
    assert not np.array_equal(other.images, whole.images[:10])


def test_classes_come_in_their_shares_or_equally(gan: GAN) -> None:
    in_their_shares = FreshSamples([Origin(gan)]).images(0, 200).require_labels()
    assert np.array_equal(in_their_shares, in_shares((50, 30, 20), 200))
    balanced = FreshSamples([Origin(gan)], balanced=True).images(300, 300).require_labels()
    assert np.bincount(balanced).tolist() == [100, 100, 100]


def test_origins_take_turns(gan: GAN) -> None:
    other = new_gan(2, counts=(50, 30, 20))
    mixed = FreshSamples([Origin(gan), Origin(other, 2.0)])
    assert np.array_equal(mixed.images(0, 20).images, FreshSamples([Origin(gan)]).images(0, 20).images)
    assert np.array_equal(mixed.images(1_000, 20).images, FreshSamples([Origin(other, 2.0)]).images(1_000, 20).images)
    assert not np.array_equal(mixed.images(1_000, 20).images, FreshSamples([Origin(other)]).images(1_000, 20).images)


def test_what_is_demanded_holds_for_every_image_and_labels_keep_their_order(gan: GAN) -> None:
    reader = ByPixels()
    agreed = FreshSamples([Origin(gan)], choice=Choice(reader=reader)).images(980, 40)
    hardest = FreshSamples([Origin(gan)], choice=Choice(reader=reader, hardest=0.3)).images(980, 40)
    for made in (agreed, hardest):
        assert np.array_equal(made.require_labels(), FreshSamples([Origin(gan)]).images(980, 40).require_labels())
        assert (as_asked(made) >= 0.5).all()
    assert (as_asked(agreed) > 0.62).any() and (as_asked(hardest) <= 0.62).all()  # the surest go up to 0.86


class OfSome(ByPixels):
    """Reads class c in an image whose sum of pixels can be divided by 50, b never, and a in all others."""

    def predict_proba(self, X: np.ndarray, *, average: int = 1) -> np.ndarray:
        is_c = X.reshape(len(X), -1).sum(1, dtype=np.int64) % 50 == 0
        return np.where(is_c[:, None], [0.1, 0.1, 0.8], [0.8, 0.1, 0.1])


def test_a_later_block_with_too_few_good_images_repeats_what_it_has_and_says_so_once(gan: GAN) -> None:
    plain = FreshSamples([Origin(gan)]).images(0, 3 * BLOCK).require_labels()
    none_agree = FreshSamples([Origin(gan)], choice=Choice(reader=OfSome()))
    with pytest.raises(InputError, match="too few are good enough to learn from"):
        none_agree.images(0, 1)  # before anything is trained
    agreed = FreshSamples([Origin(gan)], choice=Choice(reader=ByPixels()))
    first = agreed.images(0, BLOCK)
    agreed.choice = Choice(reader=OfSome())
    with kept_notes() as told:
        later = agreed.images(BLOCK, 2 * BLOCK)
    assert len(told) == 1 and "those that are come again" in told[0]
    assert np.array_equal(np.concatenate([first.require_labels(), later.require_labels()]), plain)
    second = later.take(range(BLOCK))
    good = second.take(np.flatnonzero(second.require_labels() == NAMES.index("c")))
    assert distinct(good.in_memory()) < len(good) and all(each.sum() % 50 == 0 for each in good.images.astype(int))


def test_the_hardest_of_a_pool_are_those_that_the_reader_is_least_sure_of(gan: GAN) -> None:
    agreed = as_asked(chosen_samples(gan, 90, reader=ByPixels()))
    hardest = as_asked(chosen_samples(gan, 90, reader=ByPixels(), hardest=0.2))
    assert hardest.min() >= 0.5 and hardest.max() <= 0.58 < np.median(agreed)
    for wrong in (0.0, 1.5, float("nan")):
        with pytest.raises(InputError, match="--hardest is .*: it is a share"):
            chosen_samples(gan, 10, reader=ByPixels(), hardest=wrong)
    with pytest.raises(InputError, match="name one with --agreeing"):
        chosen_samples(gan, 10, hardest=0.5)


def test_whatever_decides_the_images_is_in_the_digest(gan: GAN) -> None:
    reader = Recognizer(updates=2, device="cpu").fit(*named(small_image_set()))
    kinds: list[dict[str, Any]] = [
        {},
        {"balanced": True},
        {"seed": 9},
        {"soft": reader},
        {"choice": Choice(realism=0.5)},
        {"choice": Choice(reader=reader)},
        {"choice": Choice(reader=reader, hardest=0.5)},
    ]
    digests = [FreshSamples([Origin(gan)], **kind).digest() for kind in kinds]
    digests += [FreshSamples(origins).digest() for origins in ([Origin(gan, 0.9)], [Origin(gan), Origin(gan)])]
    digests.append(FreshSamples([Origin(new_gan(3, counts=(50, 30, 20)))]).digest())
    assert len(set(digests)) == len(digests)
    assert FreshSamples([Origin(gan)]).digest() == digests[0]


def named(images: ImageSet) -> tuple[np.ndarray, np.ndarray]:
    return images.in_memory(), np.array(images.classes)[images.require_labels()]


def fitting(method: str, *, soft: Recognizer | None = None, updates: int = 12, gan: GAN) -> Fitting:
    lesson = Lesson.of(*named(small_image_set()), generated=FreshSamples([Origin(gan)], soft=soft))
    return Fitting(Recognizer(method=method, batch=16, updates=updates, device="cpu", precision="fp32"), lesson)


@pytest.mark.parametrize("soft", [None, ByPixels()], ids=["labels", "soft labels"])
def test_each_block_is_made_once_for_batches_in_a_row(gan: GAN, soft: Recognizer | None) -> None:
    made: list[int] = []

    class Counted(FreshSamples):
        def _made(self, number: int) -> Any:
            made.append(number)
            return super()._made(number)

    data = FreshData(Counted([Origin(gan)], soft=soft), np.array([1, 2, 0]), classes=3, device=torch.device("cpu"))
    for position in range(0, 2 * BLOCK + 64, 64):  # batches that a border of blocks runs through, too
        data.batch(position, 64)
    assert made == [0, 1, 2]


def test_soft_labels_of_fewer_classes_leave_the_others_at_0(gan: GAN) -> None:
    samples = FreshSamples([Origin(gan)], soft=ByPixels())
    batch = FreshData(samples, np.array([3, 0, 1]), classes=5, device=torch.device("cpu")).batch(0, 20)
    read = samples.read(0, 20)[1]
    assert batch.targets is not None and read is not None and batch.targets.shape == (20, 5)
    assert np.allclose(batch.targets[:, [3, 0, 1]], read) and not batch.targets[:, [2, 4]].any()


def test_a_method_of_two_stages_does_not_retrain_its_last_layer() -> None:
    with pytest.raises(InputError, match="does not retrain its last layer"):
        read_method("gan-first", {"retraining": 0.25})


def test_a_fit_shows_each_generated_image_once_under_its_own_name(gan: GAN) -> None:
    learned, blobs = fitting("gan-augment", gan=gan), {image.tobytes() for image in small_image_set().in_memory()}
    made = FreshSamples([Origin(gan)]).images(0, 96)
    names = np.array(NAMES)[made.require_labels()]
    shown = []
    for number in range(12):
        batch = learned.data.batch(16 * number, 16)
        assert batch.labels is not None and batch.targets is None
        images = batch.images.permute(0, 2, 3, 1).numpy()
        assert all(image.tobytes() in blobs for image in images[:8])
        shown += [*zip(images[8:], learned.lesson.classes[batch.labels[8:]], strict=True)]
    assert np.array_equal(np.stack([image for image, _ in shown]), made.images)
    assert [name for _, name in shown] == names.tolist()


def test_class_weights_count_how_often_fresh_images_show_a_class(gan: GAN) -> None:
    lesson = Lesson.of(*named(small_image_set()), generated=FreshSamples([Origin(gan)]))
    assert lesson.generated_shares is not None
    assert lesson.generated_shares.tolist() == [0.2, 0.5, 0.3]  # of a, b, c


def test_soft_labels_are_what_the_teacher_reads_and_real_ones_stay_sure(gan: GAN) -> None:
    batch = fitting("gan-augment", soft=ByPixels(), gan=gan).data.batch(0, 16)
    assert batch.targets is not None and batch.labels is not None
    assert torch.equal(batch.targets[:8], torch.eye(3)[batch.labels[:8]])
    read = ByPixels().predict_proba(batch.images[8:].permute(0, 2, 3, 1).numpy())
    assert np.allclose(batch.targets[8:], read)


def test_soft_labels_that_are_sure_teach_what_labels_do(gan: GAN) -> None:
    class Sure(ByPixels):
        def predict_proba(self, X: np.ndarray, *, average: int = 1) -> np.ndarray:
            return np.eye(3)[[of_image[image.tobytes()] for image in X]]

    made = FreshSamples([Origin(gan)]).images(0, 1_000)
    numbers = ["abc".index(name) for name in np.array(NAMES)[made.require_labels()]]
    of_image = {image.tobytes(): number for image, number in zip(made.images, numbers, strict=True)}
    nets = []
    for soft in (None, Sure()):
        learned = fitting("gan-augment", soft=soft, gan=gan)
        for number in range(3):
            learned.task.update(learned.data.batch(16 * number, 16), 16 * number)
        nets.append(torch.cat([value.flatten() for value in learned.task.net.state_dict().values()]))
    assert torch.allclose(*nets, atol=1e-5)


def test_two_stages_show_generated_images_first_and_learn_real_ones_at_a_tenth_of_the_rate(gan: GAN) -> None:
    learned, blobs = fitting("gan-first", gan=gan), {image.tobytes() for image in small_image_set().in_memory()}
    (group,) = learned.task.optimizers["recognizer"].param_groups
    real, rates = [], []
    for number in range(12):
        batch = learned.data.batch(16 * number, 16)
        real.append({image.tobytes() in blobs for image in batch.images.permute(0, 2, 3, 1).numpy()})
        group["lr"] = 1.0  # as the loop sets it before each update
        learned.task.update(batch, 16 * number)
        rates.append(group["lr"])
    assert real == [{False}] * 6 + [{True}] * 6
    assert np.allclose(rates, [1.0] * 6 + [0.1] * 6)


@pytest.mark.parametrize("method", ["gan-first", "features-first"])
def test_what_a_class_counts_is_that_of_the_images_of_each_stage(gan: GAN, method: str) -> None:
    blobs = small_image_set()
    labels = blobs.require_labels()
    few = blobs.take(np.concatenate([np.flatnonzero(labels < 2), np.flatnonzero(labels == 2)[:2]]))  # 40, 40 and 2
    lesson = Lesson.of(*named(few), generated=FreshSamples([Origin(gan)]))
    reader = Recognizer(
        method=method, updates=12, batch=16, base=8, dimension=16, class_weight="balanced", device="cpu"
    )
    learned, weights = Fitting(reader, lesson), []
    for number in range(12):
        learned.task.update(learned.data.batch(16 * number, 16), 16 * number)
        weights.append(learned.task.labeled_loss.weights)
    assert torch.allclose(weights[-1], torch.tensor([82 / 120, 82 / 120, 82 / 6]))  # of the real images alone
    if method == "gan-first":  # labels of generated images; before features none count
        assert torch.allclose(weights[0], 1 / (3 * torch.tensor([0.2, 0.5, 0.3])))


def test_all_real_images_are_seen_before_labels_wherever_they_come_from() -> None:
    labeled, others = small_image_set(30), small_image_set(20, seed=1)
    whole = Lesson.of(*named(labeled), unlabeled=others.images).real
    assert whole.labels is None and distinct(whole.in_memory()) == len(whole) == 50
    among = Lesson.of(*named(labeled.take(range(6))), unlabeled=labeled.images)
    assert among.real is among.unlabeled
    assert Lesson.of(*named(labeled)).real.labels is not None


def test_what_goes_not_together_is_refused(gan: GAN) -> None:
    with pytest.raises(InputError, match="at least one GAN"):
        FreshSamples([])
    with pytest.raises(InputError, match="several shapes or classes"):
        FreshSamples([Origin(gan), Origin(new_gan(classes=("b", "c", "d")))])
    with pytest.raises(InputError, match="without classes"):
        FreshSamples([Origin(new_gan(classes=()))])
    with pytest.raises(InputError, match=r"truncation of generated images is 2\.5"):
        Origin(gan, 2.5)
    with pytest.raises(InputError, match="make them alike"):
        Lesson.of(*named(small_image_set()), generated=FreshSamples([Origin(new_gan(size=12))]))
    with pytest.raises(InputError, match="train the GAN on these"):
        Lesson.of(*named(small_image_set()), generated=FreshSamples([Origin(new_gan(classes=("b", "c", "d")))]))


TINY = {"network.base": 8, "network.latent": 16, "network.embedding": 4, "batch": 16}


def test_a_run_learns_from_fresh_images_of_checkpoints_and_truncations(tmp_path: Path) -> None:
    save_npz(small_image_set(), tmp_path / "blobs.npz")
    data = tmp_path / "blobs.npz"
    made = train(data, out=tmp_path / "gan", images=96, settings=TINY, device="cpu").path
    judge = train_recognizer(data, Recognizer(updates=4, device="cpu"), out=tmp_path / "judge").path

    def learned(name: str, **asked: Any) -> dict[str, Any]:
        reader = Recognizer(method="auto", updates=4, device="cpu")
        return config_of(train_recognizer(data, reader, out=tmp_path / name, gan=made, **asked)).model_dump()

    fresh = learned("fresh", generated="fresh", truncation="0.8,1.2", checkpoint="best, latest")
    assert fresh["generated"] == "fresh" and fresh["truncations"] == (0.8, 1.2)
    assert fresh["checkpoints"] == ("best", "latest") and fresh["parameters"]["method"] == "gan-augment"
    others = [learned("soft", soft_labels=judge), learned("more", generated="1k"), learned("two", truncation=1.2)]
    assert len({config["digests"]["generated"] for config in [fresh, *others]}) == 4
    for asked, told in (
        ({"generated": "some"}, "--generated is 'some'"),
        ({"truncation": "0.8;1"}, "--truncation is '0.8;1'"),
        ({"truncation": (0.5, 3)}, "factors are above 0 and at most 2"),
        ({"checkpoint": "best,best"}, "names one twice"),
        ({"checkpoint": "17"}, "no checkpoint '17'"),
        ({"hardest": 0.5}, "name one with --agreeing"),
        ({"generated": 500, "soft_labels": judge}, "leave out --generated"),
    ):
        with pytest.raises(InputError, match=told):
            learned("none", **asked)
    assert not (tmp_path / "none").exists()


def test_a_discriminators_features_are_foretold_first_and_labels_count_afterwards(gan: GAN) -> None:
    learned = fitting("features-first", gan=gan, updates=100)
    losses = []
    for number in range(32):
        batch = learned.data.batch(16 * number, 16)
        assert batch.labels is not None
        before = learned.task.net.logits.weight.clone()
        losses.append(learned.task.update(batch, 16 * number)["loss"].item())
        assert torch.equal(before, learned.task.net.logits.weight) == (number < 30)
    assert np.mean(losses[25:30]) < 0.9 * np.mean(losses[:5])
    assert "foretelling" in learned.task.modules  # so that a run resumes inside the first stage
    with pytest.raises(InputError, match="begins with what a GAN's discriminator sees"):
        lesson = Lesson.of(*named(small_image_set()), generated=named(small_image_set(seed=1)))
        Fitting(Recognizer(method="features-first", device="cpu"), lesson)


def test_a_last_layer_is_learned_anew_from_fresh_images_with_all_classes_alike(gan: GAN) -> None:
    learned = fitting("decoupled", gan=gan, updates=60)
    last = [learned.data.batch(16 * number, 16).labels for number in range(57, 60)]
    names = np.concatenate([learned.lesson.classes[labels[8:]] for labels in last if labels is not None])
    assert np.unique(names, return_counts=True)[1].tolist() == [8, 8, 8]
