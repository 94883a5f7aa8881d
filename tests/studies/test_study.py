import os
import shlex
import shutil
import signal
import struct
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from elmyr import Shaping, study
from elmyr.cli import main
from elmyr.core.errors import InputError
from elmyr.core.files import read_json, read_lines
from elmyr.engine import RunDirectory
from elmyr.images import ImageSet, save_npz, split_source
from elmyr.studies import Study, resume_study
from elmyr.studies.arms import ARMS, train_arm
from elmyr.studies.summary import command_of
from elmyr.studies.work.pieces import Piece, Worker
from tests.conftest import small_image_set
from tests.program import Program, elmyr

pytestmark = pytest.mark.usefixtures("quick_extractor")
TINY = ("network.base=8", "batch=16")
QUICK: dict[str, Any] = {"images": 64, "updates": 4, "settings": TINY, "device": "cpu"}
PLAIN = [
    *("real", "real + classical", "real + strong", "generated"),
    *("real + 50 % generated", "real + classical + 50 % generated", "real + strong + 50 % generated"),
]


@pytest.fixture
def blobs(tmp_path: Path) -> Path:
    save_npz(small_image_set(240), tmp_path / "blobs.npz")
    return tmp_path / "blobs.npz"


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """So few that no figures are taken of the GAN."""
    save_npz(small_image_set(48), tmp_path / "few.npz")
    return tmp_path / "few.npz"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study of these few that nothing disturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    save_npz(small_image_set(48), folder / "few.npz")
    return study(folder / "few.npz", out=folder / "whole", seeds=2, **QUICK)


def test_a_study_has_every_arm_and_seed_and_ends_in_a_verdict(blobs: Path, tmp_path: Path) -> None:
    options = {"seeds": 2, "images": 320, "updates": 20, "settings": TINY, "device": "cpu"}
    done = study(blobs, out=tmp_path / "study", **options)
    (cell,) = done.content["cells"]
    assert (cell["name"], [arm["name"] for arm in cell["arms"]]) == ("all images", PLAIN)
    assert all(len(arm["test"]) == len(arm["share"]) == len(arm["seconds"]) == 2 for arm in cell["arms"])
    lines = read_lines(done.path / "results.jsonl")
    assert [(line["seed"], line["arm"]) for line in lines] == [(s, name) for s in (0, 1) for name in PLAIN]

    by_name = {arm["name"]: arm for arm in cell["arms"]}
    (verdict,) = done.verdicts
    best = max((a for a in cell["arms"] if not a["uses_gan"]), key=lambda a: np.mean(a["validation"]))
    assert verdict["best_without"] == best["name"]
    difference = np.mean(by_name[verdict["best_with"]]["test"]) - np.mean(best["test"])
    assert verdict["difference"] == pytest.approx(difference)
    assert verdict["low"] <= verdict["difference"] <= verdict["high"]
    assert by_name[verdict["best_with"]]["apart"] == [verdict[end] for end in ("difference", "low", "high")]
    assert [arm["name"] for arm in cell["arms"] if arm["apart"] is None] == [verdict["best_without"]]
    assert verdict["seeds"] == 2
    assert verdict["images"] > 60  # more than the 60 of one seed: the other has other test images
    assert by_name["generated"]["share"] == [1.0, 1.0]
    assert by_name["real + 50 % generated"]["share"] == [0.5, 0.5]
    for side, name in (("with", verdict["best_with"]), ("without", verdict["best_without"])):
        confusion = np.array(cell["confusion"][side])
        assert confusion.sum() == 120  # 60 test images, two seeds
        assert confusion.trace() / 120 == pytest.approx(np.mean(by_name[name]["test"]))
    # The GAN's time counts for those that use it.
    assert min(by_name["generated"]["seconds"]) >= min(cell["gan_seconds"])

    run = read_json(done.path / "runs" / "all-seed-1" / "config.json")
    assert (run["seed"], run["data"]["split_seed"], run["loop"]["images"]) == (1, 1, 320)
    assert cell["evaluation"]["figures"]
    assert not (done.path / "samples").exists()


def test_each_combination_of_troubles_is_a_cell_with_the_arms_that_help_there(blobs: Path, tmp_path: Path) -> None:
    done = study(
        blobs, out=tmp_path / "study", seeds=1, images_per_class=(8, None), labels_per_class=(4,), **QUICK
    )  # fmt: skip
    few, all_of_them = done.content["cells"]
    assert [few["name"], all_of_them["name"]] == ["8 images a class, 4 labels a class", "4 labels a class"]
    assert few["counts"] == {"train": 12, "validation": 30, "test": 60, "without label": 24}
    assert all_of_them["counts"]["without label"] == 150
    assert {"consistency", "gan-semi", "gan-consistency"} < {arm["name"] for arm in few["arms"]}
    gans = [read_json(done.path / run / "config.json") for cell in (few, all_of_them) for run in cell["gan_runs"]]
    assert [gan["data"]["images"] for gan in gans] == [12, 12]  # what the arms may see, and nothing else
    assert [verdict["cell"] for verdict in done.verdicts] == [few["name"], all_of_them["name"]]


def test_a_long_tail_is_judged_by_balanced_accuracy_against_its_rivals(blobs: Path, tmp_path: Path) -> None:
    done = study(blobs, out=tmp_path / "study", seeds=2, imbalance=(10,), **QUICK)
    (cell,) = done.content["cells"]
    names = [arm["name"] for arm in cell["arms"]]
    assert {"class weights", "over-sampling", "SMOTE", "over-sampling + 25 % generated"} < set(names)
    assert cell["measure"] == "balanced accuracy"
    for name, side in ((cell["verdict"]["best_with"], "with"), (cell["verdict"]["best_without"], "without")):
        confusion = np.array(cell["confusion"][side])
        recalls = confusion.diagonal() / confusion.sum(1)
        (arm,) = (arm for arm in cell["arms"] if arm["name"] == name)
        assert np.mean(arm["test"]) == pytest.approx(recalls.mean())  # 20 test images of each class in each seed
        assert arm["recalls"] == pytest.approx(recalls.tolist())


def test_wrong_labels_are_found_and_dropped_or_corrected_by_arms_of_their_own(
    blobs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("elmyr.tasks.recognition.label_errors.estimate.FEWEST_UPDATES", 30)
    done = study(blobs, out=tmp_path / "study", seeds=1, label_noise=(0.2,), **QUICK)
    (cell,) = done.content["cells"]
    assert {"suspects dropped", "suspects corrected"} < {arm["name"] for arm in cell["arms"]}
    assert cell["name"] == "20 % wrong labels"
    worker = Worker(done.path)
    ground = worker.ground(Piece(0, 0, "suspects dropped"))
    truth = split_source(worker.source, 0).train
    wrong = ground.labeled.labels != truth.labels
    assert wrong.sum() == 30
    kept = ARMS["suspects dropped"].images(ground)
    assert len(kept) < len(truth) and set(kept.classes) == set(truth.classes)
    corrected = ARMS["suspects corrected"].images(ground)
    assert (corrected.labels != truth.labels).sum() != wrong.sum()


def test_an_arm_that_is_trained_again_has_another_seed(whole: Study) -> None:
    ground = Worker(whole.path).ground(Piece(0, 0, "real"))
    noise = np.random.default_rng(0).integers(0, 256, (200, *ground.test.images.shape[1:]), np.uint8)
    ground.test = ImageSet(noise, np.zeros(200, np.int64), ground.test.classes)  # which each training reads in its way
    first, again, once_more = (
        train_arm(ARMS[name], ground, updates=2).read for name in ("real", "real, again", "real, again")
    )
    assert (first != again).any() and (again == once_more).all()


def test_several_processes_find_what_one_finds(whole: Study, few: Path, tmp_path: Path) -> None:
    two = study(few, out=tmp_path / "two", seeds=2, processes=2, **QUICK)
    assert (whole.path / "results.jsonl").read_bytes() == (two.path / "results.jsonl").read_bytes()
    assert whole.verdicts == two.verdicts
    assert two.content["processes"] == 2


def test_a_study_of_a_handful_of_images_ends_in_a_verdict_without_figures(tmp_path: Path) -> None:
    save_npz(small_image_set(12), tmp_path / "few.npz")
    done = study(tmp_path / "few.npz", out=tmp_path / "study", seeds=2, images=64, updates=5, settings=TINY)
    (cell,) = done.content["cells"]
    assert cell["counts"] == {"train": 6, "validation": 3, "test": 3}
    assert cell["evaluation"] is None
    assert cell["verdict"]["low"] < cell["verdict"]["high"] and cell["verdict"]["images"] >= 3
    assert (done.path / "generated.png").is_file()


def test_one_image_a_class_has_a_verdict_though_it_has_no_figures(few: Path, tmp_path: Path) -> None:
    said: list[str] = []
    done = study(few, out=tmp_path / "study", seeds=1, images_per_class=(1,), say=said.append, **QUICK)
    assert done.content["cells"][0]["evaluation"] is None and done.verdicts[0]["seeds"] == 1
    assert done.verdicts[0]["outcome"] == "not decided" and "decide it with --seeds 5" in said[0]
    assert "--seeds 5 --seed 0" in done.content["to_decide"]
    assert resume_study(tmp_path / "study").verdicts == done.verdicts
    # The time of a GAN is that of its run, also where a kill came before it was written down.
    assert done.content["cells"][0]["gan_seconds"][0] > 0 and done.content["cells"][0]["collapsed"] == []


def test_the_command_that_a_study_names_is_the_same_study(few: Path, tmp_path: Path) -> None:
    from elmyr.studies import StudyAsk, make_study_plan

    asked = {"seeds": 2, "images": 1_234_567, "settings": TINY, "device": "cpu", "updates": 4}
    config = make_study_plan(
        StudyAsk(few, label_noise=(0.25, 0.0), images_per_class=(8, None), allow_duplicates=True, **asked)
    )
    words = shlex.split(command_of(config))
    got: list[Any] = []

    def called(ask: StudyAsk, **how: Any) -> None:
        got.append(make_study_plan(ask))
        raise InputError("that is enough")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("elmyr.studies.conduct", called)
        patch.setattr("sys.argv", words)
        with pytest.raises(SystemExit):
            main()
    assert got == [config]


def test_a_study_goes_on_with_the_threads_that_it_began_with(whole: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("core.thread_counts", "studies.plan"):
        monkeypatch.setattr(f"elmyr.{module}.cores", lambda: 4)
    with pytest.raises(InputError, match=r"was begun with --threads 1, .* leave out --threads 3"):
        study(whole.path.parent / "few.npz", out=whole.path, seeds=2, threads=3, **QUICK)


# --- killed, and resumed


def command(data: Path, out: str, *more: str) -> list[str]:
    words = [str(data), "--out", out, "--seeds", "2", "--images", "64", "--updates", "4", "--device", "cpu"]
    return ["study", *words, "--set", TINY[0], "--set", TINY[1], *more]


def killed_after(words: list[str], out: Path, lines: int, number: int) -> None:
    """Runs a command and kills it with a signal once so many results are written down."""
    process = Program(*words)
    while process.poll() is None:
        if (out / "results.jsonl").exists() and (out / "results.jsonl").read_bytes().count(b"\n") >= lines:
            process.send_signal(number)
            break
        time.sleep(0.01)
    done = process.end()
    said = done.stderr
    assert done.returncode in (-number, 128 + number), said  # it was still at work
    if number != signal.SIGKILL:
        assert done.returncode == 128 + number, said
        assert f"resume with: elmyr resume {out.name}" in said
        assert "Traceback" not in said


@pytest.mark.parametrize(
    ("lines", "number", "more"),
    [
        pytest.param(3, signal.SIGKILL, [], id="kill"),
        pytest.param(6, signal.SIGTERM, [], id="terminate", marks=pytest.mark.slow),
        pytest.param(2, signal.SIGINT, ["--processes", "2"], id="Ctrl-C of two processes"),
    ],
)
def test_a_study_that_is_stopped_and_run_again_ends_with_the_same_results(
    whole: Study, few: Path, tmp_path: Path, lines: int, number: int, more: list[str]
) -> None:
    killed_after(command(few, "stopped", *more), tmp_path / "stopped", lines, number)
    kept = (tmp_path / "stopped" / "results.jsonl").read_text()
    done = resume_study(tmp_path / "stopped")
    assert (done.path / "results.jsonl").read_bytes() == (whole.path / "results.jsonl").read_bytes()
    if not more:
        assert (done.path / "results.jsonl").read_text().startswith(kept)  # nothing was done twice
    assert done.verdicts == whole.verdicts


@pytest.mark.slow
def test_a_study_killed_at_ten_random_moments_ends_with_the_same_results(
    whole: Study, few: Path, tmp_path: Path
) -> None:
    random = np.random.default_rng(int.from_bytes(os.urandom(4)))
    words = command(few, "stopped", "--quiet")
    hit = 0
    for _ in range(10):
        process = Program(*words)
        time.sleep(random.uniform(0, 6))
        process.send_signal(signal.SIGKILL)
        hit += process.end().returncode == -signal.SIGKILL
    assert hit
    assert elmyr(*words).returncode == 0
    assert (tmp_path / "stopped" / "results.jsonl").read_bytes() == (whole.path / "results.jsonl").read_bytes()


def test_the_workers_of_a_killed_study_end_with_it(few: Path, tmp_path: Path) -> None:
    process = Program(*command(few, "stopped", "--processes", "2", "--quiet"))
    workers: list[int] = []
    while process.poll() is None and not workers:
        time.sleep(0.05)
        if (tmp_path / "stopped" / "results.jsonl").exists():
            workers = children(process.pid)
    assert workers
    process.send_signal(signal.SIGKILL)
    process.end()
    deadline = time.monotonic() + 60
    while any(is_alive(worker) for worker in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def children(parent: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True, check=False)
    return [int(line) for line in listed.stdout.split()]


def is_alive(process: int) -> bool:
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False)
    return listed.stdout.strip() not in ("", "Z")


def test_another_study_is_not_mixed_into_one_that_is_there(few: Path, tmp_path: Path) -> None:
    done = study(few, out=tmp_path / "study", seeds=1, **QUICK)
    with pytest.raises(InputError, match="holds another study"):
        study(few, out=tmp_path / "study", seeds=2, **QUICK)
    before = (done.path / "results.jsonl").stat().st_mtime_ns
    assert study(few, out=tmp_path / "study", seeds=1, **QUICK).verdicts == done.verdicts
    assert (done.path / "results.jsonl").stat().st_mtime_ns == before
    save_npz(small_image_set(48, seed=1), few)
    with pytest.raises(InputError, match="is not what"):
        resume_study(tmp_path / "study")


def test_a_study_begun_on_another_device_is_taken_up_here_with_its_gans(whole: Study, tmp_path: Path) -> None:
    run = RunDirectory(shutil.copytree(whole.path, tmp_path / "study"))
    (gan, *_) = sorted((run.path / "runs").iterdir())
    for file in (run.config, gan / "config.json"):
        file.write_text(file.read_text().replace('"device": "cpu"', '"device": "cuda:0"'))
    (gan / "summary.json").unlink()  # so that it goes on from its last checkpoint
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match=r"no device 'cuda:0'.*elmyr resume \S+study --device auto$"):
            resume_study(run.path)
    done = resume_study(run.path, device="cpu")
    assert done.verdicts == whole.verdicts
    assert read_json(run.config)["device"] == read_json(gan / "config.json")["device"] == "cpu"
    assert "on cpu, before on cuda:0" in (gan / "log.txt").read_text()


def test_a_study_goes_on_where_its_data_were_moved(tmp_path: Path) -> None:
    images = small_image_set(60)
    assert images.labels is not None
    old, new = tmp_path / "old", tmp_path / "new"
    (old / "mnist").mkdir(parents=True)
    pixels = struct.pack(">IIII", 0x803, len(images), images.height, images.width) + images.images.tobytes()
    labels = struct.pack(">II", 0x801, len(images)) + images.labels.astype(np.uint8).tobytes()
    for part in ("train", "t10k"):
        (old / "mnist" / f"{part}-images-idx3-ubyte").write_bytes(pixels)
        (old / "mnist" / f"{part}-labels-idx1-ubyte").write_bytes(labels)
    done = study("mnist", out=tmp_path / "study", seeds=1, data_root=old, allow_duplicates=True, **QUICK)
    old.rename(new)
    (done.path / "results.jsonl").unlink()
    assert resume_study(done.path, data_root=new).verdicts == done.verdicts
    assert read_json(done.path / "config.json")["root"] == str(new)


# --- what cannot be studied


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seeds": 0}, "at least 1"),
        ({"seeds": 1001}, "at most 1,000"),
        ({"processes": -1}, "at least 1"),
        ({"images_per_class": (8, 8)}, "twice"),
        ({"images_per_class": (1000,)}, "largest class has 50 training images"),
        ({"labels_per_class": (1000,)}, "no class has more"),
        ({"imbalance": (51,)}, "at most 50"),
        (
            {"images_per_class": (1,), "label_noise": (0.9,)},
            "training image is labeled|choose a milder data-scarcity scenario",
        ),
        ({"label_noise": (0.001,)}, "give more"),
        ({"budget": 0.001}, "the smallest budget"),
        ({"seeds_at_most": 5}, "give --seeds 2 or more"),
        ({"seeds": 3, "seeds_at_most": 3}, "a larger number at most"),
        ({"settings": ("conditional=false",)}, "knows the classes"),
        ({"shaping": Shaping(imbalance=51)}, "at most 50"),
    ],
    ids=str,
)
def test_what_no_study_can_be_made_of_is_refused_before_anything_is_written(
    blobs: Path, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message) as refused:
        study(blobs, out=tmp_path / "out", **{"seeds": 1, "images": 64, "updates": 4, "settings": TINY} | options)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_a_study_needs_labels_two_classes_and_images_enough(tmp_path: Path) -> None:
    images = small_image_set().images
    save_npz(ImageSet(images, None), tmp_path / "plain.npz")
    save_npz(ImageSet(images, np.zeros(len(images), np.int64), ("only",)), tmp_path / "one.npz")
    save_npz(small_image_set(6, classes=2), tmp_path / "tiny.npz")
    single = ImageSet(images[:10], np.array([0] * 9 + [1]), ("many", "single"))
    save_npz(single, tmp_path / "single.npz")
    for name, message in (("plain", "label"), ("one", "one class"), ("single", "class 'single'"), ("tiny", "9 ways")):
        with pytest.raises(InputError, match=message):
            study(tmp_path / f"{name}.npz", out=tmp_path / "out", seeds=10)
    assert not (tmp_path / "out").exists()


def test_test_images_that_are_learned_from_are_named_and_refused_unless_told_otherwise(tmp_path: Path) -> None:
    images = small_image_set(240)
    assert images.labels is not None
    doubled = ImageSet(
        np.concatenate([images.images, images.images[:40]]), np.tile(images.labels, 2)[:280], images.classes
    )
    save_npz(doubled, tmp_path / "doubled.npz")
    with pytest.raises(
        InputError, match=r"test images are learned from, too, with seed 0 \(test image \d+ is"
    ) as refused:
        study(tmp_path / "doubled.npz", out=tmp_path / "out", seeds=1, **QUICK)
    assert "--allow-duplicates" in str(refused.value)
    assert study(tmp_path / "doubled.npz", out=tmp_path / "out", seeds=1, allow_duplicates=True, **QUICK).verdicts


def test_seeds_are_added_until_it_is_decided_or_there_are_no_more(few: Path, tmp_path: Path) -> None:
    said, free = list[str](), list[str]()

    def say(line: str) -> None:
        said.append(line)
        if (tmp_path / "study" / "config.json").is_file() and not RunDirectory(tmp_path / "study").in_progress:
            free.append(line)

    done = study(few, out=tmp_path / "study", seeds=2, seeds_at_most=3, say=say, **QUICK)
    assert free == []  # nobody else could have resumed it, also after a look
    config = read_json(done.path / "config.json")
    assert (config["seeds"], config["looks"], done.content["looks"]) == ([0, 1, 2], [2, 3], [2, 3])
    assert any(line.startswith("not decided after 2 seeds: up to 3") for line in said)
    (verdict,) = done.verdicts
    assert "After 3 of at most 3 seeds; the interval holds over all 2 looks." in verdict["sentence"]
    assert "--seeds 2 --seed 0 --seeds-at-most 3" in done.content["commands"][0]
    again = study(few, out=tmp_path / "study", seeds=2, seeds_at_most=3, **QUICK)
    assert again.verdicts == done.verdicts == resume_study(done.path).verdicts
