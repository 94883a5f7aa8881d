from pathlib import Path

import numpy as np
import pytest

from elmyr import compare, train
from elmyr.core.errors import InputError
from elmyr.images import ImageSet, Source, save_npz, split_source
from elmyr.report import write_comparison
from tests.conftest import small_image_set

pytestmark = pytest.mark.usefixtures("quick_extractor")
TINY = {"network.base": 8, "batch": 16}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    save_npz(small_image_set(1200), tmp_path / "blobs.npz")
    return tmp_path / "blobs.npz"


def noised(folder: Path, amount: float, seed: int) -> Path:
    """Real images that the split of seed 0 holds out, with noise."""
    real = split_source(Source("blobs", small_image_set(1200), None), 0).validation
    noise = np.random.default_rng(seed).normal(0, amount, real.images.shape)
    images = np.clip(real.images + noise, 0, 255).astype(np.uint8)
    save_npz(ImageSet(images, real.labels, real.classes), folder / f"noise-{amount}-{seed}.npz")
    return folder / f"noise-{amount}-{seed}.npz"


def test_more_noise_is_worse_and_as_much_is_no_difference(tmp_path: Path, data: Path) -> None:
    little, same, much = (noised(tmp_path, amount, seed) for amount, seed in ((60, 1), (60, 2), (120, 3)))
    found = compare([little, same, much], data=data)
    assert found.count == 150
    for name in ("frechet_distance", "kernel_distance"):
        first, as_good, worse = found[name].sides
        assert (first.difference, first.outcome) == (None, None)
        assert as_good.outcome == "no significant effect"
        assert worse.outcome == "worse"
        assert worse.difference is not None and worse.difference[1] > 0
    (_, better) = compare([much, little], data=data)["kernel_distance"].sides
    assert better.outcome == "better"
    assert found["KID"] is found["kernel_distance"] and list(dict(found)) == [row.name for row in found.rows]
    assert f"<td>{found['fid'].sides[2].value:.4g} (worse)</td>" in found._repr_html_()
    with pytest.raises(KeyError, match="no figure 'kied': choose from: .*kernel_distance"):
        found["kied"]


def test_a_run_brings_the_images_that_all_are_compared_beside(tmp_path: Path, data: Path) -> None:
    run = train(data, out=tmp_path / "run", images=160, settings=TINY, device="cpu")
    found = compare([run.path, noised(tmp_path, 20, 1)], extractor="random")
    assert found.extractor["name"] == "random"
    assert found["frechet_distance"].sides[1].outcome == "better"
    assert found.as_json() == compare([run.path, noised(tmp_path, 20, 1)], extractor="random").as_json()


@pytest.mark.usefixtures("quick_use")
def test_runs_are_compared_by_use_too_and_drawn_on_a_page(tmp_path: Path, data: Path) -> None:
    runs = [
        train(data, out=tmp_path / f"of {images}", images=images, settings=TINY, device="cpu") for images in (32, 640)
    ]
    found = compare([run.path for run in runs], use=True, extractor="random")
    (less, more) = found["trained_on_generated"].sides
    assert more.outcome == "better"
    assert more.value > less.value
    assert found["trained_on_generated"].yardstick > 0.95
    write_comparison(found, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    counts = [sum(row.sides[1].outcome == word for row in found.rows) for word in ("better", "worse")]
    assert f"better in {counts[0]}" in page
    assert page.count("<svg") == len(found.rows)
    for path in (tmp_path / "page.txt", tmp_path / "none" / "page.html"):
        with pytest.raises(InputError, match=r"page\.(txt|html)"):
            write_comparison(found, path)


def test_a_subject_beside_itself_shows_no_difference(tmp_path: Path, data: Path) -> None:
    samples = noised(tmp_path, 20, 1)
    found = compare([samples, samples], data=data)
    assert {row.sides[1].outcome for row in found.rows} == {"no significant effect"}
    assert all(row.sides[1].difference is not None and row.sides[1].difference[0] == 0 for row in found.rows)


def test_a_best_in_the_middle_is_no_direction(tmp_path: Path, data: Path) -> None:
    """Random pixels are more diverse than real images: not better for that."""
    real = split_source(Source("blobs", small_image_set(1200), None), 0).validation
    random = np.random.default_rng(5).integers(0, 256, real.images.shape, dtype=np.uint8)
    save_npz(ImageSet(random, real.labels, real.classes), tmp_path / "random.npz")
    found = compare([noised(tmp_path, 20, 1), tmp_path / "random.npz"], data=data, extractor="pixels")
    assert found["diversity"].sides[1].outcome != "better"
    assert found["density"].better == "near the baseline"


def test_what_a_subject_lacks_is_told(tmp_path: Path, data: Path) -> None:
    said: list[str] = []
    real = split_source(Source("blobs", small_image_set(1200), None), 0).validation
    save_npz(ImageSet(real.images, None), tmp_path / "plain.npz")
    compare([noised(tmp_path, 20, 1), tmp_path / "plain.npz"], data=data, extractor="pixels", say=said.append)
    assert any("plain.npz' has no labels" in line for line in said)


def test_what_cannot_be_compared_is_refused(tmp_path: Path, data: Path) -> None:
    one = train(data, out=tmp_path / "one", images=32, settings=TINY, device="cpu")
    other = train(data, out=tmp_path / "other", images=32, seed=1, settings=TINY, device="cpu")
    samples = noised(tmp_path, 20, 1)
    with pytest.raises(InputError, match="another training part"):
        compare([one.path, other.path])
    with pytest.raises(InputError, match="nothing to compare"):
        compare([one.path])
    with pytest.raises(InputError, match="--data"):
        compare([samples, samples])
    with pytest.raises(InputError, match="leave out --seed"):
        compare([one.path, samples], seed=7)
    with pytest.raises(InputError, match="no run, file or folder 'nowhere'"):
        compare([one.path, "nowhere"])
    save_npz(small_image_set(60, size=9), tmp_path / "larger.npz")
    with pytest.raises(InputError, match="larger.npz"):
        compare([samples, tmp_path / "larger.npz"], data=data)
    save_npz(small_image_set(9), tmp_path / "few.npz")
    with pytest.raises(InputError, match="too few"):
        compare([samples, tmp_path / "few.npz"], data=data)
