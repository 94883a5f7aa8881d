"""Models that leave: the same as in torch, used by a program without elmyr and torch, and refused where none can."""

import json
import os
import subprocess
import sys
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
import torch
from PIL import Image

from elmyr import GAN, Recognizer, Restorer, Translator, export
from elmyr.cli import main
from elmyr.core.errors import ElmyrError, InputError
from elmyr.engine.saving.places import BEST
from elmyr.engine.tasks import TASKS
from elmyr.exporting import EXPORTED
from elmyr.exporting.graph import OPSETS, Graph, Port, session_of, write_onnx
from elmyr.exporting.models import EXPORTED as BY_KIND
from elmyr.images import load_images
from elmyr.nets import PAIRS, NetworkConfig
from elmyr.tasks.gan.model import GANConfig
from elmyr.tasks.recognition import open_recognizer, train_recognizer
from elmyr.tasks.translation import train_translator
from tests.conftest import small_image_set

pytest.importorskip("onnxscript")
STORED = Path(__file__).parents[1] / "stored"
RUNS = {kind: STORED / kind / "finished" for kind in ("gan", "recognizer", "restorer")}


@pytest.fixture(scope="module")
def translator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that tells the size of its images, as stored ones of before do not."""
    folder = tmp_path_factory.mktemp("translator")
    return train_translator(small_image_set(60), small_image_set(60, seed=1), out=folder / "run", images=16).path


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory, translator: Path) -> dict[str, Path]:
    """Each kind of model as it left."""
    folder = tmp_path_factory.mktemp("exported")
    for kind, run in {**RUNS, "translator": translator}.items():
        done = export(run, folder / kind)
        assert done.difference <= 1e-4 and sorted(done.files) == sorted(path.name for path in (folder / kind).iterdir())
    return {kind: folder / kind for kind in (*RUNS, "translator")}


def used(folder: Path, tmp_path: Path, *words: str | Path) -> str:
    """What `use.py` prints, in a process that can import neither elmyr nor torch."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nsys.modules['torch'] = sys.modules['elmyr'] = None\nprint('blocked')\n"
    )
    done = subprocess.run(
        [sys.executable, str(folder / "use.py"), *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    assert done.stdout.startswith("blocked\n")
    return done.stdout.removeprefix("blocked\n")


def picture_of(image: np.ndarray) -> Image.Image:
    return Image.fromarray(image[..., 0])


def told(folder: Path) -> dict:
    return json.loads((folder / "model.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("count", [1, 7, 64])
def test_a_recognizer_reads_as_before(left: dict[str, Path], tmp_path: Path, count: int) -> None:
    recognizer, about = open_recognizer(RUNS["recognizer"], device="cpu"), told(left["recognizer"])
    height, width, channels = about["image_shape"]
    images = np.random.default_rng(0).integers(0, 256, (count, height, width, channels), dtype=np.uint8)
    (found,) = session_of(left["recognizer"] / "model.onnx").run(None, {"images": images})
    assert np.allclose(found, recognizer.predict_proba(images), atol=1e-4)
    if count == 1:
        picture_of(images[0]).save(tmp_path / "image.png")
        read = used(left["recognizer"], tmp_path, tmp_path / "image.png").strip()
        best = int(found[0].argmax())
        assert read == f"{tmp_path / 'image.png'}: {about['classes'][best]}, {found[0][best]:.1%}"


@pytest.mark.parametrize("count", [1, 7, 64])
def test_a_generator_makes_and_a_discriminator_judges_as_before(
    left: dict[str, Path], tmp_path: Path, count: int
) -> None:
    gan = GAN.load(RUNS["gan"], device="cpu", precision="fp32")
    latents = gan.config.latents(count, torch.Generator().manual_seed(3))
    labels = torch.arange(count) % 10
    for truncation in (1.0, 0.5):
        given = {"latents": latents.numpy(), "labels": labels.numpy(), "truncation": np.array(truncation, np.float32)}
        (made,) = session_of(left["gan"] / "model.onnx").run(None, given)
        expected = gan.make(latents, labels, truncation=truncation)
        assert abs(255 * made - expected).max() <= 0.51  # rounded
    samples = gan.sample(count, seed=1)
    given = {"images": samples.images, "labels": samples.labels}
    (logits,) = session_of(left["gan"] / "discriminator.onnx").run(None, given)
    assert np.allclose(logits, gan.discriminate(samples), atol=1e-4)
    if count == 1:
        used(left["gan"], tmp_path, tmp_path / "made.png", "4")
        with Image.open(tmp_path / "made.png") as picture:
            assert picture.size == (80, 80) and np.ptp(np.asarray(picture)) > 50


def test_a_restorer_repairs_as_before(left: dict[str, Path], tmp_path: Path) -> None:
    restorer = Restorer.load(RUNS["restorer"], device="cpu", precision="fp32")
    height, width, channels = told(left["restorer"])["image_shape"]
    images = np.random.default_rng(0).integers(0, 256, (5, height, width, channels), dtype=np.uint8)
    hidden = np.zeros((5, height, width), bool)
    hidden[:, :3, 2:5] = True
    (repaired,) = session_of(left["restorer"] / "model.onnx").run(None, {"images": images, "hidden": hidden})
    expected = restorer.restore(images, hidden).images
    assert abs(255 * repaired - expected)[hidden].max() <= 0.51
    picture_of(images[0]).save(tmp_path / "image.png")
    picture_of(255 * hidden[0].astype(np.uint8)[..., None]).save(tmp_path / "mask.png")
    used(left["restorer"], tmp_path, tmp_path / "image.png", tmp_path / "out.png", tmp_path / "mask.png")
    with Image.open(tmp_path / "out.png") as picture:
        found = np.asarray(picture).reshape(height, width, channels).astype(int)
    assert abs(found - expected[0]).max() <= 1 and (found[~hidden[0]] == images[0][~hidden[0]]).all()


def test_a_translator_translates_as_before(left: dict[str, Path], translator: Path, tmp_path: Path) -> None:
    model = Translator.load(translator, device="cpu", precision="fp32")
    height, width, channels = told(left["translator"])["image_shape"]
    images = np.random.default_rng(0).integers(0, 256, (5, height, width, channels), dtype=np.uint8)
    (made,) = session_of(left["translator"] / "model.onnx").run(None, {"images": images})
    expected = model.translate(images)
    assert abs(255 * made - expected).max() <= 0.51
    picture_of(images[0]).save(tmp_path / "image.png")
    used(left["translator"], tmp_path, tmp_path / "image.png", tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as picture:
        assert abs(np.asarray(picture).reshape(height, width, channels).astype(int) - expected[0]).max() <= 1


def test_whole_numbers_read_nearly_as_floats_do_and_say_how_nearly(tmp_path: Path) -> None:
    digits = load_images("digits")
    run = train_recognizer("digits", Recognizer(updates=60, base=8, dimension=16), out=tmp_path / "run")
    done = export(run, tmp_path / "left", int8=True)
    assert done.quantized is not None and "model.int8.onnx" in done.files
    before, after = done.quantized.accuracies
    assert abs(before - after) < 0.05 and before > 0.6
    about = told(tmp_path / "left")["graphs"]["model.int8.onnx"]
    assert about["accuracy"] == after and about["interval"][0] <= after <= about["interval"][1]
    read = [
        session_of(tmp_path / "left" / name).run(None, {"images": digits.images[:200]})[0].argmax(1)
        for name in ("model.onnx", "model.int8.onnx")
    ]
    assert np.mean(read[0] == read[1]) > 0.9
    assert done.quantized.sizes[1] < done.quantized.sizes[0]
    with pytest.raises(InputError, match="int8 is for recognizers, and .* is a run of a GAN|int8 is for recognizers"):
        export(RUNS["gan"], tmp_path / "out", int8=True)


def test_each_kind_of_run_is_exported_or_says_why_not(tmp_path: Path) -> None:
    assert set(TASKS) <= set(EXPORTED)  # what is trained has a model that can leave
    copytree(STORED / "configs", tmp_path / "configs")
    for run, said in (
        (tmp_path / "configs", "is not a run directory"),
        (STORED / "translator" / "finished", "does not say the size of its images: train it again"),
        (STORED / "gan" / "interrupted", "elmyr resume"),
    ):
        with pytest.raises(InputError, match=said):
            export(run, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", sorted(PAIRS))
@pytest.mark.slow
def test_every_pair_of_networks_is_exported(name: str, tmp_path: Path) -> None:
    side = {"dcgan64": 64}.get(name, 8)
    for classes in ((), ("a", "b")):
        network = NetworkConfig(name=name, base=8, latent=32, embedding=8)
        config = GANConfig(height=side, width=side, channels=3, classes=classes, network=network)
        torch.manual_seed(0)
        gan = GAN(config, *config.build(), device="cpu", precision="fp32")
        for file, graph in BY_KIND["gan"].made(gan).graphs.items():
            assert write_onnx(graph, tmp_path / f"{file}.onnx") <= 1e-4


@pytest.mark.parametrize("opset", [OPSETS[0] - 1, OPSETS[-1] + 1, 5])
def test_an_opset_that_cannot_hold_the_networks_is_refused(tmp_path: Path, opset: int) -> None:
    with pytest.raises(InputError, match=f"--opset {opset} cannot hold the networks: give one from 18 to 23"):
        export(RUNS["recognizer"], tmp_path / "out", opset=opset)
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra_and_where_something_is_the_reason_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    with pytest.raises(InputError, match="it holds files already"):
        export(RUNS["recognizer"], tmp_path / "full")
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(InputError, match="pip install 'elmyr\\[export\\]'"):
        export(RUNS["recognizer"], tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full"]


def test_images_of_people_are_read_by_the_program(left: dict[str, Path], tmp_path: Path) -> None:
    digits = load_images("digits").images[:3]
    for number, image in enumerate(digits):
        picture_of(image).save(tmp_path / f"{number}.png")
    read = used(left["recognizer"], tmp_path, *(tmp_path / f"{number}.png" for number in range(3)))
    assert len(read.splitlines()) == 3


class _Off(torch.nn.Module):
    """Is exported as one function, and is another one afterwards."""

    def __init__(self, by: float) -> None:
        super().__init__()
        self.by = by

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        return given if torch.compiler.is_exporting() else given + self.by


@pytest.mark.parametrize("by", [2e-4, float("nan")])
def test_a_graph_that_differs_from_torch_fails(tmp_path: Path, by: float) -> None:
    port = Port("float32", (None, 2), "")
    graph = Graph(_Off(by), {"given": port}, ("same", port), lambda count, random: (torch.rand(count, 2),))
    with pytest.raises(ElmyrError, match="differs from torch by"):
        write_onnx(graph, tmp_path / "model.onnx")


def test_what_differs_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elmyr.exporting.graph.PARITY", -1.0)
    with pytest.raises(ElmyrError, match="differs from torch by"):
        export(RUNS["recognizer"], tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def command(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> int:
    monkeypatch.setattr("sys.argv", ["elmyr", "export", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.mark.parametrize("kind", ["adaptation", "study"])
def test_what_holds_a_recognizer_is_exported_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    run = copytree(STORED / kind, tmp_path / kind) / "finished"
    for path in run.rglob("config.json"):
        path.write_text(path.read_text().replace("@STORED@", str(STORED)))
    if kind == "study":  # the stored one is of a time before studies kept their best recognizer
        copytree(RUNS["recognizer"] / "model", run / BEST)
    assert command(monkeypatch, run, "--out", tmp_path / "out", "--quiet") == 0, capsys.readouterr().err
    assert told(tmp_path / "out")["kind"] == "recognizer"


@pytest.mark.parametrize(
    ("run", "more", "said"),
    [
        *((STORED / kind / "interrupted", (), "elmyr resume") for kind in sorted(TASKS)),
        (STORED / "translator" / "finished", (), "train it again"),
        (STORED / "study" / "finished", (), "has no best recognizer yet"),
        (STORED / "adaptation" / "interrupted", (), "is not finished"),
        (STORED / "configs", (), "is not a run directory"),
        (STORED / "nowhere", (), "nowhere"),
        (RUNS["gan"], ("--int8",), "int8 is for recognizers"),
        *((run, ("--opset", "5"), "give one from 18 to 23") for run in RUNS.values()),
        (RUNS["recognizer"], ("--opset", "many"), "--opset"),
    ],
)
def test_what_cannot_leave_is_refused_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    run: Path,
    more: tuple[str, ...],
    said: str,
) -> None:
    assert command(monkeypatch, run, "--out", tmp_path / "out", *more) == 2
    printed = capsys.readouterr()
    assert said in printed.err and len(printed.err.splitlines()) == 1, printed
    assert list(tmp_path.iterdir()) == []


class _Fixed(torch.nn.Module):
    """Holds for the number of inputs it was traced with alone."""

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        return given + torch.zeros(2 if torch.compiler.is_exporting() else len(given), 2)


def test_a_graph_of_one_number_of_inputs_fails(tmp_path: Path) -> None:
    port = Port("float32", (None, 2), "")
    graph = Graph(_Fixed(), {"given": port}, ("same", port), lambda count, random: (torch.rand(count, 2),))
    with pytest.raises(ElmyrError, match="cannot run the exported network|cannot export this network"):
        write_onnx(graph, tmp_path / "model.onnx")
