"""The API over sockets, as a program and a browser see it."""

import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from elmyr.images import ImageSet
from tests.serving.workbench import Workbench, as_npy, as_png


def test_the_page_s_process_loads_no_torch(tmp_path: Path) -> None:
    code = "import sys, elmyr.serving.http.workbench_app, elmyr.serving.http.start; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    code = (  # as far as the last of its options, which is refused
        "import atexit, os, sys; atexit.register(lambda: os._exit(40 + ('torch' in sys.modules)))\n"
        "sys.argv = ['elmyr', 'serve', '--threads', '0']; from elmyr.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert "--threads is 0" in done.stderr and done.returncode == 40


def test_the_page_s_process_makes_reports_of_every_kind_without_torch(small_runs: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from elmyr.report.words import ENGLISH; from elmyr.serving.runs import Runs\n"
        "runs = Runs(Path(sys.argv[1])); assert len(runs.found()) == 4\n"
        "assert all('<h1>' in runs.report(name, ENGLISH) for name in runs.found()); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(small_runs)]).returncode == 0


def test_the_report_of_a_run_is_a_page_of_its_own(workbench: Workbench) -> None:
    for run, lang, expected in (
        ("gan", "en", "elmyr run on digits"),
        ("translator", "en", "elmyr translator from digits-thin to digits-thick"),
        ("restorer", "zh", "elmyr 修复器：digits"),
    ):
        told = workbench.get(f"/v1/runs/{run}/report?lang={lang}")
        assert told.status == 200 and told.headers["content-type"].startswith("text/html")
        assert f"<h1>{expected}</h1>" in told.body.decode() and "data:image/png" in told.body.decode()
        policy = told.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "script" not in policy and "frame-ancestors 'none'" in policy
    assert workbench.get("/v1/runs/nobody/report").status == 404
    assert "give 'en' or 'zh'" in workbench.get("/v1/runs/gan/report?lang=xx").json["error"]


def test_models_health_and_counts_are_told(workbench: Workbench, digits: ImageSet) -> None:
    models = workbench.get("/v1/models").json
    assert [(model["name"], model["kind"]) for model in models] == [
        ("gan", "gan"),
        ("reader", "recognizer"),
        ("restorer", "restorer"),
        ("translator", "translator"),
    ]
    assert set(models[1]) == {"name", "kind", "classes", "image_shape", "loaded", "trained_on"}
    assert workbench.post("/v1/models/reader/recognize", as_npy(digits.in_memory()[:2])).status == 200
    assert workbench.get("/v1/models").json[1]["loaded"] is True
    assert workbench.get("/health/live").json == {"live": True}
    assert workbench.get("/health/ready").json == {"ready": True}
    counts = workbench.get("/metrics").body.decode()
    assert 'elmyr_requests_total{method="POST",route="/v1/models/{model}/recognize",status="200"}' in counts
    assert "elmyr_ready 1.0" in counts and 'elmyr_request_seconds_bucket{le="0.01"' in counts
    page = workbench.get("/")
    assert page.status == 200 and page.headers["content-type"].startswith("text/html")


def test_every_answer_has_a_number_and_forbids_what_the_page_does_not_need(workbench: Workbench) -> None:
    for path in ("/", "/v1/models", "/nowhere", "/static/look/survey.css", "/health/live", "/static/../guard.py"):
        told = workbench.get(path)
        assert len(told.headers["x-request-id"]) == 16
        policy = told.headers["content-security-policy"]
        assert "script-src 'self';" in policy and "unsafe" not in policy and "default-src 'none'" in policy
        assert told.headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in told.headers
    assert workbench.get("/v1/models", x_request_id="mine-1").headers["x-request-id"] == "mine-1"
    assert workbench.get("/v1/models", x_request_id="a b\tc").headers["x-request-id"] != "a b\tc"
    (line,) = (line for line in workbench.lines if line["id"] == "mine-1")
    assert (line["method"], line["path"], line["status"]) == ("GET", "/v1/models", 200)


def test_the_description_names_every_address_with_its_bounds_and_examples(workbench: Workbench) -> None:
    description = workbench.get("/v1/openapi.json").json
    assert set(description["paths"]) >= {
        "/v1/models",
        "/v1/models/{model}/recognize",
        "/v1/models/{model}/embed",
        "/v1/models/{model}/generate",
        "/v1/models/{model}/between",
        "/v1/models/{model}/repair",
        "/v1/models/{model}/translate",
        "/v1/runs",
        "/v1/runs/{run}",
        "/v1/runs/{run}/events",
        "/v1/runs/{run}/report",
        "/v1/runs/{run}/previews/{position}.png",
    }
    recognize = description["paths"]["/v1/models/{model}/recognize"]["post"]
    assert set(recognize["requestBody"]["content"]) == {"image/png", "image/jpeg", "application/x-npy"}
    assert {"200", "404", "413", "415", "422", "429", "503", "504"} <= set(recognize["responses"])
    assert "label" in json.dumps(recognize["responses"]["200"]["content"]["application/json"]["example"])


def test_the_same_address_gives_the_same_bytes(workbench: Workbench) -> None:
    address = "/v1/models/gan/generate?count=5&class=3&seed=9&truncation=1.3&format="
    for form, content_type in (("png", "image/png"), ("npz", "application/zip"), ("json", "application/json")):
        one, other = workbench.get(address + form), workbench.get(address + form)
        assert one.status == 200 and one.headers["content-type"] == content_type and one.body == other.body
    assert workbench.get(address.replace("seed=9", "seed=10") + "png").body != workbench.get(address + "png").body


@pytest.mark.parametrize(
    ("method", "path", "status", "expected"),
    [
        ("GET", "/v1/models/gann/generate", 404, "no model 'gann' is served: did you mean 'gan'?"),
        ("GET", "/v1/models/reader/generate", 422, "'reader' is a recognizer, which does not generate: ask a GAN"),
        ("GET", "/v1/models/gan/generate?count=401", 422, "'count' is '401': give at most 400"),
        ("GET", "/v1/models/gan/generate?count=0", 422, "'count' is '0': give at least 1"),
        ("GET", "/v1/models/gan/generate?seed=-1", 422, "'seed' is '-1': give at least 0"),
        ("GET", "/v1/models/gan/generate?seed=1e99", 422, "'seed' is '1e99': give a whole number"),
        ("GET", "/v1/models/gan/generate?truncation=nan", 422, "'truncation' is 'nan': give a number"),
        ("GET", "/v1/models/gan/generate?truncation=2.5", 422, "'truncation' is '2.5': give at most 2"),
        ("GET", "/v1/models/gan/generate?format=exe", 422, "'format' is 'exe': give 'png', 'npz' or 'json'"),
        ("GET", "/v1/models/gan/generate?class=%F0%9F%A6%A2", 422, "no class"),
        (
            "GET",
            "/v1/models/gan/generate?move=slant",
            422,
            "move slant is no amount of a direction: write it as thickness=1.5",
        ),
        ("GET", "/v1/models/gan/between?steps=101", 422, "'steps' is '101': give at most 100"),
        ("GET", "/v1/models/gan/generate?label=3", 422, "there is no 'label' here: did you mean 'class'?"),
        ("GET", "/v1/models/gan/generate?clas=3", 422, "did you mean 'class'?"),
        ("GET", "/v1/models/gan/generate?n=3", 422, "did you mean 'count'?"),
        ("GET", "/v1/models/gan/between?from=3&to=8", 422, "there is no 'from' here: did you mean 'from_class'?"),
        ("GET", "/v1/models/gan/generate?count=2&count=3", 422, "'count' is there more than once: give it once"),
        ("GET", "/v1/models?kind=gan", 422, "this address takes no words behind '?'"),
        ("POST", "/v1/models/reader/recognize?zzz=1", 422, "choose from: explain, nearest, prepare"),
        ("POST", "/v1/models/reader/recognize?prepare=digits", 422, "'prepare' is 'digits': give 'model' or 'digit'"),
        ("GET", "/v1/runs/gan/events?since=3", 422, "choose from: after"),
        ("POST", "/v1/models/translator/translate?direction=c", 422, "'direction' is 'c': give 'a-to-b' or 'b-to-a'"),
        ("POST", "/v1/models/translator/translate?back=1", 422, "there is no 'back' here: did you mean 'direction'?"),
        ("POST", "/v1/models/reader/translate", 422, "'reader' is a recognizer, which does not translate: ask a trans"),
        ("GET", "/v1/models/gan/recognize", 405, "this address takes POST"),
        ("DELETE", "/v1/models", 405, "takes GET"),
        ("GET", "/v1/runs/nobody", 404, "there is no run 'nobody'"),
        ("GET", "/v1/runs/%2e%2e", 404, ""),
        ("GET", "/v1/runs/..%2f..%2fetc", 404, "nothing at this address"),
        ("GET", "/v1/runs/gan/previews/5.png", 404, "no preview at 5 images"),
        ("GET", "/v1/runs/gan/previews/x.png", 422, "'position' is 'x': give a whole number"),
        ("GET", "/v1/runs/nobody/events", 404, "there is no run"),
        ("GET", "/nowhere", 404, "nothing at this address"),
        ("GET", "/static/", 404, "nothing at this address"),
        ("GET", "/docs", 404, "nothing at this address"),
    ],
)
def test_what_is_not_answered_is_told_in_a_line_of_json(
    workbench: Workbench, method: str, path: str, status: int, expected: str
) -> None:
    more = {} if method == "GET" else {"content_type": "image/png"}
    told = workbench.ask(method, path, **more)
    assert told.status == status
    assert expected in told.json["error"] and "\n" not in told.json["error"]


def test_uploads_that_are_no_images_are_told_so(workbench: Workbench) -> None:
    for body, status, expected in (
        (b"", 422, "the upload is empty"),
        (b"<svg/>", 422, "is no image"),
        (as_png(np.zeros((1, 16_000_001), np.uint8)), 422, "at most 16,000,000 pixels"),
        (as_npy(np.zeros((1001, 8, 8), np.uint8)), 422, "at most 1,000 images"),
    ):
        told = workbench.post("/v1/models/reader/recognize", body, content_type="image/png")
        assert told.status == status and expected in told.json["error"]
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", None):
        told = workbench.post("/v1/models/reader/recognize", b"x", content_type=content_type)
        assert told.status == 415 and "send application/x-npy" in told.json["error"]


def test_a_body_past_the_limit_is_refused_with_and_without_a_length(workbench: Workbench) -> None:
    head = (
        f"POST /v1/models/reader/recognize HTTP/1.1\r\nhost: 127.0.0.1:{workbench.port}\r\ncontent-type: image/png\r\n"
    )
    chunks = (b"100000\r\n" + bytes(1 << 20) + b"\r\n") * 17
    for more, body in ((f"content-length: {(16 << 20) + 1}", b""), ("transfer-encoding: chunked", chunks)):
        with socket.create_connection(("127.0.0.1", workbench.port), timeout=60) as opened:
            opened.sendall(f"{head}{more}\r\n\r\n".encode() + body)
            told = opened.recv(10_000)
        assert told.startswith(b"HTTP/1.1 413") and b"larger than 16 MiB" in told


def test_a_client_that_goes_is_not_worked_for(workbench: Workbench, digits: ImageSet) -> None:
    body = as_npy(np.repeat(digits.in_memory()[:1], 1000, axis=0))
    request = (
        f"POST /v1/models/reader/recognize HTTP/1.1\r\nhost: 127.0.0.1:{workbench.port}\r\nx-request-id: gone-%d\r\n"
        f"content-type: application/x-npy\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    leaving = []
    for number in range(12):
        opened = socket.create_connection(("127.0.0.1", workbench.port), timeout=60)
        opened.sendall((request % number).encode() + body)
        leaving.append(opened)
    for opened in leaving:
        opened.close()
    assert workbench.get("/v1/models/gan/generate?count=1").status == 200
    end = time.monotonic() + 60
    while len(found := [line for line in workbench.lines if line["id"].startswith("gone-")]) < 12:
        assert time.monotonic() < end
        time.sleep(0.02)
    assert {line["status"] for line in found} <= {200, 499}
    assert sum(line["status"] == 499 for line in found) >= 6  # those that no worker had yet


def test_the_events_of_a_finished_run_come_to_their_end(workbench: Workbench) -> None:
    told = workbench.get("/v1/runs/gan/events")
    assert told.headers["content-type"].startswith("text/event-stream")
    text = told.body.decode()
    assert "event: figures\n" in text and text.endswith('event: end\ndata: {"state": "finished"}\n\n')
    offset = workbench.get("/v1/runs/gan").json["offset"]
    assert "event: figures" not in workbench.get(f"/v1/runs/gan/events?after={offset}").body.decode()
    preview = workbench.get("/v1/runs/gan/previews/320.png")
    assert preview.headers["content-type"] == "image/png" and preview.body.startswith(b"\x89PNG")
