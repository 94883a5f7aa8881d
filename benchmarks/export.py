"""How near does onnxruntime come to torch? Prints a table: each model, opset and number of images at a time.

python benchmarks/export.py RUN [RUN …]
python benchmarks/export.py RUN --speed

RUN: a recognizer, a GAN, a restorer, a translator. The largest difference of any output, of 64 batches each.
--speed: how many images a second do torch, its graph and the graph in eight bits read on one core? In turn, the
quickest of 9 times 250 images each, by the processor's time of this process. RUN: recognizers whose images are at hand.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from elmyr import export
from elmyr.core import machine
from elmyr.engine.saving.places import kind_of, run_path
from elmyr.exporting import EXPORTED
from elmyr.exporting.graph import OPSETS, session_of, write_onnx

BATCHES, TIMES = (1, 7, 64), 64
AT_ONCE, ROUNDS = 250, 9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--speed", action="store_true")
    options = parser.parse_args()
    print(f"{machine.environment()['cpu']}, torch {torch.__version__}\n")
    if options.speed:
        speeds(options.runs)
    else:
        differences(options.runs)


def speeds(runs: list[Path]) -> None:
    torch.set_num_threads(1)
    print("| recognizer | torch | graph | eight bits | eight bits / torch | accuracy | in eight bits | interval |")
    print("| --- |" + " --- |" * 7)
    for run in runs:
        path = run_path(run)
        (graph,) = EXPORTED[kind_of(path)].made(EXPORTED[kind_of(path)].open(path)).graphs.values()
        given = graph.drawn(AT_ONCE, torch.Generator().manual_seed(0))
        with tempfile.TemporaryDirectory() as folder:
            quantized = export(run, Path(folder) / "out", int8=True).quantized
            assert quantized is not None
            files = [Path(folder) / "out" / name for name in ("model.onnx", "model.int8.onnx")]
            floats, whole = (session_of(file, threads=1) for file in files)
            named = {"images": given[0].numpy()}
            readers: list[Callable[[], object]] = [
                lambda graph=graph, given=given: graph.module.eval()(*given),
                lambda floats=floats, named=named: floats.run(None, named),
                lambda whole=whole, named=named: whole.run(None, named),
            ]
            quickest = [np.inf] * len(readers)
            with torch.inference_mode():
                for _ in range(ROUNDS):
                    for place, reads in enumerate(readers):
                        started = time.process_time()
                        reads()
                        quickest[place] = min(quickest[place], time.process_time() - started)
        rates = [AT_ONCE / seconds for seconds in quickest]
        before, after = quantized.accuracies
        low, high = quantized.intervals[1]
        print(
            f"| {path.name} | {rates[0]:,.0f} | {rates[1]:,.0f} | {rates[2]:,.0f} | {rates[2] / rates[0]:.2f} "
            f"| {before:.2%} | {after:.2%} | {low:.2%} to {high:.2%} |",
            flush=True,
        )


def differences(runs: list[Path]) -> None:
    print(f"| model | graph | opset | {' | '.join(f'{batch} at a time' for batch in BATCHES)} |")
    print(f"| --- | --- | --- |{' --- |' * len(BATCHES)}")
    for run in runs:
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
