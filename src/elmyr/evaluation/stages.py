"""What is left of a judgment: its stages by their number, and the progress of the long ones."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from elmyr.engine.progress import Listener, Progress, Silence
from elmyr.images import ImageSet
from elmyr.tasks.recognition import Recognizer
from elmyr.tasks.recognition.learning.lesson import Lesson


class Stages:
    """The stages of one judgment. count: how many there are; quiet: whether no progress is shown inside of them."""

    def __init__(self, count: int = 1, say: Callable[[str], None] = lambda line: None, *, quiet: bool = True) -> None:
        self.say = say
        self._count, self._quiet = count, quiet
        self._begun = 0

    def begin(self, what: str) -> None:
        """Says that the next stage begins, and how many there are."""
        self._begun += 1
        self.say(f"{self._begun} of {self._count}: {what} …")

    def progress(self, what: str, *, total: int, unit: str = "images") -> AbstractContextManager[Listener]:
        """The progress inside of a stage, to be entered."""
        return nullcontext(Silence()) if self._quiet else Progress(what, total=total, unit=unit)

    def fitted(self, recognizer: Recognizer, images: ImageSet, what: str) -> Recognizer:
        """The recognizer, trained on images and their labels."""
        labels = images.require_labels()
        with self.progress(what, total=recognizer.budget(Lesson.of(images.images, labels))) as listener:
            return recognizer.fit(images.images, labels, listener=listener)
