"""The study: the whole main job on one image set, ending in a verdict."""

from elmyr.studies.conduct import Study, study

__all__ = ["Study", "study"]
