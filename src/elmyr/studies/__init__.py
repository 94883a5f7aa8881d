"""The study: the whole main job on one image set, ending in a verdict for each trouble."""

from elmyr.studies.folds import parse_folds
from elmyr.studies.plan import StudyAsk, make_study_plan
from elmyr.studies.run import Study, conduct, rehearse_study, resume_study, study

__all__ = ["Study", "StudyAsk", "conduct", "make_study_plan", "parse_folds", "rehearse_study", "resume_study", "study"]
