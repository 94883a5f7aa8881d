"""The workbench as people meet it: in a real browser, against a real `elmyr serve`."""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from elmyr import GAN, Recognizer, Translator
from elmyr.images import ImageSet
from elmyr.tasks.gan.directions import find_directions, keep_directions
from elmyr.tasks.recognition import images_to_read, train_recognizer
from tests.browser import launched, needs_browser, serious_violations
from tests.serving.strokes import Point, strokes_of
from tests.serving.workbench import PATIENCE, Workbench, as_png, served

pytestmark = needs_browser

DATA = os.environ.get("ELMYR_DATA")  # read before the tests are kept from it
TABS = ("draw", "generate", "repair", "translate", "between", "edit", "runs", "watch")
DRAWN = 20


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as opened:
        yield opened


@pytest.fixture(scope="module")
def runs(small_runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of its own, which tests may add to: a run of each kind, the recognizer one that can read a little."""
    folder = tmp_path_factory.mktemp("page") / "runs"
    for name in ("gan", "restorer", "translator"):
        shutil.copytree(small_runs / name, folder / name)
    gan = GAN.load(folder / "gan")
    keep_directions(gan, find_directions(gan, ["brightness", "sefa"], count=512, judged=2))
    recognizer = Recognizer(method="supervised", updates=250, base=16, device="cpu")
    train_recognizer("digits", recognizer, out=folder / "recognizer")
    return folder


@pytest.fixture(scope="module")
def bench(runs: Path) -> Iterator[Workbench]:
    shutil.copytree(runs / "gan", runs.parent / "short-lived")
    models = [*(runs / name for name in ("recognizer", "gan", "restorer", "translator")), runs.parent / "short-lived"]
    with served(*models, options=["--runs", str(runs)]) as it:
        yield it


@contextmanager
def opened(browser: Any, bench: Workbench, tab: str, language: str = "en", **options: Any) -> Iterator[Any]:
    """The page at a tab; whatever the browser complains of fails the test."""
    context = browser.new_context(**options)
    problems: list[str] = []
    context.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    context.on("weberror", lambda error: problems.append(str(error.error)))
    try:
        page = context.new_page()
        page.set_default_timeout(1000 * PATIENCE)
        page.goto(address(bench, tab, language))
        page.locator(f"[data-tab={tab.partition('?')[0]}]").wait_for()
        yield page
        assert problems == []
    finally:
        context.close()


def address(bench: Workbench, tab: str, language: str = "en") -> str:
    return f"http://127.0.0.1:{bench.port}/?lang={language}#{tab}"


def draw(page: Any, tab: str, strokes: Sequence[Sequence[Point]], *, lift: bool = True) -> None:
    """By moves of the mouse; without `lift` its button stays down."""
    surface = page.locator(f"[data-tab={tab}] canvas.pad")
    surface.scroll_into_view_if_needed()
    box = surface.bounding_box()
    for stroke in strokes:
        for number, (x, y) in enumerate(stroke):
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
            if number == 0:
                page.mouse.down()
        if lift:
            page.mouse.up()


def settle(page: Any, tab: str) -> None:
    page.locator(f"[data-tab={tab}] .results[aria-busy=false]").wait_for()


def reading(page: Any) -> str:
    settle(page, "draw")
    return str(page.locator(".reading").inner_text()).partition(",")[0]


def read_back(page: Any, images: NDArray[np.uint8]) -> list[str]:
    """What is read of each image, drawn stroke by stroke."""
    found = []
    for image in images:
        draw(page, "draw", strokes_of(image))
        found.append(reading(page))
        page.get_by_role("button", name="Clear").click()
        page.get_by_text("Nothing is drawn yet.").wait_for()
    return found


def pixels_of(image: Any) -> NDArray[np.uint8]:
    """An image of the page, as the browser has it."""
    content = base64.b64decode(image.get_attribute("src").partition(",")[2])
    return np.asarray(Image.open(BytesIO(content)))


def picture(pixels: NDArray[np.uint8]) -> dict[str, Any]:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return {"name": "picture.png", "mimeType": "image/png", "buffer": buffer.getvalue()}


def digit(images: ImageSet, label: int) -> NDArray[np.uint8]:
    place = int(np.flatnonzero(images.require_labels() == label)[0])
    return images.in_memory()[place, ..., 0]


def test_a_digit_is_read_while_it_is_drawn(browser: Any, bench: Workbench, digits: ImageSet) -> None:
    with opened(browser, bench, "draw") as page:
        page.get_by_text("Nothing is drawn yet.").wait_for()
        stroke = max(strokes_of(digit(digits, 0)), key=len)
        draw(page, "draw", [stroke], lift=False)
        page.locator(".bars li").nth(9).wait_for()  # the button of the mouse is still down
        page.mouse.up()
        assert reading(page) == "0"
        shares = [float(text.strip("> %")) for text in page.locator(".bars .share").all_inner_texts()]
        assert sum(shares) == pytest.approx(100, abs=0.6) and int(np.argmax(shares)) == 0
        seen = pixels_of(page.locator(".seen img"))
        assert seen.shape == (8, 8) and seen[[0, -1]].max() > 100 and seen[3:5, 3:5].max() < 100  # a ring
        page.locator(".nearest li").nth(4).wait_for()
        near = page.locator(".nearest img")
        assert pixels_of(near.first).shape == (8, 8)
        assert page.locator(".nearest li").all_inner_texts().count("0") >= 3
        assert near.first.get_attribute("alt").startswith("A training image of class ")

        assert page.locator(".map img").count() == 0
        page.get_by_label("Show which pixels speak for the prediction").check()
        page.locator(".map img").wait_for()
        why = pixels_of(page.locator(".map img"))
        assert why.shape[:2] == (8, 8) and page.locator(".map img").get_attribute("alt").startswith(
            "The input, red where it speaks for 0"
        )
        draw(page, "draw", [[(0.05, 0.5), (0.95, 0.5)]])
        settle(page, "draw")
        assert not np.array_equal(pixels_of(page.locator(".map img")), why)
        assert pixels_of(page.locator(".seen img"))[3:5, [0, -1]].max() > 100
        page.get_by_role("button", name="Undo").first.click()
        assert reading(page) == "0" and (pixels_of(page.locator(".seen img")) == seen).all()
        page.get_by_role("button", name="Clear").first.click()
        page.get_by_text("Nothing is drawn yet.").wait_for()
        assert page.locator(".bars li, .seen img, .map img, .nearest li").count() == 0
        page.get_by_role("button", name="Undo").first.click()  # of the clearing
        assert reading(page) == "0"


def test_what_would_change_a_prediction_is_shown_on_demand(browser: Any, bench: Workbench, digits: ImageSet) -> None:
    with opened(browser, bench, "draw") as page:
        draw(page, "draw", strokes_of(digit(digits, 0)))
        settle(page, "draw")
        shown = page.locator("[data-tab=draw] .changes")
        shown.get_by_role("button", name="Fool it").click()
        shown.get_by_text("no pixel changes by more than").wait_for()
        assert shown.locator("img").count() == 3
        before = pixels_of(shown.locator("img").nth(0))
        assert np.any(before != pixels_of(shown.locator("img").nth(1)))
        shown.get_by_role("button", name="Show what would have to change").click()
        shown.get_by_text("at a distance of").wait_for()
        draw(page, "draw", [[(0.1, 0.1), (0.2, 0.1)]])  # another drawing: it is no answer to that
        page.wait_for_function("() => document.querySelectorAll('.changes img').length === 0")


def test_photos_are_read_as_they_are_uploaded_or_dropped(browser: Any, bench: Workbench, digits: ImageSet) -> None:
    """One as a drawing is, several in a list; a photo is not cut out as a drawn digit is."""
    zero = np.kron(digit(digits, 0), np.ones((40, 40), np.uint8))
    with opened(browser, bench, "draw") as page:
        draw(page, "draw", [[(0.5, 0.2), (0.5, 0.8)]])
        settle(page, "draw")
        field = page.locator("[data-tab=draw] [type=file]")
        field.set_input_files(picture(zero))
        page.get_by_text("Brought to the size and channels").wait_for()
        assert reading(page) == "0"
        seen = pixels_of(page.locator(".seen img"))
        assert (seen == np.asarray(Image.fromarray(zero).resize((8, 8), Image.Resampling.BICUBIC))).all()
        page.locator(".nearest li").nth(4).wait_for()
        assert page.locator(".photos li").count() == 0

        on_paper = np.pad(255 - zero, 300, constant_values=255)
        field.set_input_files(picture(on_paper))
        page.get_by_label("One character on paper").check()
        page.get_by_text("Cut out, scaled and centered").wait_for()
        assert reading(page) == "0" and pixels_of(page.locator(".seen img"))[:, 0].max() < 128
        page.get_by_label("One character on paper").uncheck()

        drop = """([section, content]) => {
            const files = new DataTransfer();
            const bytes = Uint8Array.from(atob(content), (sign) => sign.charCodeAt(0));
            for (const name of ["猫.png", "b.png"]) files.items.add(new File([bytes], name, {type: "image/png"}));
            files.items.add(new File(["words"], "notes.png", {type: "image/png"}));
            document.querySelector(section).dispatchEvent(new DragEvent("drop", {dataTransfer: files, bubbles: true}));
        }"""
        content = base64.b64encode(picture(zero)["buffer"]).decode()
        page.evaluate(drop, ["[data-tab=draw]", content])
        page.locator(".photos .share").nth(1).wait_for()
        assert [text.partition("\n")[0] for text in page.locator(".photos li").all_inner_texts()] == ["猫.png", "b.png"]
        assert all(text.startswith("0, ") for text in page.locator(".photos .share").all_inner_texts())
        settle(page, "draw")
        page.locator("[data-tab=draw] .error").get_by_text("'notes.png' is no image").wait_for()

        draw(page, "draw", [[(0.5, 0.2), (0.5, 0.8)]])
        page.get_by_text("Cut out, scaled and centered").wait_for()
        assert page.locator(".photos li").count() == 0


def test_embedded_digits_drawn_by_mouse_moves_are_mostly_read(browser: Any, bench: Workbench, digits: ImageSet) -> None:
    """A quickly trained recognizer of 8x8 pixels reads ten; how well MNIST's digits are read is a slow test."""
    labels = digits.require_labels()[:10]
    with opened(browser, bench, "draw") as page:
        found = read_back(page, digits.in_memory()[:10, ..., 0])
    right = sum(one == digits.classes[label] for one, label in zip(found, labels, strict=True))
    assert right >= 6, found


@pytest.mark.slow
@pytest.mark.skipif(DATA is None, reason="no MNIST: name its folder in ELMYR_DATA")
def test_twenty_test_digits_of_mnist_drawn_by_mouse_moves_are_read(browser: Any, tmp_path: Path) -> None:
    """The first twenty of the test part, thinned and walked as a pen would: at least 18 are read right."""
    assert DATA is not None
    recognizer = Recognizer(method="supervised", updates=600, base=16, device="cpu")
    run = train_recognizer("mnist", recognizer, out=tmp_path / "mnist", data_root=DATA)
    images = images_to_read(run.path, data_root=DATA)
    with (
        served(run.path, options=["--runs", str(tmp_path), "--data-root", DATA]) as bench,
        opened(browser, bench, "draw") as page,
    ):
        found = read_back(page, images.in_memory()[:DRAWN, ..., 0])
    right = sum(one == str(label) for one, label in zip(found, images.require_labels()[:DRAWN], strict=True))
    assert right >= 18, found


def test_a_finger_and_a_pen_draw_too(browser: Any, bench: Workbench) -> None:
    """As pointer events: the stylus draws as wide as it is pressed, and a second finger does not disturb the first."""
    move = """(surface, [type, x, y, id, pointerType, pressure]) => surface.dispatchEvent(new PointerEvent(type,
        {clientX: x, clientY: y, pointerId: id, pointerType, pressure, isPrimary: true, bubbles: true}))"""
    widths = {}
    with opened(browser, bench, "draw", has_touch=True, viewport={"width": 390, "height": 800}) as page:
        surface = page.locator("canvas.pad").first
        surface.evaluate("surface => (surface.setPointerCapture = () => {})")  # there is no such pointer
        for kind, pressure in (("touch", 0.5), ("pen", 0.1), ("pen", 0.9)):
            surface.scroll_into_view_if_needed()  # a press of the button below may have moved the page
            box = surface.bounding_box()
            x = box["x"] + box["width"] / 2
            for name, y in (("pointerdown", 60), ("pointermove", 180), ("pointermove", 300), ("pointerup", 300)):
                surface.evaluate(move, [name, x, box["y"] + y, 7, kind, pressure])
                surface.evaluate(move, ["pointermove", box["x"] + 5, box["y"] + 5, 8, "touch", 0.5])
            settle(page, "draw")
            assert pixels_of(page.locator(".seen img"))[:, 3:5].max() == 255
            row = """surface => surface.getContext("2d").getImageData(0, 280, 560, 1).data.filter(
                (value, place) => place % 4 === 3 && value > 128).length"""
            page.wait_for_function(f"() => ({row})(document.querySelector('canvas.pad')) > 0")
            widths[kind, pressure] = surface.evaluate(row)
            page.get_by_role("button", name="Clear").first.click()
            page.get_by_text("Nothing is drawn yet.").wait_for()
        assert page.evaluate("getComputedStyle(document.querySelector('canvas.pad')).touchAction") == "none"
    assert widths["pen", 0.1] < widths["touch", 0.5] < widths["pen", 0.9]


def test_a_link_gives_exactly_the_same_grid_to_the_byte(browser: Any, bench: Workbench, tmp_path: Path) -> None:
    with opened(browser, bench, "generate", permissions=["clipboard-read", "clipboard-write"]) as page:
        page.get_by_text("100 images of seed 0").wait_for()
        page.locator("#generate-class").select_option("7")
        page.locator("#generate-count").fill("9")
        page.locator("#generate-seed").fill("3")
        page.locator("#generate-truncation").fill("0.6")
        page.get_by_role("button", name="Generate").click()
        page.get_by_text("9 images of class 7, seed 3").wait_for()
        grid = page.locator(".grid img")
        first, shown = grid.get_attribute("src"), pixels_of(grid)
        assert grid.get_attribute("alt") == "9 images of class 7, seed 3"
        page.get_by_role("button", name="Copy the link").click()
        page.get_by_role("button", name="Copied").wait_for()
        link = page.evaluate("navigator.clipboard.readText()")
        assert link == page.url
        saved = {}
        for kind in ("PNG", "npz"):
            with page.expect_download() as download:
                page.get_by_role("link", name=f"Download as {kind}").click()
            saved[kind] = tmp_path / download.value.suggested_filename
            download.value.save_as(saved[kind])
        assert (np.asarray(Image.open(saved["PNG"])) == shown).all()
        assert saved["PNG"].read_bytes() == base64.b64decode(first.partition(",")[2])
        with np.load(saved["npz"], allow_pickle=False) as arrays:
            assert arrays["images"].shape == (9, 8, 8, 1) and (arrays["labels"] == 7).all()
        page.get_by_role("button", name="The next seed").click()
        page.get_by_text("9 images of class 7, seed 4").wait_for()
        assert grid.get_attribute("src") != first
    with opened(browser, bench, link.partition("#")[2]) as page:
        page.get_by_text("9 images of class 7, seed 3").wait_for()
        assert page.locator(".grid img").get_attribute("src") == first
        assert page.locator("#generate-truncation").input_value() == "0.6"


def test_sliders_steer_the_grid_and_a_link_keeps_where_they_stand(browser: Any, bench: Workbench) -> None:
    with opened(browser, bench, "generate") as page:
        page.get_by_text("100 images of seed 0").wait_for()
        grid = page.locator("[data-tab=generate] .grid img")
        plain = pixels_of(grid).mean()
        slider = page.locator("#generate-steer-brightness")
        slider.focus()
        press(page, "End")
        page.wait_for_function("() => document.location.hash.includes('move=brightness%3D2')")
        settle(page, "generate")
        bright, link = grid.get_attribute("src"), page.url
        assert pixels_of(grid).mean() > plain
        assert page.locator("[data-tab=generate] details").get_attribute("hidden") is None  # of sefa
    with opened(browser, bench, link.partition("#")[2]) as page:
        settle(page, "generate")
        page.locator("[data-tab=generate] .grid img").wait_for()
        assert page.locator("[data-tab=generate] .grid img").get_attribute("src") == bright
        assert page.locator("#generate-steer-brightness").input_value() == "2"
        page.get_by_role("button", name="All back to 0").click()
        page.wait_for_function("() => !document.location.hash.includes('brightness')")
        settle(page, "generate")
        assert pixels_of(page.locator("[data-tab=generate] .grid img")).mean() == plain


def test_an_image_is_edited_as_sliders_move(browser: Any, bench: Workbench, digits: ImageSet) -> None:
    with opened(browser, bench, "edit") as page:
        page.get_by_text("Draw or choose an image.").wait_for()
        draw(page, "edit", strokes_of(digits.images[0][..., 0]))
        page.get_by_text("The nearest image is of class").wait_for()
        settle(page, "edit")
        shown = page.locator("[data-tab=edit] .answers img")
        given, nearest, edited = (pixels_of(shown.nth(place)) for place in range(3))
        assert (nearest == edited).all() and given.shape[:2] == (8, 8)
        assert page.locator("[data-tab=edit] .hand img").count() == 10
        tab_to(page, "#edit-steer-brightness")  # with the keyboard alone
        press(page, "End")
        before = shown.nth(2).get_attribute("src")
        page.wait_for_function(
            "before => document.querySelectorAll('[data-tab=edit] .answers img')[2]?.src !== before", arg=before
        )
        settle(page, "edit")
        assert pixels_of(shown.nth(2)).mean() > edited.mean()
        assert (pixels_of(shown.nth(1)) == nearest).all()
        page.locator("#edit-into_class").select_option("7")
        settle(page, "edit")
        page.locator("[data-tab=edit] [data-do=take]").click()  # a generated one, which stays where it is
        page.wait_for_function(
            "before => document.querySelectorAll('[data-tab=edit] .answers img')[0]?.src !== before",
            arg=shown.nth(0).get_attribute("src"),
        )
        page.locator("[data-tab=edit] [data-do=empty]").click()
        page.get_by_text("Draw or choose an image.").wait_for()
        assert shown.count() == 0


def test_what_is_rubbed_out_is_made_anew_and_the_rest_stays(browser: Any, bench: Workbench, digits: ImageSet) -> None:
    given = digit(digits, 3)
    with opened(browser, bench, "repair") as page:
        page.locator("[data-tab=repair] [type=file]").set_input_files(picture(given))
        page.locator("[value=rub]:checked").wait_for()
        draw(page, "repair", [[(0.4, 0.55), (0.6, 0.55)]])
        page.locator("#repair-answers").fill("3")
        page.get_by_role("button", name="Repair").click()
        page.get_by_text("Repaired: 3 answers").wait_for()
        sent = pixels_of(page.locator(".given img"))
        hidden = sent[..., 3] == 0
        assert 2 <= hidden.sum() <= 16 and hidden[4, 3:5].all()
        assert (sent[..., 0] == given)[~hidden].all()
        answers = [pixels_of(image) for image in page.locator(".answer img").all()]
        assert len(answers) == 3
        assert all((answer == given)[~hidden].all() for answer in answers)
        assert any((answer != answers[0])[hidden].any() for answer in answers[1:])
        spread = pixels_of(page.locator(".spread img"))
        assert (spread[~hidden] == 0).all() and spread[hidden].max() > 0

        page.locator("#repair-noise").fill("0.3")
        page.locator("#repair-answers").fill("1")
        page.get_by_role("button", name="Repair").click()
        page.get_by_text("Repaired: one answer").wait_for()
        noisy = pixels_of(page.locator(".given img"))
        assert (noisy != given)[~hidden].mean() > 0.5 and page.locator(".spread img").count() == 0


def test_images_to_repair_are_drawn_or_generated(browser: Any, bench: Workbench) -> None:
    sheet = "document.querySelector('[data-tab=repair] canvas.pad')"
    ink = f"""{sheet}.getContext('2d').getImageData(0, 0, 560, 560).data.filter(
        (value, place) => place % 4 === 0 && value > 100).length"""
    with opened(browser, bench, "repair") as page:
        draw(page, "repair", [[(0.5, 0.1), (0.5, 0.9)]])
        page.wait_for_function(f"() => {ink} > 10000")
        page.get_by_role("button", name="An empty image").click()
        page.wait_for_function(f"() => {ink} === 0")
        page.get_by_role("button", name="Take a generated image").click()
        page.wait_for_function(f"() => {ink} > 0")
        page.locator("[value=rub]:checked").wait_for()


def test_what_comes_transparent_counts_as_rubbed_out(browser: Any, bench: Workbench, digits: ImageSet) -> None:
    given = np.repeat(digit(digits, 3)[..., None], 4, 2)
    given[..., 3] = 255
    given[2:4, 2:5, 3] = 0
    with opened(browser, bench, "repair") as page:
        page.locator("[data-tab=repair] [type=file]").set_input_files(picture(given))
        page.locator("[value=rub]:checked").wait_for()
        page.get_by_role("button", name="Repair").click()
        page.get_by_text("Repaired: 4 answers").wait_for()
        assert ((pixels_of(page.locator(".given img"))[..., 3] == 0) == (given[..., 3] == 0)).all()
        assert (pixels_of(page.locator(".answer img").first) == given[..., 0])[given[..., 3] > 0].all()


def test_an_image_stands_beside_its_translation_in_either_direction(
    browser: Any, bench: Workbench, digits: ImageSet, runs: Path
) -> None:
    translator = Translator.load(runs / "translator", device="cpu")
    with opened(browser, bench, "translate") as page:
        section = page.locator("[data-tab=translate]")

        def comes(expected: NDArray[np.uint8]) -> bool:
            for _ in range(100):
                if np.array_equal(pixels_of(section.locator(".answers img")), expected):
                    return True
                page.wait_for_timeout(50)
            return False

        assert section.locator("h2").all_inner_texts() == ["digits-thin", "digits-thick"]
        empty = translator.translate(np.zeros((1, 8, 8, 1), np.uint8))[0, ..., 0]
        assert comes(empty)
        draw(page, "translate", [[(0.2, 0.2), (0.8, 0.8)]])
        settle(page, "translate")
        assert not np.array_equal(pixels_of(section.locator(".answers img")), empty)
        image = digits.in_memory()[5, ..., 0]
        section.locator("[type=file]").set_input_files(
            {"name": "five.png", "mimeType": "image/png", "buffer": as_png(image)}
        )
        there = translator.translate(image[None], "a-to-b")[..., 0]
        assert comes(there[0])
        section.get_by_role("button", name="Translate the result back").click()
        assert section.locator("h2").all_inner_texts() == ["digits-thick", "digits-thin"]
        assert comes(translator.translate(there, "b-to-a")[0, ..., 0])
        section.get_by_label("digits-thin to digits-thick").check()
        assert comes(translator.translate(there, "a-to-b")[0, ..., 0])


def test_an_upload_that_is_no_image_is_told(browser: Any, bench: Workbench) -> None:
    with opened(browser, bench, "repair") as page:
        error = page.locator("[data-tab=repair] .error")
        page.locator("[data-tab=repair] [type=file]").set_input_files(
            {"name": "notes.png", "mimeType": "image/png", "buffer": b"these are words"}
        )
        error.get_by_text("'notes.png' is no image that this browser can open: choose a PNG or JPEG").wait_for()
        page.locator("[data-tab=repair] [type=file]").set_input_files(picture(np.zeros((2100, 2000), np.uint8)))
        error.get_by_text("'picture.png' has 4,200,000 pixels, at most 4,000,000 are taken").wait_for()
        page.locator("[data-tab=repair] [type=file]").set_input_files(picture(np.full((8, 8), 99, np.uint8)))
        error.wait_for(state="hidden")


def test_between_two_images_a_slider_walks_and_an_animation_where_motion_is_wanted(
    browser: Any, bench: Workbench
) -> None:
    with opened(browser, bench, "between?from_seed=3&to_seed=5&from_class=1&to_class=8&steps=5") as page:
        place = page.get_by_label("Position")
        page.locator(".strip img").nth(4).wait_for()
        frames = [pixels_of(image) for image in page.locator(".strip img").all()]
        for number in (0, 2, 4):
            place.fill(str(number))
            assert (pixels_of(page.locator(".stage img")) == frames[number]).all()
        assert place.get_attribute("aria-valuetext") == "Interpolated image 5 of 5"
        assert any((one != frames[0]).any() for one in frames)
        page.get_by_role("button", name="Play").click()
        page.wait_for_function("() => document.getElementById('between-place').value === '1'")  # on its way back
        page.get_by_role("button", name="Stop").click()
    with opened(browser, bench, "between", reduced_motion="reduce") as page:
        page.locator(".strip img").nth(4).wait_for()
        assert page.get_by_role("button", name="Play").count() == 0
        page.get_by_text("use the slider").wait_for()


def test_runs_are_listed_opened_and_compared(browser: Any, bench: Workbench, runs: Path) -> None:
    figures = [
        {"name": "frechet_distance", "title": "FID (elmyr's features)", "value": 12.5, "low": 11.0, "high": 14.25,
         "yardstick": 3.5, "better": "lower"},
        {"name": "of_a_plug_in", "title": "Gap of the means", "value": 0.25, "low": 0.125, "high": 0.5,
         "yardstick": 0.0625, "better": "lower"},
    ]  # fmt: skip
    told = {"figures": figures, "extractor": {"name": "domain"}, "count": 500, "against": "test"}
    (runs / "gan" / "evaluation.json").write_text(json.dumps(told))
    shutil.copytree(runs / "gan", runs / "other")
    (runs / "other" / "evaluation.json").write_text(json.dumps(told | {"count": 400}))
    with opened(browser, bench, "runs") as page:
        row = page.get_by_role("row").filter(has=page.get_by_role("link", name="Open gan"))
        cells = row.inner_text()
        assert "finished" in cells and "FID (elmyr's features) 12.5 (11 to 14.25)" in cells
        assert "500 images, feature extractor domain" in cells
        page.get_by_role("link", name="Open gan").click()
        page.get_by_role("heading", name="gan", exact=True).wait_for()
        page.get_by_role("img", name="Losses against training images processed").wait_for()
        page.locator(".pair img").wait_for()
        last = page.locator(".pair img").get_attribute("src")
        page.get_by_label("Training images processed", exact=True).fill("0")
        page.wait_for_function("src => document.querySelector('.pair img').getAttribute('src') !== src", arg=last)
        table = page.locator(".figures table").inner_text()
        assert "3.5" in table and "lower" in table
        assert "Gap of the means\t0.25 (0.125 to 0.5)\t0.0625\tlower" in table  # that no table of this elmyr has
        page.get_by_label("Compare with").select_option("other")
        page.get_by_role("heading", name="gan beside other").wait_for()
        page.get_by_text("These figures cannot be compared").wait_for()  # of 500 and of 400 images
        page.get_by_label("Compare with").select_option("restorer")
        page.get_by_role("heading", name="gan beside restorer").wait_for()
        page.locator(".pair img").nth(1).wait_for()
        assert page.url.endswith("#runs?run=gan&with=restorer")
        page.reload()
        page.get_by_role("heading", name="gan beside restorer").wait_for()


def test_a_collapsed_run_is_listed_as_collapsed_with_cause_and_fix(browser: Any, bench: Workbench, runs: Path) -> None:
    shutil.copytree(runs / "gan", runs / "flat")
    summary = json.loads((runs / "flat" / "summary.json").read_text())
    collapse = {
        "trouble": "mode collapse", "images": 60_000, "modes": 0.05, "diversity": 0.1, "precision": 0.5,
        "told_apart": 0.9, "settings": {"penalties.r1": 3.0, "penalties.r2": 3.0},
    }  # fmt: skip
    (runs / "flat" / "summary.json").write_text(json.dumps(summary | {"collapse": collapse}))
    try:
        for language, state, settings in (("en", "collapsed", "Train again with"), ("zh", "已崩溃", "重新训练")):
            with opened(browser, bench, "runs?run=flat", language) as page:
                line = page.locator(".collapse")
                line.wait_for()
                told = line.inner_text()
                assert "60,000" in told and "5%" in told and settings in told
                assert "--set penalties.r1=3 --set penalties.r2=3" in " ".join(told.split())
                row = page.get_by_role("row").filter(has=page.locator("a", has_text="flat"))
                assert state in row.inner_text()
                assert serious_violations(page) == []
    finally:
        shutil.rmtree(runs / "flat")


def test_a_training_in_progress_is_watched_live(browser: Any, bench: Workbench, runs: Path) -> None:
    begin = [sys.executable, "-m", "elmyr", "train", "digits", "--out", str(runs / "live"), "--images", "40k", "-q"]
    settings = ["--set", "network.base=8", "--device", "cpu"]
    with opened(browser, bench, "watch") as page:
        page.get_by_text("The training is finished.").wait_for()
        training = subprocess.Popen([*begin, *settings], env={**os.environ, "OMP_NUM_THREADS": "1"})
        try:
            page.get_by_text("Training: this page updates by itself.").wait_for()  # it found it by itself
            seen = "Number(document.querySelector('progress').value)"
            page.wait_for_function(f"() => {seen} > 0")
            first = page.evaluate(seen)
            chart = page.get_by_role("img", name="Losses against training images processed")
            before = chart.get_attribute("aria-label")
            page.wait_for_function(f"first => {seen} > first", arg=first)
            page.wait_for_function(
                "before => document.querySelector('[data-tab=watch] svg').getAttribute('aria-label') !== before",
                arg=before,
            )
            page.locator(".preview img").wait_for()
            assert "images, " in page.locator(".rate").inner_text()
            training.terminate()  # it saves what it has, and says that it stopped
            page.get_by_text("The training has stopped.").wait_for()
        finally:
            training.kill()
            training.wait()


def tab_to(page: Any, selector: str) -> None:
    """With the Tab key, as somebody without a mouse gets there."""
    for _ in range(60):
        if page.evaluate(f"document.activeElement.matches({json.dumps(selector)})"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the Tab key does not lead to {selector}")


def press(page: Any, key: str, times: int = 1) -> None:
    for _ in range(times):
        page.keyboard.press(key)


def test_everything_goes_with_the_keyboard_alone(browser: Any, bench: Workbench, runs: Path) -> None:
    with opened(browser, bench, "draw") as page:
        tab_to(page, "canvas.pad")
        press(page, "ArrowUp", 13)
        page.keyboard.press("Space")
        page.get_by_text("The pen is down: arrow keys draw.").wait_for()
        for side, along in (("Right", "Down"), ("Left", "Down"), ("Left", "Up"), ("Right", "Up")):  # a rhombus
            page.keyboard.down(f"Arrow{side}")
            press(page, f"Arrow{along}", 10)
            page.keyboard.up(f"Arrow{side}")
        page.keyboard.press("Space")
        settle(page, "draw")
        ring = pixels_of(page.locator(".seen img"))
        assert ring[[0, -1]].max() > 100 and ring[3:5, 3:5].max() < 100
        page.keyboard.press("Shift+ArrowDown")  # no stroke: the pen is up
        page.keyboard.press("Space")
        press(page, "Shift+ArrowDown", 2)
        settle(page, "draw")
        assert pixels_of(page.locator(".seen img"))[3:5, 3:5].max() > 100
        page.keyboard.press("Backspace")
        settle(page, "draw")
        assert (pixels_of(page.locator(".seen img")) == ring).all()
        page.keyboard.press("Delete")
        page.get_by_text("Nothing is drawn yet.").wait_for()
        page.reload()
        tab_to(page, "nav a[href='#generate']")
        page.keyboard.press("Enter")
        page.get_by_text("100 images of seed 0").wait_for()
        tab_to(page, "#generate-seed")
        page.keyboard.type("12")
        page.keyboard.press("Enter")
        page.get_by_text("100 images of seed 12").wait_for()

        page.goto(address(bench, "repair"))
        page.reload()
        tab_to(page, "[data-do=take]")
        page.keyboard.press("Enter")
        page.locator("[value=rub]:checked").wait_for()
        tab_to(page, "[data-tab=repair] canvas.pad")
        page.keyboard.press("Space")
        press(page, "ArrowRight", 4)
        tab_to(page, "[data-tab=repair] form button")
        page.keyboard.press("Enter")
        page.get_by_text("Repaired: 4 answers").wait_for()
        hidden = pixels_of(page.locator(".given img"))[..., 3] == 0
        assert 2 <= hidden.sum() <= 16

        page.goto(address(bench, "between"))
        page.reload()
        page.locator(".strip img").nth(16).wait_for()
        tab_to(page, "#between-place")
        press(page, "ArrowRight", 3)
        page.get_by_role("img", name="Interpolated image 4 of 17").wait_for()

        page.goto(address(bench, "runs"))
        page.reload()
        page.get_by_role("link", name="Open restorer").wait_for()
        tab_to(page, "a[href='#runs?run=restorer']")
        page.keyboard.press("Enter")
        page.locator("h2:focus").wait_for()
        assert page.locator("h2:focus").inner_text() == "restorer"

        page.goto(address(bench, "watch"))
        page.reload()
        page.locator("#watch-run option[value=restorer]").wait_for(state="attached")
        tab_to(page, "#watch-run")
        page.keyboard.type("restorer")
        page.get_by_text("The training is finished.").wait_for()


FILLED: dict[str, Callable[[Any], None]] = {
    "draw": lambda page: (
        page.locator(".explains").check(),
        draw(page, "draw", [[(0.5, 0.1), (0.5, 0.9)]]),
        page.locator(".map img").wait_for(),
        page.locator(".nearest li").first.wait_for(),
    ),
    "generate": lambda page: page.locator(".grid img").wait_for(),
    "repair": lambda page: (
        draw(page, "repair", [[(0.5, 0.1), (0.5, 0.9)]]),
        page.locator("[data-tab=repair] button.main").click(),
        page.locator(".answer img").first.wait_for(),
    ),
    "between": lambda page: page.locator(".strip img").first.wait_for(),
    "edit": lambda page: (
        draw(page, "edit", [[(0.5, 0.1), (0.5, 0.9)]]),
        page.locator("[data-tab=edit] .hand img").first.wait_for(),
    ),
    "runs?run=gan&with=restorer": lambda page: page.locator(".pair img").nth(1).wait_for(),
    "watch?run=gan": lambda page: page.locator(".preview img").wait_for(),
}  # type: ignore[dict-item]  # lambdas of several steps give tuples, which nobody reads
LOOKS = [
    (language, scheme, width) for language in ("en", "zh") for scheme in ("light", "dark") for width in (360, 1280)
]
QUICK_LOOK = ("zh", "dark", 360)


@pytest.mark.parametrize(
    ("language", "scheme", "width"),
    [look if look == QUICK_LOOK else pytest.param(*look, marks=pytest.mark.slow) for look in LOOKS],
)
def test_every_tab_is_accessible_and_fits(
    browser: Any, bench: Workbench, language: str, scheme: str, width: int
) -> None:
    look = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    for tab, fill in FILLED.items():
        with opened(browser, bench, tab, language, **look) as page:
            fill(page)
            assert serious_violations(page) == [], tab
            assert page.evaluate("document.documentElement.scrollWidth") <= width, tab
            assert page.locator("html").get_attribute("lang") == {"en": "en", "zh": "zh-CN"}[language]
            assert ("生成" in page.locator("nav").inner_text()) == (language == "zh")


def test_an_address_that_names_no_tab_leads_to_the_first(browser: Any, bench: Workbench) -> None:
    with opened(browser, bench, "between") as page:
        for name in ("nowhere", "constructor"):
            page.goto(address(bench, "between"))
            page.locator("[data-tab=between]").wait_for()
            page.goto(address(bench, name))
            page.locator("[data-tab=draw]").wait_for()


def test_the_switch_of_languages_keeps_the_place(browser: Any, bench: Workbench) -> None:
    with opened(browser, bench, "generate?count=4&seed=9") as page:
        page.get_by_text("4 images of seed 9").wait_for()
        page.get_by_role("link", name="中文").click()
        page.get_by_text("4 张图像，种子 9").wait_for()


def test_what_the_server_refuses_and_a_server_that_has_gone_are_told(
    browser: Any, bench: Workbench, runs: Path
) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(address(bench, "generate?model=short-lived"))
    page.get_by_text("100 images of seed 0").wait_for()
    shutil.rmtree(runs.parent / "short-lived")
    page.get_by_role("button", name="The next seed").click()
    page.locator("[data-tab=generate] .error", has_text="'short-lived' has been removed since it is served").wait_for()
    page.locator("#generate-model").select_option("gan")
    page.get_by_role("button", name="Generate").click()
    page.locator(".grid img").wait_for()
    assert page.locator("[data-tab=generate] .error").inner_text() == ""
    context.set_offline(True)
    page.get_by_role("button", name="The next seed").click()
    page.get_by_text("The server does not answer: is elmyr serve still running?").wait_for()
    context.close()
