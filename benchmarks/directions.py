"""What do the directions of a GAN do? Prints a table.

python benchmarks/directions.py RUN --recognizer READER [--judged 2000]

RUN: a GAN, such as `elmyr train mnist --images 200k`; READER: a recognizer that has seen no image of it, such as
`elmyr recognizer train mnist --method augment`. Correlations are those of the amounts asked (-2, -1, 1 and 2 standard
deviations within the class) and the changes measured; the intervals of labels kept are Wilson's.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from elmyr.core import machine
from elmyr.metrics import wilson_interval
from elmyr.tasks.gan import open_gan
from elmyr.tasks.gan.directions import find_directions
from elmyr.tasks.recognition import open_recognizer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--recognizer", type=Path, required=True)
    parser.add_argument("--judged", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    gan, reader = open_gan(options.run), open_recognizer(options.recognizer)
    started = time.monotonic()
    found = find_directions(gan, recognizer=reader, judged=options.judged, seed=options.seed)
    print(f"{machine.environment()['cpu']}, {gan!r}, {options.judged} samples, {time.monotonic() - started:.0f} s\n")
    by = "by −2, −1, 1, 2"
    columns = f"moves | {by} (sd) | correlation | kin, sd a unit | others, sd a unit | class stays | {by}"
    print(f"| direction | {columns} |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for each in found.all:
        assert each.kept is not None
        count = 4 * options.judged
        low, high = wilson_interval(round(each.kept * count), count)
        others, kin = (
            ", ".join(f"{name} {value:+.3f}" for name, value in figures.items()) or "–"
            for figures in (each.others, each.kin)
        )
        changes = ", ".join(f"{change:+.2f}" for change in each.changes)
        stays = ", ".join(f"{100 * share:.1f}" for share in each.kept_by)
        kept = f"{100 * each.kept:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
        cells = (each.name, each.moves, changes, f"{each.correlation:+.3f}", kin, others, kept, stays)
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
