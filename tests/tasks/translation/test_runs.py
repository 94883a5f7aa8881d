"""A translator's run: what it leaves, that it loses nothing when it is stopped, what it opens, files in and out."""

import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from elmyr import Recognizer
from elmyr.cli import main
from elmyr.core.errors import InputError, InterruptedRun
from elmyr.core.files import read_json
from elmyr.engine import RunDirectory, resume
from elmyr.images import ImageSet, Shaping, load_images, save_npz
from elmyr.tasks.translation import Translator, train_translator
from elmyr.tasks.translation.batches import DomainData
from elmyr.tasks.translation.domains import open_domains
from elmyr.tasks.translation.task import TranslatorTask
from tests.conftest import small_image_set

TINY = {"widths": (8, 12), "bottom": 1, "discriminator_base": 8, "batch": 16}
QUICK: dict[str, Any] = {"images": 160, "settings": TINY, "device": "cpu"}


def lay_out(folder: Path) -> tuple[Path, Path]:
    images = small_image_set(120)
    save_npz(images, folder / "blobs.npz")
    other = small_image_set(150, seed=1)
    save_npz(ImageSet(255 - other.images[:], other.labels, other.classes), folder / "negatives.npz")
    return folder / "blobs.npz", folder / "negatives.npz"


@pytest.fixture
def kinds(tmp_path: Path) -> tuple[Path, Path]:
    return lay_out(tmp_path)


@pytest.fixture(scope="module", params=["cycle", "contrastive"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    folder = tmp_path_factory.mktemp("translator")
    return train_translator(*lay_out(folder), out=folder / "run", method=request.param, **QUICK)


def call(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr("sys.argv", ["elmyr", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_a_run_leaves_what_runs_leave(run: RunDirectory) -> None:
    assert run.kind == "translator" and run.finished
    assert {"config.json", "environment.json", "log.txt", "model", "checkpoints"} <= {
        path.name for path in run.path.iterdir()
    }
    assert "the labels of 'negatives' are ignored" in run.log.read_text()
    lines = [json.loads(line) for line in run.metrics.read_text().splitlines()]
    assert lines[-1]["images"] == 160
    assert {"discriminator_loss", "adversarial_loss", "label_loss"} <= {key for line in lines for key in line}
    assert np.asarray(Image.open(run.preview(160))).shape == (6 * (6 * 9 - 1), 6 * (10 * 9 - 1))


def assert_resumes_to_the_bit(
    undisturbed: RunDirectory, kinds: tuple[Path, Path], out: Path, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    update = TranslatorTask.update

    def stopping(self: TranslatorTask, batch: Any, position: int) -> Any:
        if position == stop:
            signal.raise_signal(signal.SIGINT)
        return update(self, batch, position)

    method = read_json(undisturbed.summary)["method"]
    with monkeypatch.context() as patch, pytest.raises(InterruptedRun, match="elmyr resume"):
        patch.setattr(TranslatorTask, "update", stopping)
        train_translator(*kinds, out=out, method=method, **QUICK)
    with pytest.raises(InputError, match="is not finished"):
        Translator.load(out)
    assert call(monkeypatch, "resume", out, "--quiet") == 0
    models = [folder / "model" / "translator.safetensors" for folder in (undisturbed.path, out)]
    assert models[0].read_bytes() == models[1].read_bytes()


@pytest.mark.parametrize("stop", [16 * 3, 16 * 7])
def test_stopped_and_resumed_it_ends_with_the_same_bits(
    kinds: tuple[Path, Path], run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    assert_resumes_to_the_bit(run, kinds, tmp_path / "run", monkeypatch, stop)


def test_so_do_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = small_image_set(120)
    pairs = tmp_path / "a.npz", tmp_path / "b.npz"
    for path, pixels in zip(pairs, (images.images[:], 255 - images.images[:]), strict=True):
        save_npz(ImageSet(pixels, None), path)
    run = train_translator(*pairs, out=tmp_path / "undisturbed", method="paired", **QUICK)
    assert_resumes_to_the_bit(run, pairs, tmp_path / "run", monkeypatch, 16 * 5)


def test_a_finished_run_goes_on_with_a_larger_budget(
    kinds: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = train_translator(*kinds, out=tmp_path / "run", **QUICK | {"images": 32})
    assert call(monkeypatch, "resume", begun.path) == 0
    assert "nothing to do (more with" in capsys.readouterr().err
    assert call(monkeypatch, "resume", begun.path, "--images", 64, "--quiet", "--json") == 0
    assert json.loads(capsys.readouterr().out)["images"] == 64
    begun.summary.unlink()
    save_npz(small_image_set(150), kinds[1])
    with pytest.raises(InputError, match="not what the run was trained on"):
        resume(begun.path)


def test_the_two_kinds_are_shown_in_orders_that_have_nothing_in_common(kinds: tuple[Path, Path]) -> None:
    domains = open_domains(*kinds, paired=False, seed=0)
    same = domains.a.train
    data = DomainData(same, same, paired=False, seed=0, device=torch.device("cpu"))
    batch = data.batch(0, 40)
    alike = (batch.images == batch.others).flatten(1).all(1).float().mean()
    assert alike < 0.2
    paired = DomainData(same, same, paired=True, seed=0, device=batch.images.device).batch(0, 40)
    assert (paired.images == paired.others).all()


def test_pairs_fall_into_the_same_part_by_their_names(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in rng.permutation(40).tolist():
        for side, value in (("a", number), ("b", 255 - number)):
            path = tmp_path / side / f"{number}.{'png' if side == 'a' else 'bmp'}"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(np.full((8, 8), value, np.uint8)).save(path)
    domains = open_domains(tmp_path / "a", tmp_path / "b", paired=True, seed=3)
    for part in ("train", "validation", "test"):
        a, b = domains.a.part(part), domains.b.part(part)
        assert len(a) == len(b) > 0 and (a.images[:] == 255 - b.images[:]).all()


def test_a_choice_of_pairs_is_that_of_a(tmp_path: Path) -> None:
    images = small_image_set(60)
    save_npz(images, tmp_path / "a.npz")
    save_npz(ImageSet(255 - images.images[:], None), tmp_path / "b.npz")
    shaping = Shaping(limit=30, classes=("b", "c"))
    domains = open_domains(tmp_path / "a.npz", tmp_path / "b.npz", paired=True, seed=0, shaping=shaping)
    assert len(domains.a.train) + len(domains.a.validation) + len(domains.a.test) == 30
    assert (domains.a.train.images[:] == 255 - domains.b.train.images[:]).all()


def test_translated_files_keep_their_names_and_sets_their_labels(
    run: RunDirectory, kinds: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    for name, size in (("a/one", (20, 30)), ("b/two", (9, 13))):
        path = tmp_path / "scans" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, size, dtype=np.uint8)).save(path)
    out = tmp_path / "out"
    assert call(monkeypatch, "translator", "apply", run.path, tmp_path / "scans", "--out", out) == 0
    assert np.asarray(Image.open(out / "translated" / "a" / "one.png")).shape == (20, 30)
    assert np.asarray(Image.open(out / "translated" / "b" / "two.png")).shape == (9, 13)
    assert call(monkeypatch, "translator", "apply", run.path, kinds[0], "--limit", 9, "--out", tmp_path / "x.npz") == 0
    assert load_images(tmp_path / "x.npz").require_labels().shape == (9,)
    back = ("translator", "apply", run.path, kinds[1], "--back", "--limit", 9, "--out", tmp_path / "y.npz")
    assert call(monkeypatch, *back) == 0


def test_a_judgment_tells_labels_strokes_and_pairs_and_draws_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    images = small_image_set(120)
    save_npz(images, tmp_path / "a.npz")
    save_npz(ImageSet(np.minimum(255, images.images[:] + np.uint8(15)), None), tmp_path / "b.npz")
    Recognizer(updates=60, base=8, dimension=16, device="cpu").fit(
        images.images, np.array(images.classes)[images.require_labels()]
    ).save(tmp_path / "reader")
    out = tmp_path / "run"
    words = ("--paired", "--images", 64, "--recognizer", tmp_path / "reader", "--out", out, "--quiet")
    tiny = [word for name, value in TINY.items() for word in ("--set", f"{name}={json.dumps(value)}")]
    assert call(monkeypatch, "translator", "train", tmp_path / "a.npz", tmp_path / "b.npz", *words, *tiny) == 0
    assert "elmyr translator from a to b" in (out / "report.html").read_text(encoding="utf-8")
    page = tmp_path / "page.html"
    asked = ("--recognizer", tmp_path / "reader", "--json", "--out", page)
    assert call(monkeypatch, "translator", "evaluate", out, *asked) == 0
    told = json.loads(capsys.readouterr().out)
    assert [way["name"] for way in told["ways"]] == ["a-to-b", "b-to-a"]
    for way in told["ways"]:
        assert way["count"] == 30 and 0 <= way["kept"]["interval"][0] <= way["kept"]["kept"] <= 1
        assert way["near"]["psnr"] > 10 and way["returned"] > 10 and way["made"]["thickness"] > 0
    assert told["ways"][0]["kept"]["right_before"] > 0.9
    text = page.read_text()
    assert text.count("data:image/png") == 2 * 4 and "predicted as" in text and "there and back" in text
    assert call(monkeypatch, "translator", "evaluate", out, "--limit", 10) == 0
    assert "b-to-a" in capsys.readouterr().out


def test_a_recognizer_that_changed_is_not_gone_on_with(kinds: tuple[Path, Path], tmp_path: Path) -> None:
    images = small_image_set(60)
    for seed in (0, 1):
        reader = Recognizer(updates=2, base=8, dimension=16, seed=seed, device="cpu").fit(images.images, images.labels)
        reader.save(tmp_path / "reader")
        if seed == 0:
            words = QUICK | {"images": 16, "recognizer": tmp_path / "reader"}
            begun = train_translator(*kinds, out=tmp_path / "run", **words)
            begun.summary.unlink()
    with pytest.raises(InputError, match="not the recognizer of"):
        resume(begun.path)


def test_the_methods_are_listed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "translator", "methods", "--json") == 0
    assert set(json.loads(capsys.readouterr().out)) == {"cycle", "contrastive", "paired"}
    assert call(monkeypatch, "translator", "methods") == 0
