"""Does the watch call what has gone wrong, and nothing else? Trains healthy and troubled runs, prints what it said.

python benchmarks/watch.py healthy --data-root path/to/data
python benchmarks/watch.py troubled --data-root path/to/data
python benchmarks/watch.py rescued --data-root path/to/data
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from elmyr import evaluate, train

HEALTHY = [("mnist", "residual", (), 30_000, seed) for seed in range(10)] + [
    ("digits", "residual", (), 60_000, seed) for seed in range(10)
]
TROUBLED = [
    ("digits", "mlp-cnn", ("conditional=false",), 30_000, 0),
    ("mnist", "mlp", (), 30_000, 0),
    ("mnist", "mlp-cnn", (), 30_000, 0),
    ("mnist", "mlp-cnn", ("conditional=false",), 30_000, 0),
    ("mnist", "classic", (), 30_000, 0),
    ("mnist", "residual-ns", ("penalties.r1=0", "penalties.r2=0"), 30_000, 0),
]
FIGURES = ("frechet_distance", "recall", "label_accuracy")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("healthy", "troubled", "rescued"))
    parser.add_argument("--data-root")
    options = parser.parse_args()
    print("| data | preset and settings | seed | least diversity | least modes | what was said |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    for data, preset, settings, images, seed in HEALTHY if options.what == "healthy" else TROUBLED:
        for rescue in (False, True) if options.what == "rescued" else (False,):
            with tempfile.TemporaryDirectory() as folder:
                run = train(
                    data,
                    preset=preset,
                    settings=settings,
                    images=4 * images if options.what == "rescued" else images,
                    seed=seed,
                    out=Path(folder) / "run",
                    data_root=options.data_root,
                    rescue=rescue,
                )
                said = [line.partition(" ")[2] for line in run.log.read_text().splitlines() if "images: " in line]
                looks = [json.loads(line) for line in run.metrics.read_text().splitlines() if "watch_modes" in line]
                late = [look for look in looks if look["images"] >= 10_000]
                least = [min(look[f"watch_{name}"] for look in late) for name in ("diversity", "modes")]
                if options.what == "rescued":
                    judged = evaluate(run.path, against="validation", data_root=options.data_root)
                    said.append(", ".join(f"{name} {judged[name].value:.3g}" for name in FIGURES))
                words = " ".join((preset, *settings))
                print(
                    f"| {data} | {words} | {seed} | {least[0]:.2f} | {least[1]:.2f} | {'; '.join(said) or 'nothing'} |"
                )


if __name__ == "__main__":
    main()
