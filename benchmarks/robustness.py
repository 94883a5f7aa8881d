"""Recognizers that withstand attacks: of all training images, and with and without generated ones where images are few.

    python benchmarks/robustness.py gan --per-class 100 --seed 0 --images 60k
    python benchmarks/robustness.py fit --per-class 100 --seed 0 --share 0 --updates 1500
    python benchmarks/robustness.py fit --per-class 100 --seed 0 --share 0.5 --updates 1500
    python benchmarks/robustness.py judge --run RUN --autoattack 1000
    python benchmarks/robustness.py table

`gan` trains a GAN on the images of a seed, and on nothing else; `fit` a recognizer of the method robust, or with a
share of generated images gan-robust, whose weights are chosen under attack on the validation part; each appends a
line to `--rows`. Without --per-class all training images are learned from. `--autoattack N` attacks N test images by
the standard attack, too, as `elmyr recognizer attack` does. `table` prints all lines, and the paired differences of
shares from none with 95 % intervals (t, over seeds): of the same data, epsilon, images, updates and settings. Minutes
are those of all cores together (`fit`, `gan`), or those by the clock (`judge`, of a run).
"""

from __future__ import annotations

import argparse
import json
import resource
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from elmyr import Recognizer, Shaping, train
from elmyr.core.amounts import image_count
from elmyr.core.files import read_json
from elmyr.engine.config import parse_settings
from elmyr.images import ImageSet, open_source, split_source
from elmyr.metrics import mean_interval
from elmyr.tasks.gan import open_gan
from elmyr.tasks.recognition import FreshSamples, Origin, default_updates, images_to_read
from elmyr.tasks.recognition.attacks.asked import AttackAsk
from elmyr.tasks.recognition.attacks.measuring import attack
from elmyr.tasks.recognition.learning.methods import read_method
from elmyr.tasks.recognition.robust.judging import Attack

KIND = ("data", "epsilon", "per_class", "gan_images", "updates", "settings", "share")  # what makes rows alike
CORES, CLOCK = "of cores", "by the clock"


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
    """Of a GAN, which is another one with another budget."""
    kind = f"{Path(arguments.data).stem}-{arguments.per_class or 'all'}-{image_count(arguments.images)}"
    return Path(arguments.runs) / f"gan-{kind}-{arguments.seed}"


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
    asked = {"data": arguments.data, "per_class": arguments.per_class, "seed": arguments.seed, "images": images}
    return {"what": "gan", **asked, "minutes": minutes_since(started), "minutes_are": CORES}


def fit(arguments: argparse.Namespace) -> dict[str, Any]:
    splits = split_source(open_source(arguments.data, None, Shaping()), arguments.seed, shaping(arguments))
    generated = None
    if arguments.share:
        generated = FreshSamples([Origin(open_gan(place(arguments)))], balanced=True)
    settings, method = parse_settings(arguments.set), "gan-robust" if arguments.share else "robust"
    updates = arguments.updates or default_updates(splits.train, method)
    recognizer = Recognizer(
        method=method,
        robust=arguments.epsilon,
        updates=updates,
        generated_share=arguments.share,
        settings=settings or None,
        seed=arguments.seed,
    )
    started = spent()
    recognizer.fit(splits.train, generated=generated, validation=named(splits.validation))
    used = minutes_since(started)
    asked = {name: getattr(arguments, name) for name in ("data", "per_class", "seed", "share")}
    asked |= {"gan_images": image_count(arguments.images) if arguments.share else None, "updates": updates}
    how = {"settings": settings, "minutes": used, "minutes_are": CORES}
    return {"what": "fit", **asked, **how, **judged(recognizer, splits.test, arguments)}


def judge(arguments: argparse.Namespace) -> dict[str, Any]:
    recognizer, config = Recognizer.load(arguments.run), read_json(arguments.run / "config.json")
    tested = images_to_read(arguments.run)
    gan = config["gan"] and read_json(Path(config["gan"]) / "config.json")
    asked = {
        "data": config["data"]["source"],
        "gan_images": gan["loop"]["images"] if gan else None,
        "per_class": config["data"]["shaping"]["images_per_class"],
        "seed": config["seed"],
        "share": config["parameters"]["generated_share"] if config["gan"] else 0.0,
        "updates": config["parameters"]["updates"],
        "settings": config["parameters"]["settings"] or {},
        "minutes": round(read_json(arguments.run / "summary.json")["seconds"] / 60, 2),
        "minutes_are": CLOCK,
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
        "autoattack": standard(recognizer, test, known.epsilon, arguments.autoattack),
        "attacked": arguments.autoattack,
    }


def standard(recognizer: Recognizer, test: ImageSet, epsilon: float, count: int) -> float | None:
    """What is left of so many test images by the standard attack, as the command measures it; None for none of them."""
    if not count:
        return None
    found = attack(recognizer, test, AttackAsk(epsilons=(epsilon,), count=count), say=print)
    return found.robust_accuracy(found.levels[0]).value


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
    """All rows; those of before had no data, which was MNIST, no GAN's budget, and no number of its default updates."""
    return [_completed(json.loads(line)) for line in rows.read_text(encoding="utf-8").splitlines()]


def _completed(row: dict[str, Any]) -> dict[str, Any]:
    row = {"data": "mnist", "gan_images": None, "minutes_are": "", **row}
    if row["what"] == "fit" and row["updates"] is None:
        row["updates"] = read_method("gan-robust" if row["share"] else "robust").updates
    return row


def grouped(rows: list[dict[str, Any]]) -> dict[tuple[Any, ...], dict[int, dict[str, Any]]]:
    """Of each kind the row of each seed, the latest of several."""
    by_kind: dict[tuple[Any, ...], dict[int, dict[str, Any]]] = defaultdict(dict)
    for row in rows:
        if row["what"] == "fit":
            kind = tuple(json.dumps(row[name]) if name == "settings" else row[name] for name in KIND)
            by_kind[kind][row["seed"]] = row
    return by_kind


def table(rows: list[dict[str, Any]]) -> None:
    by_kind = grouped(rows)
    heads = ["data", "\u03b5", "images a class", "images of the GAN", "updates", "settings", "generated", "seeds"]
    heads += ["clean, %", "robust, %", "AutoAttack, %", "minutes"]
    print(f"| {' | '.join(heads)} |\n{'| --- ' * len(heads)}|")
    for kind, of_seeds in sorted(by_kind.items(), key=repr):
        found = list(of_seeds.values())
        cells = [*named_kind(kind)[:-1], f"{100 * kind[-1]:g} %", len(found)]
        cells += [told([row[name] for row in found]) for name in ("clean", "robust", "autoattack")]
        print(f"| {' | '.join(map(str, cells))} | {minutes_of(found)} |")
    print(f"\n| {' | '.join(heads[:6])} | generated minus none, points of robust accuracy |\n{'| --- ' * 7}|")
    for kind, of_seeds in sorted(by_kind.items(), key=repr):
        rival = by_kind.get(of_none(kind), {})
        both = sorted(of_seeds.keys() & rival.keys())
        if kind[-1] and both:
            apart = mean_interval([100 * (of_seeds[seed]["robust"] - rival[seed]["robust"]) for seed in both])
            ends = "one seed" if apart.low is None else f"{apart.low:+.2f} to {apart.high:+.2f}"
            cells = [*named_kind(kind)[:-1], f"{100 * kind[-1]:g} %: {apart.mean:+.2f} ({ends}), seeds {both}"]
            print(f"| {' | '.join(map(str, cells))} |")


def of_none(kind: tuple[Any, ...]) -> tuple[Any, ...]:
    """The same without generated images."""
    without = dict(zip(KIND, kind, strict=True)) | {"gan_images": None, "share": 0.0}
    return tuple(without.values())


def named_kind(kind: tuple[Any, ...]) -> list[Any]:
    words = dict(zip(KIND, kind, strict=True))
    words |= {"per_class": words["per_class"] or "all", "gan_images": words["gan_images"] or ""}
    return [f"{value:.4g}" if name == "epsilon" else value for name, value in words.items()]


def minutes_of(found: list[dict[str, Any]]) -> str:
    """Their mean, those of cores and those by the clock apart."""
    kinds = sorted({row["minutes_are"] for row in found})
    means = {kind: np.mean([row["minutes"] for row in found if row["minutes_are"] == kind]) for kind in kinds}
    return ", ".join(f"{mean:.1f} {kind}".strip() for kind, mean in means.items())


def told(values: list[float | None]) -> str:
    known = [100 * value for value in values if value is not None]
    if not known:
        return ""
    return f"{np.mean(known):.2f}" + (f" ± {np.std(known, ddof=1):.2f}" if len(known) > 1 else "")


if __name__ == "__main__":
    main()
