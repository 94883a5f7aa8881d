"""The commands as a user runs them: real processes, real signals."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from elmyr.images import save_npz
from tests import program
from tests.conftest import small_image_set
from tests.program import Program

TINY = ["--set", "network.base=16", "--set", "batch=32"]


def elmyr(*words: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = program.elmyr(*words)
    if check:
        assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "digits"
    done = elmyr("train", "digits", "--images", "2k", "--out", run, *TINY)
    assert done.stdout == ""
    assert "elmyr sample" in done.stderr
    return run


def test_the_way_from_data_to_samples_figures_and_report(finished: Path, tmp_path: Path) -> None:
    assert (finished / "report.html").is_file()
    samples = tmp_path / "samples.npz"
    told = json.loads(elmyr("sample", finished, "-n", "37", "--balanced", "--out", samples, "--json").stdout)
    assert told == {"out": str(samples), "count": 37}
    with np.load(samples, allow_pickle=False) as data:
        assert data["images"].dtype == np.uint8 and data["images"].shape == (37, 8, 8, 1)
        assert data["labels"].dtype == np.int64 and data["labels"].tolist() == [i % 10 for i in range(37)]
    elmyr("sample", finished, "-n", "5", "--label", "3", "--out", tmp_path / "threes.png", "--quiet")
    assert (tmp_path / "threes.png").read_bytes().startswith(b"\x89PNG")
    judged = json.loads(elmyr("evaluate", finished, "--extractor", "random", "--json").stdout)
    assert judged["figures"][0]["name"] == "frechet_distance"
    assert "recall" in (finished / "report.html").read_text()
    again = json.loads(elmyr("evaluate", samples, "--data", "digits", "--extractor", "pixels", "--json").stdout)
    assert again["count"] == 37


@pytest.mark.slow
def test_a_run_is_judged_by_an_extractor_that_learned_the_images(finished: Path) -> None:
    assert json.loads(elmyr("evaluate", finished, "--json").stdout)["extractor"]["name"] == "domain"
    assert "conditional accuracy" in (finished / "report.html").read_text()


def test_killed_with_9_and_resumed_it_ends_with_the_weights_of_an_undisturbed_run(
    finished: Path, tmp_path: Path
) -> None:
    run = tmp_path / "killed"
    process = Program("train", "digits", "--images", "2k", "--out", run, *TINY)
    deadline = time.monotonic() + 120
    while not list(run.glob("checkpoints/images-*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.end().returncode == -signal.SIGKILL
    assert not (run / "summary.json").exists()
    elmyr("resume", run)
    for name in ("generator", "discriminator"):
        weights = load_file(run / "model" / f"{name}.safetensors")
        undisturbed = load_file(finished / "model" / f"{name}.safetensors")
        assert all(weights[key].equal(undisturbed[key]) for key in undisturbed)


def test_ctrl_c_saves_says_how_to_go_on_and_exits_130(tmp_path: Path) -> None:
    run = tmp_path / "stopped"
    process = Program("train", "digits", "--images", "1000k", "--out", run, *TINY)
    deadline = time.monotonic() + 120
    while not (run / "config.json").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    done = process.end(within=60)
    assert done.returncode == 130
    assert f"elmyr resume {run}" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(run.glob("checkpoints/images-*/manifest.json"))


MEASURING = (["train", "digits", "--minutes", "5"], "measuring the speed", 1)
STUDYS_GAN = (["study", "digits", "--images", "900k", "--updates", "4"], "to watch it", 1)
STUDYS_RECOGNIZER = (["study", "digits", "--images", "64", "--updates", "100000"], "pieces of work", 4)


@pytest.mark.parametrize(
    ("words", "heard", "wait", "number"),
    [
        pytest.param(*MEASURING, signal.SIGINT, id="measuring, Ctrl-C"),
        pytest.param(*MEASURING, signal.SIGTERM, id="measuring, terminate", marks=pytest.mark.slow),
        pytest.param(*STUDYS_GAN, signal.SIGINT, id="a study's GAN, Ctrl-C", marks=pytest.mark.slow),
        pytest.param(*STUDYS_GAN, signal.SIGTERM, id="a study's GAN, terminate"),
        pytest.param(*STUDYS_RECOGNIZER, signal.SIGINT, id="a study's recognizer, Ctrl-C"),
        pytest.param(*STUDYS_RECOGNIZER, signal.SIGTERM, id="a study's recognizer, terminate", marks=pytest.mark.slow),
    ],
)
def test_a_signal_at_any_time_ends_in_one_line_and_its_exit_code(
    tmp_path: Path, words: list[str], heard: str, wait: float, number: signal.Signals
) -> None:
    process = Program(*words, "--out", tmp_path / "out", *TINY)
    last = process.told(heard)
    time.sleep(wait)
    process.send_signal(number)
    done = process.end(within=60)
    assert done.returncode == 128 + number
    (line,) = done.stderr.partition(last)[2].strip().splitlines()
    assert line.startswith("elmyr: ")
    if "--minutes" in words:
        assert not (tmp_path / "out").exists()
    else:
        assert f"elmyr resume {tmp_path / 'out'}" in line


def test_a_training_that_diverges_exits_3(tmp_path: Path) -> None:
    words = ["train", "digits", "--images", "20k", "--out", tmp_path / "out", "--set", "adversarial.learning_rate=1e30"]
    done = elmyr(*words, *TINY, check=False)
    assert done.returncode == 3
    assert "training diverged" in done.stderr.splitlines()[-1]


def test_help_and_version_do_not_load_torch() -> None:
    code = (
        "import sys, elmyr.cli.app as a\n"
        "try: a.app(['--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "elmyr study digits" in done.stdout
    words = [sys.executable, "-m", "elmyr", "--version"]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout.startswith("elmyr ")


IMPORTED = """
import sys
from elmyr.cli import main
for words in (["train", "blobs.npz", "--images", "64", "--out", "run"], ["resume", "run", "--images", "128"]):
    sys.argv = ["elmyr", *words]
    try:
        main()
    except SystemExit as ended:
        assert not ended.code
print(sorted({"torch._dynamo", "torch._inductor", "sklearn", "scipy.stats"} & set(sys.modules)))
"""


def test_training_and_its_report_import_no_compiler_and_nothing_of_recognizers(tmp_path: Path) -> None:
    """Each of them would take a second or more of every training."""
    save_npz(small_image_set(), tmp_path / "blobs.npz")
    words = [sys.executable, "-c", IMPORTED]
    ran = subprocess.run(words, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert ran.stdout.splitlines()[-1] == "[]" and (tmp_path / "run" / "report.html").is_file()


def test_the_presets_are_listed_and_shown() -> None:
    assert {"residual", "residual-ns"} <= json.loads(elmyr("presets", "--json").stdout).keys()
    assert "penalties.r1" in elmyr("presets", "residual").stdout


def test_a_study_from_the_command_line_ends_in_a_verdict_and_a_report(tmp_path: Path) -> None:
    out = tmp_path / "study"
    save_npz(small_image_set(48), tmp_path / "few.npz")  # so few that no figures are taken
    words = ["study", tmp_path / "few.npz", "--seeds", "2", "--images", "64", "--updates", "5", "--out", out, *TINY]
    done = elmyr(*words)
    assert done.stdout.strip().startswith("Verdict: ")
    assert (out / "report.html").is_file()
    assert (out / "generated.png").is_file()


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "run"
    told = json.loads(elmyr("train", "digits", "--dry-run", "--minutes", "0.5", "--out", out, "--json", *TINY).stdout)
    assert not out.exists()
    assert told["automatic"]["conditional"] == {"value": True, "rule": "with classes where the images have labels"}
    assert "network.base" not in told["automatic"]  # it was stated
    assert 0.5 < told["config"]["loop"]["images"] / (28.5 * told["images_per_second"]) < 1  # the rest is for looks
    assert told["minutes"] <= 0.5 and told["costs"]["generator"]["parameters"] > 1000
    out.mkdir()
    (out / "mine").touch()
    assert "exists already" in elmyr("train", "digits", "--dry-run", "--out", out, check=False).stderr
    refused = elmyr("train", "digits", "--dry-run", "--set", "penalties.r1=-1", check=False)
    assert refused.returncode == 2 and len(refused.stderr.splitlines()) == 1


def test_the_doctor_says_what_it_finds() -> None:
    found = json.loads(elmyr("doctor", "--json").stdout)
    assert found["elmyr"] and found["precision"] and "GB free" in found["cache"]
    assert "speed" not in found
