"""A restorer's run: what it leaves, that it loses nothing when it is stopped, and images in and out as files."""

import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from elmyr import Recognizer, train
from elmyr.cli import main
from elmyr.core.errors import InputError, InterruptedRun
from elmyr.core.files import read_json
from elmyr.engine import RunDirectory, resume
from elmyr.evaluation.of_tasks.repair import RepairJudgment, judge_repair
from elmyr.images import ImageSet, save_npz
from elmyr.tasks.restoration import Restorer, train_restorer
from elmyr.tasks.restoration.task import RestorerTask
from tests.conftest import small_image_set

TINY = {"widths": (8, 12), "bottom": 1, "noise": 4, "discriminator_base": 8}
QUICK: dict[str, Any] = {"images": 480, "settings": TINY, "device": "cpu"}


@pytest.fixture
def blobs(tmp_path: Path) -> Path:
    save_npz(small_image_set(240), tmp_path / "blobs.npz")
    return tmp_path / "blobs.npz"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    folder = tmp_path_factory.mktemp("restorer")
    save_npz(small_image_set(240), folder / "blobs.npz")
    return train_restorer(folder / "blobs.npz", out=folder / "run", **QUICK)


def call(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr("sys.argv", ["elmyr", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def scan(folder: Path) -> Path:
    """A folder of gray images of two sizes, one of them inside another folder."""
    rng = np.random.default_rng(0)
    for name, size in (("a/one.png", (20, 30)), ("a/two.png", (20, 30)), ("b/three.png", (9, 13))):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, size, dtype=np.uint8)).save(path)
    return folder


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_a_run_leaves_what_runs_leave(run: RunDirectory) -> None:
    assert {path.name for path in run.path.iterdir()} >= {
        *(
            "config.json",
            "environment.json",
            "metrics.jsonl",
            "log.txt",
            "previews",
            "checkpoints",
            "model",
            "summary.json",
        )
    }
    assert run.kind == "restorer" and run.finished
    lines = [json.loads(line) for line in run.metrics.read_text().splitlines()]
    assert lines[-1]["images"] == 480
    assert {"distance", "spread", "discriminator_loss", "adversarial_loss"} <= {key for line in lines for key in line}
    assert pixels(run.preview(480)).shape == (6 * (5 * 9 - 1), 6 * (10 * 9 - 1))


@pytest.mark.parametrize("stop", [16 * 7, 16 * 19])
def test_stopped_and_resumed_it_ends_with_the_same_bits(
    blobs: Path, run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    update = RestorerTask.update

    def stopping(self: RestorerTask, batch: Any, position: int) -> Any:
        if position == stop:
            signal.raise_signal(signal.SIGINT)
        return update(self, batch, position)

    with monkeypatch.context() as patch, pytest.raises(InterruptedRun, match="elmyr resume"):
        patch.setattr(RestorerTask, "update", stopping)
        train_restorer(blobs, out=tmp_path / "run", **QUICK)
    with pytest.raises(InputError, match="is not finished"):
        Restorer.load(tmp_path / "run")
    assert call(monkeypatch, "resume", tmp_path / "run", "--quiet") == 0
    models = [folder / "model" / "restorer.safetensors" for folder in (run.path, tmp_path / "run")]
    assert models[0].read_bytes() == models[1].read_bytes()


def test_other_images_than_those_of_the_beginning_are_refused(blobs: Path, tmp_path: Path) -> None:
    begun = train_restorer(blobs, out=tmp_path / "run", **QUICK | {"images": 32})
    begun.summary.unlink()
    save_npz(small_image_set(240, seed=1), blobs)
    with pytest.raises(InputError, match="not what the run was trained on"):
        resume(begun.path)


def test_what_cannot_be_trained_leaves_nothing(blobs: Path, tmp_path: Path) -> None:
    for words in ({"corruption": "block:14"}, {"corruption": "blok"}, {"settings": {"bottom": 0}}):
        with pytest.raises(InputError):
            train_restorer(blobs, out=tmp_path / "none", **QUICK | words)
    assert not (tmp_path / "none").exists()


def test_damaged_and_repaired_files_keep_their_names_sizes_and_known_pixels(
    run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = scan(tmp_path / "scans")
    assert call(monkeypatch, "restorer", "damage", images, "--corruption", "block:4", "--out", tmp_path / "bad") == 0
    words = ("--mask", tmp_path / "bad" / "masks", "--answers", 3, "--out", tmp_path / "good")
    assert call(monkeypatch, "restorer", "apply", run.path, tmp_path / "bad" / "images", *words) == 0
    for name in ("a/one", "a/two", "b/three"):
        true, bad, good = (
            pixels(tmp_path / f"{folder}/{name}.png") for folder in ("scans", "bad/images", "good/repaired")
        )
        mask, doubt = pixels(tmp_path / f"bad/masks/{name}.png"), pixels(tmp_path / f"good/uncertainty/{name}.png")
        assert true.shape == bad.shape == good.shape == mask.shape
        assert (mask == 255).sum() == 16 and np.array_equal(np.unique(mask), [0, 255])
        assert np.array_equal(true[mask == 0], bad[mask == 0]) and (bad[mask > 0] == 0).all()
        assert np.array_equal(good[mask == 0], bad[mask == 0]) and not doubt[mask == 0].any()
        answers = [pixels(tmp_path / f"good/answers/{name}-{number}.png") for number in (1, 2, 3)]
        assert all(np.array_equal(answer[mask == 0], bad[mask == 0]) for answer in answers)
    assert pixels(tmp_path / "good" / "overview.png").shape == (8 * (6 * 21 - 1), 8 * (2 * 31 - 1))


def test_few_pixels_become_more(run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, out = scan(tmp_path / "scans"), tmp_path / "large"
    assert call(monkeypatch, "restorer", "apply", run.path, images, "--enlarge", 2, "--out", out) == 0
    assert pixels(out / "repaired" / "a" / "one.png").shape == (40, 60)


def test_sets_by_name_are_numbered(run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    assert call(monkeypatch, "restorer", "apply", run.path, "digits", "--limit", 3, "--out", out) == 0
    assert sorted(path.name for path in (out / "repaired").iterdir()) == ["000000.png", "000001.png", "000002.png"]


def test_a_judgment_tells_psnr_ssim_and_reading_and_draws_a_page(
    run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    images = small_image_set(240)
    reader = Recognizer(updates=60, base=8, dimension=16, device="cpu")
    reader.fit(images.images, np.array(images.classes)[images.require_labels()]).save(tmp_path / "reader")
    words = ("--recognizer", tmp_path / "reader", "--corruption", "noise:0.5", "--corruption", "center:4")
    page = tmp_path / "repair.html"
    assert call(monkeypatch, "restorer", "evaluate", run.path, *words, "--json", "--out", page) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["count"] == 60 and told["clean_error"] < 0.1
    assert [row["damage"] for row in told["rows"]] == ["noise:0.5", "center:4"]
    for row in told["rows"]:
        damaged, repaired = row["methods"]
        assert (damaged["method"], repaired["method"]) == ("damaged", "repaired")
        assert 0 < repaired["ssim"] < 1 and 0 <= repaired["interval"][0] <= repaired["error"] <= repaired["interval"][1]
    assert page.read_text().count("data:image/png") == 2 * 3
    assert call(monkeypatch, "restorer", "evaluate", run.path, "--limit", 10) == 0
    table = capsys.readouterr().out
    assert "jpeg" in table and "occlusion" in table


def test_few_images_of_a_sorted_source_are_of_all_its_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    images = small_image_set(240)
    save_npz(images.take(np.argsort(images.require_labels(), kind="stable")), tmp_path / "sorted.npz")
    run = train_restorer(tmp_path / "sorted.npz", out=tmp_path / "run", **QUICK | {"images": 16})
    judged: list[ImageSet] = []

    def judge(images: ImageSet, *methods: Any, **choices: Any) -> RepairJudgment:
        judged.append(images)
        return judge_repair(images, *methods, **choices)

    monkeypatch.setattr("elmyr.evaluation.of_tasks.run_figures.judge_repair", judge)
    assert call(monkeypatch, "restorer", "evaluate", run.path, "--limit", 12, "--corruption", "noise") == 0
    assert len(judged[0]) == 12 and set(judged[0].require_labels().tolist()) == {0, 1, 2}
    (row,) = judge_repair(judged[0], {}, damages=["noise"]).rows
    assert all(pictures.base is None for pictures in row.pictures.values())  # else all images stay in memory


def test_a_gan_repairs_by_inversion(
    blobs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = {"network.base": 8, "network.latent": 8, "network.embedding": 4, "batch": 16}
    gan = train(blobs, out=tmp_path / "gan", images=160, settings=tiny, device="cpu")
    out = tmp_path / "bad"
    assert call(monkeypatch, "restorer", "damage", blobs, "--limit", 3, "--corruption", "block:3", "--out", out) == 0
    words = ("--method", "inversion", "--mask", out / "masks", "--answers", 2, "--out", tmp_path / "good")
    assert call(monkeypatch, "restorer", "apply", gan.path, out / "images", *words) == 0
    for number in range(3):
        bad, mask, good = (
            pixels(tmp_path / folder / f"{number:06}.png") for folder in ("bad/images", "bad/masks", "good/repaired")
        )
        assert np.array_equal(good[mask == 0], bad[mask == 0]) and (good[mask > 0] > 0).any()
    Image.fromarray(np.zeros((9, 8), np.uint8)).save(out / "images" / "last.png")
    monkeypatch.setattr("elmyr.tasks.restoration.inversion.bank_of", None)  # no work is begun
    for words, told in (((), "image 'last' is 9x8, the GAN makes 8x8"), (("--answers", 25), "24 at most")):
        words = ("--method", "inversion", *words, "--out", tmp_path / "none")
        assert call(monkeypatch, "restorer", "apply", gan.path, out / "images", *words) == 2
        assert told in capsys.readouterr().err and not (tmp_path / "none").exists()


def test_the_kinds_are_listed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "restorer", "corruptions", "--json") == 0
    assert json.loads(capsys.readouterr().out)["block"]["usual"] == 8
    assert call(monkeypatch, "restorer", "corruptions") == 0
    assert "standard deviation, of 1, 0 to 2" in capsys.readouterr().out


def test_a_summary_tells_what_was_trained(run: RunDirectory) -> None:
    summary = read_json(run.summary)
    assert summary.pop("seconds") > 0 and summary.pop("images_per_second") > 0
    assert summary == {"images": 480, "corruption": "any"}


def test_a_finished_run_goes_on_with_a_larger_budget(
    blobs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = train_restorer(blobs, out=tmp_path / "run", **QUICK | {"images": 64})
    assert call(monkeypatch, "resume", begun.path) == 0
    assert "nothing to do (more with" in capsys.readouterr().err
    assert call(monkeypatch, "resume", begun.path, "--images", 32) == 2
    assert "has seen 64 images already" in capsys.readouterr().err
    assert call(monkeypatch, "resume", begun.path, "--images", 128, "--quiet", "--json") == 0
    assert json.loads(capsys.readouterr().out)["images"] == 128
    assert read_json(begun.config)["extended_from"] == 64
