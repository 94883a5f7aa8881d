"""Every command and every piece of Python in the README and in docs/ does what it says, on smaller budgets."""

import re
import shlex
import socket
import struct
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from PIL import Image

from elmyr.cli import main
from tests.conftest import small_image_set

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SMALLER = {
    "train": "--images 320 --set network.base=8 --set batch=32",
    "study": "--images 128 --updates 5 --seeds 2 --set network.base=8 --set batch=32",
    "recognizer train": "--updates 5",
    "recognizer doubts": "--updates 5",
    "restorer train": "--images 160",
    "translator train": "--images 64",
}
QUICKER = {("evidence.md", "elmyr evaluate runs/digits"): ["--extractor", "pixels"]}  # which has figures.md's, too
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[tuple[str, str]]:
    return FENCE.findall(page.read_text(encoding="utf-8"))


def smaller(line: str) -> list[str]:
    words = shlex.split(line)
    if "--minutes" in words:
        words[words.index("--minutes") + 1] = "0.02"
        return [*words, "--set", "network.base=8"]
    if words[1] == "resume" and "--images" in words:
        words[words.index("--images") + 1] = "640"
    name = " ".join(words[1:3]) if words[1] in ("recognizer", "restorer", "translator") else words[1]
    return words + SMALLER.get(name, "").split()


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


def answer_once(app: Any, opened: socket.socket) -> None:
    """Serves for real, but only until the page has been read: in the docs it is until Ctrl-C."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [opened]})
    thread.start()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{opened.getsockname()[1]}/", timeout=60) as page:
            assert b"Which images are real?" in page.read()
    finally:
        server.should_exit = True
        thread.join()


def run(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code, shlex.join(words)


@pytest.mark.usefixtures("quick_extractor")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_of_a_page_work_one_after_the_other(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_out_data(tmp_path)
    monkeypatch.setenv("ELMYR_DATA", str(tmp_path / "path" / "to" / "data"))
    monkeypatch.setattr("elmyr.serving.serve_until_stopped", answer_once)
    if page.name in ("figures.md", "evidence.md"):  # they go on where train.md ends
        run(smaller("elmyr train digits --out runs/digits"), monkeypatch)
    if page.name == "figures.md":
        run(smaller("elmyr sample runs/digits"), monkeypatch)
    for language, block in blocks(page):
        if language == "python":
            exec(re.sub(r"\d+_000", "320", re.sub(r"updates=\d+", "updates=5", block)), {})
            continue
        for line in block.splitlines():
            if line.startswith("elmyr "):
                run(smaller(line) + QUICKER.get((page.name, line), []), monkeypatch)
            elif line.startswith("torchrun "):
                words = [*shlex.split(line)[1:], "--images", "320"]
                subprocess.run([sys.executable, "-m", "torch.distributed.run", *words], check=True, timeout=200)
            else:
                assert re.match(r"make [a-z]|py -m venv|\.venv\\Scripts\\", line), line


def test_the_targets_that_the_readme_names_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"^`*make ([a-z-]+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert {"demo", "test"} <= named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if "://" not in target and not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_has_a_gap_left_to_fill(page: Path) -> None:
    prose = FENCE.sub("", page.read_text(encoding="utf-8"))
    assert not re.findall(r"\{[A-Z_]+\}|TODO|TBD", prose)
