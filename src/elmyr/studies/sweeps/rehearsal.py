"""How long a sweep takes here: each variant's training is timed for a moment."""

from __future__ import annotations

from collections.abc import Sequence

from elmyr.core import machine
from elmyr.core.thread_counts import cores
from elmyr.engine.dry_run import rehearse
from elmyr.studies.sweeps.config import SweepConfig
from elmyr.tasks.gan.spec import GAN_SPEC

SECONDS = 1.0  # of timing a variant
AROUND = 1.15  # the monitor's looks, checkpoints and samples, beside the updates


def rehearse_sweep(config: SweepConfig) -> Sequence[float]:
    """About how many seconds one training of each variant takes; their judgment is not in it. Writes nothing."""
    seconds = []
    for variant in range(len(config.variants)):
        with machine.threads(config.threads):
            ask = config.ask(variant, config.seeds[0], min(config.threads, cores()))
            seconds.append(AROUND * 60 * rehearse(GAN_SPEC, ask, seconds=SECONDS).minutes)
    return seconds
