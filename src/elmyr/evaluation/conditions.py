"""How images are judged: by which extractor, beside what, and which figures are taken of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elmyr.core import machine, seeds
from elmyr.core.errors import InputError
from elmyr.core.files import require_place
from elmyr.evaluation.baselines import kept_baseline, of_features, place_of_baseline
from elmyr.evaluation.downstream import Lesson, recognized
from elmyr.evaluation.evaluated import Figure
from elmyr.evaluation.extractors import (
    AUTO,
    Extraction,
    FeatureExtractor,
    auto_extractor,
    extractor_for,
    spec_of,
    told_of,
)
from elmyr.evaluation.figure_specs import FIGURES
from elmyr.evaluation.figures import Evidence, Pair, averaged, figures_to_take, take_figures, why_left_out
from elmyr.evaluation.paired_samples import (
    FEWEST_FOR_FIGURES,
    LARGEST_COUNT,
    SplitPart,
    check_count,
    check_part,
    common_count,
    first_of,
    first_places,
    parts,
)
from elmyr.evaluation.published.by_convention import TAKEN, left_out, take_by_convention
from elmyr.evaluation.published.conventions import Convention
from elmyr.evaluation.published.statistics import LEFT_OUT, Statistics, write_statistics
from elmyr.evaluation.reference import Embedding, embed, reference_of
from elmyr.evaluation.requested.paths import Steps, steps_of
from elmyr.evaluation.stages import Stages
from elmyr.images import ImageSet, Splits
from elmyr.metrics import Estimate
from elmyr.tasks.gan.model import GAN

SPREAD, SPREAD_OF_GENERATED = "95 % over the images of both sides", "95 % over the generated images"


class Sides(NamedTuple):
    """Real images, those in the place of generated ones, and sets of samples."""

    reference: ImageSet
    other: ImageSet
    samples: list[ImageSet]


class Taken(NamedTuple):
    """Of each set of samples what is known of it, and its figures; and the values of the real-data baseline."""

    evidence: list[Evidence]
    figures: list[dict[str, Estimate]]
    baseline: dict[str, float]

    @property
    def names(self) -> list[str]:
        """The figures of the first set that have a baseline, or can have none."""
        return [name for name in self.figures[0] if name in self.baseline or "paths" in FIGURES[name].needs]


@dataclass(frozen=True)
class Judging:
    """How images are judged: the feature extractor, and whether recognizers are trained on them.

    statistics: what stands for the real images in the Fréchet distance, the only figure then. save_statistics: where
    those of the real images are written. convention: by whose the figures are taken, None: elmyr's own. requested: the
    figures to take of those that are not taken otherwise.
    """

    extraction: Extraction = field(default_factory=Extraction)
    use: bool = False
    stages: Stages = field(default_factory=Stages)
    statistics: Statistics | None = None
    save_statistics: Path | None = None
    convention: Convention | None = None
    requested: tuple[str, ...] = ()

    def check(self, against: SplitPart) -> None:
        """InputError, before any work, for what cannot be done."""
        check_part(against)
        if self.statistics and (self.use or self.save_statistics):
            other = "--use" if self.use else "--save-stats"
            raise InputError(f"{other} asks for the real images, for which --stats stands: leave out one of them")
        if self.convention and self.use:
            raise InputError(f"--use has no part in the conventions of {self.convention.name}: leave it out, or --as")
        if self.convention and self.statistics and not self.convention.frechet:
            raise InputError(
                f"{self.convention.name} has no Fréchet distance to take by --stats: leave out one of them"
            )
        for name in self.requested:
            FIGURES.require(name)
        if self.requested and not self.is_own:
            other = "--as" if self.convention else "--stats"
            raise InputError(f"--figures asks for figures that {other} leaves out: leave out one of them")
        if self.save_statistics:
            require_place(self.save_statistics, ".npz", "statistics")
        if self.use and against == "train":
            raise InputError("--use asks about images that no recognizer has learned from: leave out --against train")

    @property
    def is_own(self) -> bool:
        """Whether the figures are elmyr's own, of real images."""
        return self.statistics is None and self.convention is None

    def sampled_beside(self, splits: Splits, against: SplitPart) -> tuple[ImageSet, tuple[int, ...]]:
        """The real images beside which, by their labels, a GAN is sampled as often; and the seeds, a set for each."""
        reference = parts(splits, against)[0]
        if self.convention is None:
            return first_of(reference, common_count(splits, against)), seeds.EVALUATED
        return self.beside(reference), seeds.EVALUATED[:1]

    def beside(self, reference: ImageSet) -> ImageSet:
        """As many real images as a GAN is sampled beside them: some of them again, where a convention has more."""
        count = len(reference) if self.convention is None else self.convention.sampled or len(reference)
        return reference.take(np.arange(count) % len(reference))

    def extractor_of(self, training: ImageSet, *, sampled: bool = False) -> FeatureExtractor:
        """The feature extractor, made of the training part. sampled: whether a GAN is; InputError for a precision that
        nothing would compute in."""
        self.stages.begin("feature extractor")
        self._check_precision(training, sampled=sampled)
        extractor = extractor_for(training, self.extraction, self.stages)
        if self.statistics is not None:
            self.statistics.check(extractor, self.stages.say)
            self.stages.say(LEFT_OUT)
        return extractor

    def _check_precision(self, training: ImageSet, *, sampled: bool) -> None:
        asked = self.extraction
        machine.choose_precision(asked.precision, machine.choose_device(asked.device))
        name = auto_extractor(training) if asked.name == AUTO else asked.name
        if asked.precision != AUTO and not (sampled or self.use or spec_of(name).takes_precision):
            raise InputError(
                f"--precision is for GANs, recognizers and networks of torch, the extractor '{name}' is none of them: "
                "leave it out"
            )

    def taken(
        self,
        extractor: FeatureExtractor,
        sides: Sides,
        *,
        training: ImageSet | None = None,
        gan: GAN | None = None,
        makers: Sequence[GAN | None] = (),
        lessons: Sequence[Lesson] = (),
    ) -> Taken:
        """What is known of each set of samples beside the real images, and its figures; and the real-data baseline.

        training: training images that are on no side. gan: that made all of them, whose discriminator is asked; else
        makers: the GAN of each set. lessons: of the other real images and of the first samples, what recognizers learn
        from and read.
        """
        reference = sides.reference
        answers = recognized(lessons, reference, self.extraction, self.stages)
        self.stages.begin(f"comparing {len(reference):,} images of each, extractor '{extractor.name}'")
        real = reference_of(extractor, reference, self.stages.say)
        of_real = None if gan is None else gan.discriminate(reference)
        needs = {need for name in self.requested for need in FIGURES[name].needs}
        makers = makers or [gan] * len(sides.samples)
        walking = [maker for maker in dict.fromkeys(makers) if maker is not None] if "paths" in needs else []
        paths = {maker: steps_of(maker, extractor, reference) for maker in walking}
        fitted_to = extractor.features(training) if training is not None and "training features" in needs else None

        def evidence_of(images: ImageSet, seen: Embedding, lesson: Pair | None, steps: Steps | None = None) -> Evidence:
            logits = None if gan is None or of_real is None else (of_real, gan.discriminate(images))
            pixels = (np.asarray(reference.images), np.asarray(images.images)) if "images" in needs else None
            return Evidence(real, seen, logits, lesson, pixels, fitted_to, steps)

        def of_other(names: Sequence[str]) -> dict[str, float]:
            unseen = Embedding(np.empty((len(sides.other), 0)), None, sides.other.labels)
            seen = embed(extractor, sides.other) if of_features(names) else unseen
            evidence = evidence_of(sides.other, seen, next(iter(answers), None))
            return {name: figure.value for name, figure in self.figures_of(evidence, names).items()}

        with self.stages.progress("figures", total=1 + len(sides.samples), unit="sets of images") as listener:
            baseline = self._baseline(extractor, sides, of_other)
            known = list[Evidence]()
            figures = list[dict[str, Estimate]]()
            for place, images in enumerate(sides.samples, 1):
                listener.advance(place)
                maker = makers[place - 1]
                steps = None if maker is None else paths.get(maker)
                lesson = next(iter(answers[place:]), None)
                known.append(evidence_of(images, embed(extractor, images), lesson, steps))
                figures.append(self.figures_of(known[-1], self._names))
        self._say_left_out(known, figures)
        if self.save_statistics:
            write_statistics(self.save_statistics, extractor, real.embedding.features)
        return Taken(known, figures, baseline)

    @property
    def _names(self) -> list[str]:
        return figures_to_take(self.requested) if self.convention is None else list(TAKEN)

    def _baseline(
        self, extractor: FeatureExtractor, sides: Sides, take: Callable[[Sequence[str]], dict[str, float]]
    ) -> dict[str, float]:
        if self.statistics is not None:
            return take(self._names)
        by = "" if self.convention is None else self.convention.name
        place = place_of_baseline(extractor, sides.reference, sides.other, by)
        return kept_baseline(place, self._names, take, self.stages.say)

    def _say_left_out(self, known: Sequence[Evidence], figures: Sequence[dict[str, Estimate]]) -> None:
        if self.convention is not None and self.statistics is None:
            for line in left_out(known[-1], self.convention):
                self.stages.say(line)
        for name in self.requested:
            if not all(name in each for each in figures):
                self.stages.say(f"{FIGURES[name].title} is left out: {why_left_out(name, known)}")

    def figures_of(self, evidence: Evidence, names: Sequence[str]) -> dict[str, Estimate]:
        """What is known of the images as figures by name."""
        if self.statistics is not None:
            return self.statistics.figures(evidence.generated.features, evidence.design[0].generated)
        if self.convention is None:
            return take_figures(evidence, names)
        return take_by_convention(evidence, self.convention, names)

    def counted(self, reference: ImageSet, other: ImageSet, samples: Sequence[ImageSet]) -> Sides:
        """Both parts of real images and sets of samples, on equal counts; by a convention whole, and in their order.

        Raises InputError for too few images.
        """
        sizes = [len(images) for images in (reference, other, *samples)]
        count = min(*sizes, LARGEST_COUNT) if self.convention is None else min(sizes)
        check_count(count)
        first, second, *others = (
            images.take(self.places(len(images), count)) for images in (reference, other, *samples)
        )
        return Sides(first, second, others)

    def seen(self, splits: Splits, against: SplitPart) -> ImageSet | None:
        """Training images to which a figure may be fitted, up to 10,000 that are on no other side; None for too few."""
        if against == "train":
            return None
        places = first_places(len(splits.train), len(splits.train))
        places = places[common_count(splits, against) if against == "validation" else 0 :][:LARGEST_COUNT]
        return splits.train.take(places) if len(places) >= FEWEST_FOR_FIGURES else None

    def places(self, length: int, count: int) -> NDArray[np.int64]:
        """Which of `length` images figures are taken of: `count` of them, by a convention all, in their order."""
        return first_places(length, count) if self.convention is None else np.arange(length)

    def told(self, extractor: FeatureExtractor, images: ImageSet) -> dict[str, Any]:
        """What is said of the extractor beside the figures, and of the size of the images that it was given."""
        return told_of(extractor, self.extraction, images)

    def figures(self, extractor: str, taken: Taken) -> tuple[Figure, ...]:
        """Each over all sets of samples that have it, where there is a baseline for it, or can be none. extractor: its
        name."""
        return tuple(
            self.figure(
                name, extractor, [each[name] for each in taken.figures if name in each], taken.baseline.get(name)
            )
            for name in taken.names
        )

    def figure(self, name: str, extractor: str, estimates: Sequence[Estimate], baseline: float | None) -> Figure:
        """A figure of the table from its values for some sets of samples, and for real images, where there are any.

        extractor: the name of the one that they were taken by.
        """
        spec, (value, low, high) = FIGURES[name], averaged(estimates)
        spread = SPREAD if self.statistics is None else SPREAD_OF_GENERATED
        deviation = estimates[0].deviation
        return Figure(name, spec.title_by(extractor), value, low, high, spread, baseline, spec.better, deviation)
