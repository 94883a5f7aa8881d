"""A variator trained on images that are there already, as part of something larger: nothing is written."""

from __future__ import annotations

from copy import deepcopy

from elmyr.core import machine
from elmyr.core.amounts import Amount, image_count
from elmyr.engine.config import validated
from elmyr.engine.loop import LoopConfig, run_loop
from elmyr.engine.progress import Listener
from elmyr.engine.rules import default_budget, is_tiny
from elmyr.images import ImageSet
from elmyr.nets import BlocksConfig
from elmyr.tasks.variation.groups import GroupData, teaching
from elmyr.tasks.variation.task import VariationTask
from elmyr.tasks.variation.variator import Variator, VariatorConfig

BATCH, DECAY_FROM = 64, 0.4
BASE, BASE_OF_TINY = 32, 16


def learn_variations(
    images: ImageSet,
    *,
    budget: Amount | None = None,
    base: int | None = None,
    batch: int = BATCH,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    listener: Listener | None = None,
) -> Variator:
    """Learns from labeled images how those of a class differ, and returns what varies others; see the package.

    budget: images seen, each beside others of its class; 200,000, and 60,000 of tiny ones, where not given. base:
    channels of the networks' first level. Classes of fewer than three images teach nothing and are passed over. Nothing
    is kept of an interrupted or diverged training. Raises InputError where no class has three.
    """
    taught = teaching(images)
    count = image_count(budget) or default_budget(images)
    usual = BASE_OF_TINY if is_tiny(images) else BASE
    network = validated(BlocksConfig, "the networks", base=usual if base is None else base)
    config = VariatorConfig(height=images.height, width=images.width, channels=images.channels, network=network)
    chosen = machine.choose_device(device)
    task = VariationTask(
        config, batch=batch, seed=seed, device=chosen, precision=machine.choose_precision(precision, chosen)
    )
    course = LoopConfig.of_budget(count, batch=batch, decay_from=DECAY_FROM)
    outcome = run_loop(task, GroupData(taught, seed=seed, device=chosen), course, listener=listener)
    names = [taught.classes[label] for label in sorted(set(taught.require_labels().tolist()))]
    trained = {
        "data": images.name,
        "classes": names,
        "seed": seed,
        "images": outcome.images,
        "seconds": outcome.seconds,
    }
    return Variator(config, deepcopy(task.average), trained=trained, device=device)
