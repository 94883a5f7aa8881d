"""PSNR and SSIM, against values by hand."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from elmyr.core.errors import InputError
from elmyr.metrics import psnr, squared_error, ssim


def test_psnr_by_hand() -> None:
    truth = np.zeros((2, 4, 4, 1), np.uint8)
    images = truth.copy()
    images[0] = 255
    images[1, 0, 0] = 51
    errors = squared_error(images, truth)
    assert errors == pytest.approx([255**2, 51**2 / 16])
    assert psnr(errors[0]) == pytest.approx(0)
    assert psnr(errors[1]) == pytest.approx(10 * np.log10(16 * 25))
    assert psnr(errors) == pytest.approx(10 * np.log10(2 / (1 + 1 / 400)))
    assert psnr(0.0) == np.inf


@pytest.mark.parametrize("channels", [1, 3])
def test_ssim_is_the_paper_s_window_by_window(channels: int) -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 256, (2, 14, 13, channels)).astype(np.uint8)
    images = np.clip(truth + rng.normal(0, 60, truth.shape), 0, 255).astype(np.uint8)
    across = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    weights = np.outer(across, across) / across.sum() ** 2
    for number in range(2):
        found = []
        for row, column, channel in np.ndindex(4, 3, channels):
            window = (number, slice(row, row + 11), slice(column, column + 11), channel)
            a, b = images[window].astype(float), truth[window].astype(float)
            mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
            variance_a, variance_b = (weights * (a - mean_a) ** 2).sum(), (weights * (b - mean_b) ** 2).sum()
            together = (weights * (a - mean_a) * (b - mean_b)).sum()
            light = (2 * mean_a * mean_b + 2.55**2) / (mean_a**2 + mean_b**2 + 2.55**2)
            found.append(light * (2 * together + 7.65**2) / (variance_a + variance_b + 7.65**2))
        assert ssim(images, truth)[number] == pytest.approx(np.mean(found))


def test_ssim_of_equal_images_is_one_also_where_no_window_fits() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 1), dtype=np.uint8)
    assert ssim(images, images) == pytest.approx([1, 1])
    assert (ssim(images, 255 - images) < 0.2).all()


def test_many_images_are_looked_at_in_the_memory_of_a_few_with_the_same_figures() -> None:
    images, truth = np.random.default_rng(0).integers(0, 256, (2, 800, 28, 28, 1), dtype=np.uint8)
    for figure, times in ((squared_error, 8), (ssim, 25)):  # 16 and 80 where all are looked at together
        each = [figure(images[place : place + 1], truth[place : place + 1])[0] for place in (0, 400, 799)]
        tracemalloc.start()
        figures = figure(images, truth)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert figures[[0, 400, 799]] == pytest.approx(each, rel=1e-12)
        assert len(figures) == 800 and most < times * images.nbytes
        assert figure(images[:0], truth[:0]).shape == (0,)


@pytest.mark.parametrize("bad", [[], np.nan, [1.0, np.inf], -1.0, "high"])
def test_psnr_is_of_one_squared_error_or_more(bad: object) -> None:
    with pytest.raises(InputError, match="squared errors"):
        psnr(bad)


@pytest.mark.parametrize("shape", [(1, 9, 9, 3), (4, 9, 9, 1), (4, 9, 9), (4, 9, 8, 3)])
@pytest.mark.parametrize("figure", [squared_error, ssim])
def test_images_are_compared_with_as_many_of_the_same_shape(figure: Callable[..., float], shape: tuple) -> None:
    with pytest.raises(InputError, match=r"the images are \(4, 9, 9, 3\), the true ones"):
        figure(np.zeros((4, 9, 9, 3)), np.zeros(shape))
