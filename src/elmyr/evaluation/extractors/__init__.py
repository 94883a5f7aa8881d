"""The table of feature extractors: what looks at images for a figure."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from elmyr.core.errors import InputError, suggestion
from elmyr.core.plugins import at_work
from elmyr.core.tables import Table
from elmyr.evaluation.published.conventions import Convention, convention_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from elmyr.evaluation.stages import Stages
    from elmyr.images import ImageSet

AUTO = "auto"
WIDTH, WIDEST = 32, 512  # channels of the first convolution
LOOKED = 2  # images that tell at once what is no extractor


Classifier = Callable[["NDArray[np.float64]"], "NDArray[np.float64]"]


class FeatureExtractor(Protocol):
    """What looks at images for a figure."""

    @property
    def name(self) -> str:
        """What it is called beside every figure."""
        ...

    @property
    def dimension(self) -> int:
        """The number of features."""
        ...

    @property
    def sha256(self) -> str:
        """That of its weights, or of nothing where it has none."""
        ...

    @property
    def resize(self) -> str:
        """What it does to the size of images before it looks."""
        ...

    def features(self, images: ImageSet) -> NDArray[np.float64]:
        """Features float64 (N, dimension)."""
        ...

    def probabilities(self, features: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """The probability of each class float64 (N, K) behind features, None where it knows no classes."""
        ...


@dataclass(frozen=True)
class Extraction:
    """Which extractor is asked for: a name of the table, or a place as `FORMS` has them.

    seed, width: of a network's weights, and the channels of its first convolution. weights: the file that holds them,
    where the extractor takes one.
    """

    name: str = AUTO
    seed: int = 0
    width: int = WIDTH
    device: str = "auto"
    precision: str = "auto"
    weights: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        """InputError for an extractor that there is not, or that what was given cannot make."""
        if not 4 <= self.width <= WIDEST or self.width % 4:
            raise InputError(f"the extractor's width is {self.width}: give a multiple of 4 up to {WIDEST}")
        spec = None if self.name == AUTO else spec_of(self.name)
        if self.weights is not None and not (spec and spec.takes_weights):
            raise InputError(f"the extractor '{self.name}' takes no weights: leave out --extractor-weights")
        if spec and spec.check:
            spec.check(self)


def asked_for(
    convention: str | None,
    name: str,
    seed: int,
    width: int,
    weights: str | os.PathLike[str] | None,
    device: str,
    precision: str,
) -> tuple[Convention | None, Extraction]:
    """The convention that is named, None for elmyr's own, and the extractor in the form that resizes images as it has.

    InputError where there is no such convention or extractor.
    """
    by = convention_of(convention)
    resize = by.resize if by else None
    return by, Extraction(RESIZED.get(name, {}).get(resize or "", name), seed, width, device, precision, weights)


@dataclass(frozen=True)
class ExtractorSpec:
    """A feature extractor as it is asked for by its name in the table.

    about: what it is, in a sentence. build: makes it of the real training part. learns_labels: whether it needs labels
    of several classes there; seeded: whether its weights follow from the seed and the width that are asked for;
    takes_weights: whether they may lie in a file that is named; takes_precision: whether its network computes, or is
    trained, in the precision that is asked for. check: InputError, before any work, for what cannot be
    built as it is asked for.
    """

    about: str
    build: Callable[[ImageSet, Extraction, Stages], FeatureExtractor]
    learns_labels: bool = False
    seeded: bool = False
    takes_weights: bool = False
    takes_precision: bool = False
    check: Callable[[Extraction], None] | None = None

    @classmethod
    def of(cls, about: str, part: Any) -> ExtractorSpec:
        """That of a function from images uint8 (N, H, W, C) to features (N, D), or of a class with such a `features`.

        It knows no classes. It is called with up to 1,000 images at a time, and must give an image the same features
        in whatever company it comes. A class is made when the extractor is first asked for.
        """

        def build(training: ImageSet, asked: Extraction, stages: Stages) -> FeatureExtractor:
            from elmyr.evaluation.features import function_extractor

            made = part() if isinstance(part, type) else part
            return function_extractor(asked.name, getattr(made, "features", made), training)

        return cls(about, build)


def _accepted(part: Any) -> ExtractorSpec:
    if isinstance(part, ExtractorSpec):
        return part
    if callable(getattr(part, "features", part)):
        return ExtractorSpec.of(" ".join((part.__doc__ or "").split()), part)
    raise InputError(
        "an extractor is a function from images uint8 (N, H, W, C) to features (N, D), a class with such a method "
        "`features`, or an elmyr.ExtractorSpec"
    )


# A new one is a file and a line; `auto` is the first that the training part allows.
EXTRACTORS: Table[ExtractorSpec] = Table(
    "extractor",
    lazy={
        "domain": "elmyr.evaluation.features:DOMAIN",
        "pixels": "elmyr.evaluation.features:PIXELS",
        "random": "elmyr.evaluation.features:RANDOM",
        "inception": "elmyr.evaluation.extractors.published:INCEPTION",
        "inception-clean": "elmyr.evaluation.extractors.published:INCEPTION_CLEAN",
        "inception-pytorch": "elmyr.evaluation.extractors.published:INCEPTION_PYTORCH",
        "dinov2-s": "elmyr.evaluation.extractors.published:DINO",
        "clip": "elmyr.evaluation.extractors.published:CLIP",
        "efficientnet-lite0": "elmyr.evaluation.extractors.published:LITE",
    },
    accept=_accepted,
    reserved=(AUTO,),
)


RESIZED = {  # an extractor by another rule of resizing is another one, of another name
    "inception": {"pillow-bicubic": "inception-clean", "torch-bilinear": "inception-pytorch"},
}

INCEPTIONS = ("inception", *RESIZED["inception"].values())  # by which figures are published
ELMYRS = ("domain", "pixels", "random")  # what "elmyr's features" are of


# A place in which an extractor lies, in place of a name: the first form that it has.
FORMS: dict[str, tuple[Callable[[str], bool], str]] = {
    "DIR": (lambda place: Path(place).is_dir(), "elmyr.evaluation.extractors.folders:FOLDER"),
    "FILE.onnx": (lambda place: place.endswith(".onnx"), "elmyr.evaluation.extractors.onnx_files:ONNX"),
    "module:attribute": (lambda place: ":" in place, "elmyr.evaluation.extractors.modules:MODULE"),
}


def spec_of(name: str) -> ExtractorSpec:
    """The spec of an extractor by its name in the table or by its place; InputError where there is none."""
    if name in EXTRACTORS:
        return EXTRACTORS[name]
    for fits, home in FORMS.values():
        if fits(name):
            module, _, attribute = home.partition(":")
            spec: ExtractorSpec = getattr(import_module(module), attribute)
            return spec
    raise InputError(f"no extractor '{name}': {suggestion(name, (AUTO, *EXTRACTORS, *FORMS))}")


def extractor_for(
    training: ImageSet, asked: Extraction | None = None, stages: Stages | None = None
) -> FeatureExtractor:
    """The extractor that is asked for; `auto` is `domain` for a labeled training part of several classes, else
    `pixels`.

    `domain` is trained once and cached by its content; stages hear of it. InputError as `refuse_unlabeled`, and for one
    that does not give a row of finite features for each of two training images.
    """
    from elmyr.core import machine
    from elmyr.evaluation.stages import Stages

    asked = asked or Extraction()
    machine.choose_device(asked.device)  # refused here, where it would not be taken for a damaged cache
    refuse_unlabeled(training, asked.name)
    name = auto_extractor(training) if asked.name == AUTO else asked.name
    with at_work("extractor", name):
        built = spec_of(name).build(training, replace(asked, name=name), stages or Stages())
        _first_look(built, training)
    if name in EXTRACTORS and built.name != name:
        raise InputError(f"extractor '{name}' calls itself '{built.name}' once it is built: give both one name")
    if name not in EXTRACTORS and built.name in (AUTO, *EXTRACTORS):
        raise InputError(f"the extractor '{name}' has the name of one of elmyr's, '{built.name}': give it another name")
    return built


def _first_look(extractor: FeatureExtractor, training: ImageSet) -> None:
    """At two images, before any long work."""
    import numpy as np

    looked = training.take(np.arange(min(LOOKED, len(training))))
    found = extractor.features(looked)
    if np.shape(found) != (len(looked), extractor.dimension):
        raise InputError(
            f"the extractor '{extractor.name}' makes {np.shape(found)} of {len(looked)} images: it is to give features "
            f"(N, D), a row for each image; it says that its D is {extractor.dimension}"
        )
    if not np.isfinite(found).all():
        raise InputError(f"the extractor '{extractor.name}' gives NaN or infinity: it is to give finite features")


def told_of(extractor: FeatureExtractor, asked: Extraction, images: ImageSet) -> dict[str, Any]:
    """What is said of an extractor beside its figures: figures of two for which this differs cannot be compared.

    code: the sha256 of the file in which a network of the user's own is written.
    """
    about = {
        "name": extractor.name,
        "dimension": extractor.dimension,
        "sha256": extractor.sha256,
        "input": "x".join(map(str, images.images.shape[1:])),
        "resize": extractor.resize,
    }
    if code := code_of(extractor):
        about["code"] = code
    if precision := precision_of(extractor):
        about["precision"] = precision
    seeded = spec_of(extractor.name if asked.name == AUTO else asked.name).seeded
    return about | ({"seed": asked.seed, "width": asked.width} if seeded else {})


def called(told: Mapping[str, Any]) -> str:
    """What an extractor goes by of which `told_of` is kept: one of the user's own with the beginning of its sha256, as
    a name of their own is soon given to another one; with its precision, where that is not single."""
    name, precision = str(told.get("name", "")), told.get("precision")
    name = name if name in EXTRACTORS or not told.get("sha256") else f"{name} ({str(told['sha256'])[:8]})"
    return f"{name} in {precision}" if precision else name


def code_of(extractor: FeatureExtractor) -> str:
    """The sha256 of the file in which a network of the user's own is written; "" for all others."""
    return getattr(extractor, "code", "")


def precision_of(extractor: FeatureExtractor) -> str:
    """That in which it computes features, where it is another than single precision; "" for all others."""
    return getattr(extractor, "precision", "")


def classifier_of(extractor: FeatureExtractor) -> Classifier | None:
    """What makes probabilities float64 (N, L) of features, of classes that are the network's own, not the images'."""
    classify: Classifier | None = getattr(extractor, "classify", None)
    return classify


def auto_extractor(training: ImageSet) -> str:
    """The name of the extractor that is taken where none is asked for."""
    return next(name for name, spec in EXTRACTORS.items() if not spec.learns_labels or _of_classes(training))


def refuse_unlabeled(training: ImageSet, name: str) -> None:
    """InputError for an extractor that learns from labels which the training part does not have."""
    if name != AUTO and spec_of(name).learns_labels and not _of_classes(training):
        raise InputError(
            f"the extractor '{name}' learns from labels of several classes, '{training.name}' has none: take "
            "--extractor pixels, or random"
        )


def _of_classes(training: ImageSet) -> bool:
    return training.labels is not None and len(set(training.labels.tolist())) > 1
