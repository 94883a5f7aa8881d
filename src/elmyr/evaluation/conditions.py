"""How images are judged: by which extractor, beside what, and which figures are taken of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from elmyr.core.errors import InputError
from elmyr.core.files import require_place
from elmyr.evaluation.downstream import Lesson, recognized
from elmyr.evaluation.evaluated import Figure
from elmyr.evaluation.extractors import EXTRACTORS, Extraction, FeatureExtractor, extractor_for
from elmyr.evaluation.figure_specs import FIGURES
from elmyr.evaluation.figures import Evidence, averaged, take_figures
from elmyr.evaluation.paired_samples import SplitPart, check_part
from elmyr.evaluation.published.statistics import LEFT_OUT, Statistics, write_statistics
from elmyr.evaluation.reference import embed, reference_of
from elmyr.evaluation.stages import Stages
from elmyr.images import ImageSet
from elmyr.metrics import Estimate
from elmyr.tasks.gan.model import GAN

SPREAD, SPREAD_OF_GENERATED = "95 % over the images of both sides", "95 % over the generated images"


@dataclass(frozen=True)
class Judging:
    """How images are judged: the feature extractor, and whether recognizers are trained on them.

    statistics: what stands for the real images in the Fréchet distance, the only figure then. save_statistics: where
    those of the real images are written.
    """

    extraction: Extraction = field(default_factory=Extraction)
    use: bool = False
    stages: Stages = field(default_factory=Stages)
    statistics: Statistics | None = None
    save_statistics: Path | None = None

    def check(self, against: SplitPart) -> None:
        """InputError, before any work, for what cannot be done."""
        check_part(against)
        if self.statistics and (self.use or self.save_statistics):
            other = "--use" if self.use else "--save-stats"
            raise InputError(f"{other} asks for the real images, for which --stats stands: leave out one of them")
        if self.save_statistics:
            require_place(self.save_statistics, ".npz", "statistics")
        if self.use and against == "train":
            raise InputError("--use asks about images that no recognizer has learned from: leave out --against train")

    def extractor_of(self, training: ImageSet) -> FeatureExtractor:
        """The feature extractor, made of the training part."""
        self.stages.begin("feature extractor")
        extractor = extractor_for(training, self.extraction, self.stages)
        if self.statistics is not None:
            self.statistics.check(extractor, self.stages.say)
            self.stages.say(LEFT_OUT)
        return extractor

    def taken(
        self,
        extractor: FeatureExtractor,
        reference: ImageSet,
        others: Sequence[ImageSet],
        *,
        gan: GAN | None = None,
        lessons: Sequence[Lesson] = (),
    ) -> tuple[list[Evidence], list[dict[str, Estimate]]]:
        """What is known of each of some image sets beside the real ones, and its figures.

        gan: whose discriminator is asked. lessons: of the first of the sets, what recognizers learn from and read.
        """
        answers = recognized(lessons, reference, self.extraction, self.stages)
        self.stages.begin(f"comparing {len(reference):,} images of each, extractor '{extractor.name}'")
        real = reference_of(extractor, reference, self.stages.say)
        of_real = None if gan is None else gan.discriminate(reference)
        known, figures = list[Evidence](), list[dict[str, Estimate]]()
        with self.stages.progress("figures", total=len(others), unit="sets of images") as listener:
            for place, images in enumerate(others):
                listener.advance(place)
                logits = None if gan is None or of_real is None else (of_real, gan.discriminate(images))
                known.append(Evidence(real, embed(extractor, images), logits, next(iter(answers[place:]), None)))
                figures.append(self.figures_of(known[-1]))
        if self.save_statistics:
            write_statistics(self.save_statistics, extractor, real.embedding.features)
        return known, figures

    def figures_of(self, evidence: Evidence) -> dict[str, Estimate]:
        """What is known of the images as figures by name."""
        if self.statistics is None:
            return take_figures(evidence)
        return self.statistics.figures(evidence.generated.features, evidence.design[0].generated)

    def told(self, extractor: FeatureExtractor, images: ImageSet) -> dict[str, Any]:
        """What is said of the extractor beside the figures, and of the size of the images that it was given."""
        about = {
            "name": extractor.name,
            "dimension": extractor.dimension,
            "sha256": extractor.sha256,
            "input": "x".join(map(str, images.images.shape[1:])),
            "resize": extractor.resize,
        }
        weights = {"seed": self.extraction.seed, "width": self.extraction.width}
        return about | (weights if EXTRACTORS[extractor.name].seeded else {})

    def figure(self, name: str, estimates: Sequence[Estimate], baseline: float | None) -> Figure:
        """A figure of the table from its values for some sets of samples, and for real images, where there are any."""
        spec, (value, low, high) = FIGURES[name], averaged(estimates)
        spread = SPREAD if self.statistics is None else SPREAD_OF_GENERATED
        return Figure(name, spec.title, value, low, high, spread, baseline, spec.better)
