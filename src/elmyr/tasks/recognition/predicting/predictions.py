"""What a recognizer reads in images of any form, one after the other, in the memory of a few."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import BinaryIO, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError, suggestion
from elmyr.core.notes import note
from elmyr.images import ImageSet, Shaping
from elmyr.images import Pixels as ImagePixels
from elmyr.images.dataset.ranges import Range, bytes_hold
from elmyr.images.dataset.raw import leveled
from elmyr.images.dataset.shaping import in_form
from elmyr.images.dataset.sizes import Size
from elmyr.images.decode.codecs import FIXES, suffix_of
from elmyr.images.decode.digit import prepare_digit
from elmyr.images.decode.encoded import NO_IMAGE, Damage, EncodedImages, each
from elmyr.images.decode.formats import TooLarge, read_header, read_picture, read_pixels
from elmyr.images.decode.listing import Word, listed
from elmyr.tasks.recognition.predicting.background import are_opposite, on_ground, told_of_opposite
from elmyr.tasks.recognition.predicting.given import Given
from elmyr.tasks.recognition.predicting.trained import Trained

CHUNK = 256  # images at a time
AT_ONCE = 4  # images that a thread decodes ahead
FEWEST_THREADED = 1 << 16  # pixels of an image, below which threads only wait for each other
OF_A_DIGIT = (250, 250)  # a third of what a photograph of a digit keeps at least: a pen's line is thin

Prepare = Literal["model", "digit"]
Paths = Word | Iterable[Word]
Pixels = NDArray[np.uint8]


class Prediction(NamedTuple):
    """What is read in one image.

    file: its path, or its number in a set. class_name: the most likely class; None where its probability is below the
    asked least, and where the image cannot be read. probabilities: of each class, by its name; empty where the image
    cannot be read, which `error` gives the reason of.
    """

    file: str
    class_name: str | None
    probability: float | None
    probabilities: dict[str, float]
    error: str | None = None


def predict_files(
    trained: Trained, paths: Paths, *, prepare: Prepare = "model", least: float = 0.0
) -> Iterator[Prediction]:
    """The predictions of files, and of those in folders and of globs, in their order; as `predictions`."""
    words = [paths] if isinstance(paths, str | os.PathLike) else paths
    given = Given.of_files(listed(words))
    if given.passed_over:
        note(f"passed over, as they are no images: {given.passed_over}")
    return predictions(trained, [given], prepare=prepare, least=least)


def predictions(
    trained: Trained, given: Iterable[Given], *, prepare: Prepare = "model", least: float = 0.0
) -> Iterator[Prediction]:
    """What is read in each image, in its order, a prediction for each whatever it is.

    prepare: "model" brings an image into the form that the recognizer was trained on, "digit" cuts out one character
    and centers it as MNIST has its digits. least: the probability below which no class is given.
    """
    preparation = preparation_named(prepare)
    if not 0 <= least <= 1:
        raise InputError(f"the least probability is {least:g}: it is from 0 to 1")
    return _predictions(trained, given, preparation, least)


def prepared_pixels(trained: Trained, images: ImagePixels, prepare: Prepare) -> ImagePixels:
    """Images uint8 (N, H, W, C) of any size as the recognizer takes them; `prepare` as in `predictions`."""
    preparation, form = preparation_named(prepare), trained.preparation
    if prepare == "digit":
        drawn = np.stack([preparation.of_pixels(np.asarray(image), form=form) for image in images])
        return preparation.on_ground(trained.ground, drawn)
    formed = in_form(images, form)
    if opposite := int(are_opposite(trained.ground, formed).sum()):
        note(told_of_opposite(opposite, len(formed), trained.ground))
    return formed


def preparation_named(name: str) -> Preparation:
    """A preparation by its name; InputError, with the nearest, where there is none."""
    if name not in PREPARATIONS:
        raise InputError(f"no preparation '{name}': {suggestion(name, PREPARATIONS)}")
    return PREPARATIONS[name]


def _predictions(
    trained: Trained, given: Iterable[Given], preparation: Preparation, least: float
) -> Iterator[Prediction]:
    names, opposite, total = trained.names, 0, 0
    for look in looks(trained.preparation, trained.ground, given, preparation):
        rows = iter(() if look.pixels is None else trained.probabilities(look.pixels).tolist())
        opposite += 0 if look.pixels is None else int(are_opposite(trained.ground, look.pixels).sum())
        total += len(look.names)
        for name, damage in zip(look.names, look.damage, strict=True):
            if damage is not None:
                yield Prediction(name, None, None, {}, damage)
                continue
            read = next(rows)
            probability = max(read)
            best = names[read.index(probability)] if probability >= least else None
            yield Prediction(name, best, probability, dict(zip(names, read, strict=True)))
    if opposite:
        note(told_of_opposite(opposite, total, trained.ground))


class Look(NamedTuple):
    """Some images: the pixels uint8 (n, H, W, C) of those that can be read, and why the others cannot, None for those.

    pixels: None where none can be read.
    """

    names: Sequence[str]
    pixels: ImagePixels | None
    damage: Sequence[str | None]


def looks(form: Shaping, ground: float | None, given: Iterable[Given], preparation: Preparation) -> Iterator[Look]:
    """The images a few at a time, in a form, in their order; `ground` as `Trained` has it."""
    for part in given:
        images = part.images
        if not isinstance(images, EncodedImages):
            images = leveled([images], form.range).parts[0]
        for start in range(0, len(part.names), CHUNK):
            places = range(start, min(start + CHUNK, len(part.names)))
            damage: Damage = {}
            seen = dict(_seen(images, places, form, preparation, damage))
            pixels = preparation.on_ground(ground, np.stack(list(seen.values()))) if seen else None
            names = [part.names[place] for place in places]
            told = [
                _reason(name, damage[place]) if place in damage else None
                for place, name in zip(places, names, strict=True)
            ]
            yield Look(names, pixels, told)


def _reason(name: str, told: str) -> str:
    """Why a file cannot be read, with what helps where its suffix says it."""
    suffix = suffix_of(name)
    known = told == NO_IMAGE and suffix in FIXES
    return f"a {suffix} file is not read here: {FIXES[suffix]}" if known else told


def _seen(
    images: EncodedImages | ImageSet, places: range, form: Shaping, preparation: Preparation, damage: Damage
) -> Iterator[tuple[int, Pixels]]:
    """The images as the recognizer takes them, by their places; the others go into `damage`."""
    if isinstance(images, EncodedImages):
        workers = (os.cpu_count() or 1) if _are_large(images, places) else 1
        see = partial(_bounded, partial(preparation.of_file, form=form))
        yield from each(images, places, see, damage, workers=workers, at_once=AT_ONCE)
        return
    for place in places:
        try:
            yield place, preparation.of_pixels(np.asarray(images.images[place]), form=form)
        except InputError as error:
            damage[place] = str(error)


def _bounded(see: Callable[[BinaryIO], Pixels], file: BinaryIO) -> Pixels:
    """One file that is far too large is told of, and ends nothing."""
    try:
        return see(file)
    except TooLarge as error:
        raise ValueError(f"far too large ({error})") from None


def _are_large(images: EncodedImages, places: range) -> bool:
    """Whether the first of these images is, if it can be told."""
    try:
        with images.open(places[0]) as file:
            height, width = read_header(file).size
    except Exception:  # a damaged file makes Pillow's decoders raise nearly anything
        return True
    return height * width >= FEWEST_THREADED


class Preparation(NamedTuple):
    """How a file, and how pixels uint8 (H, W, C), become what a recognizer takes: uint8 of the size of its form.

    values: those of a file that are black and white. least: the size below which a photograph must not be decoded; that
    of the form where None. on_ground: what is prepared, light or dark as the ground of the training images.
    """

    of_file: Callable[..., Pixels]
    of_pixels: Callable[..., Pixels]
    values: Callable[[Shaping], Range | None]
    least: Size | None = None
    on_ground: Callable[[float | None, Pixels], Pixels] = lambda ground, images: images


def _file_in_form(file: BinaryIO, *, form: Shaping) -> Pixels:
    return read_pixels(file, form.channels, form.size, form.fit, form.range)


def _pixels_in_form(pixels: Pixels, *, form: Shaping) -> Pixels:
    formed: Pixels = np.asarray(in_form(pixels[None], form))[0]
    return formed


def _file_as_digit(file: BinaryIO, *, form: Shaping) -> Pixels:
    return _pixels_as_digit(read_picture(file, wanted=OF_A_DIGIT, of=_deep_values(form)).pixels, form=form)


def _pixels_as_digit(pixels: Pixels, *, form: Shaping) -> Pixels:
    assert form.size is not None
    gray = in_form(pixels[None], Shaping(channels=1))[0, ..., 0]
    digit = prepare_digit(np.asarray(gray), form.size)
    return np.repeat(digit[..., None], form.channels or 1, axis=2)


def _deep_values(form: Shaping) -> Range | None:
    """The range of more than 8 bits; a character is found in 8 whatever their range is."""
    return None if form.range is None or bytes_hold(form.range) else form.range


PREPARATIONS: dict[str, Preparation] = {
    "model": Preparation(_file_in_form, _pixels_in_form, lambda form: form.range),
    "digit": Preparation(_file_as_digit, _pixels_as_digit, _deep_values, OF_A_DIGIT, on_ground),
}
