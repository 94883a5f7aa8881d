"""Who may ask: the address, the origin and the token, on every route and method."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from elmyr.images import ImageSet
from tests.serving.workbench import Workbench, as_npy, served

TOKEN = "a-token-of-enough-signs"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")
OPEN = {"/health/live", "/health/ready"}


@pytest.fixture(scope="module")
def locked(small_runs: Path) -> Iterator[Workbench]:
    """One that is open to other machines."""
    with served(small_runs / "reader", token=TOKEN, options=["--runs", str(small_runs), "--host", "0.0.0.0"]) as it:
        yield it


def addresses(workbench: Workbench) -> list[str]:
    paths = [*workbench.get("/v1/openapi.json").json["paths"], "/", "/v1/openapi.json", "/static/survey.js", "/nowhere"]
    filled = {"{model}": "reader", "{run}": "reader", "{position}": "1"}
    for name, value in filled.items():
        paths = [path.replace(name, value) for path in paths]
    return paths


def test_without_the_token_nothing_but_health_is_answered(locked: Workbench) -> None:
    paths = addresses(locked)
    assert len(paths) > 12 and set(paths) >= OPEN
    for path in paths:
        for method in METHODS:
            for wrong in (
                None,
                "",
                "Bearer",
                "Bearer wrong",
                f"Bearer {TOKEN}x",
                f"Basic {TOKEN}",
                f"Bearer {TOKEN[:-1]}",
            ):
                if wrong not in (None, "Bearer wrong") and method not in ("GET", "POST"):
                    continue
                status = locked.ask(method, path, authorization=wrong).status
                assert status == 401 or path in OPEN, (method, path, wrong, status)
    assert all(locked.get(path, authorization=None).status == 200 for path in OPEN)


def test_the_token_opens_everything_and_a_cookie_carries_it(locked: Workbench, digits: ImageSet) -> None:
    assert locked.get("/v1/models").status == 200
    body = as_npy(digits.in_memory()[:1])
    assert locked.post("/v1/models/reader/recognize", body).status == 200
    refused = locked.get("/?token=wrong", authorization=None)
    assert refused.status == 401 and "set-cookie" not in refused.headers and TOKEN not in refused.body.decode()
    led = locked.get(f"/?token={TOKEN}", authorization=None)
    assert led.status == 303 and led.headers["location"] == "/"
    cookie = led.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie
    carried = cookie.partition(";")[0]
    assert locked.get("/", authorization=None, cookie=carried).status == 200
    assert locked.get("/", authorization=None, cookie=carried[:-1]).status == 401
    beside = f'of another port={{"a": [1]}}; {carried}'  # a browser sends the cookies of all ports of a host
    assert locked.get("/", authorization=None, cookie=beside).status == 200
    assert locked.get("/", authorization=None, cookie="\x01;==").status == 401
    own, other = f"http://127.0.0.1:{locked.port}", "http://evil.example"
    for origin, status in ((own, 200), (other, 403), ("null", 403)):
        told = locked.post("/v1/models/reader/recognize", body, authorization=None, cookie=carried, origin=origin)
        assert told.status == status
    assert locked.log.read_text().count(TOKEN) == 0


def test_a_foreign_page_changes_nothing_and_a_foreign_name_sees_nothing(workbench: Workbench, digits: ImageSet) -> None:
    body, own = as_npy(digits.in_memory()[:1]), f"http://127.0.0.1:{workbench.port}"
    path = "/v1/models/reader/recognize"
    assert workbench.post(path, body, origin=own).status == 200
    assert workbench.post(path, body).status == 200  # a program, which no browser sends
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for origin in ("http://evil.example", "null", own.replace("http", "https") + "0", own + "/", "file://"):
            assert workbench.ask(method, path, body, origin=origin).status == 403
        assert workbench.ask(method, path, body, sec_fetch_site="cross-site").status == 403
    for host in ("evil.example", f"evil.example:{workbench.port}", "127.0.0.1", f"127.0.0.1:{workbench.port + 1}", ""):
        for address in ("/", "/v1/models", "/health/live", "/metrics"):
            assert workbench.get(address, host=host).status == 403
    generate = "/v1/models/gan/generate?count=1"
    for site, dest, status in (
        ("cross-site", "image", 403),
        ("same-site", "iframe", 403),
        ("cross-site", "document", 200),
        ("same-origin", "image", 200),
        ("none", "document", 200),
    ):
        assert workbench.get(generate, sec_fetch_site=site, sec_fetch_dest=dest).status == status
    assert workbench.get("/", host=f"localhost:{workbench.port}").status == 200
    assert workbench.get("/", host=None).status in (400, 403)
