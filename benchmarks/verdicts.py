"""Does the verdict machine say what is true? Studies whose "GAN" is known: copies, noise, or fresh real images.

Each run is a study of a few seeds with ten images a class; instead of generated images its arms are given the training
images again (true: no difference), images under noise whose labels say nothing (true: worse), or the real training
images that the trouble took away (true: better). What the runs share is the source; seeds are new in each.

python benchmarks/verdicts.py --runs 20
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from elmyr.images import ImageSet, Shaping, open_source, split_source
from elmyr.studies import StudyAsk, make_study_plan
from elmyr.studies.arms import ARMS, MEASURES, train_arm
from elmyr.studies.cell_data import CellData
from elmyr.studies.verdict import Judged, Trial, verdict_of
from elmyr.studies.work.ledger import Result


def copies(ground: CellData, whole: ImageSet) -> ImageSet:
    return ground.labeled


def noise(ground: CellData, whole: ImageSet) -> ImageSet:
    """Not pixels alone: what looks like nothing real does a recognizer no harm."""
    random = np.random.default_rng(ground.seed)
    noisy = whole.in_memory() + random.normal(0, 40, whole.images.shape)
    labels = random.integers(0, len(whole.classes), len(whole))
    return ImageSet(noisy.clip(0, 255).astype(np.uint8), labels, whole.classes)


def fresh(ground: CellData, whole: ImageSet) -> ImageSet:
    known = {image.tobytes() for image in ground.labeled.images}
    return whole.take(np.array([place for place, image in enumerate(whole.images) if image.tobytes() not in known]))


DISGUISES: dict[str, tuple[Callable[[CellData, ImageSet], ImageSet], str]] = {
    "copies": (copies, "no significant effect"),
    "noise": (noise, "worse"),
    "fresh real images": (fresh, "better"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--only", choices=sorted(DISGUISES), help="one of the rows")
    parser.add_argument("--seeds", type=int, default=3, help="of each run")
    parser.add_argument("--images-per-class", type=int, default=10)
    parser.add_argument("--updates", type=int, default=40)
    parser.add_argument("--data", default="digits")
    parser.add_argument("--data-root")
    options = parser.parse_args()
    print("| in the GAN's place | truth | said | right |\n| --- | --- | --- | --- |")
    for name, (disguise, truth) in DISGUISES.items():
        if options.only not in (None, name):
            continue
        said = Counter(outcome(options, disguise, run) for run in range(options.runs))
        told = ", ".join(f"{words} {count}" for words, count in said.most_common())
        print(f"| {name} | {truth} | {told} | {said[truth]} of {options.runs} |", flush=True)


def outcome(options: argparse.Namespace, disguise: Callable[[CellData, ImageSet], ImageSet], run: int) -> str:
    """The verdict of one run."""
    ask = StudyAsk(
        options.data,
        seeds=options.seeds,
        seed=run * options.seeds,
        images=64,
        updates=options.updates,
        settings=("network.base=8",),
        data_root=options.data_root,
        images_per_class=[options.images_per_class],
    )
    config = make_study_plan(ask)
    source, (cell,) = open_source(config.source, config.root, config.shaping), config.cells
    results: dict[str, list[Result]] = {name: [] for name in cell.arms}
    tested = []
    for seed in config.seeds:
        with tempfile.TemporaryDirectory() as folder:
            ground = CellData(Path(folder), config, cell, seed, source)
        ground.generated = disguise(ground, split_source(source, seed, Shaping()).train)
        labels = ground.test.require_labels()
        tested.append(Judged(ground.test_indices, labels))
        for name in cell.arms:
            learned = train_arm(ARMS[name], ground, updates=config.updates)
            test = {measure: float(value(learned.read, labels)) for measure, value in MEASURES.items()}
            results[name].append(
                Result(cell.name, seed, name, learned.share, {}, learned.validation, test, learned.read)
            )
    trials = [Trial(ARMS[name], results[name]) for name in cell.arms]
    return str(verdict_of(cell, trials, tested, len(ground.labeled))["outcome"])


if __name__ == "__main__":
    main()
