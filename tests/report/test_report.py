"""The page of a study and of a run: the verdict first, nothing from elsewhere, nothing hostile let in."""

import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elmyr import train
from elmyr.core.errors import InputError
from elmyr.images import ImageSet, save_npz
from elmyr.report import write_report
from elmyr.report.charts.error_chart import Curve, error_chart
from elmyr.report.words import ENGLISH
from tests.conftest import small_image_set

HOSTILE = '<script src="https://example.org/x.js">&"\''
VOID = {"img", "meta"}


class Page(HTMLParser):
    """Reads a page; fails on a tag that is not closed in its turn."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "title"} & set(self.open):
            self.text += data + "\n"

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def arm(name: str, uses_gan: bool, *test_accuracy: float | None) -> dict[str, Any]:
    seeds = len(test_accuracy)
    return {
        "name": name,
        "title": name,
        "uses_gan": uses_gan,
        "share": [0.25, *[0.5] * (seeds - 1)] if uses_gan else [0.0] * seeds,
        "validation": list(test_accuracy),
        "test": list(test_accuracy),
        "macro_f1": list(test_accuracy),
        "recalls": [0.9, 1.0, None],
        "apart": [0.05, 0.031, 0.069] if uses_gan else None,
        "seconds": [12.0] * seeds,
    }


def cell_content(name: str = "blobs", folder: str = "all") -> dict[str, Any]:
    return {
        "name": "all images",
        "folder": folder,
        "trouble": {"images_per_class": None, "imbalance": None, "label_noise": 0.0, "labels_per_class": None},
        "measure": "accuracy",
        "counts": {"train": 80, "validation": 16, "test": 24},
        "arms": [arm("real", False, 0.9, 0.92), arm("real + generated", True, 0.95, 0.97)],
        "verdict": {
            "outcome": "better",
            "sentence": f"With 80 images the GAN makes the recognizer of {name} better.",
            "difference": 0.05,
            "low": 0.031,
            "high": 0.069,
            "best_with": "real + generated",
            "best_without": "real",
            "seeds": 2,
            "images": 44,
        },
        "confusion": {"without": [[9, 1, 0], [0, 10, 0], [2, 0, 4]], "with": [[9, 1, 0], [0, 10, 0], [0, 0, 6]]},
        "changed": {"rescued": [{"place": 3, "label": 2, "without": 0, "with_gan": 2, "share": 1.0}], "broken": []},
        "evaluation": {
            "against": "test",
            "count": 24,
            "extractor": {"name": "domain", "dimension": 96},
            "figures": [
                {"name": "frechet_distance", "title": "FID (elmyr's features)", "value": 12.5,
                 "low": 11.0, "high": 14.0,
                 "spread": "95 % over 3 sampling seeds", "yardstick": 4.25, "better": "lower"},
            ],
        },
        "gan_seconds": [10.0, 10.0],
        "gan_runs": [f"runs/{folder}-seed-0", f"runs/{folder}-seed-1"],
    }  # fmt: skip


def study_content(name: str = "blobs") -> dict[str, Any]:
    return {
        "name": name,
        "source": f"{name}.npz",
        "classes": ["a", "b", name],
        "seeds": [0, 1],
        "images": 640,
        "recognizer_updates": 20,
        "cells": [cell_content(name)],
        "environment": {"elmyr": "0.1.0", "command": f"elmyr study {name}"},
        "commands": [f"elmyr study {name} --seeds 2"],
        "seconds": 65.0,
    }


def in_cell(**changes: Any) -> dict[str, Any]:
    """A study whose only cell is changed."""
    return study_content() | {"cells": [cell_content() | changes]}


def study_folder(folder: Path, content: dict[str, Any], images: ImageSet | None = None) -> Path:
    pictures = images or small_image_set(30)
    for number, run in enumerate(run for cell in content["cells"] for run in cell["gan_runs"]):
        (folder / run).mkdir(parents=True)
        for side in ("real", "generated"):
            save_npz(pictures, folder / run / f"{side}.npz")
        lines = [
            {"images": 64 * step, "discriminator_loss": 1 / step, "generator_loss": number + step} for step in (1, 2, 3)
        ]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / run / "metrics.jsonl").write_text(text + '{"images": 256, "disc')
    (folder / "changed").mkdir()
    save_npz(pictures.take(np.arange(1)), folder / "changed" / "all-rescued.npz")
    (folder / "study.json").write_text(json.dumps(content))
    return folder


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return study_folder(tmp_path / "study", study_content())


def test_the_verdict_comes_first_and_its_numbers_are_all_there(study: Path) -> None:
    page = Page(write_report(study))
    lines = [line for line in page.text.splitlines() if line.strip()]
    assert lines[:3] == ["elmyr study of blobs", "Better", cell_content()["verdict"]["sentence"]]
    assert "+5.00 percentage points" in page.text
    assert "95 % interval +3.10 to +6.90" in page.text
    for shown in (
        "96.00 ± 1.41 %",
        "25 % or 50 %",
        "+5.00 (+3.10 to +6.90)",
        "12.5",
        "11 to 14",
        "4.25",
        "domain",
        "elmyr study blobs --seeds 2",
    ):
        assert shown in page.text, shown


def test_what_the_gan_changes_is_told_class_by_class_and_image_by_image(study: Path) -> None:
    page = Page(write_report(study))
    assert "What the GAN changes" in page.text and "Confusion before and after" in page.text
    assert [image["alt"] for image in page.all("img")].count("An image of blobs") == 1
    assert "a → blobs" in page.text  # read as a without, as blobs with
    assert "Broken" not in page.text


@pytest.mark.parametrize("cells", [1, 2])
def test_a_verdict_about_a_collapsed_gan_says_so_first(tmp_path: Path, cells: int) -> None:
    content = study_content()
    assert "collapsed" not in Page(write_report(study_folder(tmp_path / "fine", content))).text
    content["cells"][0]["collapsed"] = [1]
    content["cells"] += [dict(cell_content("b"), name="b", folder="b", gan_runs=[])] * (cells - 1)
    text = Page(write_report(study_folder(tmp_path / "failed", content))).text
    told = "The GAN of seed 1 collapsed: the verdict is about generated images that are not fit for use."
    assert text.count(told) == 1 and text.index(told) < text.index("The ways to train the recognizer")


def test_means_of_several_recognizers_are_told_as_such_in_both_languages(tmp_path: Path) -> None:
    content = study_content()
    (cell,) = content["cells"]
    cell["verdict"]["recognizers"] = 4
    for one in cell["arms"]:
        one["recognizers"] = 4
    folder = study_folder(tmp_path / "study", content)
    assert Page(write_report(folder)).text.count("mean of 4 recognizers a seed") == 2
    chinese = Page(write_report(folder, language="zh")).text
    assert "两边都是每个种子 4 个识别器的平均值。" in chinese and chinese.count("每个种子 4 个识别器的平均值") == 3


def test_errors_by_different_measures_are_not_drawn_in_one_chart(tmp_path: Path) -> None:
    def of(count: int | None, measure: str) -> dict[str, Any]:
        trouble = {"images_per_class": count, "imbalance": None}
        told = {"name": f"{count}", "trouble": trouble, "measure": measure}
        return cell_content(folder=f"images-{count}") | told

    cells = [of(5, "balanced accuracy"), of(10, "balanced accuracy"), of(20, "accuracy"), of(None, "accuracy")]
    content = study_content() | {"cells": cells}
    best = {"cell": "20", "compared": ["20", "None"], "arm": "real", "seed": 0, "test": 0.9, "low": 0.8, "high": 1.0}
    page = Page(write_report(study_folder(tmp_path / "study", content | {"best": best})))
    charts = [str(chart["aria-label"]) for chart in page.all("svg") if "rror" in str(chart["aria-label"])]
    assert len(charts) == 2 and "Mean error of the classes on the test part" in charts[0]
    assert " at 20" in charts[1] and " at 5" not in charts[1]
    assert "Only scenarios that are judged by accuracy are compared: 20, None." in page.text


def test_several_troubles_have_a_verdict_each_and_one_chart_of_all(tmp_path: Path) -> None:
    few = cell_content(folder="images-per-class-5") | {"name": "5 images a class"}
    few["trouble"] = few["trouble"] | {"images_per_class": 5}
    few["verdict"] = few["verdict"] | {"outcome": "no significant effect", "sentence": "With 15 images nobody knows."}
    content = study_content() | {"cells": [few, cell_content()]}
    page = Page(write_report(study_folder(tmp_path / "study", content)))
    lines = [line for line in page.text.splitlines() if line.strip()]
    assert lines[1:7] == [
        "5 images a class", "No significant effect", "With 15 images nobody knows.",
        "All images", "Better", cell_content()["verdict"]["sentence"],
    ]  # fmt: skip
    told = next(str(chart["aria-label"]) for chart in page.all("svg") if "Error" in str(chart["aria-label"]))
    assert "real is 9 % at 5" in told and "real is 9 % at 27" in told  # 80 images of three classes
    assert "real + generated is 4 % at 5" in told
    chinese = Page(write_report(tmp_path / "study", language="zh"))
    assert "每类 5 张图像" in chinese.text


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", ["Not decided"]), ("zh", ["未能判定", "每种方案只训练了一次：未能判定。请用 --seeds 5 判定。"])],
)
def test_one_training_each_is_not_decided_and_the_page_says_what_decides_it(
    tmp_path: Path, language: str, said: list[str]
) -> None:
    verdict = cell_content()["verdict"] | {"outcome": "not decided", "seeds": 1}
    content = in_cell(verdict=verdict) | {"to_decide": "elmyr study blobs --seeds 5"}
    text = Page(write_report(study_folder(tmp_path / "study", content), language=language)).text
    assert set(said) <= set(text.splitlines()[1:8]) and "elmyr study blobs --seeds 5" in text
    assert "95 % interval +3.10" not in text  # nothing that looks like a decision


def test_a_study_is_told_in_chinese_beside_the_english_page(study: Path) -> None:
    english, chinese = write_report(study), write_report(study, language="zh")
    assert (english.name, chinese.name) == ("report.html", "report.zh.html")
    page = Page(chinese)
    lines = [line for line in page.text.splitlines() if line.strip()]
    assert lines[1] == "更好"
    assert lines[2] == (
        "GAN 使识别器更好。训练图像 80 张；测试图像上的准确率：不用 GAN 为 91.00 %（真实），"
        "用 GAN 为 96.00 %（真实 + 生成）；"
        "差值的 95 % 置信区间为 +3.10 至 +6.90 个百分点。"
    )
    for told in ("真实 + 生成", "测试准确率", "FID（elmyr 特征）", "elmyr study blobs --seeds 2", "96.00 ± 1.41 %"):
        assert told in page.text, told
    for left in ("Better", "interval", "The arms", "baseline", "Time", "seeds 2 "):
        assert left not in page.text, left


def test_errors_stand_where_the_logarithm_puts_them_and_none_is_a_ring() -> None:
    curve = Curve("real", "real", [(1, [0.1, 0.1]), (10, [0.01, 0.01]), (100, [0.0, 0.0])])
    drawn = str(error_chart("Error", "images", [curve], ENGLISH))
    dots = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="4" class="(\w+) real"', drawn)
    (x1, y1, _), (x2, y2, _), (x3, y3, last) = [(float(x), float(y), kind) for x, y, kind in dots]
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.2) and x1 < x2
    assert y1 < y2 < y3 and last == "ring"  # the lower, the fewer errors
    assert error_chart("Error", "images", [Curve("real", "real", [(1, [0.1])])], ENGLISH) == ""


def test_the_report_needs_nothing_beside_it(study: Path) -> None:
    content = write_report(study).read_text()
    assert not re.findall(r"https?://", content)
    page = Page(study / "report.html")
    assert not page.all("script") and not page.all("link") and not page.all("iframe")
    images = page.all("img")
    assert images and all((image["src"] or "").startswith("data:image/png;base64,") for image in images)


def test_every_picture_and_chart_is_told_in_words(study: Path) -> None:
    page = Page(write_report(study))
    assert all(image["alt"] for image in page.all("img"))
    charts = page.all("svg")
    assert len(charts) == 3  # the verdict's interval, the arms, the losses
    assert all(chart["role"] == "img" and chart["aria-label"] for chart in charts)
    told = " ".join(str(chart["aria-label"]) for chart in charts)
    assert "real + generated 96 %" in told


def test_a_hostile_name_is_shown_and_does_nothing(tmp_path: Path) -> None:
    images = small_image_set(30)
    hostile = ImageSet(images.images, images.labels, ("a", "b", HOSTILE))
    page = Page(write_report(study_folder(tmp_path / "study", study_content(HOSTILE), hostile)))
    assert not page.all("script")
    assert HOSTILE in page.text
    assert any(image["alt"] == f"8 generated images of class {HOSTILE}" for image in page.all("img"))


def test_images_without_labels_are_shown_in_two_blocks(tmp_path: Path) -> None:
    plain = ImageSet(small_image_set(30).images, None)
    page = Page(write_report(study_folder(tmp_path / "study", study_content() | {"classes": []}, plain)))
    assert [image["alt"] for image in page.all("img")] == ["30 real images", "30 generated images"]


def test_what_is_missing_is_left_out(study: Path) -> None:
    for path in (*study.glob("**/*.npz"), *study.glob("runs/*/metrics.jsonl")):
        path.unlink()
    bare = {"name": "blobs", "cells": [{"name": "all images", "arms": cell_content()["arms"]}]}
    (study / "study.json").write_text(json.dumps(bare))
    page = Page(write_report(study))
    assert not page.all("img")
    assert "Better" not in page.text
    assert "real + generated" in page.text
    assert "None" not in page.text and "nan" not in page.text.lower()


@pytest.mark.parametrize("accuracies", [(None, 0.9), (0.9,), (0.9, 0.9, 0.9), (None, None)])
def test_the_arms_are_drawn_whatever_was_measured(study: Path, accuracies: tuple[float | None, ...]) -> None:
    content = in_cell(arms=[arm("real", False, *accuracies)])
    (study / "study.json").write_text(json.dumps(content))
    page = Page(write_report(study))
    numbers = [value for _, attributes in page.tags for value in attributes.values() if value]
    assert not any("nan" in value.lower() or "inf" in value.lower() for value in numbers if len(value) < 40)


def test_no_error_bar_goes_where_no_share_can_lie(study: Path) -> None:
    content = in_cell(arms=[arm("real", False, 0.98, 1.0)], verdict=None)
    (study / "study.json").write_text(json.dumps(content))
    page = Page(write_report(study))
    bar = next(line for line in page.all("line") if "bar" in (line["class"] or ""))
    # 0.99 ± 0.127 cut to [0.863, 1]: the bar starts after the chart's left end and ends before its right one.
    start, end = (float((bar[key] or "").rstrip("%")) for key in ("x1", "x2"))
    assert 0 < start < end < 100
    ticks = [float(text.split()[0]) for text in page.text.splitlines() if re.fullmatch(r"\d+ %", text)]
    assert max(ticks) == 100


def test_lines_with_no_number_leave_a_gap(study: Path) -> None:
    lines = [
        {"images": 64, "discriminator_loss": 1.0},
        {"images": 128, "discriminator_loss": math.nan},
        {"images": 192, "discriminator_loss": "high"},
        {"images": 256, "discriminator_loss": 10**400},
        {"images": 320, "discriminator_loss": 2.0},
    ]
    for run in study.glob("runs/*"):
        (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + "[[[")
    drawn = [path["d"] or "" for path in Page(write_report(study)).all("path")]
    assert [path.count("M") for path in drawn if path] == [2, 2]


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        ("{", "study.json"),
        ("[]", "study.json"),
        ('{"name": "x", "cells": [{"name": "y", "arms": [{"title": "no name"}]}]}', "cells.0.arms.0.name"),
        ('{"name": "x", "cells": [{"name": "y", "arms": [], "verdict": {"outcome": "great"}}]}', "verdict.outcome"),
    ],
)
def test_a_damaged_study_is_told_and_the_old_report_stays(study: Path, damage: str, expected: str) -> None:
    report = write_report(study)
    before = report.read_bytes()
    (study / "study.json").write_text(damage)
    with pytest.raises(InputError, match=expected) as told:
        write_report(study)
    assert "\n" not in str(told.value)
    assert report.read_bytes() == before


def test_a_folder_that_is_neither_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="neither a run nor a study"):
        write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_study_on_its_way_has_no_page(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"kind": "study"}))
    with pytest.raises(InputError, match="is not finished: elmyr resume"):
        write_report(tmp_path)


def test_the_page_of_a_run_says_what_it_is_and_how_to_go_on(tmp_path: Path) -> None:
    run = tmp_path / "00003-blobs"
    (run / "previews").mkdir(parents=True)
    (run / "config.json").write_text(
        json.dumps({"preset": "residual", "seed": 7, "data": {"name": "blobs", "source": "blobs.npz"}})
    )
    (run / "summary.json").write_text(json.dumps({"images": 200_000, "seconds": 512.3, "images_per_second": 390.4}))
    (run / "metrics.jsonl").write_text('{"images": 64, "generator_loss": 1.5}\n')
    (run / "previews" / "images-000000064.png").write_bytes(b"\x89PNG cut short")
    page = Page(write_report(run))
    assert "200,000 training images processed in 8 min 32 s." in page.text
    assert f"elmyr evaluate {run}" in page.text
    assert "data.source" in page.text and "blobs.npz" in page.text
    assert not page.all("img")  # the damaged preview is left out
    commands = set(re.findall(r"^elmyr (\w+)", page.text, flags=re.MULTILINE))
    assert {"sample", "evaluate", "survey", "report"} <= commands <= {"sample", "evaluate", "survey", "report", "run"}


def test_the_report_of_a_run_tells_its_data_and_budget(blobs_file: Path, tmp_path: Path) -> None:
    settings = {"network.base": 8, "batch": 16}
    run = train(blobs_file, out=tmp_path / "run", images=80, seed=3, settings=settings, device="cpu")
    content = write_report(run.path).read_text()
    assert "<title>elmyr run on blobs</title>" in content
    for name, value in {"training images processed": "80", "batch": "16", "training images": "75", "seed": "3"}.items():
        assert f'<tr><th scope="row">{name}</th><td>{value}</td></tr>' in content


def test_large_and_colored_images_are_shrunk_not_distorted(tmp_path: Path) -> None:
    images = np.zeros((16, 96, 128, 3), np.uint8)
    labels = np.arange(16, dtype=np.int64) % 2
    wide = ImageSet(images, labels, ("a", "b"))
    page = Page(write_report(study_folder(tmp_path / "study", study_content() | {"classes": ["a", "b"]}, wide)))
    image = page.all("img")[0]
    width, height = int(image["width"] or 0), int(image["height"] or 0)
    assert height == 48
    assert width == 8 * 64 + 7 * (64 // 14)
