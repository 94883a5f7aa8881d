"""The folder that a model leaves in: its graphs, what is told of them, and a program of twenty lines that uses them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from elmyr.core.calls import checked
from elmyr.core.errors import InputError
from elmyr.core.files import write_json
from elmyr.engine.saving.places import Run, called, kind_of, run_path, with_article
from elmyr.exporting.graph import OPSET, require_exporter, write_onnx
from elmyr.exporting.models import EXPORTED, RECOGNIZER
from elmyr.exporting.quantized import Quantized, write_int8
from elmyr.images.writers.folder import check_folder, replacing_folder
from elmyr.tasks.recognition import images_to_read

MODEL, INT8, ABOUT, PROGRAM = "model.onnx", "model.int8.onnx", "model.json", "use.py"
PROGRAMS = Path(__file__).parent / "programs"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Exported:
    """Where a model was exported to, its files, and the largest difference to torch on 1,000 inputs."""

    path: Path
    files: Sequence[str]
    difference: float
    quantized: Quantized | None = None


@checked
def export(
    run: Run,
    folder: str | Path,
    *,
    int8: bool = False,
    opset: int = OPSET,
    data_root: str | Path | None = None,
    say: Say = lambda line: None,
) -> Exported:
    """Writes the model of a finished run as ONNX, to be used without elmyr and torch.

    The folder holds `model.onnx` (a recognizer: pixels uint8 (N, H, W, C) to probabilities; a generator: latents,
    labels and a truncation to images from 0 to 1; a restorer; a translator), of a GAN also `discriminator.onnx`, of a
    translator with a way back `back.onnx`; `model.json`, which tells of inputs, outputs, classes and sizes; and
    `use.py`, which needs onnxruntime, numpy and pillow alone. Each graph is compared with torch on 1,000 inputs. Needs
    the extra `[export]`.
    int8: of a recognizer also `model.int8.onnx`, whose ranges are measured on the run's training images (under
    `data_root` where they lie elsewhere), and which is judged on its test images. opset: from 18 to 23. InputError for
    a run of another kind, or one that is not finished, for a folder that holds something, and for another opset;
    ElmyrError where a graph differs by more than 1e-4.
    """
    path = run_path(run)
    kind = kind_of(path)
    if kind not in EXPORTED:
        able = ", ".join(map(called, EXPORTED))
        raise InputError(f"'{path}' is {with_article(kind)}, which has no model to export; one of these has: {able}")
    target = Path(folder)
    check_folder(target)
    require_exporter(opset)
    exported = EXPORTED[kind]
    if int8 and exported.made is not RECOGNIZER.made:
        raise InputError(f"int8 is for recognizers, and '{path}' is {with_article(kind)}: leave it out")
    path /= exported.within
    train, test = (images_to_read(path, part=part, data_root=data_root) if int8 else None for part in ("train", "test"))
    exportable = exported.made(exported.open(path))
    differences, files = [], [ABOUT, PROGRAM]
    with replacing_folder(target) as beside:
        told = {}
        for name, graph in exportable.graphs.items():
            say(f"exporting {name} …")
            files.append(f"{name}.onnx")
            differences.append(write_onnx(graph, beside / files[-1], opset=opset))
            told[files[-1]] = {
                "inputs": {each: port.as_json() for each, port in graph.inputs.items()},
                "outputs": {graph.output[0]: graph.output[1].as_json()},
                "largest_difference_to_torch": differences[-1],
            }
        quantized = None
        if train is not None and test is not None:
            say("quantizing …")
            files.append(INT8)
            classes = tuple(exportable.about["classes"])
            quantized = write_int8(beside / MODEL, beside / INT8, train, test, classes)
            told[INT8] = {"like": MODEL, **quantized.as_json()}
        about = {"kind": exportable.program, **exportable.about, "opset": opset, "graphs": told}
        write_json(beside / ABOUT, about | {"made_by": f"elmyr {version('elmyr')}"})
        (beside / PROGRAM).write_text((PROGRAMS / f"{exportable.program}.py").read_text("utf-8"), "utf-8")
    return Exported(target, sorted(files), max(differences), quantized)
