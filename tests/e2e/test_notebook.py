"""The notebook runs from top to bottom, speaks both languages, and shows nothing of the machine that it was run on."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "docs" / "notebooks" / "gan-digits.ipynb"
IMAGES = "640"  # for each GAN, in place of a minute's
LARGEST = 400_000  # bytes, so that its page opens at once
OF_THE_GAN = ("build", "train", "first", "second")  # the cells that the sixty lines are in
PLACE = re.compile(r"(?<![\w.:/])/(?:\w[\w.-]*/)+|[A-Z]:\\|~/|file:")  # where something lies on a machine
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def cells_of(path: Path, kind: str) -> dict[str, dict[str, Any]]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return {cell["id"]: cell for cell in cells if cell["cell_type"] == kind}


def source_of(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def shown_by(cell: dict[str, Any], kind: str) -> list[str]:
    if kind == "stdout":
        return ["".join(output["text"]) for output in cell["outputs"] if output.get("name") == kind]
    return ["".join(output["data"][kind]) for output in cell["outputs"] if kind in output.get("data", {})]


def check_shown(path: Path) -> None:
    """Every cell ran, without an error or a warning, and shows what its text speaks of."""
    code = cells_of(path, "code")
    assert [cell["execution_count"] for cell in code.values()] == list(range(1, len(code) + 1))
    kinds = {output["output_type"] for cell in code.values() for output in cell["outputs"]}
    names = {output.get("name", "stdout") for cell in code.values() for output in cell["outputs"]}
    assert kinds == {"stream", "display_data", "execute_result"} and names == {"stdout"}
    assert [len(shown_by(code[name], "image/png")) for name in ("read", "show", "second")] == [1, 2, 2]
    (table,) = shown_by(code["measure"], "text/html")
    assert all(word in table for word in ("FID", "recall", "as written", "cured", "real-data baseline"))
    accuracies = re.findall(r"([\d.]+)%", "".join(shown_by(code["recognize"], "stdout")))
    assert len(accuracies) == 5 and all(0 < float(share) <= 100 for share in accuracies)


def test_it_runs_from_top_to_bottom_without_a_download(tmp_path: Path) -> None:
    own = {name: str(tmp_path / "jupyter") for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
    words = ["-m", "nbconvert", "--to", "notebook", "--execute", "--output-dir", str(tmp_path), str(NOTEBOOK)]
    environment = os.environ | own | {"ELMYR_NOTEBOOK_IMAGES": IMAGES}
    done = subprocess.run([sys.executable, *words], env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    check_shown(tmp_path / NOTEBOOK.name)
    assert "digits" in "".join(shown_by(cells_of(tmp_path / NOTEBOOK.name, "code")["read"], "stdout"))


def test_it_is_kept_as_it_ran_on_mnist() -> None:
    check_shown(NOTEBOOK)
    assert "mnist" in "".join(shown_by(cells_of(NOTEBOOK, "code")["read"], "stdout"))


def test_it_says_nothing_of_the_machine_that_it_ran_on() -> None:
    content = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    assert {"kernelspec": kernel} | content["metadata"] == {"kernelspec": kernel, "language_info": {"name": "python"}}
    assert [cell["id"] for cell in content["cells"] if cell["metadata"]] == []
    for cell in content["cells"]:
        told = [
            *([source_of(cell)] if cell["cell_type"] == "code" else []),
            *("".join(output.get("text", [])) for output in cell.get("outputs", [])),
            *(text for kind in ("text/plain", "text/html") if "outputs" in cell for text in shown_by(cell, kind)),
        ]
        assert [text for text in told if PLACE.search(text.replace("</", "<"))] == [], cell["id"]
    assert NOTEBOOK.stat().st_size < LARGEST


def test_every_text_is_there_in_english_and_in_chinese() -> None:
    texts = {name: source_of(cell) for name, cell in cells_of(NOTEBOOK, "markdown").items()}
    assert len(texts) > 6
    for name, text in texts.items():
        pieces = [piece for piece in re.split(r"\n\n+", re.sub(r"```.*?```", "", text, flags=re.DOTALL)) if piece]
        chinese = [piece for piece in pieces if CHINESE.search(piece)]
        assert len(chinese) * 2 == len(pieces), name
        assert not re.search(r"[。：，）]\*\*\S", re.sub(r"\*\*[^*]+[^*。：，）]\*\*", "", text)), (
            name
        )  # Markdown would show the stars
        headings = re.findall(r"^#+ .*", text, re.MULTILINE)
        assert sum(bool(CHINESE.search(heading)) for heading in headings) * 2 == len(headings), name


def test_its_links_lead_somewhere() -> None:
    targets = re.findall(
        r"\]\(([^)#]+)", "\n".join(source_of(cell) for cell in cells_of(NOTEBOOK, "markdown").values())
    )
    assert len(targets) > 5
    assert [target for target in targets if not (NOTEBOOK.parent / target).exists()] == []


def test_the_gan_is_about_sixty_lines() -> None:
    code = cells_of(NOTEBOOK, "code")
    lines = [line.strip() for name in OF_THE_GAN for line in source_of(code[name]).splitlines()]
    assert len([line for line in lines if line and not line.startswith(("#", '"""'))]) <= 70


@pytest.mark.parametrize("how", [("check",), ("format", "--check")], ids=["check", "format"])
def test_its_code_is_clean(how: tuple[str, ...]) -> None:
    words = [sys.executable, "-m", "ruff", *how, "--no-cache", str(NOTEBOOK)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
