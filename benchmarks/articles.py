"""The articles' systems as written, cured, rescued and step by step: trains each, judges 10,000 samples of it.

python benchmarks/articles.py FOLDER --only 0 --kinds written,cured --seeds 3 --judge judge.py --data-root path/to/data
python benchmarks/articles.py FOLDER --kinds remedy --images 60k --seeds 1 --data-root path/to/data
python benchmarks/articles.py FOLDER

Trainings that the folder has are not repeated; without --kinds it prints the tables of what is there. `--judge` is a
Python file of a recognizer that elmyr did not train: `load_judge()` and `look(judge, images)`, of float images
(N, 1, H, W) in [0, 1], which gives features (N, D) and logits (N, classes). It looks at the gray images; without it,
and at those in color, figures are elmyr's own, by the extractor `domain`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import torch

from elmyr import GAN, ImageSet, Shaping, evaluate, train
from elmyr.cli.options import image_count
from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.images import open_source, save_png, split_source
from elmyr.metrics import balls_of, frechet_distance, precision_recall
from elmyr.studies.articles.pictures import course_picture, samples_picture
from elmyr.studies.articles.systems import COLOR_FORM, SYSTEMS, System
from elmyr.studies.articles.trainings import Training, trainings_of
from elmyr.tasks.gan.collapse import collapse_of

SAMPLES, NEIGHBORS = 10_000, 3
DATA = {"gray": "mnist", "color": "cifar10"}
KINDS = ("written", "text", "cured", "rescued", "remedy")

Judge = Callable[[ImageSet, ImageSet], dict[str, Any]]  # generated, real


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="0,1,2,3,4")
    parser.add_argument("--kinds", default="", help=f"of {', '.join(KINDS)}")
    parser.add_argument(
        "--names", help="only the trainings whose directories are called so, such as remedy-1-objective"
    )
    parser.add_argument("--seeds", default="0", help="such as 0,1,2")
    parser.add_argument("--images", help="seen in every training, instead of the full budgets")
    parser.add_argument("--judge", type=Path)
    parser.add_argument("--against", default="test", choices=("test", "validation"))
    parser.add_argument("--data-root")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    kinds, numbers = options.kinds.split(","), [int(number) for number in options.only.split(",")]
    for seed in map(int, options.seeds.split(",")):
        for system in (SYSTEMS[number] for number in numbers):
            for training in trainings_of(system, remedies=True):
                named = options.names is None or training.slug in options.names.split(",")
                if training.kind in kinds and named:
                    measured(system, training, seed, options)
    print("\n".join(tables(rows_in(options.folder))))


def measured(system: System, training: Training, seed: int, options: argparse.Namespace) -> None:
    """Trains, judges and writes a row beside the run, where there is none."""
    images = image_count(options.images)
    run = RunDirectory(
        options.folder / f"{system.number}-{training.slug}{'' if images is None else f'-{images}'}-{seed}"
    )
    record = run.path.with_suffix(".json")
    if record.exists():
        return
    color = system.side == "color"
    splits = split_source(open_source(DATA[system.side], options.data_root), seed, COLOR_FORM if color else Shaping())
    started = time.monotonic()
    trained = train(
        DATA[system.side],
        preset=training.preset,
        settings=training.settings,
        rescue=training.rescue,
        images=images or training.images(system, "full", len(splits.train)),
        seed=seed,
        out=run.path,
        data_root=options.data_root,
        shaping=COLOR_FORM if color else Shaping(),
    )
    seconds = time.monotonic() - started
    gan, real = GAN.load(trained.path), splits.validation if options.against == "validation" else splits.test
    if color or options.judge is None:
        figures = _by_domain(trained.path, options)
    else:
        figures = _by_judge(options.judge, gan.sample(SAMPLES, seed=seed), real)
    summary = json.loads(run.summary.read_text())
    collapse = collapse_of(run)
    row = {
        "system": system.number,
        "preset": training.preset,
        "name": training.name,
        "kind": training.kind,
        "seed": seed,
        "images": summary["images"],
        "minutes": round(seconds / 60, 2),
        "threads": torch.get_num_threads(),
        "against": options.against,
        **figures,
        "troubles": [f"{told['trouble']} at {told['images']:,}" for told in summary.get("troubles", ())],
        "collapsed": None if collapse is None else collapse.trouble,
    }
    save_png(samples_picture(run), run.path.with_suffix(".png"))
    if (course := course_picture(run, gan.config)) is not None:
        save_png(course, run.path.with_name(f"{run.path.name}-course.png"))
    record.write_text(json.dumps(row))
    print(json.dumps(row), flush=True)


def _by_domain(run: Path, options: argparse.Namespace) -> dict[str, Any]:
    judged = evaluate(run, against=options.against, extractor="domain", data_root=options.data_root)
    found = {figure.name: figure for figure in judged.figures}
    label = found.get("label_accuracy")
    return {
        "by": "domain",
        "frechet_distance": found["frechet_distance"].value,
        "of_real": found["frechet_distance"].yardstick,
        "precision": found["precision"].value,
        "recall": found["recall"].value,
        "label_accuracy": None if label is None else label.value,
    }


def _by_judge(file: Path, generated: ImageSet, real: ImageSet) -> dict[str, Any]:
    spec = spec_from_file_location("judge", file)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    judge = module.load_judge()

    def look(images: ImageSet) -> tuple[np.ndarray[Any, np.dtype[np.float64]], np.ndarray[Any, Any]]:
        pixels = torch.from_numpy(images.in_memory()).permute(0, 3, 1, 2).float() / 255
        features, logits = module.look(judge, pixels)
        return np.asarray(features, np.float64), np.asarray(logits)

    (features, _), (made, logits) = look(real), look(generated)
    precision, recall = precision_recall(balls_of(features, NEIGHBORS), made, NEIGHBORS)
    read = logits.argmax(1)
    return {
        "by": "judge",
        "frechet_distance": frechet_distance(features, made).value,
        "precision": precision.value,
        "recall": recall.value,
        "label_accuracy": None if generated.labels is None else float((read == generated.labels).mean()),
        "classes": np.bincount(read, minlength=logits.shape[1]).tolist(),
    }


def rows_in(folder: Path) -> list[dict[str, Any]]:
    """The rows of a folder, by system, kind, name and seed."""
    rows = [json.loads(path.read_text()) for path in folder.glob("*.json")]
    return sorted(
        rows, key=lambda row: (row["system"], KINDS.index(row["kind"]), row["images"], row["name"], row["seed"])
    )


def tables(rows: Sequence[dict[str, Any]]) -> Iterable[str]:
    """A row a training with the mean and the range over its seeds."""
    head = "article", "training", "images seen", "minutes", "FID", "label read back", "recall", "classes with 1 %"
    yield f"| {' | '.join(head)} | seen by the monitor |"
    yield f"|{' --- |' * (len(head) + 1)}"
    grouped = defaultdict(list)
    for row in rows:
        grouped[row["system"], row["kind"], row["name"], row["images"]].append(row)
    for (number, _, name, images), same in grouped.items():
        figures = [_mean(same, "frechet_distance", "{:.1f}"), _mean(same, "label_accuracy", "{:.1%}")]
        figures += [_mean(same, "recall", "{:.2f}"), _classes(same)]
        seen = "; ".join(dict.fromkeys(told for row in same for told in row["troubles"])) or "nothing"
        minutes = _mean(same, "minutes", "{:.1f}")
        yield f"| {number} | {name} | {images:,} | {minutes} | {' | '.join(figures)} | {seen} |"


def _mean(rows: Sequence[dict[str, Any]], key: str, form: str) -> str:
    values = [row[key] for row in rows if row.get(key) is not None]
    if not values:
        return "–"
    told = form.format(np.mean(values))
    if len(values) == 1:
        return told
    return f"{told} ({form.format(min(values))} to {form.format(max(values))})"


def _classes(rows: Sequence[dict[str, Any]]) -> str:
    counts = [sum(count >= SAMPLES / 100 for count in row["classes"]) for row in rows if "classes" in row]
    return ", ".join(map(str, counts)) or "–"


if __name__ == "__main__":
    main()
