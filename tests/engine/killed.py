"""Trains in children that are killed, resumes them, and says what came of it: a JSON line for each.

Run as a program: `python -m tests.engine.killed FOLDER random:7 …` or with the names in POINTS. Children are forks of
a process that has not computed anything, so that each costs less than a second.
"""

import json
import os
import random
import signal
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from elmyr.core.files import read_lines
from elmyr.engine import RunDirectory, resume
from elmyr.engine.saving import checkpoint, logbook, writer
from elmyr.engine.saving.checkpoint import latest_checkpoint
from elmyr.engine.saving.run_directory import position_of
from elmyr.images import save_npz
from elmyr.tasks.gan import train
from elmyr.tasks.gan.task import AdversarialTask
from tests.conftest import small_image_set

IMAGES, INTERVAL = 320, 64
SETTINGS = {
    "network.base": 4,
    "network.latent": 4,
    "network.embedding": 4,
    "batch": 16,
    "loop.checkpoint_every": INTERVAL,
    "loop.log_every": 32,
    "loop.preview_every": 160,
}


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner: Any, name: str, call: int) -> Callable[[], None]:
    """Dies where the function is called for the so-manieth time, before it does anything."""

    def arm() -> None:
        original, calls = getattr(owner, name), [0]

        def dying(*args: Any, **kwargs: Any) -> Any:
            calls[0] += 1
            if calls[0] == call:
                die()
            return original(*args, **kwargs)

        setattr(owner, name, dying)

    return arm


def in_a_line() -> None:
    """Dies in the middle of a line of `metrics.jsonl`."""
    original = logbook.Logbook.write

    def dying(self: logbook.Logbook, position: int, figures: Any) -> None:
        if position >= 200 and self.path is not None:
            with self.path.open("a") as file:
                file.write(json.dumps({"images": position, **figures})[:20])
            die()
        original(self, position, figures)

    logbook.Logbook.write = dying  # type: ignore[method-assign]


# A save of this task calls save_file 6 times; the third save, at 128 images, is the one that most of these meet.
POINTS: dict[str, Callable[[], None]] = {
    "between the two updates": before(AdversarialTask, "_step_generator", 11),
    "before the second save": before(writer, "save_checkpoint", 2),
    "before its first file": before(checkpoint, "save_file", 13),
    "between its files": before(checkpoint, "save_file", 16),
    "before its state": before(checkpoint, "write_json", 3),
    "before its sums": before(checkpoint, "sha256_of", 20),
    "before its flush": before(checkpoint, "flush", 20),
    "before its manifest": before(checkpoint, "_manifest_text", 3),
    "before its rename": before(Path, "rename", 3),
    "before its name is noted": before(checkpoint, "write_text", 6),
    "before the oldest is removed": before(writer, "prune_checkpoints", 3),
    "inside a removal": before(checkpoint.shutil, "rmtree", 5),
    "in a line of the log": in_a_line,
}


def run(folder: Path, name: str) -> None:
    train(folder / "blobs.npz", out=folder / name, images=IMAGES, settings=SETTINGS, device="cpu")


def in_a_child(work: Callable[[], Any]) -> int:
    """Forks, works, and returns the child's process number."""
    child = os.fork()
    if not child:
        try:
            warnings.simplefilter("ignore")
            work()
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return child


def runs(child: int) -> bool:
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


def state(path: Path) -> dict[str, Any]:
    found = latest_checkpoint(path / "checkpoints")
    assert found is not None
    tensors = {
        f"{file.name}/{key}": value.tolist()
        for file in sorted(found.glob("*.safetensors"))
        for key, value in load_file(file).items()
    }
    times = {"seconds", "images_per_second"}
    lines = [
        {key: value for key, value in line.items() if key not in times} for line in read_lines(path / "metrics.jsonl")
    ]
    return {"tensors": tensors, "lines": lines}


def kill_and_resume(folder: Path, name: str, spec: str, expected: dict[str, Any]) -> dict[str, Any]:
    """One run, killed by the specification, then resumed to its end."""
    note = os.open(folder / f"{name}.position", os.O_RDWR | os.O_CREAT)
    update = AdversarialTask.update

    def noting(self: AdversarialTask, batch: Any, position: int) -> Any:
        os.pwrite(note, f"{position:9d}".encode(), 0)
        return update(self, batch, position)

    def work() -> None:
        AdversarialTask.update = noting  # type: ignore[method-assign]
        if spec in POINTS:
            POINTS[spec]()
        run(folder, name)

    child = in_a_child(work)
    if spec not in POINTS:
        chance = random.Random(spec)
        moment = chance.randrange(IMAGES - 64)  # at the end there may be nothing left to kill
        while int(os.pread(note, 9, 0) or 0) < moment and runs(child):
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.05))
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    reached = int(os.pread(note, 9, 0) or 0)
    result: dict[str, Any] = {"spec": spec, "killed": os.WIFSIGNALED(status), "reached": reached}
    if not (folder / name / "config.json").exists():
        return result | {"begun": False}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a checkpoint that cannot be opened would be passed over with a warning
            found = latest_checkpoint(folder / name / "checkpoints")
    except Warning as warning:
        return result | {"begun": True, "unopened": str(warning)}
    result |= {"begun": True, "kept": position_of(found) if found else 0}
    _, status = os.waitpid(in_a_child(lambda: resume(folder / name)), 0)
    finished = RunDirectory(folder / name).finished
    return result | {"ended": status == 0 and finished, "same": finished and state(folder / name) == expected}


def main() -> None:
    folder, specs = Path(sys.argv[1]), sys.argv[2:]
    save_npz(small_image_set(), folder / "blobs.npz")
    os.waitpid(in_a_child(lambda: run(folder, "undisturbed")), 0)
    expected = state(folder / "undisturbed")
    for number, spec in enumerate(specs):
        print(json.dumps(kill_and_resume(folder, str(number), spec, expected)), flush=True)


if __name__ == "__main__":
    main()
