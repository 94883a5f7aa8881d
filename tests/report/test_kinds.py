"""Every kind of run has its page, and a recognizer's leads with the figure that counts."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elmyr.core.errors import InputError
from elmyr.engine.saving.places import GAN_KIND, STUDY_KIND
from elmyr.engine.tasks import TASKS
from elmyr.images import ImageSet, save_npz
from elmyr.report import write_report
from elmyr.report.pages.study_report import guessed
from elmyr.report.writing import PAGES
from elmyr.studies.resuming import COMPOSED
from tests.browser import launched, needs_browser, serious_violations
from tests.report.test_report import HOSTILE, Page

OF_SEVERAL = {STUDY_KIND, "articles", "sweep"}  # have records of their own
RUNS = sorted(set(PAGES) - OF_SEVERAL)
CONFIGS: dict[str, dict[str, Any]] = {
    GAN_KIND: {"preset": "residual", "gan": {}, "loop": {"images": 640}},
    "recognizer": {
        "parameters": {
            "method": "augment",
            "updates": 10,
            "batch": 64,
            "seed": 3,
            "device": "cpu",
            "precision": "fp32",
        },  # as an elmyr of before wrote it
    },
    "restorer": {"corruption": "any", "images": 640, "choices": {"batch": 16}},
    "translator": {"choices": {"method": "cycle"}, "images": 640},
    "adaptation": {"source": "blobs", "target": "others", "updates": 10},
}
NEXT = {
    GAN_KIND: "elmyr sample {run}",
    "recognizer": "elmyr predict {run} IMAGES",
    "restorer": "elmyr restorer apply {run} IMAGES --out repaired",
    "translator": "elmyr translator apply {run} IMAGES --out translated",
    "adaptation": "elmyr recognizer evaluate {run}/recognizer --data others",
}
CURVES = {"loss": "Loss", "distance": "Distance", "discriminator_loss": "Losses"}


def run_of(folder: Path, kind: str) -> Path:
    data = {"name": "blobs", "source": "blobs.npz", "images": 60}
    config = {"kind": kind, "data": data, "a": data, "b": data | {"name": "others"}, "seed": 0} | CONFIGS[kind]
    lines = "".join(
        json.dumps({"images": 64 * n, "loss": 1 / n, "distance": n, "discriminator_loss": n}) + "\n"
        for n in range(1, 9)
    )
    for place in (folder, folder / "recognizer") if kind == "adaptation" else (folder,):
        place.mkdir(parents=True)
        (place / "metrics.jsonl").write_text(lines)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "summary.json").write_text(json.dumps({"images": 640, "seconds": 9.5}))
    (folder / "environment.json").write_text(json.dumps({"elmyr": "0.1.0", "command": f"elmyr train a {kind}"}))
    return folder


def reading(**other: Any) -> dict[str, Any]:
    return {
        "data": "blobs", "part": "test", "count": 57, "unbalanced": True,
        "accuracy": 0.9474, "interval": [0.856, 0.982],
        "balanced_accuracy": 0.8, "balanced_interval": [0.62, 0.9],
        "classes": ["a", "划痕", HOSTILE], "confusion": [[40, 0, 0], [2, 4, 1], [0, 0, 10]],
        "recalls": [1.0, 0.5714, 1.0], "recall_intervals": [[0.912, 1.0], [0.25, 0.842], [0.722, 1.0]],
        "mistaken": [{"label": "划痕", "predicted": "a", "probability": 0.97},
                     {"label": "划痕", "predicted": HOSTILE, "probability": 0.61}],
    } | other  # fmt: skip


@pytest.fixture
def recognizer(tmp_path: Path) -> Path:
    folder = run_of(tmp_path / "run", "recognizer")
    (folder / "evaluation.json").write_text(json.dumps(reading()))
    save_npz(ImageSet(np.zeros((2, 8, 8, 1), np.uint8), None), folder / "mistakes.npz")
    return folder


def test_a_mistake_stands_beside_what_led_to_it(recognizer: Path) -> None:
    before = write_report(recognizer).read_text(encoding="utf-8")
    assert "was not kept when these figures were taken" in before and "is blue" not in before
    save_npz(ImageSet(np.full((2, 8, 8, 3), 9, np.uint8), None), recognizer / "reasons.npz")
    beside = write_report(recognizer).read_text(encoding="utf-8")
    assert "is blue" in beside and "was not kept" not in beside
    assert beside.count('width="17"') == 2 and 'width="17"' not in before  # two of 8 pixels, and the gap


def test_every_kind_that_can_be_trained_has_a_page() -> None:
    assert set(PAGES) == {*TASKS, *COMPOSED}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", RUNS)
def test_the_page_says_what_was_trained_how_it_went_and_what_follows(tmp_path: Path, kind: str, language: str) -> None:
    run = run_of(tmp_path / "run", kind)
    page = Page(write_report(run, language=language))
    assert "blobs" in page.text and NEXT[kind].format(run=run) in page.text and f"elmyr train a {kind}" in page.text
    assert "640" in page.text and {"en": "9.5 s", "zh": "9.5 秒"}[language] in page.text
    assert not {"None", "null", "{", "}"} & set(page.text.replace("\n", " ").split())
    charts = [str(chart.get("aria-label")) for chart in page.all("svg")]
    if language == "en":
        assert all(any(told.startswith(title) for told in charts) for title in CURVES.values()), charts


def test_a_kind_of_another_version_is_refused_in_one_line(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", "restorer")
    (run / "config.json").write_text(json.dumps({"kind": "dreamer"}))
    with pytest.raises(InputError, match="run of a dreamer, of which this elmyr has no page"):
        write_report(run)


def test_a_recognizer_of_unbalanced_classes_leads_with_balanced_accuracy_and_the_lowest_recall(
    recognizer: Path,
) -> None:
    page = Page(write_report(recognizer))
    lines = [line for line in page.text.splitlines() if line.strip()]
    assert lines[1] == "80.0 % balanced accuracy"
    assert "95 % interval 62.0 % to 90.0 %" in lines[2] and "accuracy 94.7 % (85.6 % to 98.2 %)" in lines[2]
    assert "Fewer than 10 test images: \u2068划痕\u2069 (7)" in page.text
    assert page.text.index("57.1 %") < page.text.index("100.0 %")
    assert "a (2)" in page.text and "25.0 % to 84.2 %" in page.text
    assert [cell["style"] for cell in page.all("td") if cell.get("class") == "wrong"] == [
        "--share: 29%",
        "--share: 14%",
    ]
    assert "→ a" in page.text and "97 %" in page.text and HOSTILE in page.text
    assert not page.all("script")

    (recognizer / "evaluation.json").write_text(json.dumps(reading(unbalanced=False, mistaken=[])))
    lines = [line for line in Page(write_report(recognizer)).text.splitlines() if line.strip()]
    assert lines[1] == "94.7 % accuracy" and "No image was classified wrongly." in lines


def test_what_is_no_better_than_guessing_is_told(recognizer: Path) -> None:
    (recognizer / "evaluation.json").write_text(json.dumps(reading(confusion=[[5, 5, 5]] * 3)))
    told = "Not significantly better than guessing, which has a balanced accuracy of 33.3 %"
    assert told in Page(write_report(recognizer)).text
    (recognizer / "evaluation.json").write_text(json.dumps(reading()))
    assert "guessing" not in Page(write_report(recognizer)).text

    chance, known = [[5, 5], [5, 5]], [[10, 0], [0, 10]]
    assert guessed({"without": chance, "with": chance}) == "50.0 %"
    assert guessed({"without": chance, "with": known}) is None and guessed({}) is None


def test_of_many_classes_the_most_frequent_confusions_are_named(recognizer: Path) -> None:
    count = 60
    confusion = 5 * np.eye(count, dtype=int)
    confusion[3, 7], confusion[9, 1] = 5, 2
    many = {
        "classes": [f"class {number}" for number in range(count)],
        "confusion": confusion.tolist(),
        "recalls": [1.0] * count,
    }
    (recognizer / "evaluation.json").write_text(json.dumps(reading(**many)))
    page = Page(write_report(recognizer))
    told = [line for line in page.text.splitlines() if line.strip()]
    place = told.index("of its class")
    assert told[place + 1 : place + 9] == ["class 3", "class 7", "5", "50.0 %", "class 9", "class 1", "2", "28.6 %"]


def test_a_damaged_evaluation_is_told_in_one_line(recognizer: Path) -> None:
    (recognizer / "evaluation.json").write_text(json.dumps(reading(confusion="x")))
    with pytest.raises(InputError, match="evaluation.json' is damaged at confusion"):
        write_report(recognizer)


def test_readings_of_other_images_stand_on_the_pages_of_the_recognizer_and_of_its_adaptation(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", "adaptation")
    assert "Not measured yet" in Page(write_report(run)).text
    (run / "recognizer" / "config.json").write_text(json.dumps({"kind": "recognizer"}))
    other = reading(data="others", part="", against="others", accuracy=0.5, interval=[0.4, 0.6], count=90)
    (run / "recognizer" / "evaluation-others.json").write_text(json.dumps(other))
    for folder, title in ((run, "How well it recognizes"), (run / "recognizer", "On other images")):
        lines = [line for line in Page(write_report(folder)).text.splitlines() if line.strip()]
        place = lines.index("others")
        assert title in lines and lines[place : place + 4] == ["others", "90", "50.0 %", "40.0 % to 60.0 %"]
    assert "Not measured yet" not in Page(write_report(run)).text


@needs_browser
def test_the_page_of_a_recognizer_is_accessible_and_fits(recognizer: Path) -> None:
    path = write_report(recognizer)
    with launched() as browser:
        page = browser.new_page()
        for width, scheme in ((1280, "light"), (360, "dark")):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            page.goto(path.as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert serious_violations(page) == []
