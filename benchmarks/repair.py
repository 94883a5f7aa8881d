"""Are damaged digits repaired, and read again, better than by what one would use without elmyr? A row a damage.

Rivals: scikit-image's non-local means, total variation and biharmonic inpainting, and bicubic enlargement, each where
it is meant for the damage, with the settings that were best on validation images. A GAN's latents (inversion), where
--gan names a run. All see the same images, and the masks where there are any; one recognizer, trained on clean images,
reads them all.

python benchmarks/repair.py runs/restorer --recognizer runs/reader --gan runs/gan --data-root path/to/data
python benchmarks/repair.py runs/restorer --speed
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from elmyr.core.machine import keep_freed_memory
from elmyr.evaluation.of_tasks.repair import RepairJudgment, images_to_repair, judge_repair
from elmyr.evaluation.paired_samples import first_of
from elmyr.images import ImageSet, image_grid, save_png
from elmyr.metrics import psnr, squared_error
from elmyr.report import write_repair
from elmyr.tasks.gan import open_gan
from elmyr.tasks.recognition import open_recognizer
from elmyr.tasks.restoration import Restorer, corrupt, invert

SIX = ["center:14", "right:0.5", "missing:0.75", "noise:0.5", "motion:9", "lowres:4"]
COLOR = ["noise:0.2", "center:12", "lowres:2"]
CHOSEN_ON = 60  # validation images that a rival's setting is chosen on

Pixels = NDArray[np.uint8]
Masks = NDArray[np.bool_] | None
Method = Callable[[Pixels, Masks], Pixels]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--recognizer")
    parser.add_argument("--gan")
    parser.add_argument("--data-root")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--inverted", type=int, default=100, help="images for the inversion, which is slow")
    parser.add_argument("--damages", nargs="*", help="other damages than the six, or the three for color")
    parser.add_argument("--out", type=Path, default=Path("repair.html"))
    parser.add_argument("--speed", action="store_true")
    options = parser.parse_args()
    keep_freed_memory()
    restorer = Restorer.load(options.run)
    if options.speed:
        speed(restorer)
        scan(restorer)
        return
    test, validation = (
        images_to_repair(options.run, part=part, data_root=options.data_root) for part in ("test", "validation")
    )
    test, tuning = first_of(test, options.images), first_of(validation, CHOSEN_ON)
    reader = None if options.recognizer is None else open_recognizer(options.recognizer)
    print("| damage | method | PSNR, dB | SSIM | read wrong | 95 % interval | ms an image |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    rows = []
    for damage in options.damages or (SIX if test.channels == 1 else COLOR):
        spent: dict[str, float] = {}
        methods = {name: timed(name, each, spent) for name, each in rivals(damage, tuning).items()}
        methods["elmyr restorer"] = timed(
            "elmyr restorer", lambda seen, masks: restorer.restore(seen, masks).images, spent
        )
        judgment = judge_repair(test, methods, damages=[damage], recognizer=reader)
        show(judgment, spent)
        rows += judgment.rows
    whole = RepairJudgment(test.name, len(test), judgment.clean_error, tuple(rows))
    write_repair(whole, options.out)
    draw(whole, options.out.with_suffix(".png"))
    if judgment.clean_error is not None:
        print(f"\n{len(test):,} test images; undamaged, {judgment.clean_error:.2%} are read wrong")
    several(restorer, test)
    if options.gan is not None:
        gan = open_gan(options.gan)
        few, spent = first_of(test, options.inverted), {}
        methods = {
            "biharmonic": timed("biharmonic", biharmonic, spent),
            "inversion of a GAN": timed(
                "inversion of a GAN", lambda seen, masks: invert(gan, seen, masks).images, spent
            ),
            "elmyr restorer": timed("elmyr restorer", lambda seen, masks: restorer.restore(seen, masks).images, spent),
        }
        print(f"\nof {len(few)} of them:\n")
        judgment = judge_repair(few, methods, damages=SIX[:1], recognizer=reader)
        show(judgment, spent)
        write_repair(judgment, options.out.with_stem(f"{options.out.stem}-inversion"))


def timed(name: str, method: Method, spent: dict[str, float]) -> Method:
    def call(images: Pixels, masks: Masks) -> Pixels:
        started = time.process_time()
        made = method(images, masks)
        spent[name] = 1000 * (time.process_time() - started) / len(images)
        return made

    return call


def show(judgment: RepairJudgment, spent: Mapping[str, float]) -> None:
    for row in judgment.rows:
        for one in row.methods:
            wrong = "" if one.error is None else f"{one.error:.2%}"
            between = "" if one.interval is None else f"{one.interval[0]:.2%} to {one.interval[1]:.2%}"
            took = f"{spent[one.method]:.2f}" if one.method in spent else ""
            print(
                f"| {row.damage} | {one.method} | {one.psnr:.2f} | {one.ssim:.3f} | {wrong} | {between} | {took} |",
                flush=True,
            )


def rivals(damage: str, tuning: ImageSet) -> dict[str, Method]:
    """What is meant for a damage, at its best setting."""
    clean = tuning.in_memory()
    kind = damage.partition(":")[0]
    found: dict[str, Method] = {}
    damaged, masks = corrupt(clean, damage, seed=1)
    if masks is not None:
        found["biharmonic"] = biharmonic
    else:
        for name, settings in (
            ("non-local means", [partial(non_local_means, strength=h) for h in (0.35, 0.7, 1.0, 1.5, 2.5)]),
            ("total variation", [partial(total_variation, weight=w) for w in (0.02, 0.1, 0.2, 0.4, 0.8, 1.5)]),
        ):
            errors = [psnr(squared_error(setting(damaged, masks), clean)) for setting in settings]
            found[name] = settings[int(np.argmax(errors))]
    if kind == "lowres":
        found["bicubic"] = partial(bicubic, factor=int(damage.partition(":")[2]))
    return found


def biharmonic(images: Pixels, masks: Masks) -> Pixels:
    from skimage.restoration import inpaint_biharmonic

    assert masks is not None
    made = [inpaint_biharmonic(image, mask, channel_axis=-1) for image, mask in zip(images, masks, strict=True)]
    repaired = as_pixels(np.stack(made))
    return np.where(masks[..., None], repaired, images)


def non_local_means(images: Pixels, masks: Masks, *, strength: float) -> Pixels:
    from skimage.restoration import denoise_nl_means, estimate_sigma

    made = []
    for image in images / 255:
        sigma = float(np.mean(estimate_sigma(image, channel_axis=-1)))
        sigma = sigma if np.isfinite(sigma) and sigma > 0 else 0.01
        cut = max(strength * sigma, 1e-3)
        made.append(
            denoise_nl_means(image, h=cut, sigma=sigma, fast_mode=True, patch_size=5, patch_distance=7, channel_axis=-1)
        )
    return as_pixels(np.stack(made)).reshape(images.shape)


def total_variation(images: Pixels, masks: Masks, *, weight: float) -> Pixels:
    from skimage.restoration import denoise_tv_chambolle

    return as_pixels(np.stack([denoise_tv_chambolle(image, weight=weight, channel_axis=-1) for image in images / 255]))


def bicubic(images: Pixels, masks: Masks, *, factor: int) -> Pixels:
    height, width = images.shape[1:3]
    small = images[:, ::factor, ::factor]
    made = []
    for image in small:
        picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
        made.append(np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC)).reshape(images.shape[1:]))
    return np.stack(made)


def as_pixels(images: NDArray[np.float64]) -> Pixels:
    return (255 * np.clip(images, 0, 1)).round().astype(np.uint8)


def draw(judgment: RepairJudgment, path: Path) -> None:
    """For each damage the first images, damaged, by the rival with the best PSNR, and by the restorer."""
    scale, label, title, gap = 2, 130, 22, 14
    panels = []
    for row in judgment.rows:
        others = [one for one in row.methods if one.method not in ("damaged", "elmyr restorer")]
        rival = max(others, key=lambda one: one.psnr).method
        names = ["clean", "damaged", rival, "elmyr restorer"]
        cells = np.concatenate([row.pictures[name] for name in names])
        grid = image_grid(cells, len(row.pictures["clean"])).repeat(scale, 0).repeat(scale, 1)
        rows_of_grid = Image.fromarray(grid[..., 0] if grid.shape[-1] == 1 else grid).convert("RGB")
        panel = Image.new("RGB", (label + rows_of_grid.width, title + rows_of_grid.height), "white")
        panel.paste(rows_of_grid, (label, title))
        pen = ImageDraw.Draw(panel)
        pen.text((label, 2), row.damage, "black", ImageFont.load_default(15))
        for number, name in enumerate(names):
            pen.text(
                (0, title + (number + 0.35) * rows_of_grid.height / len(names)),
                name,
                "black",
                ImageFont.load_default(14),
            )
        panels.append(panel)
    width, height = panels[0].size
    page = Image.new("RGB", (2 * width + gap, -(-len(panels) // 2) * (height + gap)), "white")
    for number, panel in enumerate(panels):
        page.paste(panel, (number % 2 * (width + gap), number // 2 * (height + gap)))
    page.save(path, optimize=True)


def several(restorer: Restorer, test: ImageSet) -> None:
    """Five answers to the hidden half: are known pixels the same, and how far do the answers deviate elsewhere?"""
    clean = test.in_memory()[:200]
    damaged, masks = corrupt(clean, "right:0.5")
    assert masks is not None
    repair = restorer.restore(damaged, masks, answers=5)
    same = all(np.array_equal(answer[~masks], damaged[~masks]) for answer in (repair.images, *repair.answers))
    drawn = (clean[..., 0] > 127) | (repair.answers[..., 0].max(0) > 127)
    ink = repair.uncertainty[masks & drawn].mean()
    print(
        f"\nfive answers to {len(clean)} images whose right half is hidden: known pixels the same to the bit: {same}; "
        f"deviation {repair.uncertainty[masks].mean():.1f} levels where hidden ({ink:.1f} where there is ink in any), "
        f"{repair.uncertainty[~masks].max():.0f} where known"
    )
    if restorer.channels_ == 1:
        rows = [
            clean,
            damaged,
            repair.images,
            *repair.answers,
            np.clip(2 * repair.uncertainty, 0, 255).astype(np.uint8)[..., None],
        ]
        save_png(image_grid(np.concatenate([row[:12] for row in rows]), 12), "answers.png")


def speed(restorer: Restorer) -> None:
    """Images a second, by the clock and by the processor's time, the best of five passes over 2,000 digits."""
    images = corrupt(np.zeros((2000, 28, 28, restorer.channels_), np.uint8), "noise:0.5").images
    for threads in (1, 2):
        torch.set_num_threads(threads)
        best, least = 0.0, np.inf
        for _ in range(5):
            started, used = time.monotonic(), time.process_time()
            restorer.restore(images)
            best = max(best, len(images) / (time.monotonic() - started))
            least = min(least, (time.process_time() - used) / len(images))
        print(
            f"{threads} thread(s): {best:,.0f} images/s by the clock, {1e3 * least:.2f} ms of one core an image",
            flush=True,
        )


def scan(restorer: Restorer) -> None:
    """A page of 2000x3000 in tiles: time, and how much memory beside the page's own it takes at several sizes."""
    import resource

    for height, width in ((500, 750), (1000, 1500), (2000, 3000)):
        page = corrupt(np.full((1, height, width, restorer.channels_), 200, np.uint8), "noise:0.2").images
        started = time.monotonic()
        restorer.restore(page)
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{height}x{width}: {time.monotonic() - started:.1f} s, the process at most {most:,.0f} MB", flush=True)


if __name__ == "__main__":
    main()
