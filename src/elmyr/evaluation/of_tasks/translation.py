"""How well images are translated: is the label kept, are strokes as those of the wanted kind, how near is the pair."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.engine.saving.run_directory import open_run
from elmyr.evaluation.paired_samples import first_places
from elmyr.images import ImageSet
from elmyr.metrics import psnr, slant, squared_error, ssim, stroke_thickness, wilson_interval
from elmyr.tasks.recognition import Recognizer
from elmyr.tasks.translation import A_TO_B, B_TO_A, Translator
from elmyr.tasks.translation.spec import KIND, config_of, domains_of

SHOWN = 10
LUMINANCE = (0.299, 0.587, 0.114)

Images = NDArray[np.uint8]


@dataclass(frozen=True)
class Strokes:
    """Mean thickness in pixels and mean slant in columns a row, of light ink on dark ground."""

    thickness: float
    slant: float


@dataclass(frozen=True)
class LabelsKept:
    """Of how many images the label is read after the translation as before, with a 95 % interval.

    right_before, right_after: the share that is read as the images' own labels say; None where they have none.
    """

    kept: float
    interval: tuple[float, float]
    right_before: float | None
    right_after: float | None


@dataclass(frozen=True)
class Similarity:
    """PSNR in dB and mean SSIM of what was made (and of a rival) beside the image that belongs there."""

    psnr: float
    ssim: float
    rivals: Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class WayJudgment:
    """One direction: how its images were, how they became, how the wanted kind is; pictures of the first by name."""

    name: str
    count: int
    given: Strokes
    made: Strokes
    wanted: Strokes
    kept: LabelsKept | None
    near: Similarity | None
    returned: float | None  # PSNR of the way there and back, dB
    pictures: Mapping[str, Images]
    read: Mapping[str, tuple[str, ...]]  # what the recognizer reads in the pictures, by their name


@dataclass(frozen=True)
class TranslationJudgment:
    """What was judged, a direction after the other."""

    a: str
    b: str
    ways: tuple[WayJudgment, ...]

    def as_json(self) -> dict[str, Any]:
        """All of it but the pictures, as JSON values; what is not a finite number is null."""
        ways = [
            {key: value for key, value in asdict(way).items() if key not in ("pictures", "read")} for way in self.ways
        ]
        whole: dict[str, Any] = _finite({"a": self.a, "b": self.b, "ways": ways})
        return whole


def judge_translation(
    translator: Translator,
    a: ImageSet,
    b: ImageSet,
    *,
    paired: bool = False,
    recognizer: Recognizer | None = None,
    rivals: Callable[[str, Images], Mapping[str, Images]] | None = None,
) -> TranslationJudgment:
    """Translates images of both kinds each way that the translator has learned, and says what became of them.

    paired: whether image *i* of A belongs to image *i* of B. recognizer: what reads the images before and after.
    rivals: what others make of the images of a direction, by name, to be compared with the pairs as well.
    """
    ways = []
    for name in translator.directions_:
        given, wanted = (a, b) if name == A_TO_B else (b, a)
        other = rivals(name, given.in_memory()) if rivals is not None else {}
        ways.append(_judged(translator, name, given, wanted, paired, recognizer, other))
    return TranslationJudgment(a.name, b.name, tuple(ways))


def images_to_translate(
    model: str | os.PathLike[str],
    *,
    part: str = "test",
    limit: int | None = None,
    data_root: str | os.PathLike[str] | None = None,
) -> tuple[ImageSet, ImageSet, bool]:
    """A part of the splits of A and B that a translator's run learned from, and whether they are pairs.

    limit: at most so many, some of every class; of pairs the same ones.
    """
    domains = domains_of(config_of(open_run(model, KIND)), data_root)
    sets = [splits.part(part) for splits in (domains.a, domains.b)]
    if limit is not None:
        sets = [images.take(first_places(len(images), limit)) for images in sets]
    return sets[0], sets[1], domains.paired


def _judged(
    translator: Translator,
    name: str,
    given: ImageSet,
    wanted: ImageSet,
    paired: bool,
    recognizer: Recognizer | None,
    rivals: Mapping[str, Images],
) -> WayJudgment:
    back = B_TO_A if name == A_TO_B else A_TO_B
    before, there = given.in_memory(), wanted.in_memory()
    made = translator.translate(before, name)
    pictures = {"given": before, "made": made}
    returned = None
    if back in translator.directions_:
        pictures["there and back"] = translator.translate(made, back)
        returned = psnr(squared_error(pictures["there and back"], before))
    if paired:
        pictures |= {"its pair": there} | dict(rivals)
    pictures = {what: images[:SHOWN].copy() for what, images in pictures.items()}
    return WayJudgment(
        name=name,
        count=len(given),
        given=_strokes(before),
        made=_strokes(made),
        wanted=_strokes(there),
        kept=None if recognizer is None else _kept(recognizer, given, made),
        near=_near(made, there, rivals) if paired else None,
        returned=returned,
        pictures=pictures,
        read={} if recognizer is None else {what: _read(recognizer, images) for what, images in pictures.items()},
    )


def _read(recognizer: Recognizer, images: Images) -> tuple[str, ...]:
    return tuple(map(str, recognizer.predict(images)))


def _kept(recognizer: Recognizer, given: ImageSet, made: Images) -> LabelsKept:
    before, after = (np.array(_read(recognizer, images)) for images in (given.in_memory(), made))
    right: list[float | None] = [None, None]
    if given.labels is not None:
        names = np.array(given.classes)[given.labels]
        unknown = sorted(set(given.classes) - {str(name) for name in recognizer.classes_})
        if unknown:
            raise InputError(
                f"the recognizer knows no class '{unknown[0]}' of '{given.name}': take one of these images"
            )
        right = [float((read == names).mean()) for read in (before, after)]
    same = int((before == after).sum())
    return LabelsKept(same / len(before), wilson_interval(same, len(before)), *right)


def _near(made: Images, there: Images, rivals: Mapping[str, Images]) -> Similarity:
    def apart(images: Images) -> tuple[float, float]:
        return psnr(squared_error(images, there)), float(ssim(images, there).mean())

    return Similarity(*apart(made), {what: apart(images) for what, images in rivals.items()})


def _strokes(images: Images) -> Strokes:
    gray = images[..., 0].astype(float) if images.shape[3] == 1 else images @ np.array(LUMINANCE)
    return Strokes(float(np.nanmean(stroke_thickness(gray))), float(np.nanmean(slant(gray))))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
