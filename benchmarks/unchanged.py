"""Does a change of the code change what is trained? Tiny runs of every task and preset in two checkouts, compared.

python benchmarks/unchanged.py BEFORE AFTER [--only infogan] [--keep FOLDER]

BEFORE and AFTER are folders of the repository, each with its own .venv. Both are given the same commands, in one thread
and one after the other. Weights, samples, predictions, pictures, metrics.jsonl and results.jsonl (times aside) and
figures must be the same to the bit; a table says where they are not, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors.numpy import load_file as load_arrays
from safetensors.torch import load_file as load_tensors

NET = "--set network.base=4 --set network.latent=8 --set network.embedding=4 --set batch=16"
GAN = f"train digits --images 256 --out {{run}} {NET} --set loop.watch_every=128 -q"
AVERAGE = "--set adversarial.ema_half_life=100 --set adversarial.ema_ramp=1"
USED = "sample {run} -n 40 --out {run}.npz -q", "evaluate {run} --extractor random --json"
READER = "recognizer train digits --tiny -q --out {run}"
READ = "recognizer evaluate {run} --json", "predict {run} digits --limit 60 --out {run}.csv -q"
RESTORER = "restorer train digits --images 128 --out {run} --set widths=[4,8] --set bottom=1 --set batch=8 -q"
TRANSLATOR = "translator train digits-thin digits-thick --images 128 --set widths=[4,8] --set bottom=1 --set batch=8 -q"
STUDY = f"study digits --limit 120 --seeds 2 --images 128 --updates 6 --processes 1 {NET} -q --json --out {{run}}"

# By name, the commands; {run} is the run directory of that name. Later ones may use the runs of those before.
RUNS: dict[str, tuple[str, ...]] = {
    "residual": (GAN, *USED, "interpolate {run} --from 3 --to 8 --out {run}.png -q"),
    "residual, resumed": ("resume residual --images 320 -q", "sample residual -n 20 --seed 2 --out {run}.npz -q"),
    "residual, of another": (
        f"{GAN} --from residual --rescue --deterministic --seed 1 --precision fp32 {AVERAGE}",
        *USED,
    ),
    "residual, scarce": (f"{GAN} --images-per-class 20 --imbalance 4 --label-noise 0.1", *USED),
    "residual, repeated": ("repeat scarce --out {run} --json",),
    "residual-ns": (f"{GAN} --preset residual-ns", USED[0]),
    "small": (f"{GAN} --preset small --set augmentation.ramp=500", USED[0]),
    "acgan": (f"{GAN} --preset acgan", USED[0]),
    "wgan-gp": (f"{GAN} --preset wgan-gp", USED[0]),
    "infogan": (
        f"{GAN} --preset infogan --set network.latent=16",
        *USED,
        "sample {run} -n 12 --category 3 --out {run}-3.npz -q",
    ),
    "style": (f"{GAN} --preset style", USED[0]),
    "biggan-lite": (f"{GAN} --preset biggan-lite", USED[0]),
    "r3gan": (f"{GAN} --preset r3gan", USED[0]),
    "mlp": (f"{GAN} --preset mlp", USED[0]),
    "dcgan": (f"{GAN} --preset dcgan", USED[0]),
    "mlp-cnn": (f"{GAN} --preset mlp-cnn", USED[0]),
    "classic": (f"{GAN} --preset classic", USED[0]),
    "dcgan64": (f"{GAN} --preset dcgan64 --size 16", USED[0]),
    "recognizer": (f"{READER} --updates 30", *READ),
    "recognizer, consistency": (f"{READER} --labels-per-class 5 --updates 12", *READ),
    "recognizer, gan-semi": (f"{READER} --labels-per-class 5 --updates 12 --method gan-semi", *READ),
    "recognizer, of a GAN": (f"{READER} --gan residual --realism 0.5 --updates 12", *READ),
    "recognizer, of a teacher": (f"{READER} --teacher recognizer --updates 12", *READ),
    "adaptation": (f"{READER} --target digits-thick --translation 64 --updates 12",),
    "restorer": (
        RESTORER,
        "restorer apply {run} digits --limit 20 --out {run}-repaired -q",
        "restorer evaluate {run} --limit 20 --corruption noise:0.2 --corruption block:3 --json",
        "restorer apply residual digits --method inversion --limit 2 --out {run}-inverted -q",
    ),
    "restorer, one damage": (f"{RESTORER} --corruption block:3,noise:0.1 --set noise=0",),
    "translator": (
        f"{TRANSLATOR} --recognizer recognizer --out {{run}}",
        "translator apply {run} digits-thin --limit 20 --out {run}.npz -q",
        "translator apply {run} digits-thick --back --limit 20 --out {run}-back.npz -q",
    ),
    "translator, paired": (f"{TRANSLATOR} --paired --set back=false --out {{run}}",),
    "translator, contrastive": (f"{TRANSLATOR} --method contrastive --set styled=true --out {{run}}",),
    "study": (STUDY,),
    "study, scarce": (f"{STUDY} --folds 3 --labels-per-class 3,all",),
    "comparison": ("compare residual style mlp --extractor random --json",),
}

# The words are given to `python -m elmyr` in forks of one process, which has imported torch and trained nothing.
DRIVER = """
import contextlib, json, os, runpy, sys, elmyr
for name in elmyr.__all__:
    getattr(elmyr, name)
for told, words in json.load(sys.stdin):
    child = os.fork()
    if not child:
        for number, end in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(f"{told}.{end}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        sys.argv = ["elmyr", *words]
        code = 1
        try:
            runpy.run_module("elmyr", run_name="__main__", alter_sys=True)
        except SystemExit as ended:
            code = ended.code or 0
        sys.stdout.flush(), sys.stderr.flush()
        os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with open(f"{told}.code", "w") as file:
        file.write(str(code))
"""
SHOWN = 2  # files that differ, of each run and kind
TIMES = {"seconds", "images_per_second", "time", "started", "per_second"}
ELSEWHERE = {"command", "commands", "run", "path", "elmyr", "git_commit", "environment"}  # no result


@dataclass(frozen=True)
class Found:
    """A result of a run: what kind of result, and the sha256 of what it is."""

    kind: str
    digest: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--only", nargs="*", help="the runs of these names, and those that they use")
    parser.add_argument(
        "--keep", type=Path, help="a folder for the runs; what of one checkout is there is not run again"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        sides = [
            results_of(checkout.resolve(), folder / name, options.only)
            for name, checkout in (("before", options.before), ("after", options.after))
        ]
        sys.exit(1 if show(*sides) else 0)


def results_of(checkout: Path, folder: Path, only: list[str] | None) -> dict[str, dict[str, Found]]:
    """Of each run by its name, the results by the names of their files."""
    commands = [
        (f"{plain(name)}.{number}", text.format(run=plain(name)).split())
        for name, texts in RUNS.items()
        if only is None or name in only
        for number, text in enumerate(texts)
    ]
    if not folder.exists():
        folder.mkdir(parents=True)
        run_all(commands, checkout, folder)
    found: dict[str, dict[str, Found]] = defaultdict(dict)
    by_plain = {plain(name): name for name in RUNS}
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        owner = next((name for name in sorted(by_plain, key=len, reverse=True) if place.parts[0].startswith(name)), "")
        if owner and path.is_file() and (taken := taken_from(path)) is not None:
            found[by_plain[owner]][str(place)] = taken
    return found


def run_all(commands: list[tuple[str, list[str]]], checkout: Path, folder: Path) -> None:
    """Runs commands in a folder by the elmyr of a checkout; output and exit codes go into files of their names."""
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("ELMYR_")} | {
        "OMP_NUM_THREADS": "1",
        "ELMYR_CACHE_DIR": str(folder / "cache"),
        "ELMYR_OFFLINE": "1",
    }
    python = str(checkout / ".venv/bin/python")
    subprocess.run([python, "-c", DRIVER], input=json.dumps(commands), text=True, cwd=folder, env=surroundings)
    for told, words in commands:
        if (folder / f"{told}.code").read_text() != "0":
            error = (folder / f"{told}.stderr").read_text().strip().splitlines()[-1:]
            print(f"{checkout.name}: elmyr {' '.join(words)}: {' '.join(error)}", file=sys.stderr)


def plain(name: str) -> str:
    """The name of a run's directory."""
    return name.rpartition("residual, ")[2].replace(", ", "-").replace(" ", "-")


def show(before: dict[str, dict[str, Found]], after: dict[str, dict[str, Found]]) -> bool:
    """Prints the table, and below it what is not the same; whether anything is."""
    kinds = list(dict.fromkeys(kind for kind, _ in READERS.values()))
    print(f"| run | {' | '.join(kinds)} |\n|{' --- |' * (len(kinds) + 1)}")
    differing = []
    for name in RUNS:
        ours, theirs, cells = before.get(name, {}), after.get(name, {}), []
        for kind in kinds:
            files = [file for file, found in (ours | theirs).items() if found.kind == kind]
            other = [file for file in files if ours.get(file) != theirs.get(file)]
            differing += [f"{name}: {file}{lacking(file, ours, theirs)}" for file in other[:SHOWN]]
            differing += [f"{name}: {len(other) - SHOWN} more of {kind}"] if len(other) > SHOWN else []
            cells.append(
                f"**{len(other)} of {len(files)} differ**" if other else f"{len(files)} same" if files else "–"
            )
        if ours or theirs:
            print(f"| {name} | {' | '.join(cells)} |")
    print("\n" + ("\n".join(f"differs: {each}" for each in differing) or "all the same to the bit"))
    return bool(differing)


def lacking(file: str, ours: dict[str, Found], theirs: dict[str, Found]) -> str:
    return " (not made before)" if file not in ours else " (not made after)" if file not in theirs else ""


def taken_from(path: Path) -> Found | None:
    """The result that a file holds; None for what is none, such as a config."""
    for pattern, (kind, read) in READERS.items():
        if path.match(pattern) and path.stat().st_size:
            return Found(kind, read(path))
    return None


def of_arrays(path: Path, load: Callable[[Path], Any]) -> str:
    """The sha256 of named arrays, whatever else the file holds."""
    total = hashlib.sha256()
    for name, array in sorted(load(path).items()):
        total.update(f"{name} {array.dtype} {tuple(array.shape)}".encode())
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


def tensors(path: Path) -> dict[str, Any]:
    try:
        return dict(load_arrays(path))
    except (TypeError, KeyError):  # numpy has no bf16
        return {name: tensor.float().numpy() for name, tensor in load_tensors(path).items()}


def npz(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as content:
        return dict(content)


def of_lines(path: Path) -> str:
    """The sha256 of JSON lines without times; of other text where it is not JSON."""
    try:
        lines = [json.dumps(without_times(json.loads(line)), sort_keys=True) for line in path.read_text().splitlines()]
    except ValueError:
        lines = path.read_text().splitlines()
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def of_study(path: Path) -> str:
    cells = [without_times(cell) for cell in json.loads(path.read_text())["cells"]]
    return hashlib.sha256(json.dumps(cells, sort_keys=True).encode()).hexdigest()


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: without_times(each)
            for key, each in value.items()
            if key not in ELSEWHERE and not any(time in key for time in TIMES)
        }
    return [without_times(each) for each in value] if isinstance(value, list) else value


def of_picture(path: Path) -> str:
    with Image.open(path) as picture:
        return hashlib.sha256(picture.tobytes()).hexdigest()


# The first pattern that fits a file says what is in it.
READERS: dict[str, tuple[str, Callable[[Path], str]]] = {
    "*.code": ("ends", of_lines),
    "model/*.safetensors": ("weights", partial(of_arrays, load=tensors)),
    "checkpoints/*/*.safetensors": ("checkpoints", partial(of_arrays, load=tensors)),
    "*.npz": ("samples and predictions", partial(of_arrays, load=npz)),
    "*.csv": ("samples and predictions", of_lines),
    "*.png": ("pictures", of_picture),
    "metrics.jsonl": ("metrics.jsonl", of_lines),
    "results.jsonl": ("results.jsonl", of_lines),
    "study.json": ("figures", of_study),
    "*.stdout": ("figures", of_lines),
}


if __name__ == "__main__":
    main()
