"""The updates of every kind of task by as many processes as `torchrun` started, in float64.

`torchrun --nproc-per-node 2 -m tests.engine.group_of_tasks FOLDER`: the first writes what came of each task.
"""

import os
import sys
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors.torch import save_file

from elmyr.core import seeds
from elmyr.engine.data import MixedData, ResidentData
from elmyr.engine.loop import LoopConfig, run_loop
from elmyr.engine.processes import Processes, joined
from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.engine.task import Batch, BatchSource, Task
from elmyr.nets import NetworkConfig, StridedClassifier
from elmyr.tasks.gan.model import GANConfig
from elmyr.tasks.gan.regularizer import PenaltyConfig
from elmyr.tasks.gan.task import AdversarialConfig, AdversarialTask
from elmyr.tasks.recognition.learning.augmenting import Augmenting
from elmyr.tasks.recognition.learning.labeled_loss import LabeledLoss
from elmyr.tasks.recognition.learning.methods import read_method
from elmyr.tasks.recognition.learning.selection import Selection
from elmyr.tasks.recognition.learning.semi import SemiConfig, SemiData, SemiTask
from elmyr.tasks.recognition.learning.task import RecognizerTask
from elmyr.tasks.recognition.robust.config import RobustConfig
from elmyr.tasks.recognition.robust.training import RobustTask
from elmyr.tasks.restoration.config import RestorerChoices
from elmyr.tasks.restoration.damage import damage_of
from elmyr.tasks.restoration.task import RestorerTask
from elmyr.tasks.translation.batches import DomainData
from elmyr.tasks.translation.config import TranslatorChoices
from elmyr.tasks.translation.labels import GivenReader, LearningReader
from elmyr.tasks.translation.task import TranslatorTask
from tests.conftest import small_image_set

CPU = torch.device("cpu")
IMAGES, OTHERS = small_image_set(60, channels=3), small_image_set(50, channels=3, seed=1)
LEARNING: dict[str, Any] = {"learning_rate": 2e-3, "weight_decay": 0.02, "seed": 3, "device": CPU, "precision": "fp32"}
AFFINE = Augmenting("affine")
WEIGHTS = LabeledLoss.of(np.array([2.0, 0.5, 1.0]), None, CPU)
SIZES = [24] * 5 + [18, 13]  # as the last one of a budget: what can be parted, and what cannot
SEMI_SIZES = [30] * 5 + [28, 25]
SMALL = {"widths": (4, 8), "bottom": 1, "discriminator_base": 4, "batch": SIZES[0]}


class Case(NamedTuple):
    """A task, its batches and their sizes; `net` is the module that every image of a batch passes."""

    begun: Callable[[Processes], tuple[Task, BatchSource]]
    net: str
    sizes: list[int] = SIZES
    others: int | None = 0  # how many images of a batch are read beside the shares; None: all, by every process


READ: list[int] = []  # how many images each look into a set was for


class Counted(ResidentData):
    """A set that counts what is read of it."""

    def read(self, indices: torch.Tensor) -> torch.Tensor:
        READ.append(len(indices))
        return super().read(indices)


def data(images: Any = IMAGES) -> Counted:
    return Counted(images, seed=3, device=CPU)


def mixed_data() -> MixedData:
    return MixedData(data(), data(OTHERS), share=0.3)


def classifier() -> StridedClassifier:
    with seeds.initialization(3, "classifier"):
        return StridedClassifier(8, 8, 3, 3, base=4, dimension=8)


def teacher(images: torch.Tensor) -> torch.Tensor:
    """Sure of nothing, and of something else for each image."""
    levels: torch.Tensor = images.mean((2, 3)).mul(3).softmax(1)
    return levels


def recognizer(source: Callable[[], BatchSource] = data, *, others: int = 0, **options: Any) -> Case:
    return Case(
        lambda group: (RecognizerTask(classifier(), processes=group, **LEARNING, **options), source()),
        "recognizer",
        others=others,
    )


def robust(source: Callable[[], BatchSource], teacher: Any = None, **choices: Any) -> Case:
    config = RobustConfig(rising=0.3, **choices)
    how = LEARNING | {"augment": AFFINE, "labeled_loss": WEIGHTS, "teacher": teacher}
    sizes: dict[str, Any] = {"updates": len(SIZES), "batch": SIZES[0]}
    return Case(
        lambda group: (RobustTask(classifier(), robust=config, processes=group, **sizes, **how), source()), "recognizer"
    )


def semi(method: str, changes: Mapping[str, Any], *, others: int = 0) -> Case:
    """The labeled images are 12 of a batch, and some unlabeled ones are sure enough while others are not."""
    known = {"semi.labeled": 12, "semi.consistency.threshold": 0.36}
    games = {"semi.game.images": 6, "semi.game.base": 4, "semi.game.latent": 4}
    found = read_method(method, known | (games if method.startswith("gan") else {}) | dict(changes)).semi
    assert found is not None
    config: SemiConfig = found

    def begun(group: Processes) -> tuple[Task, BatchSource]:
        task = SemiTask(
            classifier(),
            config,
            shape=(8, 8, 3),
            labeled_loss=WEIGHTS,
            processes=group,
            **LEARNING | {"weight_decay": 0},
        )
        return task, SemiData(data(), data(OTHERS), count=config.labeled)

    return Case(begun, "recognizer", SEMI_SIZES, others)


def restorer(corruption: str, **choices: Any) -> Case:
    def begun(group: Processes) -> tuple[Task, BatchSource]:
        chosen, where = (
            RestorerChoices(**SMALL | {"every": 2} | choices),
            {"seed": 3, "device": CPU, "precision": "fp32"},
        )
        return RestorerTask(chosen, damage_of(corruption), shape=(8, 8, 3), processes=group, **where), data()

    return Case(begun, "restorer.stem", others=None)


def translator(method: str, reader: str = "", **choices: Any) -> Case:
    def begun(group: Processes) -> tuple[Task, BatchSource]:
        keeper = {"": None, "given": GivenReader(teacher), "learning": LearningReader(classifier())}[reader]
        where: dict[str, Any] = {"seed": 3, "device": CPU, "precision": "fp32"}
        chosen = TranslatorChoices(**SMALL | choices, method=method)
        task = TranslatorTask(chosen, channels=3, keeper=keeper, processes=group, **where)
        others = IMAGES.take(np.arange(60)[::-1].copy()) if method == "paired" else OTHERS
        source = DomainData(IMAGES, others, paired=method == "paired", seed=3, device=CPU)
        source.a, source.b = (
            Counted(each, seed=of.seed, device=CPU) for each, of in ((IMAGES, source.a), (others, source.b))
        )
        return task, source

    return Case(begun, "discriminator-a-to-b")


def game(**choices: Any) -> Case:
    def begun(group: Processes) -> tuple[Task, BatchSource]:
        size = NetworkConfig(base=4, latent=4, embedding=4)
        gan = GANConfig(height=8, width=8, channels=3, classes=IMAGES.classes, network=size)
        where: dict[str, Any] = {"seed": 3, "device": CPU, "precision": "fp32"}
        task = AdversarialTask(gan, AdversarialConfig(**choices), batch=SIZES[0], processes=group, **where)
        return task, data()

    return Case(begun, "discriminator")


CASES = {
    "game by means of the batch": game(
        objective="relativistic-average", label_smoothing=0.1, penalties=PenaltyConfig(dragan=1.0, every=2)
    ),
    "supervised": recognizer(augment=Augmenting(), labeled_loss=WEIGHTS),
    "augment": recognizer(augment=AFFINE),
    "augment, taught": recognizer(augment=AFFINE, teacher=teacher),
    "gan-augment": recognizer(mixed_data, augment=AFFINE, labeled_loss=WEIGHTS),
    "mixup": recognizer(
        mixed_data, augment=Augmenting("strong", "mixup"), labeled_loss=WEIGHTS, others=SIZES[0]
    ),  # a partner each
    "cutmix, taught": recognizer(
        augment=Augmenting("affine+elastic+erasing+photometric+flips", "cutmix"),
        labeled_loss=WEIGHTS,
        teacher=teacher,
        others=SIZES[0],
    ),
    "robust": robust(mixed_data, epsilon=0.1),
    "robust by another loss, taught": robust(mixed_data, epsilon=0.1, loss="trades", steps=2, teacher=teacher),
    "consistency": semi("consistency", {}),
    "consistency, rising": semi("consistency", {"semi.consistency.rising": True, "semi.consistency.soft": True}),
    "gan-semi": semi("gan-semi", {}),
    "gan-consistency": semi("gan-consistency", {"semi.gentle": True}),
    "adapt": semi("adapt", {"semi.consistency.alignment": False}, others=6),
    "restorer of any damage": restorer("any"),
    "restorer without noise": restorer("occlusion:3,poisson:4-9", noise=0),
    "restorer without a discriminator": restorer("block:2-4,noise:0.1-0.4", noise=4, adversarial=0.0),
    "restorer by means of the batch": restorer("noise", objective="relativistic-average", adversarial=1.0),
    "translator, cycle": translator("cycle", "learning", identity=0.5),
    "translator, contrastive": translator("contrastive", "given", identity=0.5, styled=True),
    "translator, paired": translator("paired", back=False),
    "translator by means of the batch": translator("cycle", objective="relativistic-average"),
}


def after(case: Case, group: Processes) -> dict[str, torch.Tensor]:
    """The state after all updates, what they told, and how many images passed the network in the first of them."""
    torch.set_default_dtype(torch.float64)
    try:
        task, source = case.begun(group)
        watcher = Selection(task, IMAGES.take(np.arange(31))) if isinstance(task, RecognizerTask) else None
        for module in task.modules.values():
            module.to(torch.float64)
        outer, _, inner = case.net.partition(".")
        seen, found, position = list[int](), dict[str, torch.Tensor](), 0
        net = task.modules[outer].get_submodule(inner)
        first = next(each for each in net.modules() if isinstance(each, torch.nn.Conv2d))
        first.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
        READ.clear()
        for number, size in enumerate(case.sizes):
            told = task.update(source.batch(position, size), position)
            found |= {f"{number} {name}": group.mean(value) for name, value in told.items()}
            if number == 0:
                found["seen"] = torch.tensor(sum(seen))
                found["read"] = group.mean(torch.tensor(float(sum(READ))))
            position += size
            if watcher:
                found[f"{number} error"] = group.mean(torch.tensor(watcher.look(position)["validation_error"]))
        state = {f"{name}.{key}": v for name, net in task.modules.items() for key, v in net.state_dict().items()}
        return {key: value.contiguous() for key, value in (found | state).items()}
    finally:
        torch.set_default_dtype(torch.float32)


def ends_of_a_bad_number(folder: Path, group: Processes) -> dict[str, torch.Tensor]:
    """The weights after a training in which the last process alone once saw a number that is not finite; and what each
    process said of it, in `said-RANK.txt`."""
    task, source = CASES["augment"].begun(group)
    assert isinstance(task, RecognizerTask)
    original, said, updates = task.update, list[str](), count()

    def update(batch: Batch, position: int) -> dict[str, torch.Tensor]:
        bad = next(updates) == 3 and group.rank == group.count - 1
        told = original(batch, position)
        return told | ({"loss": told["loss"] * torch.nan} if bad else {})

    task.update = update  # type: ignore[method-assign]  # what a defect of one machine would do
    rare = {"log_every": 480, "preview_every": 480, "checkpoint_every": 480}  # what they agree on before, too
    course = LoopConfig(images=480, batch=24, decay_from=0.5, **rare)
    (folder / "run").mkdir(exist_ok=True)
    run_loop(task, source, course, run=RunDirectory(folder / "run"), say=said.append, processes=group)
    (folder / f"said-{group.rank}.txt").write_text("\n".join(said))
    return dict(task.net.state_dict())


def main() -> None:
    folder = Path(sys.argv[1])
    with joined() as processes:
        for name, case in CASES.items():
            found = after(case, processes)
            if processes.writes:
                save_file(found, folder / f"{name}.safetensors")
        ends = ends_of_a_bad_number(folder, processes)
        save_file(
            {key: value.contiguous() for key, value in ends.items()}, folder / f"end-{processes.rank}.safetensors"
        )


if __name__ == "__main__":
    main()
    os._exit(0)  # as elmyr's own program ends: see cli/app.py
