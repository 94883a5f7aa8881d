"""The card of the best recognizer: how it was trained, how good it is, how it is used and made again."""

from __future__ import annotations

from elmyr.core import plugins
from elmyr.studies.arms import ARMS, Arm
from elmyr.studies.best.choosing import Content
from elmyr.tasks.recognition import Recognizer
from elmyr.tasks.recognition.learning.methods import read_method


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
            f"- learned from: {_real(best)}{sum(counts):,} labeled images ({learned})",
            f"- trained with: **{best['arm']}**: {best['about']}; {content['recognizer_updates']:,} updates",
            f"- generated images: {_of_gan(best, content)}",
            f"- {best['measure']} on the test images: {told_of_test(best, content)}",
            f"- chosen by: the validation part, of {len(cell['arms'])} ways to train it{_of_cells(best, content)}, and "
            f"of {len(content['seeds'])} seeds seed {best['seed']} ({100 * best['validation']:.2f} % there)",
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


def _real(best: Content) -> str:
    return "generated images alone, of a GAN that learned from " if best["share"] == 1 else ""


_RETRAINED = (
    "- retrained: in the end once more on the training and the validation part together, which no figure here is of: "
    "they are those of the trainings before, on the training part alone"
)


def told_of_test(best: Content, content: Content) -> str:
    """ "98.70 % (mean of 5 trainings, 95 % interval 98.21 to 99.05 %)" """
    count = len(content["seeds"]) * best["recognizers"]
    of = f"mean of {count} trainings" if count > 1 else "one training"
    return f"{100 * best['test']:.2f} % ({of}, 95 % interval {100 * best['low']:.2f} to {100 * best['high']:.2f} %)"


def _of_gan(best: Content, content: Content) -> str:
    arm = ARMS[best["arm"]]
    budget = f"(preset {content['preset']}, {content['images']:,} images seen)"
    if best["gan_run"] is not None:
        from_part = "the training part of them alone" if best["retrained"] else "the same labeled images"
        told = f"of the GAN in `{best['gan_run']}` of the study {budget}, which learned from {from_part}"
    elif arm.trains_gan:
        told = f"of a GAN that was trained for this recognizer {budget}"
    else:
        return "of a generator that the recognizer was trained with" if arm.plays else "none"
    return f"{told}{_share(arm, best)}"


def _share(arm: Arm, best: Content) -> str:
    """How much of what is shown they are, where batches hold them: methods of two stages have them in the first."""
    if best["recipe"] is not None:
        return f"; {best['recipe']}"
    if read_method(arm.method).stages is not None or not best["share"]:
        return ""
    return f"; {100 * best['share']:g} % of each batch"


def _of_cells(best: Content, content: Content) -> str:
    count, alike = len(content["cells"]), len(best["compared"])
    if alike < count:
        return f" in the {alike} of {count} data-scarcity scenarios judged by {best['measure']}"
    return f" in each of {count} data-scarcity scenarios" if count > 1 else ""
