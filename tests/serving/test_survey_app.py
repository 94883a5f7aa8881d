"""What the survey's server gives away (nothing), and whom it listens to (its own page)."""

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from elmyr.core.errors import InputError
from elmyr.serving.http.pictures import equal_pngs
from elmyr.serving.http.start import listening, port_of
from tests.conftest import small_image_set
from tests.serving.server import Served, served


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("survey"), seats=1000) as started:
        yield started


def test_size_headers_and_addresses_of_images_do_not_tell_which_is_real(server: Served) -> None:
    seat, seen = server.sit(), {"real": set(), "generated": set()}
    for _ in range(20):
        question = server.ask("GET", "/standing", seat=seat).json["question"]
        assert set(question) == {"number", "form", "images", "since"}
        (token,) = question["images"]
        assert re.fullmatch(r"[0-9a-f]{32}", token)
        told = server.ask("GET", f"/images/{token}", seat=seat)
        side, place = server.survey.image(token)
        shown = np.asarray(Image.open(BytesIO(told.body)))
        assert (shown == server.pictures[side].images[place, ..., 0]).all()
        headers = tuple(sorted((name, value) for name, value in told.headers.items() if name != "date"))
        seen[side].add((len(told.body), headers, told.body[:33], told.body.count(b"paDd")))
        server.ask("POST", "/answer", {"question": question["number"], "choice": 1, "seconds": 1}, seat=seat)
    assert seen["real"] == seen["generated"] and len(seen["real"]) == 1
    assert ("cache-control", "no-store") in next(iter(seen["real"]))[1]


def test_the_page_is_the_same_for_everybody_and_knows_no_answer(server: Served) -> None:
    first = server.ask("GET", "/")
    for seat in ("", server.sit(), server.sit()):
        assert server.ask("GET", "/", seat=seat).body == first.body
    assert "script-src 'self'" in first.headers["content-security-policy"]
    assert not re.search(rb"https?://|<script(?! type=\"module\" src=\"/static/survey.js\")", first.body)
    assert b"/images/" not in first.body
    for path in ("/docs", "/openapi.json", "/static/../survey_app.py", "/static/%2e%2e/survey_app.py", "/images/x"):
        assert server.ask("GET", path).status == 404, path


def test_only_the_page_itself_may_change_anything(server: Served) -> None:
    port = server.port
    for change in (
        {"origin": None}, {"origin": "null"}, {"origin": "https://example.org"}, {"origin": f"http://localhost:{port}"},
        {"origin": f"http://127.0.0.1:{port + 1}"}, {"content_type": None},
        {"content_type": "text/plain"}, {"content_type": "application/x-www-form-urlencoded"},
    ):  # fmt: skip
        for path in ("/seat", "/answer", "/leave"):
            assert server.ask("POST", path, {"name": "x"}, **change).status in (403, 415), change  # type: ignore[arg-type]
    assert server.ask("POST", "/seat", {}, host=f"localhost:{port}", origin=f"http://localhost:{port}").status == 200


@pytest.mark.parametrize("host", ["example.org", "127.0.0.1", "127.0.0.1:1", "localhost.example.org:80", ""])
def test_under_another_name_nothing_is_to_be_had(server: Served, host: str) -> None:
    for path in ("/", "/standing", "/static/survey.js"):
        assert server.ask("GET", path, host=host).status == 403


def test_what_a_request_can_be_wrong_about_is_one_line(server: Served) -> None:
    seat = server.sit()
    number = server.ask("GET", "/standing", seat=seat).json["question"]["number"]
    for wrong in ({"choice": 2}, {"seconds": -1}, {"choice": "real"}, {"more": 1}, {"seconds": 1e9}):
        answer = {"question": number, "choice": 1, "seconds": 1.0} | wrong
        assert server.ask("POST", "/answer", answer, seat=seat).status == 422, wrong
    for token in ("", "x", "' OR 1=1 --"):
        told = server.ask("GET", "/standing", seat=token)
        assert told.status == 404 and "start again" in told.json["error"]
    for content in ({"name": "x" * 10_000}, {"name": "half \ud800"}, {"half \udfff": 1}, {"more": float("nan")}, [], 1):
        told = server.ask("POST", "/seat", content)
        assert told.status == 422 and told.json == {"error": "this is nothing that the survey's page sends"}, content
    assert server.ask("GET", "/standing", seat=seat).json["question"]["number"] == number


def test_the_seat_is_a_cookie_that_no_script_and_no_other_page_has(server: Served) -> None:
    told = server.ask("POST", "/seat", {"name": "Ann"})
    cookie = told.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie
    assert told.json["name"] == "Ann" and "results" not in told.json


def test_two_surveys_on_one_machine_leave_each_other_the_seat(server: Served, tmp_path: Path) -> None:
    """A browser sends the cookies of a host to all its ports."""
    with served(tmp_path) as other:
        jar = {}
        for one, name in ((server, "Ann"), (other, "Ann of the other")):
            told = one.ask("POST", "/seat", {"name": name}).headers["set-cookie"]
            name_of, _, token = told.partition(";")[0].partition("=")
            jar[name_of] = token
        cookies = "; ".join(f"{name}={token}" for name, token in jar.items())
        assert server.ask("GET", "/standing", cookie=cookies).json["name"] == "Ann"
        assert other.ask("GET", "/standing", cookie=cookies).json["name"] == "Ann of the other"


def test_more_people_than_seats_are_told_so(tmp_path: Path) -> None:
    with served(tmp_path, seats=1) as server:
        seat = server.sit()
        told = server.ask("POST", "/seat", {"name": "late"})
        assert told.status == 409
        assert told.json == {"error": "all 1 seats are taken: wait for one, or start with more --seats"}
        assert server.ask("POST", "/leave", {}, seat=seat).status == 200
        server.sit()


def test_a_port_in_use_is_named_and_the_next_is_taken_when_told_to() -> None:
    with listening(0) as first:
        port = port_of(first)
        with pytest.raises(InputError, match=f"port {port} is in use: choose another with --port, or add --next-port"):
            listening(port)
        with listening(port, next_free=True) as second:
            assert port < port_of(second) <= port + 50
            assert second.getsockname()[0] == "127.0.0.1"
    for wrong in (-1, 65536):
        with pytest.raises(InputError, match="from 0 to 65535"):
            listening(wrong)


def test_pngs_of_any_content_are_whole_and_equally_long() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    images = [np.zeros((9, 7, 3), np.uint8), noise, noise // 9]
    written = equal_pngs(images)
    assert len({len(png) for png in written}) == 1
    for image, png in zip(images, written, strict=True):
        with Image.open(BytesIO(png)) as opened:
            opened.verify()
        assert (np.asarray(Image.open(BytesIO(png))) == image).all()
    assert len(equal_pngs(list(small_image_set(3).images))) == 3
