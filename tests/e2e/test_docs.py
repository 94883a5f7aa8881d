"""Every command and every piece of Python in the README and in docs/ does what it says, on smaller budgets."""

import argparse
import re
import shlex
import socket
import struct
import threading
import time
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from PIL import Image
from torch.distributed.run import get_args_parser

import elmyr
from elmyr.cli import main
from elmyr.core.notes import kept_notes
from elmyr.tasks.gan.speed import measure_speed
from tests.conftest import small_image_set
from tests.program import group

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
CONTRIBUTING = ROOT / "CONTRIBUTING.md"  # its commands are make, pytest and git, which a test does not run
SMALLER = {
    "train": "--images 320 --set network.base=8 --set batch=32",
    "train --set network.name": "--images 320 --set batch=32",  # of one's own, without a base
    "articles": "--images 64 --only 4 --processes 1",
    "study": "--images 128 --updates 5 --seeds 1 --set network.base=8 --set batch=32",
    "directions": "--count 512 --judged 4",
    "sweep": "--images 128 --set network.base=8 --extractor pixels",
    "recognizer train": "--updates 5",
    "recognizer doubts": "--updates 5",
    "recognizer attack": "--count 10 --steps 2",
    "restorer train": "--images 160",
    "translator train": "--images 64",
}
QUICKER = {  # what figures.md has, too
    ("evidence.md", "elmyr evaluate runs/digits"): ["--extractor", "pixels"],
    ("start.md", "elmyr evaluate runs/first"): ["--extractor", "pixels"],
    ("README.md", "elmyr evaluate runs/mine"): ["--extractor", "pixels"],
    ("README.md", "elmyr compare runs/mine samples.npz"): ["--extractor", "pixels"],
}
PLUGIN = re.compile(r"# (my_\w+\.py)\n")  # the first line of a piece that is a file
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[tuple[str, str]]:
    return FENCE.findall(page.read_text(encoding="utf-8"))


def smaller(line: str) -> list[str]:
    words = shlex.split(line)
    if words[1] == "--plugin":
        return [*smaller(shlex.join([words[0], *words[3:]])), *words[1:3]]
    if "--minutes" in words:
        words[words.index("--minutes") + 1] = "0.02"
        return [*words, *(["--set", "network.base=8"] if words[1] == "train" else [])]
    if words[1] == "resume" and "--images" in words:
        words[words.index("--images") + 1] = "640"
    name = " ".join(words[1:3]) if words[1] in ("recognizer", "restorer", "translator") else words[1]
    if any(word.startswith("network.name=") for word in words):
        name = "train --set network.name"
    if "--seeds-at-most" in words:  # fewer than two seeds decide nothing
        return [*words, *SMALLER["study"].split(), "--seeds", "2"]
    return words + SMALLER.get(name, "").split()


def shorter(python: str) -> str:
    for what, instead in ((r"\b60_000", "320"), (r"\b90_000", "384"), (r"\d+_000", "320")):
        python = re.sub(what, instead, python)
    return re.sub(r"seeds=\d+", "seeds=1", re.sub(r"updates=\d+", "updates=5", python))


def lay_out_data(folder: Path) -> None:
    """What a reader has: a folder of class folders, and MNIST's files (here 28x28 blobs)."""
    blobs = small_image_set(60)
    assert blobs.labels is not None
    for number, (image, label) in enumerate(zip(blobs.images, blobs.labels, strict=True)):
        path = folder / "path" / "to" / "folder" / blobs.classes[label] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[..., 0]).save(path)
    mnist = folder / "path" / "to" / "data" / "mnist"
    mnist.mkdir(parents=True)
    for seed, (part, count) in enumerate((("train", 120), ("t10k", 60))):
        blobs = small_image_set(count, size=28, seed=seed)
        assert blobs.labels is not None
        header = struct.pack(">IIII", 0x0803, count, 28, 28)
        (mnist / f"{part}-images-idx3-ubyte").write_bytes(header + blobs.images.tobytes())
        labels = struct.pack(">II", 0x0801, count) + blobs.labels.astype(np.uint8).tobytes()
        (mnist / f"{part}-labels-idx1-ubyte").write_bytes(labels)


def answer_once(app: Any, opened: socket.socket, *, requests: list[str], at_stop: Any = None) -> None:
    """Serves for real, but only until the page and the `requests` are answered: in the docs it is until Ctrl-C."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [opened]})
    thread.start()
    address = f"http://127.0.0.1:{opened.getsockname()[1]}/"
    try:
        with urllib.request.urlopen(address, timeout=60) as page:
            assert b"</html>" in page.read()
        while requests and not is_ready(address):
            time.sleep(0.05)
        for line in requests:
            ask(line.replace("http://127.0.0.1:8322/", address))
    finally:
        server.should_exit = True
        thread.join()


def is_ready(address: str) -> bool:
    try:
        return urllib.request.urlopen(f"{address}health/ready", timeout=60).status == 200
    except urllib.error.HTTPError as error:
        assert error.code == 503
        return False


def ask(line: str) -> None:
    """What `curl` would, with the few options that the docs use; a status that is none of success raises."""
    words = argparse.ArgumentParser()
    words.add_argument("address")
    words.add_argument("-s", action="store_true")
    words.add_argument("-o", dest="out")
    words.add_argument("-H", dest="header")
    words.add_argument("--data-binary", dest="data")
    asked = words.parse_args(shlex.split(line)[1:])
    body = None if asked.data is None else Path(asked.data.removeprefix("@")).read_bytes()
    headers = dict([asked.header.split(":", 1)]) if asked.header else {}
    with urllib.request.urlopen(urllib.request.Request(asked.address, body, headers), timeout=60) as answer:
        content = answer.read()
    assert content
    if asked.out:
        Path(asked.out).write_bytes(content)


def run(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code, shlex.join(words)


@pytest.fixture
def in_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What no option makes smaller: all of it is done, but shortly."""
    monkeypatch.setattr("elmyr.evaluation.features.UPDATES", 10)
    monkeypatch.setattr("elmyr.evaluation.downstream.default_updates", lambda images: 5)
    monkeypatch.setattr("elmyr.studies.work.estimate.SECONDS", 0.1)
    monkeypatch.setattr("elmyr.studies.sweeps.rehearsal.SECONDS", 0.1)
    monkeypatch.setattr("elmyr.studies.articles.uses.UPDATES", {"quick": {"gray": 5, "color": 5}})
    monkeypatch.setattr("elmyr.tasks.gan.speed.EXAMPLE_SIDE", 8)
    monkeypatch.setattr("elmyr.tasks.gan.speed.PEAK_TRIES", 1)
    monkeypatch.setattr("elmyr.tasks.gan.speed.measure_speed", partial(measure_speed, seconds=0.1))


@pytest.mark.usefixtures("in_a_moment", "unplugged")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_of_a_page_work_one_after_the_other(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_out_data(tmp_path)
    monkeypatch.setenv("ELMYR_DATA", str(tmp_path / "path" / "to" / "data"))
    requests = [line for _, block in blocks(page) for line in block.splitlines() if line.startswith("curl ")]
    monkeypatch.setattr("elmyr.serving.http.start.serve_until_stopped", partial(answer_once, requests=requests))
    if page.name in ("figures.md", "evidence.md"):  # they go on where train.md ends
        run(smaller("elmyr train digits --out runs/digits"), monkeypatch)
    if page.name == "figures.md":
        run(smaller("elmyr sample runs/digits"), monkeypatch)
    for _, block in blocks(page):
        if file := PLUGIN.match(block):
            Path(file[1]).write_text(block)
    names: dict[str, Any] = {}  # what one piece of Python defines, the next of the page has
    for language, block in blocks(page):
        if PLUGIN.match(block) or language == "text":  # a drawing or a sketch
            continue
        if language == "python":
            with kept_notes():
                exec(shorter(block), names)
            continue
        for line in block.splitlines():
            if line.startswith("elmyr "):
                run(smaller(line) + QUICKER.get((page.name, line), []), monkeypatch)
            elif line.startswith("torchrun "):
                asked = get_args_parser().parse_args([*shlex.split(line)[1:], "--images", "320"])
                assert asked.module
                for done in group(int(asked.nproc_per_node), asked.training_script, *asked.training_script_args):
                    assert not done.returncode, done.stderr
            elif not line.startswith("curl "):
                assert re.match(r"make [a-z]|py -m venv|\.venv\\Scripts\\", line), line


def test_a_part_of_one_s_own_takes_at_most_thirty_lines() -> None:
    files = [block for _, block in blocks(ROOT / "docs" / "extending.md") if PLUGIN.match(block)]
    assert len(files) >= 6
    most = {"# my_task.py": 100}
    lines = [block.splitlines() for block in files]
    assert [first for first, *others in lines if len(others) >= most.get(first, 30)] == []


def test_the_targets_that_the_readme_names_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"^`*make ([a-z-]+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert {"demo", "test"} <= named <= targets


def test_make_articles_goes_on_in_the_same_directory() -> None:
    assert "\n\t$(BIN)/elmyr articles --out articles/five\n" in (ROOT / "Makefile").read_text()


def test_what_contributing_names_is_there() -> None:
    text, source = CONTRIBUTING.read_text(encoding="utf-8"), ROOT / "src" / "elmyr"
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert (
        {"setup", "test", "lint"} <= set(re.findall(r"^make (?:-C \S+ )?([a-z-]+)", text, re.MULTILINE)) <= {*targets}
    )
    files = re.findall(r"(?:tests|benchmarks)/[\w/]+(?:\.py)?", text)
    assert len(files) > 4 and [file for file in files if not (ROOT / file).exists()] == []
    modules = "\n".join(path.read_text(encoding="utf-8") for path in source.rglob("*.py"))
    tables = re.findall(r"`([A-Z]{4,})`", text)
    assert len(tables) >= 9
    assert [name for name in tables if not re.search(rf"^{name}: Table\[", modules, re.MULTILINE)] == []


def test_what_the_architecture_names_is_there() -> None:
    page, source = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"), ROOT / "src" / "elmyr"
    rows = re.findall(r"^\| .* \| `([A-Z]+)` \| `(\S+)` \|$", page, re.MULTILINE)
    assert len(rows) > 10
    assert [name for name, file in rows if not re.search(rf"\b{name}\b", (source / file).read_text())] == []
    rooms = "core|images|nets|losses|metrics|engine|tasks|evaluation|studies|report|serving|cli"
    assert [name for name in re.findall(rf"`((?:{rooms})/[^`]*)`", page) if not (source / name).exists()] == []


@pytest.mark.parametrize("page", [*PAGES, CONTRIBUTING], ids=lambda page: page.name)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if "://" not in target and not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", [*PAGES, CONTRIBUTING], ids=lambda page: page.name)
def test_no_page_has_a_gap_left_to_fill(page: Path) -> None:
    prose = FENCE.sub("", page.read_text(encoding="utf-8"))
    assert not re.findall(r"\{[A-Z_]+\}|TODO|TBD", prose)


def test_every_public_name_has_an_example() -> None:
    examples = "\n".join(block for language, block in blocks(ROOT / "docs" / "python.md") if language == "python")
    assert [name for name in elmyr.__all__ if f"elmyr.{name}" not in examples] == []
