"""Which way to use generated images helps? Recognizers beside a finished study's GANs; a row a way.

python benchmarks/generated.py studies/fashion --seeds 0,1,2
python benchmarks/generated.py studies/fashion --seeds 0,1,2 --ways classical,fresh --test

Every way is one training a seed of as many updates, judged on the validation part; --test reads the test part as well,
for a table at the end of a choice. What each seed gave is written at once, one line of JSON a training, behind --out.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from elmyr import Recognizer
from elmyr.core import seeds
from elmyr.engine.saving.run_directory import RunDirectory, config_as
from elmyr.studies.cell_data import CellData, opened
from elmyr.studies.config import StudyConfig
from elmyr.tasks.recognition import FreshSamples, Origin
from elmyr.tasks.recognition.learning.chosen_samples import Choice
from elmyr.tasks.recognition.learning.lesson import Generated

NARROW = {"base": 16, "dimension": 64}  # of a third of the time, and as accurate on MNIST
POOL = 10_000

Way = Callable[[CellData, Recognizer, Recognizer], Recognizer]  # of the images, one not fitted yet, the rival


def beside(
    samples: Callable[[CellData, Recognizer], Generated], method: str = "gan-augment", share: float = 0.5
) -> Way:
    """Real images by classical augmentation, and generated ones."""

    def fit(ground: CellData, recognizer: Recognizer, rival: Recognizer) -> Recognizer:
        recognizer.set_params(method=method, generated_share=share)
        return recognizer.fit(*numbered(ground), generated=samples(ground, rival))

    return fit


def alone(ground: CellData, recognizer: Recognizer, rival: Recognizer) -> Recognizer:
    return recognizer.set_params(method="augment").fit(*numbered(ground))


def again(ground: CellData, recognizer: Recognizer, rival: Recognizer) -> Recognizer:
    recognizer.set_params(seed=seeds.derive(ground.seed, "repetition", 1))
    return alone(ground, recognizer, rival)


def pool(ground: CellData, rival: Recognizer) -> Generated:
    """As the study has it: a fixed number of images, shown again and again."""
    made = ground.gan.sample(max(len(ground.labeled), POOL), balanced=True, seed=seeds.LEARNED_FROM)
    return made.images, made.require_labels()


def several(ground: CellData, rival: Recognizer) -> FreshSamples:
    origins = [Origin(ground.gan, factor) for factor in (0.8, 1.0, 1.2)]
    return FreshSamples(origins, balanced=True, names=np.arange(len(ground.labeled.classes)))


WAYS: dict[str, Way] = {
    "classical": alone,
    "classical again": again,
    "pool": beside(pool),
    "fresh": beside(lambda ground, rival: ground.fresh()),
    "fresh 80 %": beside(lambda ground, rival: ground.fresh(), share=0.8),
    "truncation 0.8": beside(lambda ground, rival: ground.fresh(truncation=0.8)),
    "truncation 1.2": beside(lambda ground, rival: ground.fresh(truncation=1.2)),
    "truncations 0.8 to 1.2": beside(several),
    "agreed": beside(lambda ground, rival: ground.fresh(choice=Choice(reader=rival))),
    "hardest half": beside(lambda ground, rival: ground.fresh(choice=Choice(reader=rival, hardest=0.5))),
    "soft labels": beside(lambda ground, rival: ground.fresh(soft=rival)),
    "two stages": beside(lambda ground, rival: ground.fresh(), "gan-first"),
    "features first": beside(lambda ground, rival: ground.fresh(), "features-first"),
}


def numbered(ground: CellData) -> tuple[np.ndarray, np.ndarray]:
    return ground.labeled.in_memory(), ground.labeled.require_labels()


def right(recognizer: Recognizer, images: np.ndarray, labels: np.ndarray) -> float:
    return float((recognizer.predict(images) == labels).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path, help="a study whose GANs are finished")
    parser.add_argument("--seeds", default="0", help="such as 0,1,2")
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--updates", type=int, help="of each recognizer (default: the study's)")
    parser.add_argument("--wide", action="store_true", help="recognizers as a study has them")
    parser.add_argument("--test", action="store_true", help="read the test part as well")
    parser.add_argument("--out", type=Path, help="a file to which a line is added for each training")
    options = parser.parse_args()
    config = config_as(RunDirectory(options.study), StudyConfig)
    source, names = opened(config), options.ways.split(",")
    found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for seed in map(int, options.seeds.split(",")):
        ground = CellData(options.study, config, config.cells[0], seed, source)
        how = {} if options.wide else NARROW
        updates, device = options.updates or config.updates, config.device
        rival = Recognizer(method="augment", updates=updates, seed=seeds.derive(seed, "rival"), device=device, **how)
        if any(name in ("agreed", "hardest half", "soft labels") for name in names):
            rival.fit(ground.labeled)
        for name in names:
            started = time.monotonic()
            recognizer = WAYS[name](ground, Recognizer(updates=updates, seed=seed, device=device, **how), rival)
            seconds = time.monotonic() - started
            parts = {"validation": ground.validation} | ({"test": ground.test} if options.test else {})
            figures = {
                part: right(recognizer, images.images, images.require_labels()) for part, images in parts.items()
            }
            found[name].append(figures)
            line = json.dumps({"way": name, "seed": seed, **figures, "seconds": round(seconds, 1)})
            print(line, flush=True)
            if options.out is not None:
                with options.out.open("a", encoding="utf-8") as file:
                    file.write(line + "\n")
    print("\n| way | " + " | ".join(found[names[0]][0]) + " |\n| --- |" + " --- |" * len(found[names[0]][0]))
    for name, rows in found.items():
        print(f"| {name} | " + " | ".join(told([row[part] for row in rows]) for part in rows[0]) + " |")


def told(shares: list[float]) -> str:
    """Mean and standard deviation in percent."""
    return f"{np.mean(shares):.2%}" + (f" ± {np.std(shares, ddof=1):.2%}" if len(shares) > 1 else "")


if __name__ == "__main__":
    main()
