"""Where things lie in the directory of a run of the articles' systems."""

from pathlib import Path

from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.studies.articles.systems import Side, System
from elmyr.studies.articles.trainings import Training

PICTURES, RECORDS, RECOGNIZERS = "pictures", "records", "recognizers"


def run_of(folder: Path, system: System, training: Training) -> RunDirectory:
    """The run directory of a training."""
    return RunDirectory(folder / f"article-{system.number}" / training.slug)


def recognizer_of(folder: Path, side: Side) -> Path:
    """Where the recognizer of the real training images is kept."""
    return folder / RECOGNIZERS / side
