"""How near does onnxruntime come to torch? Prints a table: each model, opset and number of images at a time.

python benchmarks/export.py RUN [RUN …]

RUN: a recognizer, a GAN, a restorer, a translator. The largest difference of any output, of 64 batches each.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch

from elmyr.core import machine
from elmyr.engine.saving.places import kind_of, run_path
from elmyr.exporting import EXPORTED
from elmyr.exporting.graph import OPSETS, session_of, write_onnx

BATCHES, TIMES = (1, 7, 64), 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    options = parser.parse_args()
    print(f"{machine.environment()['cpu']}, torch {torch.__version__}\n")
    print(f"| model | graph | opset | {' | '.join(f'{batch} at a time' for batch in BATCHES)} |")
    print(f"| --- | --- | --- |{' --- |' * len(BATCHES)}")
    for run in options.runs:
        path = run_path(run)
        exported = EXPORTED[kind_of(path)]
        for name, graph in exported.made(exported.open(path)).graphs.items():
            for opset in (OPSETS[0], 20, OPSETS[-1]):
                with tempfile.TemporaryDirectory() as folder:
                    file = Path(folder) / "model.onnx"
                    write_onnx(graph, file, opset=opset)
                    session, cells = session_of(file), []
                    for batch in BATCHES:
                        random, largest = torch.Generator().manual_seed(batch), 0.0
                        for _ in range(TIMES):
                            given = graph.drawn(batch, random)
                            named = {each: one.numpy() for each, one in zip(graph.inputs, given, strict=True)}
                            with torch.no_grad():
                                expected = graph.module(*given).numpy()
                            largest = max(largest, float(np.abs(session.run(None, named)[0] - expected).max()))
                        cells.append(f"{largest:.1e}")
                print(f"| {kind_of(path)} | {name} | {opset} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
