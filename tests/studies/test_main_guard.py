"""A script that studies by several processes: without a main guard one line says what to add; a pipe needs none."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import elmyr
open("ran.txt", "a").write("once ")
elmyr.study("digits", images=64, updates=2, seeds=1, settings=("network.base=8", "batch=32"), processes=2)
open("ran.txt", "a").write("to its end")
"""


def run(words: list[str], text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], input=text, capture_output=True, text=True, timeout=300)


def test_a_script_without_a_main_guard_is_told_to_have_one() -> None:
    Path("train.py").write_text(SCRIPT)
    ended = run(["train.py"])
    assert ended.returncode == 1
    assert ended.stderr.count("Traceback") == 1  # its own, none of the processes'
    assert ended.stderr.splitlines()[-1].endswith(
        "'train.py' is run again by each process of the study: put what it does under 'if __name__ == \"__main__\":', "
        "or work by one process with processes=1"
    )
    assert list(Path("studies").iterdir()) == []  # nothing half-written


@pytest.mark.slow
@pytest.mark.parametrize("piped", [False, True], ids=["with a main guard", "through a pipe, as a notebook's cell"])
def test_the_study_of_a_script_comes_to_its_end(piped: bool) -> None:
    if piped:
        ended = run(["-"], SCRIPT)
    else:
        lines = SCRIPT.strip().splitlines()
        Path("guarded.py").write_text(
            "\n".join([lines[0], 'if __name__ == "__main__":', *(f"    {x}" for x in lines[1:])])
        )
        ended = run(["guarded.py"])
    assert ended.returncode == 0, ended.stderr
    assert Path("ran.txt").read_text() == "once to its end"
