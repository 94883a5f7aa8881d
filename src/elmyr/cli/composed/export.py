"""The command that exports a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from elmyr.cli.options import AsJson, DataRoot, Quiet, Run
from elmyr.cli.show import hush, say, show_json


def export(
    run: Run,
    out: Annotated[Path, typer.Option(help="The folder to create.")],
    int8: Annotated[bool, typer.Option("--int8", help="Of a recognizer also in whole numbers of eight bits.")] = False,
    opset: Annotated[int, typer.Option(help="ONNX's version of operators, from 18 to 23.")] = 20,
    data_root: DataRoot = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Export a model as ONNX, with a program that uses it without elmyr and torch."""
    from elmyr.exporting import export as exported

    done = exported(run, out, int8=int8, opset=opset, data_root=data_root, say=hush if quiet else say)
    if as_json:
        told = {} if done.quantized is None else {"int8": done.quantized.as_json()}
        show_json({"out": str(done.path), "files": list(done.files), "largest_difference": done.difference, **told})
    elif not quiet:
        if done.quantized is not None:
            say(done.quantized.line())
        say(f"{', '.join(done.files)}: {done.path}; at most {done.difference:.1g} from torch on 1,000 inputs")
