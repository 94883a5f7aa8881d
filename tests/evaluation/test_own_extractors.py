"""A network of a user's own as an extractor: by its import path, as a folder, as an ONNX file."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from elmyr import compare, evaluate, save_extractor
from elmyr.core.errors import InputError
from elmyr.core.files import sha256_of
from elmyr.evaluation.extractors import Extraction, called, extractor_for, told_of
from elmyr.evaluation.features import function_extractor
from elmyr.evaluation.reference import reference_of
from elmyr.images import ImageSet, save_npz
from elmyr.nets import NetworkConfig
from elmyr.tasks.gan.model import GAN, GANConfig
from tests.conftest import small_image_set
from tests.e2e.test_bad_input import told

STORED = Path(__file__).parents[1] / "stored" / "extractors"
NETWORKS = """
import torch
from torch import nn


class Rows(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.rand(1))

    def forward(self, images):
        return self.scale * images.mean((1, 3))


def rows():
    return Rows()


class Maps(Rows):
    def forward(self, images):
        return images


class Pair(Rows):
    def forward(self, images):
        return images.mean((1, 3)), images


class OneRow(Rows):
    def forward(self, images):
        return images.mean((0, 1, 3))[None]


class NaN(Rows):
    def forward(self, images):
        return images.mean((1, 3)) / 0 * 0


class Wide(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Flatten(), nn.Linear(16 * 16, 3))


class Linear(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Flatten(), nn.Linear(64, 5))


class Raising(Rows):
    def forward(self, images):
        raise KeyError("layer4")


class Asking(Rows):
    def __init__(self, width):
        super().__init__()


number = 3
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder with the module `own_nets`, which no test leaves imported."""
    Path("own_nets.py").write_text(NETWORKS)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    for name in ("own_nets", "broken_nets"):
        sys.modules.pop(name, None)


def row_means(images: ImageSet) -> np.ndarray:
    return images.images.mean((2, 3)) / 255


def with_scale(scale: float) -> nn.Module:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.tensor([float(scale)]))

    return Scaled()


def test_a_network_by_its_import_path_sees_floats_from_0_to_1(blobs: ImageSet) -> None:
    torch.manual_seed(29)
    first, again = (extractor_for(blobs, Extraction("own_nets:Rows")) for _ in range(2))
    assert first.name == "own_nets:Rows" and first.dimension == 8
    features = first.features(blobs)
    np.testing.assert_allclose(features / features[0, 0] * row_means(blobs)[0, 0], row_means(blobs), rtol=1e-5)
    assert first.sha256 == again.sha256 == extractor_for(blobs, Extraction("own_nets:rows")).sha256
    assert torch.initial_seed() == 29  # the user's own stream is left as it was


def test_weights_in_a_file_are_other_weights(blobs: ImageSet) -> None:
    save_file({"scale": torch.tensor([2.0])}, "two.safetensors")
    given = extractor_for(blobs, Extraction("own_nets:Rows", weights="two.safetensors"))
    np.testing.assert_allclose(given.features(blobs), 2 * row_means(blobs), rtol=1e-6)
    assert given.sha256 != extractor_for(blobs, Extraction("own_nets:Rows")).sha256


def test_a_folder_has_its_preparation_its_weights_and_its_own_module(blobs: ImageSet) -> None:
    for place, factor in (("a", 1), ("b", 10)):
        Path(place).mkdir()
        Path(place, "network.py").write_text(NETWORKS.replace("self.scale * images", f"{factor} * self.scale * images"))
        preparation = {"size": [4, 4], "resize": "pillow-bilinear", "channels": 3, "range": [0, 255], "mean": [100.0]}
        save_extractor(place, "network:Rows", with_scale(2), preparation=preparation)
    a, b = (extractor_for(blobs, Extraction(place)) for place in ("a", "b"))
    assert (a.name, a.dimension, a.sha256) == ("a", 4, sha256_of(Path("a", "weights.safetensors")))
    assert a.resize == "pillow-bilinear to 4x4, 3 channels, 0 to 255, mean 100, std 1"
    np.testing.assert_allclose(b.features(blobs), 10 * a.features(blobs), rtol=1e-5)
    small = Image.fromarray(blobs.images[0, :, :, 0].astype(np.float32)).resize((4, 4), Image.Resampling.BILINEAR)
    np.testing.assert_allclose(a.features(blobs)[0], 2 * (np.asarray(small).mean(1) - 100), rtol=1e-5)


def test_an_onnx_file_is_an_extractor_also_one_that_takes_a_fixed_number_of_images(blobs: ImageSet) -> None:
    pytest.importorskip("onnxruntime")
    free, fixed = (STORED / f"{name}.onnx" for name in ("row-means", "row-means-8x8-four-at-a-time"))
    for path in (free, fixed):
        made = extractor_for(blobs, Extraction(str(path)))
        assert (made.name, made.sha256) == (path.name, sha256_of(path))
        seven = blobs.take(np.arange(7))
        np.testing.assert_allclose(made.features(seven), row_means(seven), rtol=1e-6)
    copy = Path("small.onnx")
    copy.write_bytes(free.read_bytes())
    Path("small.toml").write_text(f"size = [2, 2]\nresize = 'pillow-bilinear'\nsha256 = '{sha256_of(copy)}'\n")
    assert extractor_for(blobs, Extraction("small.onnx")).dimension == 2


def test_what_evaluate_writes_tells_one_extractor_from_another(tmp_path: Path) -> None:
    blobs = small_image_set(160)
    save_npz(blobs, tmp_path / "blobs.npz")
    save_extractor("eye", "own_nets:Rows", with_scale(1), preparation={"size": [4, 4]})
    by_path = evaluate(blobs, data="blobs.npz", extractor="own_nets:Rows", quiet=True).extractor
    by_folder = compare([blobs, blobs], data="blobs.npz", extractor="eye", quiet=True).extractor
    assert by_path["name"] == "own_nets:Rows" and by_folder["name"] == "eye"
    assert by_path["code"] == by_folder["code"] == sha256_of(Path("own_nets.py"))
    assert by_path["resize"].startswith("none") and by_folder["resize"].startswith("torch-bilinear to 4x4")
    assert by_path["sha256"] != by_folder["sha256"]
    assert called(by_path) == f"own_nets:Rows ({by_path['sha256'][:8]})" and called({"name": "pixels"}) == "pixels"
    json.dumps(by_folder)


def test_features_of_real_images_are_not_taken_from_another_preparation_or_code(blobs: ImageSet) -> None:
    seen = []
    for low in (0.0, -1.0):
        save_extractor("eye", "own_nets:Rows", with_scale(1), preparation={"range": [low, 1]})
        seen.append(reference_of(extractor_for(blobs, Extraction("eye")), blobs).embedding.features)
    Path("own_nets.py").write_text(NETWORKS.replace("self.scale * images", "2 * self.scale * images"))
    sys.modules.pop("own_nets")
    seen.append(reference_of(extractor_for(blobs, Extraction("eye")), blobs).embedding.features)
    np.testing.assert_allclose(seen[1], 2 * seen[0] - 1, atol=1e-6)
    np.testing.assert_allclose(seen[2], 2 * seen[1], atol=1e-6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Extractors of each form that are not what they are to be."""
    folder = tmp_path_factory.mktemp("extractors")
    (folder / "own_nets.py").write_text(NETWORKS)
    (folder / "broken_nets.py").write_text("import torch\n1 / 0\n")
    save_npz(small_image_set(160), folder / "blobs.npz")
    (folder / "empty").mkdir()
    (folder / "domain").mkdir()
    for file in STORED.glob("*.onnx"):
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "cut.onnx").write_bytes((STORED / "row-means.onnx").read_bytes()[:60])
    save_file({"scale": torch.ones(2)}, folder / "two.safetensors")
    save_file({"other": torch.ones(1)}, folder / "other.safetensors")
    (folder / "broken.safetensors").write_bytes(b"12345678")
    save_file({"scale": torch.ones(1)}, folder / "domain" / "weights.safetensors")
    sha256 = sha256_of(folder / "domain" / "weights.safetensors")
    for name, network, more in (
        ("domain", "own_nets:Rows", ""),
        ("changed", "own_nets:Rows", ""),
        ("unknown-rule", "own_nets:Rows", 'resize = "pilow-bicubic"'),
        ("misspelled", "own_nets:Rows", "chanels = 3"),
        ("no-class", "os:abort", ""),
        ("other-weights", "own_nets:Wide", ""),
    ):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "extractor.toml").write_text(f"network = '{network}'\nsha256 = '{sha256}'\n{more}\n")
        save_file({"scale": torch.ones(1)}, folder / name / "weights.safetensors")
    save_file({"scale": torch.tensor([3.0])}, folder / "changed" / "weights.safetensors")
    return folder


@pytest.fixture
def places(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize(
    ("extractor", "expected"),
    [
        ("own_nets:Maps", r"makes \(2, 1, 8, 8\) of 2 images: it is to give features \(N, D\)"),
        ("own_nets:Pair", "gives tuple, not a tensor"),
        ("own_nets:OneRow", r"makes \(1, 8\) of 2 images"),
        ("own_nets:NaN", "gives NaN or infinity for 2 of 2 images"),
        ("own_nets:Wide", "fails on images of 1x8x8 .*RuntimeError"),
        ("own_nets:Asking", "'own_nets:Asking' cannot be made .*'width'"),
        ("own_nets:number", "gives int, not a torch.nn.Module"),
        ("own_nets:Mpas", "has no 'Mpas': did you mean 'Maps'"),
        ("own_nts:Rows", "no module 'own_nts' .* go to the folder of own_nts.py"),
        ("broken_nets:Rows", "cannot be imported: ZeroDivisionError"),
        ("own_nets:", "is no module:attribute"),
        ("empty", "has no extractor.toml"),
        ("changed", "has the sha256 .*, not .*: take the weights"),
        ("unknown-rule", "no resize rule 'pilow-bicubic': did you mean 'pillow-bicubic'"),
        ("misspelled", "describes no extractor: chanels"),
        ("no-class", "os:abort is no class of torch.nn.Module"),
        ("other-weights", "holds the weights of another network"),
        ("./domain", "has the name of one of elmyr's, 'domain'"),
        ("absent.onnx", "no file 'absent.onnx'"),
        ("domian", "did you mean 'domain'"),
        ("own_nets:Rows --extractor-weights two.safetensors", r"'scale' is \(2,\), the network .* has \(1,\)"),
        ("own_nets:Rows --extractor-weights other.safetensors", "holds the weights of another network"),
        ("own_nets:Rows --extractor-weights broken.safetensors", "is no whole .safetensors file"),
        ("own_nets:Rows --extractor-weights absent.safetensors", "no weights 'absent.safetensors'"),
        ("pixels --extractor-weights two.safetensors", "'pixels' takes no weights"),
    ],
)
def test_what_is_no_extractor_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, extractor: str, expected: str
) -> None:
    words = "evaluate", "blobs.npz", "--data", "blobs.npz", "--quiet", "--extractor", *extractor.split()
    line = told(capsys, monkeypatch, *words)
    assert re.search(expected, line), line


FAULTS = {"Maps": "makes", "Pair": "gives tuple", "OneRow": "makes", "NaN": "gives NaN", "Raising": "fails .*'layer4'"}


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize("judge", [evaluate, lambda subject, **words: compare([subject, subject], **words)])
def test_a_fault_is_told_before_a_gan_is_sampled_and_copies_are_looked_for(judge: Any) -> None:
    config = GANConfig(height=8, width=8, channels=1, classes=("a", "b", "c"), network=NetworkConfig(base=8, latent=9))
    gan, said = GAN(config, *config.build(), device="cpu"), list[str]()
    for name, expected in FAULTS.items():
        with pytest.raises(InputError, match=rf"'own_nets:{name}' {expected}"):
            judge(gan, data="blobs.npz", extractor=f"own_nets:{name}", say=said.append)
    assert {line.partition(": ")[2] for line in said} == {"feature extractor …"}


def test_a_network_computes_in_the_precision_that_is_asked_for_and_in_single_where_none_is(blobs: ImageSet) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 5))
    save_extractor("eye", "own_nets:Linear", network)
    usual, single, half = (
        extractor_for(blobs, Extraction("eye", precision=precision)) for precision in ("auto", "fp32", "bf16")
    )
    exact = network(torch.from_numpy(blobs.images).permute(0, 3, 1, 2) / 255).detach().numpy()
    for each in (usual, single):
        np.testing.assert_allclose(each.features(blobs), exact, rtol=0, atol=1e-5 * abs(exact).max())
    gaps = abs(half.features(blobs) - exact) / abs(exact).max()
    assert 1e-4 < gaps.max() < 0.05
    told = told_of(half, Extraction("eye"), blobs)
    assert told["precision"] == "bf16" and called(told).endswith(") in bf16")
    assert "precision" not in told_of(usual, Extraction("eye"), blobs)
    for _ in range(2):  # the second from the cache
        features = reference_of(half, blobs).embedding.features
        assert (features == half.features(blobs)).all() and (
            reference_of(usual, blobs).embedding.features != features
        ).any()


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize("judge", [evaluate, lambda subject, **words: compare([subject, subject], **words)])
def test_a_precision_that_nothing_computes_in_is_refused(judge: Any) -> None:
    with pytest.raises(InputError, match="--precision is for GANs, recognizers and networks of torch, the extractor"):
        judge("blobs.npz", data="blobs.npz", extractor="pixels", precision="fp32")
    with pytest.raises(InputError, match="no precision 'fp16': did you mean 'bf16'"):
        judge("blobs.npz", data="blobs.npz", extractor="own_nets:Rows", precision="fp16")
    found = judge("blobs.npz", data="blobs.npz", extractor="own_nets:Rows", precision="bf16")
    assert found.extractor["precision"] == "bf16"


def test_features_of_another_number_are_told_wherever_they_come(blobs: ImageSet) -> None:
    made = function_extractor("rows", lambda images: images.mean((2, 3))[:, : 8 if len(images) < 20 else 5], blobs)
    with pytest.raises(InputError, match="'rows' gives 5 features, where it gave 8 before"):
        made.features(blobs)


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize(
    ("file", "toml", "expected"),
    [
        ("two-inputs", "", r"has 2 inputs \(images, others\): an extractor has one"),
        ("maps", "", r"makes \(2, 1, 8, 8\) of 2 images: an extractor gives features \(N, D\)"),
        ("nan", "", "gives NaN or infinity for 2 of 2 images"),
        ("row-means-8x8-four-at-a-time", "channels = 3", "takes images 1x8x8 .*, they are 3x8x8: .*a resize rule"),
        ("row-means-8x8-four-at-a-time", "size = [4, 4]", "takes images 1x8x8 .*, they are 1x4x4"),
        ("row-means", f"sha256 = '{'0' * 64}'", "has the sha256 .*, not 0{64}: take the model"),
        ("cut", "", "cannot be opened as an ONNX model"),
    ],
)
def test_an_onnx_file_that_is_no_extractor_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, file: str, toml: str, expected: str
) -> None:
    pytest.importorskip("onnxruntime")
    Path(f"{file}.toml").write_text(toml)
    line = told(
        capsys, monkeypatch, "evaluate", "blobs.npz", "--data", "blobs.npz", "--quiet", "--extractor", f"{file}.onnx"
    )
    assert re.search(expected, line), line


def test_without_onnxruntime_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match=r"pip install 'elmyr\[onnx\]'"):
        Extraction(str(STORED / "row-means.onnx"))
