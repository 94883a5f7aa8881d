"""Are images translated, and do recognizers follow to images that nobody labeled? A sub-command a question.

python benchmarks/translation.py adapt --data-root path/to/data     MNIST to mnist-m, by four ways
python benchmarks/translation.py strokes --data-root path/to/data   thin to thick and back, without pairs
python benchmarks/translation.py pairs --data-root path/to/data     edges to digits; CIFAR-10 from gray to color
python benchmarks/translation.py speed                              images a second, applied
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from elmyr import Recognizer, Translator
from elmyr.core.machine import keep_freed_memory
from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.evaluation.of_tasks.translation import TranslationJudgment, judge_translation
from elmyr.evaluation.paired_samples import first_of
from elmyr.images import ImageSet, Shaping, load_images
from elmyr.metrics import wilson_interval
from elmyr.report import write_translation
from elmyr.tasks.recognition import open_recognizer
from elmyr.tasks.translation import train_adapted

Pixels = NDArray[np.uint8]
COLOR = Shaping(channels=3)
TRANSLATION = 150_000  # the translator's budget for an adaptation


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("question", choices=sorted(QUESTIONS))
    parser.add_argument("--data-root")
    parser.add_argument("--images", type=int, help="the translator's budget")
    parser.add_argument("--updates", type=int, help="the recognizer's budget")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--judged", type=int, default=2000, help="test images, at most")
    parser.add_argument("--only", help="of adapt: one of its rows; of pairs: edges or color")
    parser.add_argument("--out", type=Path, default=Path("translation"))
    options = parser.parse_args()
    keep_freed_memory()
    QUESTIONS[options.question](options)


def adapt(options: argparse.Namespace) -> None:
    """A row each: accuracy on the target's test images; the target's labels are looked at here alone."""
    test = load_images("mnist-m", split="test", data_root=options.data_root)
    source = load_images("mnist", split="test", data_root=options.data_root, shaping=COLOR)
    adapted = partial(train_adapted, "mnist", "mnist-m", data_root=options.data_root, shaping=COLOR)
    translated = partial(adapted, translation=options.images or TRANSLATION)
    rows = {
        "source": lambda: source_alone(options),
        "self-training": lambda: recognizer_of(adapted(recognizer=new_reader(options))),
        "translated": lambda: recognizer_of(translated(self_training=False, recognizer=new_reader(options))),
        "both": lambda: recognizer_of(translated(recognizer=new_reader(options))),
    }
    print("| learned from | read right on mnist-m | 95 % interval | on mnist | CPU minutes |")
    print("| --- | --- | --- | --- | --- |")
    for name, train in rows.items():
        if options.only not in (None, name):
            continue
        started = time.process_time()
        reader = train()
        minutes = (time.process_time() - started) / 60
        names = np.array(test.classes)[test.require_labels()]
        right = int((reader.predict(test.images).astype(str) == names).sum())
        low, high = wilson_interval(right, len(test))
        at_home = (
            reader.predict(source.images).astype(str) == np.array(source.classes)[source.require_labels()]
        ).mean()
        print(
            f"| {name} | {right / len(test):.2%} | {low:.2%} to {high:.2%} | {at_home:.2%} | {minutes:.1f} |",
            flush=True,
        )


def new_reader(options: argparse.Namespace) -> Recognizer:
    return Recognizer(updates=options.updates, seed=options.seed)


def recognizer_of(run: RunDirectory) -> Recognizer:
    return open_recognizer(run.path / "recognizer")


def source_alone(options: argparse.Namespace) -> Recognizer:
    images = load_images("mnist", data_root=options.data_root, shaping=COLOR)
    names = np.array(images.classes)[images.require_labels()]
    reader: Recognizer = Recognizer(method="augment", updates=options.updates or 1000, seed=options.seed)
    return reader.fit(images.images, names)


def strokes(options: argparse.Namespace) -> None:
    """Labels kept and thickness, both ways; a recognizer of MNIST and of both kinds reads."""
    parts: dict[str, dict[str, ImageSet]] = {}
    for name in ("mnist-thin", "mnist-thick"):
        parts[name] = {
            split: load_images(name, split=split, data_root=options.data_root) for split in ("train", "test")
        }
    reader = reader_of([each["train"] for each in parts.values()], options)
    started = time.process_time()
    translator = Translator(images=options.images, seed=options.seed)
    translator.fit(parts["mnist-thin"]["train"], parts["mnist-thick"]["train"])
    minutes = (time.process_time() - started) / 60
    test = [first_of(each["test"], options.judged) for each in parts.values()]
    judgment = judge_translation(translator, *test, recognizer=reader)
    translator.save(options.out)
    write_translation(judgment, options.out.with_suffix(".html"))
    print(f"{minutes:.1f} CPU minutes; {len(test[0]):,} test images each way\n")
    print("| direction | label kept | 95 % interval | thickness: given | made | wanted | off by | there and back |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for way in judgment.ways:
        assert way.kept is not None and way.returned is not None
        low, high = way.kept.interval
        thick = [each.thickness for each in (way.given, way.made, way.wanted)]
        print(
            f"| {way.name} | {way.kept.kept:.2%} | {low:.2%} to {high:.2%} | {thick[0]:.2f} | {thick[1]:.2f} | "
            f"{thick[2]:.2f} | {thick[1] / thick[2] - 1:+.1%} | {way.returned:.2f} dB |"
        )


def reader_of(sets: list[ImageSet], options: argparse.Namespace) -> Recognizer:
    """A recognizer of all these, whose reading is asked; none of it is told to the translator."""
    images = np.concatenate([each.in_memory() for each in sets])
    labels = np.concatenate([each.require_labels() for each in sets])
    reader: Recognizer = Recognizer(method="augment", updates=options.updates or 800, seed=1)
    return reader.fit(images, labels)


def pairs(options: argparse.Namespace) -> None:
    """PSNR and SSIM beside the mean color (of each image's own kind of pixel) and the given image itself."""
    for name, make in (("edges", edge_pairs), ("color", color_pairs)):
        if options.only not in (None, name):
            continue
        (a, b), (a_test, b_test) = (make(options, split) for split in ("train", "test"))
        translator = Translator(method="paired", images=options.images, seed=options.seed, settings={"back": False})
        started = time.process_time()
        translator.fit(a, b)
        minutes = (time.process_time() - started) / 60
        a_test, b_test = (first_of(each, options.judged) for each in (a_test, b_test))
        judgment = judge_translation(
            translator, a_test, b_test, paired=True, rivals=partial(mean_color, training=(a, b))
        )
        write_translation(judgment, options.out.with_name(f"{options.out.name}-{name}.html"))
        show_pairs(name, judgment, minutes)


def show_pairs(name: str, judgment: TranslationJudgment, minutes: float) -> None:
    print(f"\n{name}: {minutes:.1f} CPU minutes; {judgment.ways[0].count:,} test images\n")
    print("| method | PSNR, dB | SSIM |\n| --- | --- | --- |")
    near = judgment.ways[0].near
    assert near is not None
    for who, figures in ({"elmyr translator": (near.psnr, near.ssim)} | dict(near.rivals)).items():
        print(f"| {who} | {figures[0]:.2f} | {figures[1]:.3f} |", flush=True)


def mean_color(way: str, given: Pixels, *, training: tuple[ImageSet, ImageSet]) -> Mapping[str, Pixels]:
    """The mean color of the wanted kind for each level of gray of the given one; and the mean image."""
    a, b = (images.in_memory()[:10_000] for images in training)
    gray = a[..., 0]
    table = np.stack(
        [
            np.bincount(gray.ravel(), b[..., channel].ravel(), 256)
            / np.maximum(np.bincount(gray.ravel(), None, 256), 1)
            for channel in range(b.shape[3])
        ],
        -1,
    )
    return {
        "mean color of a level": table[given[..., 0]].round().astype(np.uint8),
        "mean image": np.broadcast_to(b.mean(0).round().astype(np.uint8), given.shape),
        "as given": given,
    }


def edge_pairs(options: argparse.Namespace, split: str) -> tuple[ImageSet, ImageSet]:
    """Digits, and where they change: white lines on black."""
    digits = load_images("mnist", split=split, data_root=options.data_root)
    pixels = digits.in_memory().astype(np.int16)
    down, across = (np.abs(np.diff(pixels, axis=axis, prepend=0)) for axis in (1, 2))
    edges = np.where(np.maximum(down, across) > 100, 255, 0).astype(np.uint8)
    return ImageSet(edges, None, name="edges"), ImageSet(digits.in_memory(), None, name="digits")


def color_pairs(options: argparse.Namespace, split: str) -> tuple[ImageSet, ImageSet]:
    photos = load_images("cifar10", split=split, data_root=options.data_root)
    colored = photos.in_memory()
    gray = (colored @ np.array([0.299, 0.587, 0.114])).round().astype(np.uint8)
    return ImageSet(gray[..., None].repeat(3, 3), None, name="gray"), ImageSet(colored, None, name="color")


def speed(options: argparse.Namespace) -> None:
    """Images a second by the clock and by the processor's time, the best of five passes over 2,000 of 28x28."""
    rng = np.random.default_rng(0)
    for channels, styled in ((1, False), (3, False), (3, True)):
        images = rng.integers(0, 256, (2000, 28, 28, channels), dtype=np.uint8)
        settings: dict[str, Any] = {"styled": styled, "label": 0}
        translator = Translator(images=16, settings=settings).fit(images[:100], images[100:200])
        for threads in (1, 2):
            torch.set_num_threads(threads)
            best, least = 0.0, np.inf
            for _ in range(5):
                started, used = time.monotonic(), time.process_time()
                translator.translate(images)
                best = max(best, len(images) / (time.monotonic() - started))
                least = min(least, (time.process_time() - used) / len(images))
            told = f"{channels} channels{', styled' if styled else ''}, {threads} threads"
            print(f"{told}: {best:,.0f} images/s by the clock, {1e3 * least:.2f} ms of one core an image", flush=True)


QUESTIONS = {"adapt": adapt, "strokes": strokes, "pairs": pairs, "speed": speed}

if __name__ == "__main__":
    main()
