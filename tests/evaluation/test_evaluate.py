from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elmyr import GAN, evaluate, train
from elmyr.core.errors import InputError
from elmyr.core.files import cache_folder, read_json, write_json
from elmyr.evaluation import FIGURES, FigureSpec
from elmyr.evaluation.conditions import Judging
from elmyr.evaluation.extractors import Extraction, extractor_for
from elmyr.evaluation.figures import Evidence
from elmyr.evaluation.judging import judge
from elmyr.evaluation.paired_samples import comparable, first_of, parts
from elmyr.evaluation.reference import Embedding, reference_of
from elmyr.evaluation.stages import Stages
from elmyr.images import ImageSet, Source, load_images, save_npz, split_source
from elmyr.metrics import DRAWN, density_coverage, fixed_design, precision_recall
from elmyr.report.pages.run_report import run_page
from tests.conftest import small_image_set

pytestmark = pytest.mark.usefixtures("quick_extractor")


def source() -> Source:
    return Source("blobs", small_image_set(400), None)


def noised(images: ImageSet, amount: float) -> ImageSet:
    noise = np.random.default_rng(1).normal(0, amount, images.images.shape)
    return ImageSet(np.clip(images.images + noise, 0, 255).astype(np.uint8), images.labels, images.classes)


def test_real_images_reach_their_yardstick_and_noise_is_seen() -> None:
    splits = split_source(Source("blobs", small_image_set(1200), None), 0)
    real = judge([splits.validation], splits, "test", subject="real")
    assert all(figure.value == pytest.approx(figure.yardstick) for figure in real.figures)
    assert [figure.name for figure in real.figures] == [
        "frechet_distance",
        "class_frechet_distance",
        "kernel_distance",
        "precision",
        "recall",
        "density",
        "coverage",
        "inception_score",
        "diversity",
        "class_divergence",
        "label_accuracy",
    ]
    assert all(figure.low <= figure.value <= figure.high for figure in real.figures)
    assert real["class_frechet_distance"].value == real["class_frechet_distance"].yardstick
    assert [(row.name, row.label_accuracy and row.label_accuracy[0]) for row in real.classes] == [
        ("a", 1),
        ("b", 1),
        ("c", 1),
    ]
    weak, strong = (judge([noised(splits.validation, a)], splits, "test", subject="x") for a in (80, 200))
    distances = [judged["frechet_distance"].value for judged in (real, weak, strong)]
    assert distances == sorted(distances)
    assert distances[0] < distances[2]


def test_wrong_labels_are_not_read_back() -> None:
    splits = split_source(source(), 0)
    assert splits.validation.labels is not None
    swapped = ImageSet(splits.validation.images, (splits.validation.labels + 1) % 3, splits.validation.classes)
    figure = judge([swapped], splits, "test", subject="x")["label_accuracy"]
    assert figure.value < 0.1
    assert figure.low is not None and figure.high is not None
    assert figure.low <= figure.value <= figure.high
    assert figure.yardstick > 0.9


@pytest.mark.parametrize("name", ["domain", "pixels", "random"])
def test_every_extractor_sees_noise(name: str) -> None:
    splits = split_source(Source("blobs", small_image_set(1200), None), 0)
    clean, noisy = (
        judge([images], splits, "test", subject="x", judging=Judging(Extraction(name)))
        for images in (splits.validation, noised(splits.validation, 120))
    )
    for figure in ("frechet_distance", "kernel_distance"):
        assert clean[figure].value < noisy[figure].low
    assert clean.extractor["name"] == name
    assert clean.extractor["input"] == "8x8x1"
    assert ("8x8" in clean.extractor["resize"]) == (name == "pixels")


def test_extractors_of_another_seed_or_width_are_others() -> None:
    training = split_source(source(), 0).train
    made = [
        extractor_for(training, Extraction("random", seed, width))
        for seed, width in ((0, 32), (0, 32), (1, 32), (0, 16))
    ]
    assert made[0].sha256 == made[1].sha256
    assert len({extractor.sha256 for extractor in made}) == 3
    with pytest.raises(InputError, match="did you mean 'domain'"):
        Extraction("domian")
    with pytest.raises(InputError, match="multiple of 4"):
        Extraction("random", width=30)
    with pytest.raises(InputError, match="learns from labels"):
        extractor_for(ImageSet(training.images, None), Extraction("domain"))


def test_a_dropped_class_costs_recall_and_shows_in_the_classes_read() -> None:
    splits = split_source(Source("blobs", small_image_set(1200), None), 0)
    labels = splits.validation.labels
    assert labels is not None
    without = splits.validation.take(np.resize(np.flatnonzero(labels != 1), len(labels)))
    whole, dropped = (judge([images], splits, "test", subject="x") for images in (splits.validation, without))
    assert dropped["recall"].value < whole["recall"].value - 0.15
    assert dropped["coverage"].value < whole["coverage"].value - 0.15
    assert dropped["precision"].value > whole["precision"].value - 0.1
    assert dropped["class_divergence"].low > 0.05 > whole["class_divergence"].value
    assert [row.count for row in dropped.classes][1] == 0


@pytest.fixture
def own_cache(quick_extractor: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that no other test fills."""
    monkeypatch.setenv("ELMYR_CACHE_DIR", str(tmp_path / "own"))


@pytest.mark.usefixtures("own_cache")
def test_the_extractor_is_trained_once_and_a_damaged_cache_is_not_trusted() -> None:
    training, said = split_source(source(), 0).train, list[str]()
    first = extractor_for(training, stages=Stages(say=said.append))
    again = extractor_for(training, stages=Stages(say=said.append))
    assert len(said) == 1
    assert first.sha256 == again.sha256
    (weights,) = cache_folder().rglob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:-8])
    assert extractor_for(training, stages=Stages(say=said.append)).sha256 == first.sha256
    assert len(said) == 2


def test_pixels_are_means_over_squares() -> None:
    images = np.zeros((1, 16, 16, 1), np.uint8)
    images[0, :2, :2] = 255
    features = extractor_for(ImageSet(images, None), Extraction("pixels")).features(ImageSet(images, None))
    assert features.shape == (1, 64)
    assert features[0, 0] == 1
    assert features[0, 1:].sum() == 0


def test_a_run_is_judged_with_intervals_and_keeps_its_figures(tmp_path: Path) -> None:
    save_npz(small_image_set(400), tmp_path / "blobs.npz")
    tiny = {"network.base": 8, "batch": 16}
    run = train(tmp_path / "blobs.npz", out=tmp_path / "run", images=320, settings=tiny, device="cpu")
    judged = evaluate(run.path)
    assert judged.extractor["name"] == "domain"
    assert judged.count == len(split_source(source(), 0).validation)
    assert all(figure.low is not None for figure in judged.figures)
    assert judged["frechet_distance"].value > judged["frechet_distance"].yardstick
    assert judged["told_apart"].value > 0.6
    with pytest.raises(KeyError):
        judged["a figure that was not taken"]
    assert abs(judged["told_apart"].yardstick - 0.5) < 0.29  # 5 standard deviations for 50 images a side
    assert read_json(run.path / "evaluation.json")["figures"][0]["value"] == judged.figures[0].value
    assert evaluate(run.path).figures == judged.figures
    best, worst = (load_images(run.path / f"{side}.npz") for side in ("best", "worst"))
    assert len(best) == len(worst) == 16
    samples = GAN.load(run.path).sample(judged.count, label=_labels_beside(judged.count), seed=1)
    assert (samples.images[list(judged.best)] == best.images).all()
    others = evaluate(run.path, extractor="random"), evaluate(run.path, extractor="pixels", against="validation")
    assert read_json(run.evaluation)["figures"][0]["value"] == judged.figures[0].value
    names = ["evaluation", "evaluation-pixels-validation", "evaluation-random"]
    assert [path.stem for path in run.evaluations] == names
    kept = [read_json(run.path / f"{name}.json")["figures"][0]["value"] for name in reversed(names[1:])]
    assert kept == [other.figures[0].value for other in others]
    random = load_images(run.path / "best-random.npz")
    assert (samples.images[list(others[0].best)] == random.images).all()
    page = run_page(run.path)
    assert [f"extractor “{name}”" in page for name in ("domain", "random", "pixels")] == [True] * 3


def _labels_beside(count: int) -> np.ndarray:
    return first_of(split_source(source(), 0).test, count).require_labels()


def test_a_run_of_an_unbalanced_set_is_judged_with_its_shares_of_the_classes(tmp_path: Path) -> None:
    balanced = small_image_set(600)
    assert balanced.labels is not None
    kept = np.flatnonzero((balanced.labels == 0) | (np.arange(600) % 5 == 0))
    save_npz(balanced.take(kept), tmp_path / "unbalanced.npz")
    run = train(
        tmp_path / "unbalanced.npz",
        out=tmp_path / "run",
        images=64,
        settings={"network.base": 8, "batch": 16},
        device="cpu",
    )
    asked: list[list[int]] = []
    original = GAN.sample

    def heard(self: GAN, n: int, **options: Any) -> ImageSet:
        made = original(self, n, **options)
        assert made.labels is not None
        asked.append(np.bincount(made.labels, minlength=3).tolist())
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GAN, "sample", heard)
        evaluate(run.path)
    assert len(asked) == 3
    assert all(counts[0] > 2.5 * counts[1] for counts in asked)


def test_labels_are_compared_by_the_names_of_their_classes(tmp_path: Path) -> None:
    splits = split_source(source(), 0)
    real = splits.validation
    assert real.labels is not None
    backwards = ImageSet(real.images, 2 - real.labels, real.classes[::-1], "backwards")
    assert judge([backwards], splits, "test", subject="x")["label_accuracy"].value > 0.9
    unnamed = ImageSet(real.images, real.labels, (), "unnamed")
    assert judge([unnamed], splits, "test", subject="x")["label_accuracy"].value > 0.9
    with pytest.raises(InputError, match="class 'cow'"):
        judge([ImageSet(real.images, real.labels, ("a", "b", "cow"))], splits, "test", subject="x")


@pytest.mark.usefixtures("quick_use")
def test_use_tells_whether_recognizers_can_learn_from_the_images() -> None:
    splits, said = split_source(Source("blobs", small_image_set(1200), None), 0), list[str]()
    judging = Judging(use=True, stages=Stages(4, said.append))
    good = judge([splits.validation], splits, "test", subject="x", judging=judging)
    assert said[-2] == "3 of 4: training 2 recognizers, each on 150 images …"
    useless = noised(splits.validation, 2000)
    bad = judge([useless], splits, "test", subject="x", judging=Judging(use=True))
    for name in ("trained_on_generated", "tested_on_generated"):
        assert good[name].value > 0.95
        assert good[name].yardstick > 0.95
        assert bad[name].high < good[name].low
    unlabeled = ImageSet(splits.validation.images, None, name="plain")
    with pytest.raises(InputError, match="leave out --use"):
        judge([unlabeled], splits, "test", subject="x", judging=Judging(use=True))


def test_a_class_without_samples_is_told_and_its_figures_are_left_out() -> None:
    splits, said = split_source(source(), 0), list[str]()
    labels = splits.validation.require_labels()
    without = splits.validation.take(np.flatnonzero(labels != 1))
    found = judge([without], splits, "test", subject="x", judging=Judging(stages=Stages(say=said.append)))
    assert said[0].startswith("'x' has fewer than 8 images of class 'b' (0)")
    assert "class_frechet_distance" not in [figure.name for figure in found.figures]
    assert found.classes[1].label_accuracy is found.classes[1].frechet_distance is None


def test_swapped_labels_show_in_the_classes() -> None:
    splits = split_source(Source("blobs", small_image_set(1200), None), 0)
    right = splits.validation
    swapped = ImageSet(right.images, (right.require_labels() + 1) % 3, right.classes)
    whole, wrong = (judge([images], splits, "test", subject="x") for images in (right, swapped))
    assert wrong["frechet_distance"].value == whole["frechet_distance"].value
    assert wrong["class_frechet_distance"].low > whole["class_frechet_distance"].high


def test_the_best_and_the_worst_are_places_in_the_samples_as_given() -> None:
    splits = split_source(source(), 0)
    images = splits.validation.images.copy()
    spoiled = [3, 17, 40]
    images[spoiled] = np.random.default_rng(0).integers(0, 256, images[spoiled].shape)
    samples = ImageSet(images, splits.validation.labels, splits.validation.classes)
    found = judge([samples], splits, "test", subject="x", judging=Judging(Extraction("pixels")))
    assert set(found.worst[:3]) == set(spoiled)
    assert not set(found.best) & set(spoiled)


@pytest.mark.usefixtures("own_cache")
def test_the_reference_is_looked_at_once_and_a_spoiled_cache_is_not_used() -> None:
    splits, said = split_source(source(), 0), list[str]()
    extractor = extractor_for(splits.train, Extraction("random"))
    first = reference_of(extractor, splits.test, said.append)
    (path,) = (cache_folder() / "references").iterdir()
    written = path.stat().st_mtime_ns
    again = reference_of(extractor, splits.test, said.append)
    assert path.stat().st_mtime_ns == written
    assert (again.embedding.features == first.embedding.features).all()
    assert (again.near.squared_radii == first.near.squared_radii).all()
    assert again.far.k == first.far.k == 5
    assert not said
    other = reference_of(extractor, splits.validation)  # a file of its own
    foreign = next(file for file in path.parent.iterdir() if file != path).read_bytes()
    whole = path.read_bytes()
    for content in (b"", whole[:-100], whole.replace(b"near", b"nerr"), foreign):
        path.write_bytes(content)
        found = reference_of(extractor, splits.test, said.append)
        assert (found.embedding.features == first.embedding.features).all()
        assert "not used" in said.pop()
        assert path.read_bytes() == whole
    assert len(other.embedding.features) == len(splits.validation)


@pytest.mark.usefixtures("own_cache")
def test_the_real_data_baseline_is_taken_once_for_the_same_real_images_and_extractor() -> None:
    splits = split_source(source(), 0)
    samples, judging = [noised(splits.validation, 40)], Judging(Extraction("pixels"))

    def yardsticks(judging: Judging = judging) -> dict[str, float | None]:
        found = judge(samples, splits, "test", subject="x", judging=judging)
        return {figure.name: figure.yardstick for figure in found.figures}

    first = yardsticks()
    (path,) = (cache_folder() / "baselines").iterdir()
    kept = read_json(path)
    assert first == {name: value for name, value in kept.items() if value is not None}
    assert not {"told_apart", "trained_on_generated"} & set(kept)  # of other networks
    write_json(path, kept | {"kernel_distance": 123.0})
    assert yardsticks() == first | {"kernel_distance": 123.0}  # it was not taken again
    more = yardsticks(replace(judging, requested=("vendi_score",)))
    assert set(more) - set(first) == {"vendi_score"} and read_json(path)["vendi_score"] == more["vendi_score"]
    path.write_text('{"kernel_distance": "much"}')
    assert yardsticks() == first
    gap = FigureSpec("gap", "Gap", "lower", ("features",), lambda real, made: float(abs(real.mean() - made.mean())))
    FIGURES.add("gap", gap)
    assert yardsticks()["gap"] and "gap" not in read_json(path)  # its code may change
    yardsticks(replace(judging, extraction=Extraction("random")))
    assert len(list(path.parent.iterdir())) == 2


@pytest.mark.usefixtures("own_cache")
def test_the_balls_are_dealt_by_labels_where_these_were_fixed_alone() -> None:
    """From the cache too; with as many of each class in every group, counts that were drawn would look certain."""
    splits = split_source(source(), 0)
    extractor = extractor_for(splits.train, Extraction("pixels"))
    features = extractor.features(splits.test)
    labels = splits.test.labels
    assert labels is not None
    for _ in range(2):
        real = reference_of(extractor, splits.test)
        for asked, design in ((labels, fixed_design(labels, labels)), (np.zeros_like(labels), DRAWN), (None, DRAWN)):
            (found,) = Evidence(real, Embedding(features + 0.1, None, asked)).neighbors
            near = precision_recall(features, features + 0.1, design=design)
            far = density_coverage(features, features + 0.1, design=design)
            for one, other in zip(found, (*near, *far), strict=True):
                assert one.interval == other.interval and one.beside == other.beside


def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ELMYR_CACHE_DIR", str(tmp_path / "file"))
    splits, said = split_source(source(), 0), list[str]()
    extractor = extractor_for(splits.train, Extraction("pixels"))
    assert len(reference_of(extractor, splits.test, said.append).embedding.features) == len(splits.test)
    assert "not kept" in said[0]


def test_the_test_images_are_looked_at_for_the_test_part_alone() -> None:
    splits = split_source(source(), 0)
    for against in ("validation", "train"):
        assert all(part is not splits.test for part in parts(splits, against))  # type: ignore[arg-type]  # a part
    with pytest.raises(InputError, match="did you mean 'test'"):
        evaluate("digits", against="tset", data="digits")  # type: ignore[arg-type]  # no part


def test_classes_that_are_numbers_are_compared_by_name_where_all_are_known() -> None:
    real = small_image_set(60)
    labels = real.require_labels()
    names = ("2", "10", "7")
    some = ImageSet(real.images, labels, ("2", "7", "10"))
    assert comparable(some, ImageSet(real.images, labels, names), "x").require_labels().tolist() == [
        {0: 0, 1: 2, 2: 1}[label] for label in labels.tolist()
    ]


def test_use_needs_images_that_no_recognizer_has_seen(tmp_path: Path) -> None:
    save_npz(small_image_set(), tmp_path / "samples.npz")
    with pytest.raises(InputError, match="leave out --against train"):
        evaluate(tmp_path / "samples.npz", data=tmp_path / "samples.npz", use=True, against="train")


def test_what_cannot_be_judged_is_refused(tmp_path: Path) -> None:
    splits = split_source(source(), 0)
    with pytest.raises(InputError, match="images of"):
        judge([small_image_set(size=9)], splits, "test", subject="x")
    with pytest.raises(InputError, match="too few"):
        judge([small_image_set(6)], splits, "test", subject="x")
    with pytest.raises(InputError, match="no run, file or folder"):
        evaluate(tmp_path / "nothing")
    save_npz(small_image_set(), tmp_path / "samples.npz")
    with pytest.raises(InputError, match="--data"):
        evaluate(tmp_path / "samples.npz")


@pytest.mark.parametrize(("size", "channels", "told"), [(12, 1, "12x12 gray"), (8, 3, "8x8 RGB")])
def test_samples_of_another_form_are_told_the_command_that_brings_them_into_it(
    size: int, channels: int, told: str
) -> None:
    samples = small_image_set(30, size=size, channels=channels)
    with pytest.raises(InputError) as error:
        comparable(samples, small_image_set(30), "my samples.npz")
    assert f"'my samples.npz' are {told}, the real ones 8x8 gray" in str(error.value)
    assert "elmyr data convert 'my samples.npz' OUT.npz --size 8x8 --channels 1" in str(error.value)
