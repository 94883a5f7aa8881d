"""The page of `elmyr articles`: five systems as written and cured, what was not measured, and both languages."""

import json
import shlex
from base64 import b64decode
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from elmyr.core.errors import InputError
from elmyr.images import ImageSet, save_npz
from elmyr.report import write_report
from elmyr.report.charts.pictures import strip
from elmyr.report.pages.articles.record import (
    FAR_FROM_REAL,
    FEW_CLASSES,
    LITTLE_VARIETY,
    NOT_HEEDED,
    NOT_MEASURED,
    NOTHING_LIKE,
    SOME_VARIETY,
    VARIED,
    Training,
    changes_between,
)
from tests.report.test_report import HOSTILE, Page

DIGITS = [str(digit) for digit in range(10)]
TITLES = (
    ("mlp", "GAN for handwritten digit recognition"),
    ("dcgan", "GANs for image classification on MNIST"),
    ("mlp-cnn", "GANs joined with image recognition"),
    ("dcgan64", "Image generation with GANs"),
    ("classic", "GANs in pattern recognition"),
)
WATCHED = {"images": 15_104, "trouble": "mode collapse", "try": {"penalties.r1": 3.0}}
COLLAPSE = {
    "trouble": "mode collapse", "images": 20_000, "modes": 0.05, "diversity": 0.1, "precision": 0.0, "told_apart": 1.0,
    "settings": {"penalties.r1": 3.0},
}  # fmt: skip


def evaluation(
    distance: float, precision: float, recall: float, heeded: float, coverage: float = 0.5
) -> dict[str, Any]:
    """As `elmyr evaluate --json` gives it, with fewer figures."""
    values = {
        "frechet_distance": (distance, 1.4), "precision": (precision, 0.9), "recall": (recall, 0.9),
        "label_accuracy": (heeded, 0.995), "coverage": (coverage, 0.9), "told_apart": (0.99, 0.5),
    }  # fmt: skip
    figures = [
        {"name": name, "value": value, "low": 0.95 * value, "high": 1.05 * value, "yardstick": yardstick}
        for name, (value, yardstick) in values.items()
    ]
    return {
        "subject": "run", "data": "mnist", "split_seed": 0, "against": "test", "count": 1000, "sampling_seeds": [0],
        "extractor": {"name": "domain", "dimension": 96}, "figures": figures, "classes": [],
    }  # fmt: skip


def training(number: int, name: str, kind: str, good: bool, **other: Any) -> dict[str, Any]:
    place = f"{number}-{name.replace(' ', '-')}"
    return {
        "name": name, "kind": kind, "run": f"article-{number}/{place}", "preset": TITLES[number][0],
        "settings": {"adversarial.objective": "relativistic-pairing"} if good else {}, "images": 60_000, "epochs": 1.0,
        "seconds": 40.0, "evaluation": evaluation(*(150.0, 0.8, 0.5, 0.97) if good else (3600.0, 0.16, 0.0, 0.1)),
        "classes_found": [100] * 10 if good else [0] * 8 + [1000, 0], "troubles": [] if good else [WATCHED],
        "collapse": None if good else "Collapsed (mode collapse): a sentence of an elmyr in English.",
        "picture": f"pictures/{place}.png", "course": f"pictures/{place}-course.png",
    } | other  # fmt: skip


def uses(number: int) -> dict[str, Any]:
    rows = (("real", 0, 0.86), ("written", 2000, 0.84), ("cured", 2000, 0.92), ("generated", 2000, 0.9))
    return {
        "recognition": [
            {"trained_on": name, "real": 200, "generated": generated, "accuracy": share, "low": share - 0.01,
             "high": share + 0.01}
            for name, generated, share in rows
        ],
        "repair": {"picture": f"pictures/{number}-repair.png", "psnr_damaged": 11.04, "psnr_repaired": 18.26},
        "walk": f"pictures/{number}-walk.png",
    }  # fmt: skip


def system(number: int) -> dict[str, Any]:
    preset, title = TITLES[number]
    remedies = ("noise on the inputs", "objective", "+ clipped gradients") if number == 0 else ()
    return {
        "number": number, "title": title, "preset": preset, "cured_preset": f"{preset}-cured", "data": "gray",
        "put_right": [f"a thing that was wrong in article {number}"], "troubles": [f"a worry of article {number}"],
        "trainings": [
            training(number, "as written", "written", False),
            *(training(number, name, "remedy", False, settings={"stabilizers.x": 1}) for name in remedies),
            training(number, "cured", "cured", True),
        ],
        "uses": uses(number),
    }  # fmt: skip


def record() -> dict[str, Any]:
    return {
        "format": 1, "command": "elmyr articles mnist --out articles", "effort": "quick", "seed": 0,
        "machine": {"elmyr": "0.1.0", "cpu": "a processor", "started": "2026-11-30"},
        "data": {"name": "mnist", "training": 60_000, "test": 10_000, "height": 28, "width": 28, "channels": 1,
                 "classes": DIGITS},
        "color": None, "seconds": 1500.0, "systems": [system(number) for number in range(5)],
    }  # fmt: skip


def articles_folder(folder: Path, content: dict[str, Any]) -> Path:
    """The record with small pictures and runs beside it."""
    random = np.random.default_rng(0)
    (folder / "pictures").mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"kind": "articles"}))
    (folder / "articles.json").write_text(json.dumps(content))
    for one in content["systems"]:
        pictures = [each[key] for each in one["trainings"] for key in ("picture", "course") if each[key]]
        wanted = one["uses"] or {}
        pictures += [wanted.get("walk"), (wanted.get("repair") or {}).get("picture")]
        for picture in filter(None, pictures):
            Image.fromarray(random.integers(0, 255, (8, 24), dtype=np.uint8)).save(folder / picture)
        for each in one["trainings"]:
            write_run(folder / each["run"], good=not each["collapse"])
    return folder


def write_run(run: Path, *, good: bool) -> None:
    run.mkdir(parents=True)
    objective = "relativistic-pairing" if good else "non-saturating"
    game = {"objective": objective, "penalties": {"r1": 3.0 if good else 0.0, "r2": 0.0}}
    (run / "config.json").write_text(json.dumps({"adversarial": game, "loop": {"batch": 64, "decay_from": 1.0}}))
    (run / "summary.json").write_text(json.dumps({"collapse": None if good else COLLAPSE}))
    lines = [{"images": 5000 * n, "watch_modes": 0.1 * n, "watch_diversity": 0.5} for n in range(1, 5)]
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    images = np.random.default_rng(0).integers(0, 255, (40, 8, 8, 1), dtype=np.uint8)
    save_npz(ImageSet(images, np.arange(40, dtype=np.int64) % 10, tuple(DIGITS)), run / "generated.npz")


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    return articles_folder(tmp_path / "articles", record())


def lines_of(page: Page) -> list[str]:
    return [line for line in page.text.splitlines() if line.strip()]


def test_the_first_screen_has_a_row_a_system_with_both_verdicts(articles: Path) -> None:
    page = Page(write_report(articles))
    lines = lines_of(page)
    assert lines[:2] == [
        "The systems of five articles on mnist",
        "Systems with every class: 0 of 5 as written, 5 of 5 cured",
    ]
    place = lines.index("Article 2: GANs joined with image recognition")
    assert lines[place + 1 : place + 8] == [
        "mlp-cnn",
        "as written", "collapsed, 1 of 10 digits", "FID 3600 (real 1.4)",
        "cured", "all 10 digits, varied", "FID 150 (real 1.4)",
    ]  # fmt: skip
    targets = {attributes.get("id") for _, attributes in page.tags}
    assert [link["href"] for link in page.all("a")] == [f"#system-{number}" for number in range(5)]
    assert {f"system-{number}" for number in range(5)} <= targets


def test_a_section_tells_all_that_was_found_of_its_system(articles: Path) -> None:
    text = Page(write_report(articles)).text
    for told in (
        "As written: collapsed, 1 of 10 digits. Cured: all 10 digits, varied.",
        "Training monitor, after 15,104 images: mode collapse; settings to try: penalties.r1=3.0.",
        "at 20,000 images seen, the generated images cover 5% of the modes",
        "A thing that was wrong in article 3", "A worry of article 4", "noise on the inputs", "142.5 to 157.5",
        "1,000 generated images against the test images of mnist (split 0), feature extractor \u201cdomain\u201d",
        "relativistic-pairing", "200 real and 2,000 generated by the cured system: 92.0 %",
        "One training each: not decided whether the generated images help.", "PSNR 11.0 dB before, 18.3 dB after",
        f"elmyr survey {articles / 'article-1' / '1-cured'}",
        "elmyr articles mnist --out articles", "60,000 training and 10,000 test images",
    ):  # fmt: skip
        assert told in text, told
    assert "a sentence of an elmyr in English" not in text


def test_each_row_of_the_remedies_says_how_long_it_was_trained(tmp_path: Path) -> None:
    content = record()
    content["systems"] = content["systems"][:1]
    trainings = content["systems"][0]["trainings"]
    for images, each in enumerate(trainings, 1):
        each["images"] = 1000 * images
    lines = lines_of(Page(write_report(articles_folder(tmp_path / "articles", content))))
    for name, images in (("noise on the inputs", "2,000"), ("objective", "3,000"), ("+ clipped gradients", "4,000")):
        place = lines.index(name, lines.index("images seen"))
        assert images in lines[place + 1 : place + 3]
    assert lines.count("images seen") == 2 and lines.count("1,000") == 2 and lines.count("5,000") == 1


def test_the_survey_of_a_folder_that_moved_is_of_where_it_lies_now(articles: Path) -> None:
    moved = articles.rename(articles.with_name("the articles' folder"))
    text = Page(write_report(moved)).text
    assert f"elmyr survey {shlex.quote(str(moved / 'article-1' / '1-cured'))}" in text
    assert f"elmyr survey {articles}" not in text


def test_a_training_that_diverged_is_told_with_where(tmp_path: Path) -> None:
    content = record()
    content["systems"] = content["systems"][1:2]
    content["systems"][0]["uses"] = None
    early = {"evaluation": None, "classes_found": [], "picture": None, "course": None, "troubles": [], "collapse": None}
    early |= {"diverged": "training diverged: loss not finite at 12,288 images", "images": 12_288}
    content["systems"][0]["trainings"][0] |= early
    folder = articles_folder(tmp_path / "articles", content)
    (folder / "article-1" / "1-as-written" / "generated.npz").unlink()
    text = Page(write_report(folder)).text
    assert "As written: diverged at 12,288 images. Cured: all 10 digits, varied." in text
    assert "Systems with every class: 0 of 1 as written, 1 of 1 cured" in text
    assert "训练到第 12,288 张图像时发散" in Page(write_report(folder, language="zh")).text


def test_the_settings_that_differ_are_those_of_the_runs(articles: Path) -> None:
    lines = lines_of(Page(write_report(articles)))
    place = lines.index("What cured changes")
    assert lines[place + 6 : place + 14] == [
        "objective", "adversarial.objective", "non-saturating", "relativistic-pairing",
        "each generated image is judged beside a real one: one kind of image is no longer enough",
        "penalty on the discriminator's gradient at real images (R1)", "penalties.r1", "0.0",
    ]  # fmt: skip
    assert [each.name for each in changes_between({"a": "1", "b": "2"}, {"b": "2", "c": "3"}, absent="-")] == ["a", "c"]


@pytest.mark.parametrize(
    ("found", "figures", "verdict"),
    [
        ([100] * 10, (100, 0.02, 0.0, 0.9), NOTHING_LIKE),
        ([991] + [1] * 9, (3600, 0.16, 0.0, 0.1), FEW_CLASSES),
        ([100] * 10, (622, 0.42, 0.3, 0.9, 0.087), FAR_FROM_REAL),
        ([100] * 10, (500, 0.5, 0.3, 0.3), NOT_HEEDED),
        ([100] * 10, (533, 0.77, 0.0, 0.9), LITTLE_VARIETY),
        ([190] * 5 + [10] * 5, (231, 0.64, 0.38, 0.81), SOME_VARIETY),
        ([100] * 10, (150, 0.8, 0.5, 0.97), VARIED),
        ([], (150, 0.8, 0.5, 0.97), NOT_MEASURED),
    ],
)
def test_the_verdict_follows_from_the_classes_found_and_the_figures(
    found: list[int], figures: tuple[float, ...], verdict: str
) -> None:
    one = Training.model_validate(
        training(0, "any", "written", True, classes_found=found, evaluation=evaluation(*figures))
    )
    assert one.verdict == verdict


def test_what_one_training_each_cannot_decide_is_left_to_a_study_of_the_same_images(articles: Path) -> None:
    run = articles / "article-0" / "0-cured"
    config = json.loads((run / "config.json").read_text())
    data = {"source": "/a folder/digits", "root": "sets", "shaping": {"size": [28, 28]}}
    new = config | {"preset": "mlp-cured", "data": data, "loop": {"images": 60_000}}
    (run / "config.json").write_text(json.dumps(new))
    text = Page(write_report(articles)).text
    assert (
        "elmyr study '/a folder/digits' --size 28x28 --data-root sets --preset mlp-cured --images 60000 --seeds 5"
        in text
    )
    assert text.count("not decided whether the generated images help") == 5
    assert "overlap" not in text


@pytest.mark.parametrize("labeled", [True, False])
def test_a_strip_has_a_class_a_column_or_the_first_images_as_they_come(labeled: bool) -> None:
    labels = np.array([1, 0, 0, 1, 1, 0], np.int64)
    images = np.full((6, 8, 8, 1), 10 * np.arange(6).reshape(6, 1, 1, 1), np.uint8)
    pictures = ImageSet(images, labels, ("a", "b")) if labeled else ImageSet(images, None)
    png = b64decode(str(strip(pictures, 2, 2, "")).partition("base64,")[2].partition('"')[0])
    values = np.asarray(Image.open(BytesIO(png)).convert("L"))[[4, -4]][:, [4, -4]]
    assert values.tolist() == ([[10, 0], [20, 30]] if labeled else [[0, 10], [20, 30]])


def test_the_course_tells_what_was_seen_beside_each_row_and_where_a_problem_was_called(articles: Path) -> None:
    previews = articles / "article-0" / "0-as-written" / "previews"
    previews.mkdir()
    for images in (10_000, 20_000, 30_000):
        (previews / f"images-{images:09d}.png").write_bytes(b"")
    page = Page(write_report(articles))
    lines = lines_of(page)
    place = lines.index("10,000")
    assert lines[place : place + 3] == ["10,000", "20,000", "30,000"]
    assert sum(attributes.get("class") == "called" for attributes in page.all("span")) == 1


def test_what_is_missing_is_told_and_nothing_breaks(tmp_path: Path) -> None:
    content = record()
    first, second, third, *_ = content["systems"]
    first["uses"] = None
    first["trainings"] = first["trainings"][:1]
    second["trainings"][0] |= {
        "evaluation": None,
        "classes_found": [],
        "collapse": None,
        "troubles": [],
        "course": None,
    }
    third["title"] = third["put_right"][0] = HOSTILE
    folder = articles_folder(tmp_path / "articles", content)
    (folder / "pictures" / "1-as-written.png").unlink()
    (folder / "pictures" / "1-walk.png").write_bytes(b"no picture")
    for place in ("article-1/1-as-written", "article-3/3-cured"):
        (folder / place / "generated.npz").unlink()
    (folder / "article-4" / "4-cured" / "config.json").unlink()
    page = Page(write_report(folder))
    assert "No picture." in page.text and HOSTILE in page.text and not page.all("script")
    lines = lines_of(page)
    place = lines.index("What was not measured")
    assert lines[place : place + 7] == [
        "What was not measured", "what", "not measured", "Article 0: GAN for handwritten digit recognition",
        "cured training, figures of the cured system, remedies (--remedies), recognition, repair, variation",
        "Article 1: GANs for image classification on MNIST", "figures as written, remedies (--remedies)",
    ]  # fmt: skip
    assert "not trained" in lines and "None" not in page.text.split()


def test_why_a_training_failed_is_told_of_the_articles_objectives_alone(tmp_path: Path) -> None:
    content = record()
    content["systems"] = content["systems"][1:2]
    rescued = training(1, "rescued", "rescued", True, troubles=[WATCHED])
    content["systems"][0]["trainings"].append(rescued)
    text = Page(write_report(articles_folder(tmp_path / "articles", content))).text
    assert text.count("Training monitor, after 15,104 images") == 2 and text.count("Why: the generator") == 1


def test_systems_in_color_count_their_own_classes(tmp_path: Path) -> None:
    content = record()
    content["color"] = content["data"] | {"name": "cifar10", "channels": 3, "classes": ["airplane", *"bcdefghij"]}
    content["systems"][3]["data"] = "color"
    folder = articles_folder(tmp_path / "articles", content)
    Image.new("RGB", (960, 480)).save(folder / "pictures" / "3-cured.png")
    page = Page(write_report(folder))
    shrunk = [(image["width"], image["height"]) for image in page.all("img") if image["width"] == "480"]
    text = page.text
    assert (
        shrunk == [("480", "240")]
        and "all 10 classes, varied" in text
        and "cifar10: 60,000 training and 10,000 test images, 28x28x3" in text
    )


def test_a_damaged_or_missing_record_is_told_in_one_line(articles: Path) -> None:
    content = record()
    content["systems"][1]["trainings"][0]["images"] = "many"
    (articles / "articles.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"articles.json' is damaged at systems.1.trainings.0.images"):
        write_report(articles)
    (articles / "articles.json").unlink()
    with pytest.raises(InputError, match=r"are not finished: elmyr resume"):
        write_report(articles)


def test_the_chinese_page_is_chinese(articles: Path) -> None:
    page = Page(write_report(articles, language="zh"))
    text = page.text
    for told in ("五篇文章", "按原文", "改进后", "训练监控", "10 种数字", "手写数字", "未测量", "模式崩溃"):
        assert told in text, told
    assert not {"None", "{", "}"} & set(text.split())
    english = {"As", "written", "Cured", "Figures", "images", "digits", "cured"}
    assert english & set(text.replace("A thing that was wrong", "").split()) == set()
