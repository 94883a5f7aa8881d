"""Whether the attacks are as strong as another package's, and how fast they are.

    python benchmarks/attacks.py oracle RUN RUN --count 500 --epsilon 0.1,0.3
    python benchmarks/attacks.py speed RUN

`oracle` attacks the same test images of the same weights by elmyr and by the Adversarial Robustness Toolbox (IBM;
`pip install adversarial-robustness-toolbox`, no part of elmyr): PGD with 40 steps of the same size from one random
start, APGD with 100 steps from one start on both losses, Square with 1,000 queries, and both AutoAttacks, that of the
toolbox as it comes (APGD on both losses from five starts each, DeepFool, Square) and elmyr's in the standard order.
A model is attacked in its logits, which both divide by the same temperature. Each line is robust accuracy: the share
of all images that are classified correctly without and under attack.

`speed` times PGD with 40 steps on so many images, in turn with as many bare passes forth and back of the same batches,
and prints seconds of the processor (of all threads together) and the ratio.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from elmyr.core import seeds
from elmyr.tasks.recognition import images_to_read, open_recognizer
from elmyr.tasks.recognition.attacks.asked import parse_epsilons
from elmyr.tasks.recognition.attacks.gradient import REACH, gradient_of_loss, pgd
from elmyr.tasks.recognition.attacks.seam import Model, logits_of
from elmyr.tasks.recognition.attacks.table import ATTACKS, AUTO_ATTACK
from elmyr.tasks.recognition.scores import labels_for

BATCH = 250
QUERIES = 1000  # of Square


def main() -> None:
    arguments = parsed()
    {"oracle": oracle, "speed": speed}[arguments.what](arguments)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("oracle", "speed"))
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--epsilon", type=parse_epsilons, default=(0.1, 0.3))
    parser.add_argument("--data-root")
    parser.add_argument("--only", help="names of rows, with commas between")
    return parser.parse_args()


def opened(run: str, arguments: argparse.Namespace) -> tuple[Model, torch.Tensor, torch.Tensor]:
    recognizer = open_recognizer(run, device="cpu")
    images = images_to_read(run, data_root=arguments.data_root)
    order = torch.randperm(len(images), generator=seeds.generator(0, "attacked")).numpy()[: arguments.count]
    shown = torch.from_numpy(images.take(order).in_memory()).permute(0, 3, 1, 2) / 255
    return logits_of(recognizer), shown, torch.from_numpy(labels_for(recognizer, images)[order])


def right(model: Model, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return torch.cat([model(part) for part in images.split(BATCH)]).argmax(1) == labels


def oracle(arguments: argparse.Namespace) -> None:
    for run in arguments.runs:
        model, images, labels = opened(run, arguments)
        clean = right(model, images, labels)
        for epsilon in arguments.epsilon:
            for name, (ours, theirs) in comparisons(model, images, epsilon).items():
                if arguments.only and name not in arguments.only.split(","):
                    continue
                row: dict[str, Any] = {"run": run, "epsilon": round(epsilon, 4), "attack": name, "images": len(images)}
                for side, attack in (("elmyr", ours), ("toolbox", theirs)):
                    started = time.perf_counter()
                    left = clean & right(model, attack(images, labels, clean), labels)
                    row |= {side: float(left.float().mean()), f"{side}_seconds": time.perf_counter() - started}
                row["points"] = round(100 * (row["elmyr"] - row["toolbox"]), 2)
                print(json.dumps(row | {"clean": float(clean.float().mean())}), flush=True)


Attacked = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


def comparisons(model: Model, images: torch.Tensor, epsilon: float) -> dict[str, tuple[Attacked, Attacked]]:
    """What is set side by side: elmyr's attack and the toolbox's."""
    from art.attacks.evasion import AutoAttack, AutoProjectedGradientDescent, ProjectedGradientDescent, SquareAttack

    estimator = estimator_of(model, images)
    auto = {"estimator": estimator, "eps": epsilon, "batch_size": BATCH}
    apgd = {**auto, "max_iter": 100, "nb_random_init": 1, "eps_step": epsilon, "verbose": False}
    of_pgd = {"eps_step": REACH * epsilon / 40, "max_iter": 40, "num_random_init": 1, "verbose": False}
    of_square = {"max_iter": QUERIES, "verbose": False}
    return {
        "pgd-40": (one("pgd", model, epsilon), toolbox(ProjectedGradientDescent(**auto, **of_pgd))),
        "apgd-ce": (
            one("apgd-ce", model, epsilon),
            toolbox(AutoProjectedGradientDescent(**apgd, loss_type="cross_entropy")),
        ),
        "apgd-dlr": (
            one("apgd-dlr", model, epsilon),
            toolbox(AutoProjectedGradientDescent(**apgd, loss_type="difference_logits_ratio")),
        ),
        "square-1000": (one("square", model, epsilon, QUERIES), toolbox(SquareAttack(**auto, **of_square))),
        "auto": (in_order(model, epsilon), toolbox(AutoAttack(**auto, eps_step=epsilon / 3))),
    }


def estimator_of(model: Model, images: torch.Tensor) -> Any:
    from art.estimators.classification import PyTorchClassifier

    class AsModule(torch.nn.Module):
        def forward(self, shown: torch.Tensor) -> torch.Tensor:
            return model(shown)

    with torch.no_grad():
        classes = model(images[:1]).shape[1]
    warnings.filterwarnings("ignore")
    return PyTorchClassifier(
        AsModule().eval(), torch.nn.CrossEntropyLoss(), tuple(images.shape[1:]), classes, clip_values=(0, 1),
        device_type="cpu",
    )  # fmt: skip


def toolbox(attack: Any) -> Attacked:
    def attacked(images: torch.Tensor, labels: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
        np.random.seed(0)  # what the toolbox draws by
        changed = images.clone()
        classes = np.eye(attack.estimator.nb_classes, dtype=np.float32)[labels[clean].numpy()]
        changed[clean] = torch.from_numpy(attack.generate(images[clean].numpy(), classes))
        return changed

    return attacked


def one(name: str, model: Model, epsilon: float, steps: int | None = None) -> Attacked:
    def attacked(images: torch.Tensor, labels: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
        changed = images.clone()
        for number, places in enumerate(clean.nonzero().flatten().split(BATCH)):
            changed[places] = ATTACKS[name].run(
                model, images[places], labels[places], norm="Linf", epsilon=epsilon,
                steps=steps or ATTACKS[name].steps, generator=seeds.generator(0, name, number),
            )  # fmt: skip
        return changed

    return attacked


def in_order(model: Model, epsilon: float) -> Attacked:
    def attacked(images: torch.Tensor, labels: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
        changed, left = images.clone(), clean.clone()
        for name in AUTO_ATTACK:
            tried = one(name, model, epsilon)(images, labels, left)
            changed = torch.where(left.view(-1, 1, 1, 1), tried, changed)
            left = left & right(model, tried, labels)
        return changed

    return attacked


def speed(arguments: argparse.Namespace) -> None:
    """PGD-40 and as many passes, batch by batch in turn; by the processor's time, which other work does not take."""
    for run in arguments.runs:
        model, images, labels = opened(run, arguments)
        spent = {"attack": 0.0, "passes": 0.0}
        gradient_of_loss(model, images[:BATCH], labels[:BATCH])
        for number, (shown, own) in enumerate(zip(images.split(BATCH), labels.split(BATCH), strict=True)):
            started = time.process_time()
            random = seeds.generator(0, "speed", number)
            pgd(model, shown, own, norm="Linf", epsilon=0.3, steps=40, generator=random)
            middle = time.process_time()
            for _ in range(40):
                gradient_of_loss(model, shown, own)
            spent["attack"] += middle - started
            spent["passes"] += time.process_time() - middle
        count = len(images)
        row = {"run": run, "images": count, "threads": torch.get_num_threads(), **spent}
        print(
            json.dumps(row | {"ratio": spent["attack"] / spent["passes"], "per_10000": 1e4 * spent["attack"] / count})
        )


if __name__ == "__main__":
    main()
