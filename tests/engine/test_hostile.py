"""Files that someone else made: none of them runs code, leaves its folder or takes much memory."""

import io
import json
import os
import pickle
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import torch

from elmyr.engine.saving.checkpoint import _manifest_text
from tests.engine.test_survival import small_run

ROOT = Path(__file__).parents[2]
MOST_MEMORY = 200  # MB more than before

OPENER = """
import json, sys, warnings
from pathlib import Path
from elmyr import GAN
from elmyr.core.errors import ElmyrError
from elmyr.tasks.gan import open_gan
from elmyr.engine import resume
warnings.simplefilter("ignore")

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1000

warm = GAN.load(sys.argv[1])
for way, path in (line.split(" ", 1) for line in sys.stdin.read().splitlines()):
    Path("/proc/self/clear_refs").write_text("5")
    before = peak()
    try:
        {"model": GAN.load, "checkpoint": lambda run: open_gan(run, checkpoint="latest"), "run": resume}[way](path)
        told = "opened"
    except ElmyrError as error:
        told = str(error)
    except BaseException as error:
        told = f"DEFECT {error!r}"
    print(json.dumps({"way": way, "path": path, "told": told, "memory": peak() - before}), flush=True)
"""


class Evil:
    """What a pickle would run."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.canary}",)


def safetensors_of(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def tensor(start: int, end: int, shape: list[int], dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def hostile_weights(canary: Path) -> Iterator[tuple[str, bytes]]:
    """Contents for a safetensors file."""
    evil = Evil(canary)
    for protocol in range(6):
        yield f"pickle {protocol}", pickle.dumps(evil, protocol)
    saved = io.BytesIO()
    torch.save({"weights": evil}, saved)
    yield "torch.save", saved.getvalue()
    torch.save({"weights": evil}, saved := io.BytesIO(), _use_new_zipfile_serialization=False)
    yield "torch.save, the old way", saved.getvalue()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("../../escaped", b"x")
        zipped.writestr("archive/data.pkl", pickle.dumps(evil))
    yield "a zip that climbs", archive.getvalue()
    yield (
        "an npy of objects",
        b"\x93NUMPY\x01\x00\x36\x00" + b"{'descr': '|O', 'fortran_order': False, 'shape': (1,)}\n",
    )
    yield "nothing", b""
    yield "a length alone", struct.pack("<Q", 8)
    yield "a header longer than the file", struct.pack("<Q", 2**40) + b"{}"
    yield "the longest header", struct.pack("<Q", 2**64 - 1) + b"{}"
    yield "a header that is no JSON", safetensors_of(b"\xff\xfe{}")
    yield "a header of nested lists", safetensors_of(b"[" * 100_000 + b"]" * 100_000)
    yield "overlapping tensors", safetensors_of({"a": tensor(0, 8, [2]), "b": tensor(4, 12, [2])}, b"\0" * 12)
    yield "an offset past the end", safetensors_of({"a": tensor(0, 2**40, [2**38])}, b"\0" * 8)
    yield "offsets in reverse", safetensors_of({"a": tensor(8, 0, [2])}, b"\0" * 8)
    yield "a negative size", safetensors_of({"a": tensor(0, 8, [-2])}, b"\0" * 8)
    yield "a shape that overflows", safetensors_of({"a": tensor(0, 8, [2**33, 2**33])}, b"\0" * 8)
    yield "a type that is none", safetensors_of({"a": tensor(0, 8, [2], "PICKLE")}, b"\0" * 8)
    yield "a name that climbs", safetensors_of({"../../escaped": tensor(0, 8, [2])}, b"\0" * 8)
    yield "a hole", safetensors_of({"a": tensor(4, 8, [1])}, b"\0" * 8)
    yield "other tensors", safetensors_of({"a": tensor(0, 8, [2])}, b"\0" * 8)
    yield "ten megabytes of header", safetensors_of(b'{"a": "' + b"x" * 10_000_000 + b'"}')


def hostile_json() -> Iterator[tuple[str, bytes]]:
    yield "nested lists", b"[" * 200_000 + b"]" * 200_000
    yield "a list of a million numbers", b"[" + b"0," * 1_000_000 + b"0]"
    yield "eighty megabytes", b"[" + b"0," * 40_000_000 + b"0]"
    yield "a number of a million digits", b'{"format": ' + b"9" * 1_000_000 + b"}"
    yield "not a number", b'{"format": NaN}'
    yield "no object", b"7"
    yield "no text", b"\xff\xfe\x00"
    yield (
        "an enormous network",
        json.dumps(
            {
                "format": 1,
                "config": {"height": 8, "width": 8, "channels": 1, "network": {"base": 10**9}},
                "trained": {},
            }
        ).encode(),
    )
    yield (
        "a network of no name",
        json.dumps(
            {
                "format": 1,
                "config": {"height": 8, "width": 8, "channels": 1, "network": {"name": "os.system"}},
                "trained": {},
            }
        ).encode(),
    )


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="measures memory as Linux tells it")
def test_no_hostile_file_runs_code_leaves_its_folder_or_takes_much_memory(tmp_path: Path) -> None:
    canary, asked = tmp_path / "canary", []
    good = small_run(tmp_path, "good").path

    def copy(number: int) -> Path:
        return shutil.copytree(good, tmp_path / "tried" / f"{number}", symlinks=True)

    def last_checkpoint(run: Path) -> Path:
        (run / "summary.json").unlink()
        return sorted((run / "checkpoints").glob("images-*"))[-1]

    cases: list[str] = []
    for name, content in hostile_weights(canary):
        run = copy(len(cases))
        (run / "model" / "generator.safetensors").write_bytes(content)
        cases.append(name)
        asked.append(f"model {run}")
    for name, content in hostile_weights(canary):  # with a manifest that says all is well
        run = copy(len(cases))
        folder = last_checkpoint(run)
        (folder / "average.safetensors").write_bytes(content)
        sums = json.loads((folder / "manifest.json").read_text())["files"]
        sums["average.safetensors"] = sha256(content).hexdigest()
        (folder / "manifest.json").write_text(_manifest_text(sums))
        cases.append(f"{name}, in a checkpoint")
        asked.append(f"checkpoint {run}")
    for name, content in hostile_json():
        for place, way in (
            ("model/gan.json", "model"),
            ("config.json", "run"),
            ("checkpoints/{}/manifest.json", "run"),
        ):
            run = copy(len(cases))
            (run / place.format(last_checkpoint(run).name)).write_bytes(content)
            cases.append(f"{name} in {place}")
            asked.append(f"{way} {run}")
    secret = tmp_path / "secret"
    secret.write_bytes(b"not yours")
    run = copy(len(cases))
    folder = last_checkpoint(run)
    (folder / "generator.safetensors").unlink()
    (folder / "generator.safetensors").symlink_to(secret)
    cases.append("a link to elsewhere")
    asked.append(f"checkpoint {run}")

    done = subprocess.run(
        [sys.executable, "-c", OPENER, str(good)], input="\n".join(asked), capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == len(cases) >= 40
    for case, result in zip(cases, results, strict=True):
        assert not result["told"].startswith("DEFECT"), (case, result)
        assert "\n" not in result["told"], (case, result)
        # A damaged checkpoint is passed over for the one before it; all else must be refused.
        passed_over = "manifest.json" in case or case == "a link to elsewhere"
        assert passed_over or result["told"] != "opened", (case, result)
        assert result["memory"] < MOST_MEMORY, (case, result)
    assert not canary.exists()
    assert not list(tmp_path.rglob("escaped"))
