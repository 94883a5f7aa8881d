import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from elmyr.core.errors import InputError
from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.report.charts.plot import check_plot, draw_charts, plot_run
from elmyr.report.charts.svg import Series

LINES = [
    {"images": 100 * step, "discriminator_loss": 1 / step, "generator_loss": step / 10, "gradient_norms": 0.5}
    for step in range(1, 11)
]
FIGURES = [{"images": 500, "watch_frechet_distance": 3.0}, {"images": 1000, "watch_frechet_distance": 2.0}]


def run_of(folder: Path, lines: list[dict[str, float]]) -> RunDirectory:
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return RunDirectory(folder)


def test_losses_and_figures_are_drawn_in_the_field_s_words_and_all_else_where_asked(tmp_path: Path) -> None:
    run = run_of(tmp_path, [*LINES, *FIGURES])
    assert plot_run(run, tmp_path / "some.svg") == ["Losses", "FID (training monitor)"]
    assert plot_run(run, tmp_path / "all.svg", everything=True)[2:] == ["Gradient norms"]
    drawn = (tmp_path / "some.svg").read_text()
    assert drawn.startswith("<svg ") and 'xmlns="http://www.w3.org/2000/svg"' in drawn
    assert drawn.count(">training images processed<") == 2 and ">discriminator<" in drawn


def test_curves_end_where_the_axes_end(tmp_path: Path) -> None:
    plot_run(run_of(tmp_path, [*LINES, *FIGURES]), tmp_path / "curves.svg")
    drawn = (tmp_path / "curves.svg").read_text()
    grids = [float(x) for x in re.findall(r'x2="([\d.]+)"', drawn)]
    ends = [float(x) for x in re.findall(r"L([\d.]+) [\d.]+\" fill", drawn)]
    assert {round(x) for x in grids} == {round(x) for x in ends}


def test_a_png_has_the_same_lines(tmp_path: Path) -> None:
    plot_run(run_of(tmp_path, LINES), tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.width >= 800
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    red, _, blue = pixels.reshape(-1, 3).T
    assert ((red - blue > 60).sum() > 300) and ((blue - red > 60).sum() > 300)  # one line in each color


def test_charts_of_one_s_own_are_the_picture_that_a_run_s_are(tmp_path: Path) -> None:
    plot_run(run_of(tmp_path, LINES), tmp_path / "curves.png")
    sides = {"discriminator": "real", "generator": "generated"}
    series = [Series(side, color, [(x["images"], x[f"{side}_loss"]) for x in LINES]) for side, color in sides.items()]
    drawn = draw_charts([("Losses", series)])
    with Image.open(tmp_path / "curves.png") as picture:
        gap = np.asarray(picture.convert("RGB")).astype(int) - np.asarray(drawn.convert("RGB"))
    assert np.abs(gap).mean() < 2  # the same, but for the number of colors
    with pytest.raises(InputError, match="no point to draw"):
        draw_charts([("Losses", [Series("discriminator", "real", [(0, None)])])])


def test_a_run_of_another_task_is_drawn_with_what_it_logged(tmp_path: Path) -> None:
    run = run_of(tmp_path, [{"images": 10, "loss": 2.0}, {"images": 20, "loss": 1.0}])
    assert plot_run(run, tmp_path / "curves.svg") == ["Loss"]


def test_what_cannot_be_drawn_is_told_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no curves yet"):
        plot_run(run_of(tmp_path, []), tmp_path / "curves.png")
    with pytest.raises(InputError, match=r"give it the suffix \.png or \.svg"):
        check_plot(tmp_path / "curves.pdf")
    with pytest.raises(InputError, match="folder that exists"):
        check_plot(tmp_path / "none" / "curves.png")
