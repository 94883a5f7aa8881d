"""The survey as people meet it: in a browser, with the keyboard alone, with a reload in the middle."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from elmyr.evaluation.people.survey import read_answers
from tests.browser import launched, needs_browser, serious_violations
from tests.serving.server import Served, served

pytestmark = needs_browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as opened:
        yield opened


def truth(server: Served, page: Any) -> list[str]:
    """Which side each image on the page is from; the page itself cannot know."""
    addresses = page.locator("#images img").evaluate_all("images => images.map((image) => image.src)")
    return [server.survey.image(address.rpartition("/")[2])[0] for address in addresses]


def wait_for_question(page: Any, number: int) -> None:
    page.get_by_text(f"Question {number} of 20").wait_for()


def test_twenty_answers_with_the_keyboard_alone_and_a_reload_in_the_middle(tmp_path: Path, browser: Any) -> None:
    with served(tmp_path) as server:
        context = browser.new_context()
        page = context.new_page()
        problems: list[str] = []
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(server.url)
        page.locator("#name:focus").wait_for()
        page.keyboard.type("Ann")
        page.keyboard.press("Enter")
        given = []
        for number in range(1, 21):
            wait_for_question(page, number)
            if number == 8:
                before = page.locator("#images img").get_attribute("src")
                page.reload()
                wait_for_question(page, number)
                assert page.locator("#images img").get_attribute("src") == before
            assert all(word not in page.content() for word in ('"real"', '"generated"', server.survey.run))
            (side,) = truth(server, page)
            key = "ArrowLeft" if number % 3 else "ArrowRight"
            given.append((side == "real", key == "ArrowLeft"))
            page.keyboard.press(key)
        page.get_by_text("Thank you").wait_for()
        taken = sum(real_said for real, real_said in given if not real)
        assert page.locator("#found").inner_text() == f"You took {taken} of 10 generated images for real."
        answers = read_answers(server.survey.path, "this run")
        assert [(one.real, one.taken) for one in answers] == given
        assert {one.name for one in answers} == {"Ann"}
        assert all(0 < one.seconds < 60 for one in answers)
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.locator("#name:focus").wait_for()
        assert page.locator("#name").input_value() == ""
        assert [line for line in problems if "404" not in line] == []  # the first question of a person without a seat
        context.close()


def test_pairs_are_answered_by_touch_by_two_people_at_once(tmp_path: Path, browser: Any) -> None:
    with served(tmp_path, form="pairs", questions=4, show=0.05) as server:
        contexts = [browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True) for _ in range(2)]
        pages = [context.new_page() for context in contexts]
        for number, page in enumerate(pages):
            page.goto(server.url)
            page.get_by_label("Your name").fill(f"person of page {number}")
            page.get_by_role("button", name="Begin").tap()
        for question in range(1, 5):
            for number, page in enumerate(pages):
                page.get_by_text(f"Question {question} of 4").wait_for()
                assert page.evaluate("document.documentElement.scrollWidth") <= 360
                page.locator("#images .gone").nth(1).wait_for(state="attached")  # both are hidden by and by
                sides = truth(server, page)
                assert sorted(sides) == ["generated", "real"]
                right = ["The left one", "The right one"][
                    sides.index("real") if number == 0 else sides.index("generated")
                ]
                page.get_by_role("button", name=right).tap()
        told = []
        for page in pages:
            page.get_by_text("Thank you").wait_for()
            told.append(page.locator("#found").inner_text())
        assert [line.split()[2] for line in told] == ["0", "4"]
        for context in contexts:
            context.close()


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("zh", "dark")])
def test_the_page_is_accessible(tmp_path: Path, browser: Any, language: str, scheme: str) -> None:
    with served(tmp_path, language=language) as server:
        context = browser.new_context(color_scheme=scheme)
        page = context.new_page()
        page.goto(server.url)
        page.locator("#begin").wait_for()
        assert serious_violations(page) == []
        page.locator("form button").click()
        page.locator("#images img").wait_for()
        assert serious_violations(page) == []
        assert page.locator("html").get_attribute("lang") == {"en": "en", "zh": "zh-CN"}[language]
        assert ("真实" in page.locator("#choices").inner_text()) == (language == "zh")
        context.close()


def test_a_reload_neither_shows_a_hidden_image_again_nor_restarts_the_clock(tmp_path: Path, browser: Any) -> None:
    with served(tmp_path, show=1000) as server:
        context = browser.new_context()
        page = context.new_page()
        page.goto(server.url)
        page.locator("form button").click()
        wait_for_question(page, 1)
        assert page.locator("#images .gone").count() == 0
        for hours, gone in ((0, 0), (1, 1), (48, 1)):
            with closing(sqlite3.connect(server.survey.path)) as base, base:
                base.execute("UPDATE questions SET shown = shown - ?", (hours * 3600,))
            page.reload()
            wait_for_question(page, 1)
            assert page.locator("#images .gone").count() == gone
        page.keyboard.press("ArrowLeft")
        wait_for_question(page, 2)
        assert page.locator("#images .gone").count() == 0
        assert [one.seconds for one in read_answers(server.survey.path, "this run")] == [24 * 3600]
        context.close()


def test_an_arrow_with_a_modifier_is_no_answer(tmp_path: Path, browser: Any) -> None:
    with served(tmp_path) as server:
        context = browser.new_context()
        page = context.new_page()
        page.goto(server.url)
        page.locator("form button").click()
        wait_for_question(page, 1)
        for modifier in ("Alt", "Control", "Meta", "Shift"):
            page.locator("#asked").dispatch_event(
                "keydown", {"key": "ArrowRight", f"{modifier.replace('Control', 'Ctrl').lower()}Key": True}
            )
        page.keyboard.press("ArrowLeft")
        wait_for_question(page, 2)
        assert [one.taken for one in read_answers(server.survey.path, "this run")] == [True]
        context.close()


def test_a_page_of_the_other_form_begins_anew(tmp_path: Path, browser: Any) -> None:
    with served(tmp_path) as server:
        context = browser.new_context()
        page = context.new_page()
        page.goto(server.url)
        page.locator("form button").click()
        wait_for_question(page, 1)
        object.__setattr__(server.survey, "form", "pairs")  # as if it were started again on the same port
        page.keyboard.press("ArrowLeft")
        page.locator("#name:focus").wait_for()
        assert read_answers(server.survey.path, "this run") == []
        context.close()


def test_no_seat_and_a_server_that_has_gone_are_told(tmp_path: Path, browser: Any) -> None:
    context = browser.new_context()
    page = context.new_page()
    with served(tmp_path, seats=1) as server:
        seat = server.sit()
        page.goto(server.url)
        page.locator("form button").click()
        page.get_by_text("all 1 seats are taken").wait_for()
        server.ask("POST", "/leave", {}, seat=seat)
        page.locator("form button").click()
        wait_for_question(page, 1)
    page.keyboard.press("ArrowLeft")
    page.get_by_text("The survey does not answer").wait_for()
    context.close()
