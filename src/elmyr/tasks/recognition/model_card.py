"""The model card of a recognizer: what a finished run holds and how accurate it is, for people who find the folder."""

from __future__ import annotations

from elmyr.tasks.recognition.attacks.epsilons import told_of
from elmyr.tasks.recognition.recognizer import Recognizer
from elmyr.tasks.recognition.scores import Reading, told_of_robust, told_recall


def model_card(data: str, recognizer: Recognizer, reading: Reading) -> str:
    """The README.md of a recognizer's run directory; recalls class by class, the lowest first."""
    height, width, channels = recognizer.image_shape_
    learned = zip(recognizer.classes_.tolist(), recognizer.class_counts_.tolist(), strict=True)
    recalls = [f"| {_cell(reading.classes[each.label])} | {told_recall(each)} |" for each in reading.worst_first]
    return "\n".join(
        [
            f"# A recognizer for {data}, trained by elmyr",
            "",
            f"- input: images of {height}x{width} pixels, {channels} channel(s)",
            f"- learned from: {', '.join(f'{count:,} {name}' for name, count in learned)}",
            f"- method: `{recognizer.method_}`, class weights: {recognizer.class_weight or 'none'}",
            *([] if recognizer.augment_ is None else [f"- training images changed by: {recognizer.augment_}"]),
            *_robust(recognizer),
            *(f"- {line}" for line in reading.lines("test images", data)),
            "",
            "| class | recall on the test images, with its 95 % interval |",
            "| --- | --- |",
            *recalls,
            "",
            "Use it:",
            "",
            "```",
            "elmyr recognizer evaluate RUN",
            "elmyr predict RUN IMAGES",
            "```",
            "",
            "`RUN` is this folder. `config.json` holds all settings, `environment.json` the versions and the machine.",
            "Images unlike those of the test part may be classified worse.",
            "",
        ]
    )


def _robust(recognizer: Recognizer) -> list[str]:
    """What it was trained to withstand, and how that went on the validation part."""
    if (robust := recognizer.robust_) is None:
        return []
    lines = [f"- trained to withstand: pixels changed by up to {told_of(robust.epsilon)} of their range"]
    if robust.share is None:
        return lines
    return [*lines, f"- {told_of_robust(robust, 'validation images')}; these chose the weights, which flatters it"]


def _cell(name: str) -> str:
    """A name in a table of Markdown."""
    return name.replace("|", "\\|")
