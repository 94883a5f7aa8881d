"""The card of the best recognizer: how it was trained, how good it is, how it is used and made again."""

from __future__ import annotations

from typing import Any

from elmyr.core import plugins
from elmyr.studies.best.choosing import Content
from elmyr.tasks.recognition import Recognizer


def card_of(recognizer: Recognizer, best: Content, content: Content) -> str:
    """The README.md of `best/`."""
    (cell,) = (each for each in content["cells"] if each["name"] == best["cell"])
    height, width, channels = recognizer.image_shape_
    counts = recognizer.class_counts_.tolist()
    named = zip(recognizer.classes_.tolist(), counts, strict=True)
    learned = ", ".join(f"{name}: {count:,}" for name, count in named)
    make_again = content["commands"][0]
    return "\n".join(
        [
            f"# The best recognizer of a study of {content['name']}, made by elmyr",
            "",
            f"- takes: images of {height}x{width} pixels, {channels} channel(s); files of any size are brought into "
            "that form",
            f"- learned from: {sum(counts):,} labeled images ({learned})",
            f"- trained with: **{best['arm']}**: {best['about']}; {content['recognizer_updates']:,} updates",
            f"- generated images: {_of_gan(best, content)}",
            f"- {best['measure']} on the test images: {told_of_test(best, content)}",
            f"- chosen by: the validation part, of {len(cell['arms'])} ways to train it{_of_cells(content)}, and of "
            f"{len(content['seeds'])} seeds seed {best['seed']} ({100 * best['validation']:.2f} % there)",
            *([_RETRAINED] if best["retrained"] else []),
            f"- the study: {cell['verdict']['sentence']}",
            "",
            "Use it:",
            "",
            "```",
            "elmyr predict STUDY IMAGES",
            "elmyr serve STUDY",
            "```",
            "",
            "```python",
            "import elmyr",
            "",
            'recognizer = elmyr.Recognizer.load("STUDY")',
            'recognizer.predict_files("IMAGES")',
            "```",
            "",
            "`STUDY` is the folder above this one; this one by itself does as well. Make it again:",
            "",
            "```",
            plugins.with_plugins(make_again),
            "```",
            "",
            "Images unlike those of the test part may be classified worse.",
            "",
        ]
    )


_RETRAINED = (
    "- retrained: in the end once more on the training and the validation part together, which no figure here is of: "
    "they are those of the trainings before, on the training part alone"
)


def told_of_test(best: Content, content: Content) -> str:
    """ "98.70 % (mean of 5 trainings, 95 % interval 98.21 to 99.05 %)" """
    count = len(content["seeds"])
    of = f"mean of {count} trainings" if count > 1 else "one training"
    return f"{100 * best['test']:.2f} % ({of}, 95 % interval {100 * best['low']:.2f} to {100 * best['high']:.2f} %)"


def _of_gan(best: Content, content: Content) -> str:
    if best["gan_run"] is not None:
        return (
            f"of the GAN in `{best['gan_run']}` of the study (preset {content['preset']}, {content['images']:,} images "
            f"seen), which learned from the same labeled images{_share(best['share'])}"
        )
    return "of a generator that the recognizer was trained with" if best["uses_gan"] else "none"


def _share(share: Any) -> str:
    return f"; {100 * share:g} % of each batch" if share else ""


def _of_cells(content: Content) -> str:
    count = len(content["cells"])
    return f" in each of {count} data-scarcity scenarios" if count > 1 else ""
