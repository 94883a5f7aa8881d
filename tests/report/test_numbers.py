"""Numbers as a reader meets them."""

import pytest

from elmyr.report.parts.numbers import number


@pytest.mark.parametrize(
    ("value", "told"),
    [(19.139714, "19.14"), (9999.4, "9999"), (9999.6, "10,000"), (22844.77, "22,845"), (-0.007659, "−0.007659"),
     (7.803e-5, "7.803e−05"), (1e12, "1e+12"), (0.0, "0"), (None, "—"), (float("nan"), "—"), (float("inf"), "—")],
)  # fmt: skip
def test_a_figure_is_told_in_four_digits_and_large_ones_without_an_exponent(value: float | None, told: str) -> None:
    assert number(value) == told
