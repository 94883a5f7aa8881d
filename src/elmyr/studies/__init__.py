"""The study: the whole main job on one image set, ending in a verdict for each trouble."""

from typing import TYPE_CHECKING

from elmyr.core.lazy import lazily

if TYPE_CHECKING:
    from elmyr.studies.folds import parse_folds as parse_folds
    from elmyr.studies.plan import StudyAsk as StudyAsk
    from elmyr.studies.plan import make_study_plan as make_study_plan
    from elmyr.studies.power import seeds_needed as seeds_needed
    from elmyr.studies.run import Study as Study
    from elmyr.studies.run import conduct as conduct
    from elmyr.studies.run import resume_study as resume_study
    from elmyr.studies.run import study as study
    from elmyr.studies.work.cluster import on_cluster as on_cluster
    from elmyr.studies.work.rehearsal import rehearse_study as rehearse_study

__all__ = [
    "Study",
    "StudyAsk",
    "conduct",
    "make_study_plan",
    "on_cluster",
    "parse_folds",
    "rehearse_study",
    "resume_study",
    "seeds_needed",
    "study",
]

# At their first use: what resumes a GAN must not wait for recognizers.
__getattr__ = lazily(
    __name__,
    {
        "Study": "elmyr.studies.run",
        "StudyAsk": "elmyr.studies.plan",
        "conduct": "elmyr.studies.run",
        "make_study_plan": "elmyr.studies.plan",
        "on_cluster": "elmyr.studies.work.cluster",
        "parse_folds": "elmyr.studies.folds",
        "rehearse_study": "elmyr.studies.work.rehearsal",
        "resume_study": "elmyr.studies.run",
        "seeds_needed": "elmyr.studies.power",
        "study": "elmyr.studies.run",
    },
)
