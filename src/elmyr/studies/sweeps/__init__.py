"""A sweep: the same training by several values of its settings, judged alike; which is best."""

from typing import TYPE_CHECKING

from elmyr.core.lazy import lazily

if TYPE_CHECKING:
    from elmyr.studies.sweeps.config import SweepAsk as SweepAsk
    from elmyr.studies.sweeps.config import make_sweep_plan as make_sweep_plan
    from elmyr.studies.sweeps.rehearsal import rehearse_sweep as rehearse_sweep
    from elmyr.studies.sweeps.run import Sweep as Sweep
    from elmyr.studies.sweeps.run import conduct as conduct
    from elmyr.studies.sweeps.run import resume_sweep as resume_sweep
    from elmyr.studies.sweeps.run import sweep as sweep

__all__ = ["Sweep", "SweepAsk", "conduct", "make_sweep_plan", "rehearse_sweep", "resume_sweep", "sweep"]

# At their first use: what resumes a GAN must not wait for recognizers.
__getattr__ = lazily(
    __name__,
    {
        "Sweep": "elmyr.studies.sweeps.run",
        "SweepAsk": "elmyr.studies.sweeps.config",
        "conduct": "elmyr.studies.sweeps.run",
        "make_sweep_plan": "elmyr.studies.sweeps.config",
        "rehearse_sweep": "elmyr.studies.sweeps.rehearsal",
        "resume_sweep": "elmyr.studies.sweeps.run",
        "sweep": "elmyr.studies.sweeps.run",
    },
)
