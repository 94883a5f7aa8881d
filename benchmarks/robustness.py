"""Recognizers that withstand attacks: of all training images, and with and without generated ones where images are few.

    python benchmarks/robustness.py gan --per-class 100 --seed 0 --images 60k
    python benchmarks/robustness.py fit --per-class 100 --seed 0 --share 0 --updates 1500
    python benchmarks/robustness.py fit --per-class 100 --seed 0 --share 0.5 --updates 1500
    python benchmarks/robustness.py judge --run RUN --autoattack 1000
    python benchmarks/robustness.py table

`gan` trains a GAN on the images of a seed, and on nothing else; `fit` a recognizer of the method robust, or with a
share of generated images gan-robust, whose weights are chosen under attack on the validation part; each appends a
line to `--rows`. Without --per-class all training images are learned from. `--autoattack N` attacks N test images by
the standard attack, too. `table` prints all lines, and the paired differences of shares from none with 95 % intervals
(t, over seeds).
"""

from __future__ import annotations

import argparse
import json
import resource
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from elmyr import Recognizer, Shaping, train
from elmyr.core.amounts import image_count
from elmyr.core.files import read_json
from elmyr.images import ImageSet, open_source, split_source
from elmyr.metrics import mean_interval
from elmyr.tasks.gan import open_gan
from elmyr.tasks.recognition import FreshSamples, Origin, images_to_read
from elmyr.tasks.recognition.attacks.seam import logits_of
from elmyr.tasks.recognition.attacks.table import ATTACKS, AUTO_ATTACK
from elmyr.tasks.recognition.robust.judging import Attack

CHUNK = 250


def main() -> None:
    arguments = parsed()
    if arguments.what == "table":
        table(lines(arguments.rows))
        return
    done = {"gan": gan, "fit": fit, "judge": judge}[arguments.what](arguments)
    with arguments.rows.open("a", encoding="utf-8") as file:
        file.write(json.dumps(done) + "\n")
    print(json.dumps(done))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("gan", "fit", "judge", "table"))
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--per-class", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--images", default="60k", help="budget of a GAN")
    parser.add_argument("--share", type=float, default=0.0)
    parser.add_argument("--updates", type=int)
    parser.add_argument("--epsilon", type=float)
    parser.add_argument("--tested", type=int, default=2000, help="test images attacked by PGD-40, twice")
    parser.add_argument("--autoattack", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="of the method")
    parser.add_argument("--run", type=Path, help="of a recognizer, for judge")
    parser.add_argument("--runs", type=Path, default=Path("robustness"))
    parser.add_argument("--rows", type=Path, default=Path("robustness.jsonl"))
    return parser.parse_args()


def place(arguments: argparse.Namespace) -> Path:
    return Path(arguments.runs) / f"gan-{arguments.data}-{arguments.per_class or 'all'}-{arguments.seed}"


def shaping(arguments: argparse.Namespace) -> Shaping:
    return Shaping(images_per_class=arguments.per_class)


def gan(arguments: argparse.Namespace) -> dict[str, Any]:
    started = spent()
    images = image_count(arguments.images)
    train(
        arguments.data,
        out=place(arguments),
        images=images,
        seed=arguments.seed,
        shaping=shaping(arguments),
        quiet=True,
    )
    asked = {"per_class": arguments.per_class, "seed": arguments.seed, "images": images}
    return {"what": "gan", **asked, "minutes": minutes_since(started)}


def fit(arguments: argparse.Namespace) -> dict[str, Any]:
    splits = split_source(open_source(arguments.data, None, Shaping()), arguments.seed, shaping(arguments))
    generated = None
    if arguments.share:
        generated = FreshSamples([Origin(open_gan(place(arguments)))], balanced=True)
    changes = dict(each.split("=", 1) for each in arguments.set)
    settings = {name: value if value.isalpha() else json.loads(value) for name, value in changes.items()}
    recognizer = Recognizer(
        method="gan-robust" if arguments.share else "robust",
        robust=arguments.epsilon,
        updates=arguments.updates,
        generated_share=arguments.share,
        settings=settings or None,
        seed=arguments.seed,
    )
    started = spent()
    recognizer.fit(splits.train, generated=generated, validation=named(splits.validation))
    used = minutes_since(started)
    asked = {name: getattr(arguments, name) for name in ("per_class", "seed", "share", "updates")}
    return {"what": "fit", **asked, "settings": settings, "minutes": used, **judged(recognizer, splits.test, arguments)}


def judge(arguments: argparse.Namespace) -> dict[str, Any]:
    recognizer, config = Recognizer.load(arguments.run), read_json(arguments.run / "config.json")
    tested = images_to_read(arguments.run)
    asked = {
        "per_class": config["data"]["shaping"]["images_per_class"],
        "seed": config["seed"],
        "share": config["parameters"]["generated_share"] if config["gan"] else 0.0,
        "updates": config["parameters"]["updates"],
        "settings": config["parameters"]["settings"] or {},
        "minutes": round(read_json(arguments.run / "summary.json")["seconds"] / 60, 2),
    }
    return {"what": "fit", **asked, **judged(recognizer, tested, arguments)}


def judged(recognizer: Recognizer, test: ImageSet, arguments: argparse.Namespace) -> dict[str, Any]:
    """Accuracy, and what is left of it under attack: by the attack of its training, PGD-40 twice, and the standard."""
    known, tested = recognizer.robust_, spread(test, arguments.tested)
    assert known is not None and known.share is not None
    labels = np.searchsorted(recognizer.classes_, named(tested)[1])
    read = Attack(known.epsilon, 40, 2).read(recognizer.trained().net, tested.images, labels)
    return {
        "epsilon": known.epsilon,
        "clean": recognizer.score(test.images, named(test)[1]),
        "validation": known.share.value,
        "robust": float((read == labels).mean()),
        "autoattack": attacked(recognizer, test, known.epsilon, arguments.autoattack),
        "attacked": arguments.autoattack,
    }


def attacked(recognizer: Recognizer, test: ImageSet, epsilon: float, count: int) -> float | None:
    """What is left of so many test images by the standard attack; None for none of them."""
    if not count:
        return None
    tested = spread(test, count)
    images = torch.from_numpy(tested.in_memory()).permute(0, 3, 1, 2).float() / 255
    labels = torch.from_numpy(np.searchsorted(recognizer.classes_, named(tested)[1]))
    model, generator = logits_of(recognizer), torch.Generator().manual_seed(0)
    left = model(images).argmax(1) == labels
    for name in AUTO_ATTACK:
        for places in left.nonzero().flatten().split(CHUNK):
            some: dict[str, Any] = {"norm": "Linf", "epsilon": epsilon, "steps": ATTACKS[name].steps}
            changed = ATTACKS[name].run(model, images[places], labels[places], generator=generator, **some)
            left[places] = model(changed).argmax(1) == labels[places]
        print(f"after {name}: {float(left.float().mean()):.4f}")
    return float(left.float().mean())


def spread(images: ImageSet, count: int) -> ImageSet:
    """So many images, evenly."""
    return images.take(np.linspace(0, len(images) - 1, count).astype(np.int64))


def named(images: ImageSet) -> tuple[Any, Any]:
    return images.images, np.array(images.classes)[images.require_labels()]


def spent() -> float:
    """Seconds of this process's cores."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def minutes_since(started: float) -> float:
    return round((spent() - started) / 60, 2)


def lines(rows: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in rows.read_text(encoding="utf-8").splitlines()]


def table(rows: list[dict[str, Any]]) -> None:
    by_kind: dict[tuple[Any, ...], dict[int, dict[str, Any]]] = defaultdict(dict)
    for row in rows:
        if row["what"] == "fit":
            kind = row["per_class"], row["updates"], json.dumps(row["settings"]), row["share"]
            by_kind[kind][row["seed"]] = row
    print(
        "| images a class | updates | settings | generated | seeds | clean, % | robust, % | AutoAttack, % | core min |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for kind, of_seeds in sorted(by_kind.items(), key=repr):
        per_class, updates, settings, share = kind
        found = list(of_seeds.values())
        cells = [per_class or "all", updates, settings, f"{100 * share:g} %", len(found)]
        cells += [told([row[name] for row in found]) for name in ("clean", "robust", "autoattack")]
        print(f"| {' | '.join(map(str, cells))} | {np.mean([row['minutes'] for row in found]):.1f} |")
    print("\n| images a class | updates | generated minus none, points of robust accuracy |\n| --- | --- | --- |")
    for (per_class, updates, settings, share), of_seeds in sorted(by_kind.items(), key=repr):
        rival = by_kind.get((per_class, updates, settings, 0.0), {})
        both = sorted(of_seeds.keys() & rival.keys())
        if share and both:
            apart = mean_interval([100 * (of_seeds[seed]["robust"] - rival[seed]["robust"]) for seed in both])
            ends = "one seed" if apart.low is None else f"{apart.low:+.2f} to {apart.high:+.2f}"
            print(f"| {per_class or 'all'} | {updates} | {100 * share:g} %: {apart.mean:+.2f} ({ends}), seeds {both} |")


def told(values: list[float | None]) -> str:
    known = [100 * value for value in values if value is not None]
    if not known:
        return ""
    return f"{np.mean(known):.2f}" + (f" ± {np.std(known, ddof=1):.2f}" if len(known) > 1 else "")


if __name__ == "__main__":
    main()
