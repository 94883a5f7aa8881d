"""The report as a person meets it: wide and narrow, light and dark, on paper, with the keyboard, in both languages."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elmyr.core.files import sha256_of
from elmyr.evaluation.people.survey import Survey
from elmyr.images import ImageSet, save_npz
from elmyr.report import write_report
from tests.browser import launched, needs_browser, serious_violations, violations
from tests.conftest import small_image_set
from tests.report.test_articles import articles_folder, record

LARGEST = 3_000_000  # bytes
FOCUSED = "document.activeElement.tagName + (document.activeElement.ariaLabel ?? document.activeElement.innerText)"
SCREENS = ((1280, "light", "screen"), (360, "dark", "screen"), (800, "light", "print"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as opened:
        yield opened


def figures() -> list[dict[str, Any]]:
    names = {
        "frechet_distance": "FID (elmyr's features)",
        "precision": "precision",
        "label_accuracy": "conditional accuracy",
    }
    ends = {"value": 3.5, "low": 3.0, "high": 4.0, "yardstick": 2.5, "better": "lower"}
    return [{"name": name, "title": title, **ends, "spread": "95 % over the images of both sides"} for name, title in
            names.items()]  # fmt: skip


def evaluation() -> dict[str, Any]:
    random = np.random.default_rng(0)
    real, generated = (random.normal(size=(400, 2)).round(3).tolist() for _ in range(2))
    share = {"value": 0.01, "low": 0.0, "high": 0.02, "yardstick": 0.01}
    return {
        "data": "blobs", "split_seed": 0, "against": "test", "count": 400,
        "extractor": {"name": "domain", "dimension": 96}, "figures": figures(),
        "classes": [{"name": name, "count": 40, "frechet_distance": [3, 2, 4], "label_accuracy": [0.9, 0.8, 0.95]}
                    for name in "abc"],
        "copies": {"verdict": "no evidence", "count": 400, "training": 800, "held_out": 100, "doubles": 4,
                   "expected": 0.83,
                   "figures": [{"name": name, "title": name, **share} for name in ("doubles", "training_is_nearest")]},
        "map": {"real": real, "generated": generated, "shares": [0.4, 0.2]},
    }  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "generator.safetensors").write_bytes(b"weights")
    config = {"preset": "residual", "seed": 0, "data": {"name": "blobs", "source": "blobs.npz"}, "gan": {}}
    (folder / "config.json").write_text(json.dumps(config))
    collapse = {
        "trouble": "mode collapse", "images": 20_000, "modes": 0.05, "diversity": 0.1, "precision": 0.5,
        "told_apart": 0.9, "settings": {"adversarial.objective": "relativistic-pairing", "penalties.r1": 3.0},
    }  # fmt: skip
    summary = {"images": 20_000, "seconds": 90.0, "images_per_second": 222.0, "collapse": collapse}
    (folder / "summary.json").write_text(json.dumps(summary))
    (folder / "evaluation.json").write_text(json.dumps(evaluation()))
    lines = [
        {"images": 64 * n, "discriminator_loss": 1 / n, "generator_loss": n, "strength": 0.5} for n in range(1, 50)
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    images = small_image_set(120)
    for name in ("real", "generated"):
        save_npz(images, folder / f"{name}.npz")
    for name in ("best", "worst", "pairs"):
        save_npz(ImageSet(images.images[:16], None), folder / f"{name}.npz")
    survey = Survey(folder / "survey.sqlite", sha256_of(folder / "model" / "generator.safetensors"), ["a", "b"] * 20)
    seat = survey.take_seat("Ann")
    while question := survey.standing(seat).question:
        survey.answer(seat, question.number, question.number % 2, 1.5)
    return folder


@needs_browser
def test_the_page_is_accessible_whatever_the_screen(run: Path, browser: Any) -> None:
    path = write_report(run)
    assert path.stat().st_size <= LARGEST
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for width, scheme, media in SCREENS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme, media=media)
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (width, scheme, media)
        assert serious_violations(page) == [], (width, scheme, media)
    assert {url.partition(":")[0] for url in asked} <= {"file", "data"}
    page.close()


@needs_browser
def test_the_page_of_articles_is_accessible_and_fits_a_phone(tmp_path: Path, browser: Any) -> None:
    content = record()
    path = write_report(articles_folder(tmp_path / "articles", content | {"systems": content["systems"][:2]}))
    page = browser.new_page()
    for width, scheme, media in SCREENS[:2]:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme, media=media)
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (width, scheme)
        assert violations(page) == [], (width, scheme)
    page.close()


@needs_browser
def test_everything_is_reached_with_the_keyboard_and_read_without_script(run: Path, browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(write_report(run).as_uri())
    reached = []
    for _ in range(page.locator("summary, [tabindex='0']").count()):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(FOCUSED))
    assert {"SUMMARYMore curves", "DIVFigures of copying", "DIVWhat was not measured"} <= set(reached)
    page.locator("summary", has_text="More curves").press("Enter")
    assert page.get_by_role("img", name="Strength against training images processed").is_visible()
    context.close()


def test_the_page_tells_copies_people_and_what_is_missing(run: Path) -> None:
    english, chinese = (write_report(run, language=language).read_text() for language in ("en", "zh"))
    for told in ("No evidence", "10 generated images were taken for real", "What was not measured", "needs labels",
                 "A map of real and generated images", "The most suspicious pairs", "By person", "Ann"):  # fmt: skip
        assert told in english, told
    for told in ("没有证据", "未测量的内容", "真实图像与生成图像的地图", "FID（elmyr 特征）"):
        assert told in chinese, told
    assert 'lang="en"' in english and 'lang="zh-CN"' in chinese
    assert "not measured" not in chinese and "Figures" not in chinese


def test_answers_about_another_training_are_not_shown(run: Path) -> None:
    (run / "model" / "generator.safetensors").write_bytes(b"other weights")
    page = write_report(run).read_text()
    assert "answers about another run" in page
    assert "By person" not in page
