"""What the workbench's page is made of: nothing from elsewhere, no script or style inline, all words in the HTML."""

import json
import re
from pathlib import Path

import pytest

import elmyr
from elmyr.report.words import ENGLISH, words_in
from elmyr.serving.kinds import SERVED
from elmyr.serving.pages.workbench_page import SPOKEN, TABS, workbench_page

STATIC = Path(elmyr.__file__).parent / "serving" / "static"
MODULES = {path.name: path.read_text(encoding="utf-8") for path in STATIC.glob("*.js") if path.name != "survey.js"}
MODELS = [
    {"name": name, "kind": kind, "classes": ["0", "1"], "image_shape": [8, 8, 1], "loaded": False, "trained_on": None}
    for name, kind in (("one", "gan"), ("two", "recognizer"), ("three", "restorer"), ("four", "translator"))
]


@pytest.mark.parametrize("models", [[], MODELS])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_has_nothing_inline_and_nothing_from_elsewhere(models: list[dict[str, object]], language: str) -> None:
    page = workbench_page(models, words_in(language))
    assert not re.search(r"https?:|<style|\sstyle=|\son\w+=|javascript:", page)
    assert re.findall(r"<script[^>]*>(.*?)</script>", page) == [""]
    static = {f"/static/{name}" for name in ("look/icon.svg", "look/workbench.css", "workbench.js")}
    other = {"en": "zh", "zh": "en"}[language]
    assert set(re.findall(r"(?:src|href)=\"(/[^\"]*)\"", page)) == static | {f"/?lang={other}"}
    assert len(re.findall(r"<section data-tab=\"\w+\" hidden=\"\">", page)) == len(TABS) == 8


def test_scripts_take_nothing_from_elsewhere_and_one_module_alone_asks_the_server() -> None:
    imported = {name for text in MODULES.values() for name in re.findall(r'from "\./([\w.]+)"', text)}
    assert imported == set(MODULES) - {"workbench.js"}
    for name, text in MODULES.items():
        assert len(text.splitlines()) <= 400, name
        assert not re.search(r'(?:from|import\() *"(?!\./)|innerHTML|outerHTML|\beval\b|document\.write', text), name
        assert bool(re.search(r"\bfetch\(|new EventSource|XMLHttpRequest|sendBeacon", text)) == (name == "api.js"), name
        assert set(re.findall(r"https?://[^\"\s]*", text)) <= {"http://www.w3.org/2000/svg"}, name


def test_every_text_that_a_script_says_stands_in_the_page() -> None:
    page = workbench_page(MODELS, ENGLISH)
    known = {name.replace("-", "") for name in re.findall(r"\sdata-([\w-]+)=", page)}
    scripts = "".join(MODULES.values())
    read = set(re.findall(r"dataset\.(\w+)", scripts))
    for names in re.findall(r"const {([^}]*)} = [^;]*\.dataset;", scripts):
        read |= {one.partition(":")[0].strip() for one in names.split(",")}
    assert len(read) > 40
    assert {one.lower() for one in read} - known == set()


def test_without_a_model_each_tab_says_which_commands_make_one() -> None:
    page = workbench_page([], ENGLISH)
    for command in (
        "elmyr train digits --out runs/gan",
        "elmyr recognizer train digits",
        "elmyr restorer train digits",
        "elmyr translator train digits-thin digits-thick --out runs/translator\nelmyr serve runs/translator",
    ):
        assert command in page
    assert "<canvas" not in page and "<form" not in page
    served = workbench_page(MODELS[:1], ENGLISH)
    assert "elmyr train digits --out" not in served and "elmyr recognizer train digits" in served


@pytest.mark.parametrize(
    ("models", "first"),
    [
        (MODELS, "generate"),
        (MODELS[1:2], "draw"),
        (MODELS[2:], "repair"),
        (MODELS[3:], "translate"),
        ([*MODELS[2:], MODELS[0]], "repair"),
        ([MODELS[0] | {"kind": "a kind to come"}, MODELS[1]], "draw"),
        ([], "runs"),
    ],
)
def test_the_page_opens_on_a_tab_that_has_a_model(models: list[dict[str, object]], first: str) -> None:
    page = workbench_page(models, ENGLISH)
    assert f'data-first="{first}"' in page and f'<section data-tab="{first}"' in page
    assert "page.dataset.first" in MODULES["workbench.js"] and all(
        TABS[served.tab].kind == kind for kind, served in SERVED.items() if not served.inside
    )


def test_a_hostile_name_is_text() -> None:
    evil = "\"><script>alert('x')</script>"
    page = workbench_page([MODELS[1] | {"name": evil, "classes": [evil]}], ENGLISH)
    assert "<script>" not in page and page.count("<script") == 1


def test_names_of_records_are_said_in_chinese() -> None:
    chinese = words_in("zh")
    assert [name for name in SPOKEN if chinese(name) == name] == []
    said = re.search(r"data-spoken=\"([^\"]*)\"", workbench_page([], chinese))
    assert said is not None
    spoken = json.loads(said[1].replace("&quot;", '"').replace("&#x27;", "'"))
    assert spoken["recognizer"] == "识别器" and spoken["gan"] == "GAN 模型"
