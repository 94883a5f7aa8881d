"""Mean and covariance of real features, in and out of a file, and what such a file cannot be."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.linalg import sqrtm

from elmyr import evaluate, train
from elmyr.cli import main
from elmyr.evaluation.extractors import Extraction, extractor_for
from elmyr.evaluation.published.statistics import read_statistics
from elmyr.images import ImageSet, load_images, save_npz
from elmyr.report import write_report
from tests.conftest import small_image_set


@pytest.fixture
def data(tmp_path: Path) -> Path:
    save_npz(small_image_set(400), tmp_path / "blobs.npz")
    return tmp_path / "blobs.npz"


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    images = small_image_set(120, seed=3)
    noise = np.random.default_rng(1).normal(0, 60, images.images.shape)
    noised = np.clip(images.images + noise, 0, 255).astype(np.uint8)
    save_npz(ImageSet(noised, images.labels, images.classes), tmp_path / "samples.npz")
    return tmp_path / "samples.npz"


def command(monkeypatch: pytest.MonkeyPatch, subject: Path, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["elmyr", "evaluate", str(subject), *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def as_pytorch_fid(first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray]) -> float:
    """Written by its formula, with the root of the product as a matrix."""
    (mean, covariance), (other_mean, other) = first, second
    root = sqrtm(covariance @ other).real
    return float(((mean - other_mean) ** 2).sum() + np.trace(covariance + other - 2 * root))


def test_what_is_saved_gives_the_distance_again_and_every_other_figure_is_left_out(
    tmp_path: Path, data: Path, samples: Path
) -> None:
    said: list[str] = []
    kept = tmp_path / "real.npz"
    whole = evaluate(samples, data=data, extractor="pixels", save_statistics=kept)
    again = evaluate(samples, data=data, statistics=kept, say=said.append)
    (figure,) = again.figures
    assert (figure.name, figure.value) == ("frechet_distance", pytest.approx(whole["fid"].value))
    assert figure.yardstick == pytest.approx(whole["fid"].yardstick)
    assert figure.low < figure.value < figure.high and figure.spread == "95 % over the generated images"
    assert again.extractor == whole.extractor and again.classes == () and again.copies == whole.copies
    assert again.statistics == {"file": "real.npz", "count": whole.count}
    assert sum("are left out" in line for line in said) == 1


def test_without_data_it_is_what_pytorch_fid_gives_of_all_samples(tmp_path: Path, data: Path, samples: Path) -> None:
    real, made = (load_images(path) for path in (data, samples))
    looking = extractor_for(real, Extraction("pixels"))
    (of_real, of_made) = ((rows.mean(0), np.cov(rows, rowvar=False)) for rows in map(looking.features, (real, made)))
    np.savez_compressed(tmp_path / "theirs.npz", mu=of_real[0], sigma=of_real[1])  # as pytorch-fid and clean-fid do
    said: list[str] = []
    found = evaluate(samples, statistics=tmp_path / "theirs.npz", extractor="pixels", say=said.append)
    assert found["fid"].value == pytest.approx(as_pytorch_fid(of_real, of_made), rel=1e-6)
    assert found["fid"].yardstick is None and found.copies is None and found.count == 120
    assert any("does not say which extractor" in line for line in said)
    with np.load(tmp_path / "theirs.npz") as theirs:
        ours = read_statistics(tmp_path / "theirs.npz").gaussian
        assert np.allclose(theirs["sigma"], ours.covariance) and np.array_equal(theirs["mu"], ours.mean)


def test_of_a_run_they_stand_beside_its_usual_figures(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train(data, out=tmp_path / "run", images=32, settings={"network.base": 8, "batch": 16}, device="cpu")
    pixels = ["--extractor", "pixels"]
    assert command(monkeypatch, run.path, *pixels, "--save-stats", "real.npz", "-q") == 0
    assert command(monkeypatch, run.path, *pixels, "--stats", "real.npz", "-q") == 0
    assert "images, against the statistics 'real.npz' of 51 images, feature extractor 'pixels'" in (
        capsys.readouterr().out
    )
    assert [path.name for path in run.evaluations] == [
        "evaluation-pixels-statistics.json",
        "evaluation-pixels.json",
    ]
    assert "against the statistics \u201creal.npz\u201d, feature" in write_report(run.path).read_text()
    assert "对照统计量“real.npz”" in write_report(run.path, language="zh").read_text()


@pytest.mark.parametrize(
    ("changed", "words", "complaint"),
    [
        ({"sigma": None}, "", "has no array 'sigma'"),
        ({"mu": np.zeros(63)}, "", r"mu is \(63,\), sigma \(64, 64\)"),
        ({"mu": np.full(64, np.nan)}, "", "holds NaN or infinity"),
        ({"sigma": np.triu(np.ones((64, 64)))}, "", "not symmetric"),
        ({"sigma": -np.eye(64)}, "", "an eigenvalue of -1"),
        ({"extractor": "random"}, "--extractor pixels", "of the extractor 'random', not of 'pixels'"),
        ({"sha256": "0" * 64}, "", "of an extractor 'pixels' with other weights"),
        ({"mu": np.zeros(9), "sigma": np.eye(9)}, "", "is of 9 features, the extractor 'pixels' gives 64"),
        ({"extractor": None}, "", "does not say which extractor it is of: name it with --extractor"),
        ({"extractor": "domain"}, "", "'domain' is trained on real images: say with --data where they are"),
        ({"count": 1}, "", "is of 1 images, it says"),
        ({"count": 40.5}, "", "is of 40.5 images, it says"),
        ({"count": 40, "sigma": np.eye(64)}, "", "is of 40 images, it says, of which sigma cannot have the rank 64"),
        ({}, "--use", "--use asks for the real images, for which --stats stands"),
        ({}, "--save-stats other.npz", "--save-stats asks for the real images"),
    ],
)
def test_statistics_of_something_else_are_refused_in_one_line(
    samples: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    changed: dict[str, Any], words: str, complaint: str,
) -> None:  # fmt: skip
    pixels = extractor_for(load_images(samples), Extraction("pixels"))
    arrays: dict[str, Any] = {"mu": np.zeros(64), "sigma": np.eye(64), "extractor": "pixels", "sha256": pixels.sha256}
    np.savez("real.npz", **{key: value for key, value in (arrays | changed).items() if value is not None})
    assert command(monkeypatch, samples, "--stats", "real.npz", *words.split()) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("elmyr: ")]
    assert re.search(complaint, line)
