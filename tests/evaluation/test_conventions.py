"""Figures by the conventions of other packages, from images on, against the packages' formulas written anew."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import sqrtm

from elmyr import compare, evaluate, train
from elmyr.cli.show import show_figures
from elmyr.core.errors import InputError
from elmyr.evaluation.extractors import Extraction, extractor_for
from elmyr.evaluation.published.conventions import CONVENTIONS
from elmyr.images import ImageSet, Source, Splits, load_images, save_npz, split_source
from elmyr.report import write_comparison, write_report
from tests.conftest import small_image_set

pytestmark = pytest.mark.usefixtures("quick_extractor")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    save_npz(small_image_set(400), tmp_path / "blobs.npz")
    return tmp_path / "blobs.npz"


def samples_of(folder: Path, amount: float, count: int = 120) -> Path:
    images = small_image_set(count, seed=3)
    noise = np.random.default_rng(1).normal(0, amount, images.images.shape)
    noised = np.clip(images.images + noise, 0, 255).astype(np.uint8)
    save_npz(ImageSet(noised, images.labels, images.classes), folder / f"noise-{amount}.npz")
    return folder / f"noise-{amount}.npz"


def features_of(samples: Path, extractor: str) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Of the real test part and of all samples, and the probabilities of these."""
    splits: Splits = split_source(Source("blobs", small_image_set(400), None), 0)
    looking = extractor_for(splits.train, Extraction(extractor))
    real, made = (looking.features(images) for images in (splits.test, load_images(samples)))
    return real, made, looking.probabilities(made)


def frechet(real: np.ndarray, made: np.ndarray) -> float:
    first, second = (np.cov(rows, rowvar=False) for rows in (real, made))
    gap = ((real.mean(0) - made.mean(0)) ** 2).sum()
    return float(gap + np.trace(first + second) - 2 * np.trace(sqrtm(first @ second).real))


def test_torch_fidelity_takes_all_images_ten_splits_and_three_neighbors(tmp_path: Path, data: Path) -> None:
    samples, said = samples_of(tmp_path, 60), list[str]()
    found = evaluate(samples, data=data, convention="torch-fidelity", say=said.append)
    real, made, rows = features_of(samples, "domain")
    assert rows is not None and found.convention is not None
    assert (found.count, found.convention["real"]) == (120, len(real)) and len(real) != 120
    assert list(found.keys()) == ["frechet_distance", "precision", "recall", "inception_score"]
    assert any("takes subsets of 1,000 images" in line for line in said)
    assert found["fid"].value == pytest.approx(frechet(real, made), rel=1e-4)
    shuffled = rows[np.random.RandomState(2020).permutation(120)]
    scores = []
    for place in range(10):
        part = shuffled[place * 12 : place * 12 + 12]
        with np.errstate(divide="ignore", invalid="ignore"):
            divergence = np.nan_to_num(part * np.log(part / part.mean(0)))
        scores.append(np.exp(divergence.sum(1).mean()))
    figure = found["inception_score"]
    assert (figure.value, figure.deviation) == pytest.approx((np.mean(scores), np.std(scores)), rel=1e-6)
    assert 1 <= figure.low <= figure.value <= figure.high <= 3
    own = evaluate(samples, data=data)
    assert own.convention is None and own["inception_score"].deviation is None
    assert own["inception_score"].value != figure.value


def test_clean_fid_takes_subsets_no_larger_than_a_side(tmp_path: Path, data: Path) -> None:
    samples = samples_of(tmp_path, 60)
    found = evaluate(samples, data=data, convention="clean-fid", extractor="pixels")
    real, made, _ = features_of(samples, "pixels")
    values = []
    for _ in range(100):
        x, y = made[np.random.default_rng(len(values)).permutation(120)[: len(real)]], real
        kernels = [(a @ b.T / 64 + 1) ** 3 for a, b in ((x, x), (y, y), (x, y))]
        within = sum((each.sum() - np.trace(each)) / (len(x) * (len(x) - 1)) for each in kernels[:2])
        values.append(within - 2 * kernels[2].mean())
    figure = found["kid"]
    assert figure.deviation is not None
    assert figure.value == pytest.approx(np.mean(values), abs=4 * np.std(values) / 10)  # of other draws
    assert figure.deviation == pytest.approx(np.std(values), rel=0.4)
    assert figure.low < figure.value < figure.high
    assert list(found.keys()) == ["frechet_distance", "kernel_distance"]


def test_of_a_run_they_are_told_in_output_file_report_and_comparison_and_a_gan_draws_as_many_as_they_have_it(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train(data, out=tmp_path / "run", images=32, settings={"network.base": 8, "batch": 16}, device="cpu")
    found = evaluate(run.path, extractor="pixels", convention="torch-fidelity")
    show_figures(found.as_json())
    assert "by the conventions of torch-fidelity: all images of both sides; KID: mean ±" in capsys.readouterr().out
    assert found.sampling_seeds == (1,)
    (kept,) = run.evaluations
    assert kept.name == "evaluation-pixels-torch-fidelity.json"
    assert "distance ≤ radius" in write_report(run.path).read_text()
    assert "按照 torch-fidelity 的惯例" in write_report(run.path, language="zh").read_text()
    beside = compare([run.path, samples_of(tmp_path, 5)], extractor="pixels", convention="prdc")
    assert list(beside.keys()) == ["precision", "recall", "density", "coverage"]
    assert beside["density"].sides[1].outcome == "better"
    write_comparison(beside, tmp_path / "page.html")
    assert "by the conventions of prdc, against 100" in (tmp_path / "page.html").read_text()
    theirs = CONVENTIONS["clean-fid"]
    assert theirs.sampled == 50_000
    monkeypatch.setitem(CONVENTIONS._parts, theirs.name, replace(theirs, sampled=130))
    of_more = evaluate(run.path, extractor="pixels", convention=theirs.name)
    assert of_more.count == 130 and of_more.convention is not None and of_more.convention["real"] == 100


def test_what_does_not_go_together_is_refused(tmp_path: Path, data: Path) -> None:
    samples = samples_of(tmp_path, 60)
    with pytest.raises(InputError, match="no convention 'cleanfid': did you mean 'clean-fid'"):
        evaluate(samples, data=data, convention="cleanfid")
    with pytest.raises(InputError, match="--use has no part in the conventions of clean-fid"):
        evaluate(samples, data=data, convention="clean-fid", use=True)
    evaluate(samples, data=data, extractor="pixels", save_statistics="real.npz")
    with pytest.raises(InputError, match="prdc has no Fréchet distance to take by --stats"):
        evaluate(samples, statistics="real.npz", convention="prdc")
    found = evaluate(samples, statistics="real.npz", convention="pytorch-fid")
    assert found.convention is not None and found.statistics is not None and found.count == 120
