"""Would a GAN help? Studies of troubles, each arm with its paired difference to one of them; tables in markdown.

python benchmarks/study.py mnist --data-root path/to/data --out studies/tail --seeds 3 --images 60k \
    --images-per-class 5000 --imbalance 100 --against "GAN over-sampling"
python benchmarks/study.py mnist --data-root path/to/data --out studies/small --seeds 3 --images 30k \
    --images-per-class 10,20,50 --against "real + classical + 50 % generated"

Run again with the same --out it goes on where it was stopped.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from elmyr import study
from elmyr.cli.options import image_count, several
from elmyr.core.files import read_json
from elmyr.report.parts.numbers import duration, mean, percent, percent_over_seeds, points
from elmyr.studies.arms import ARMS
from elmyr.studies.cell_data import CellData, opened
from elmyr.studies.config import StudyConfig
from elmyr.studies.verdict import Judged, Trial, difference_of
from elmyr.studies.work.ledger import Ledger


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--data-root")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--against", help="the arm that the others are compared with (default: the best without a GAN)")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--images")
    parser.add_argument("--updates", type=int)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--images-per-class")
    parser.add_argument("--labels-per-class")
    parser.add_argument("--imbalance")
    parser.add_argument("--label-noise")
    options = parser.parse_args()
    done = study(
        options.data,
        out=options.out,
        seeds=options.seeds,
        images=image_count(options.images),
        updates=options.updates,
        data_root=options.data_root,
        images_per_class=several(options.images_per_class, "images-per-class", int),
        labels_per_class=several(options.labels_per_class, "labels-per-class", int),
        imbalance=several(options.imbalance, "imbalance", float),
        label_noise=several(options.label_noise, "label-noise", float),
        processes=options.processes,
        say=lambda line: print(line, flush=True),
    )
    config = StudyConfig.model_validate(read_json(done.path / "config.json"))
    print(f"\n`{done.content['commands'][0]}`\n")
    for number, cell in enumerate(done.content["cells"]):
        print(f"**{cell['name']}: {cell['verdict']['outcome']}.** {cell['verdict']['sentence']}\n")
        table(done.path, config, number, cell, options.against or cell["verdict"]["best_without"])


def table(folder: Path, config: StudyConfig, number: int, content: dict[str, Any], against: str) -> None:
    """A row an arm: what it reached, and the arm `against` minus it, paired by seed and image."""
    cell, results, source = config.cells[number], Ledger(folder).results(), opened(config)
    grounds = [CellData(folder, config, cell, seed, source) for seed in config.seeds]
    tested = [Judged(ground.test_indices, ground.test.require_labels()) for ground in grounds]
    trials = {name: Trial(ARMS[name], [results[cell.name, seed, name] for seed in config.seeds]) for name in cell.arms}
    print(f"| arm | test {cell.measure} | macro F1 | worst class | time a seed | '{against}' minus it, points, 95 % |")
    print("| --- | --- | --- | --- | --- | --- |")
    for arm in content["arms"]:
        apart = ""
        if arm["name"] != against:
            found = difference_of(cell, trials[against], trials[arm["name"]], tested)
            apart = f"{points(found.difference)} ({points(found.low)} to {points(found.high)})"
        cells = [
            arm["name"],
            percent_over_seeds(arm["test"]),
            percent_over_seeds(arm["macro_f1"]),
            percent(min(share for share in arm["recalls"] if share is not None), 1),
            duration(mean(arm["seconds"])),
            apart,
        ]
        print(f"| {' | '.join(cells)} |")
    print()


if __name__ == "__main__":
    main()
