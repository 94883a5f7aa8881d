"""Training loses no work: killed at any point, a disk that fills, bytes that change, numbers gone bad."""

import json
import os
import random
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from elmyr import train
from elmyr.core.errors import DivergedError, InputError
from elmyr.core.files import read_lines
from elmyr.engine import RunDirectory, repeat, resume
from elmyr.engine.data import ResidentData
from elmyr.engine.loop import run_loop
from elmyr.engine.saving import checkpoint
from elmyr.engine.saving.checkpoint import (
    SaveError,
    find_checkpoint,
    latest_checkpoint,
    load_checkpoint,
    save_checkpoint,
    take_snapshot,
    verify_checkpoint,
)
from elmyr.engine.saving.run_directory import position_of
from elmyr.engine.spec import Asked
from elmyr.images import save_npz
from elmyr.tasks.gan import open_gan
from elmyr.tasks.gan.plan import GANAsk, config_of, new_task, plan_of
from elmyr.tasks.gan.task import AdversarialTask
from tests.conftest import small_image_set
from tests.engine.killed import IMAGES, INTERVAL, POINTS, SETTINGS
from tests.program import elmyr
from tests.tasks.gan.test_game import weights

ROOT = Path(__file__).parents[2]


def small_run(folder: Path, name: str = "run", **options: Any) -> RunDirectory:
    if not (folder / "blobs.npz").exists():
        save_npz(small_image_set(), folder / "blobs.npz")
    settings = SETTINGS | options.pop("settings", {})
    return train(folder / "blobs.npz", out=folder / name, images=IMAGES, settings=settings, device="cpu", **options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A finished run that no test changes."""
    return small_run(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def finished(whole: RunDirectory, tmp_path: Path) -> RunDirectory:
    """A copy of it, to do with as one likes."""
    return RunDirectory(shutil.copytree(whole.path, tmp_path / "finished"))


def killed(folder: Path, specs: list[str]) -> list[dict[str, Any]]:
    words = [sys.executable, "-m", "tests.engine.killed", str(folder), *specs]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, timeout=3_000)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def assert_nothing_lost(results: list[dict[str, Any]]) -> None:
    for result in results:
        assert result["killed"], result
        if result["begun"]:
            assert "unopened" not in result and result["ended"] and result["same"], result
            # At most one interval, and what was trained while the checkpoint after it was being written.
            assert result["reached"] - result["kept"] < 2 * INTERVAL, result


def test_killed_at_every_named_point_a_run_ends_as_if_undisturbed(tmp_path: Path) -> None:
    results = killed(tmp_path, [*POINTS, *(f"random:{number}" for number in range(2))])
    assert len(POINTS) >= 12 and len(results) == len(POINTS) + 2
    assert_nothing_lost(results)


@pytest.mark.slow
def test_killed_at_200_random_moments_a_run_ends_as_if_undisturbed(tmp_path: Path) -> None:
    assert_nothing_lost(killed(tmp_path, [f"random:{number}" for number in range(200)]))


def changed_bytes(path: Path, chance: random.Random) -> bytes:
    """The file with one bit flipped, or cut short."""
    content = bytearray(path.read_bytes())
    if chance.random() < 0.2:
        return bytes(content[: chance.randrange(len(content))])
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return bytes(content)


def assert_every_change_is_found(run: RunDirectory, count: int) -> None:
    before, last = sorted(run.checkpoints.glob("images-*"))[-2:]
    files = sorted(last.iterdir())
    chance = random.Random(0)
    for number in range(count):
        path = files[number % len(files)]
        whole = path.read_bytes()
        path.write_bytes(changed_bytes(path, chance))
        with pytest.raises(InputError, match=path.name):
            verify_checkpoint(last)
        if number < len(files):
            with pytest.warns(UserWarning, match="the one before it is taken"):
                assert latest_checkpoint(run.checkpoints) == before
        path.write_bytes(whole)
    assert latest_checkpoint(run.checkpoints) == last


def test_every_changed_byte_is_found_by_the_name_of_its_file(finished: RunDirectory) -> None:
    assert_every_change_is_found(finished, 200)


@pytest.mark.slow
def test_2000_changed_bytes_are_found(finished: RunDirectory) -> None:
    assert_every_change_is_found(finished, 2_000)


@pytest.mark.parametrize("number", range(1, 10))
def test_a_disk_that_fills_at_any_write_of_a_save_costs_nothing_that_was_whole(
    whole: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """The largest size of a file is set to next to nothing at the so-manieth write of the second save."""
    expected = weights(whole)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    calls = 0

    def limiting(original: Any) -> Any:
        def limited(*arguments: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == 9 + number:  # the first save writes nine files
                resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
            return original(*arguments)

        return limited

    try:
        with monkeypatch.context() as patch:
            for name in ("save_file", "write_json", "write_text"):
                patch.setattr(checkpoint, name, limiting(getattr(checkpoint, name)))
            with pytest.raises(SaveError, match="cannot be written.*make room, then: elmyr resume"):
                small_run(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list((tmp_path / "run" / "checkpoints").glob(".*.part"))
    found = weights(resume(tmp_path / "run"))
    assert all(torch.equal(expected[key], found[key]) for key in expected)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 5 MB, where one may be mounted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs", disk], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no disk may be mounted here")
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.mark.slow
def test_a_disk_that_fills_at_any_page_of_a_save_costs_nothing_that_was_whole(
    tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but so many pages are taken: from none to as many as the save needs."""
    task = new_task(config_of(small_run(tmp_path)))
    snapshots = [take_snapshot(task, position, {}) for position in (100, 200)]
    monkeypatch.setattr(checkpoint, "require_room", lambda folder, size: None)  # else it is refused before it begins
    first = save_checkpoint(small_disk, snapshots[0])
    page, failed = os.statvfs(small_disk).f_frsize, 0
    needed = sum(-(-file.stat().st_size // page) + 1 for file in first.iterdir()) + 8
    for pages in range(needed + 1):
        free = os.statvfs(small_disk).f_bavail
        (small_disk / "filler").write_bytes(bytes((free - pages) * page))
        try:
            save_checkpoint(small_disk, snapshots[1])
        except SaveError as error:
            failed += 1
            assert "cannot be written" in str(error) and not list(small_disk.glob(".*.part"))
        (small_disk / "filler").unlink()
        found = latest_checkpoint(small_disk)
        assert found is not None and load_checkpoint(found, task)[0] in (100, 200)
        shutil.rmtree(small_disk / "images-000000200", ignore_errors=True)
    assert failed > 10


def test_a_disk_without_room_is_refused_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = os.statvfs(tmp_path)
    monkeypatch.setattr(checkpoint, "MARGIN", usage.f_bavail * usage.f_frsize + 10**12)
    with pytest.raises(SaveError, match="no room for 3 checkpoints.*make room"):
        small_run(tmp_path)
    said: list[str] = []
    run = small_run(tmp_path, "unsaved", keep_going=True, say=said.append)
    assert run.finished and sum("continues without saving" in line for line in said) > 3
    assert not list(run.checkpoints.glob("images-*"))


@pytest.mark.parametrize("network", ["generator", "discriminator", "average"])
def test_a_weight_gone_bad_is_found_and_rolled_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: str
) -> None:
    update, times = AdversarialTask.update, [0]

    def poisoning(self: AdversarialTask, batch: Any, position: int) -> Any:
        if position == 208 and not times[0]:
            times[0] += 1
            with torch.no_grad():
                next(self.modules[network].parameters()).view(-1)[0] = float("nan")
        return update(self, batch, position)

    monkeypatch.setattr(AdversarialTask, "update", poisoning)
    said: list[str] = []
    run = small_run(tmp_path, say=said.append)
    (line,) = (line for line in said if "half the learning rates (1 of 3 times)" in line)
    assert "not finite at 208 images; back to 192 images" in line or network == "average"
    assert all(torch.isfinite(value).all() for value in weights(run).values() if value.is_floating_point())
    logged = [line for line in read_lines(run.metrics) if "generator_learning_rate" in line]
    rates = {line["images"]: line["generator_learning_rate"] for line in logged}
    assert all(line["images_per_second"] > 0 for line in logged)
    assert rates[160] < 1.1e-3 and rates[224] < 0.6 * rates[160]


def test_what_was_applied_before_bad_numbers_is_all_finite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image that is not a number changes no weight: the step is not taken."""
    kept: list[bool] = []
    step = AdversarialTask._step

    def stepping(self: AdversarialTask, name: str, parts: Any, loss_of: Any, position: int) -> Any:
        def no_number(part: Any, position: int) -> Any:
            loss, told = loss_of(part, position)
            return loss * float("nan"), told

        net = self.modules[name]
        before = [value.clone() for value in net.parameters()]
        scalars = step(self, name, parts, no_number, position)
        kept.append(all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True)))
        return scalars

    monkeypatch.setattr(AdversarialTask, "_step", stepping)
    with pytest.raises(DivergedError, match="3 times back to a checkpoint"):
        small_run(tmp_path)
    assert len(kept) == 8 and all(kept)  # two networks, four tries


def test_after_the_third_rollback_the_exit_code_is_3_and_nothing_bad_is_on_the_disk(tmp_path: Path) -> None:
    save_npz(small_image_set(), tmp_path / "blobs.npz")
    words = ["train", "blobs.npz", "--images", "320", "--set", "adversarial.learning_rate=1e30", "--out", "run"]
    done = elmyr(*words)
    assert done.returncode == 3 and "lower --set adversarial.learning_rate" in done.stderr
    assert done.stderr.count("with half the learning rates (") == 3
    for file in (tmp_path / "run" / "checkpoints").rglob("*.safetensors"):
        assert all(value.isfinite().all() for value in load_file(file).values() if value.is_floating_point())


def test_a_finished_run_goes_on_with_a_larger_budget(finished: RunDirectory) -> None:
    more = resume(finished.path, images=IMAGES + 160)
    assert read_lines(more.metrics)[-1]["images"] == IMAGES + 160
    assert more.read_config()["loop"]["images"] == IMAGES + 160
    found = latest_checkpoint(more.checkpoints)
    assert found is not None and position_of(found) == IMAGES + 160
    with pytest.raises(InputError, match="has seen 480 images already"):
        resume(finished.path, images=300)
    with pytest.raises(InputError, match="was extended from 320 images"):
        repeat(finished.path)


def test_an_extension_that_cannot_be_leaves_the_run_finished(tmp_path: Path) -> None:
    run = small_run(tmp_path)
    (tmp_path / "blobs.npz").unlink()
    with pytest.raises(InputError):
        resume(run.path, images=IMAGES + 160)
    assert run.finished and run.read_config()["loop"]["images"] == IMAGES


def test_a_resume_with_other_settings_is_refused_with_the_list_of_them(finished: RunDirectory) -> None:
    finished.summary.unlink()
    with pytest.raises(InputError, match=r"batch is 16, not 32; penalties\.r1 is 3\.0, not 2.*elmyr train .* --from"):
        resume(finished.path, settings=["batch=32", "penalties.r1=2", "loop.keep=2"])
    assert resume(finished.path, settings=["batch=16", "penalties.r1=3"]).finished


def test_a_new_run_begins_with_the_weights_of_another(whole: RunDirectory, tmp_path: Path) -> None:
    second = small_run(tmp_path, "second", start_from=whole.path, seed=1, settings={"loop.keep": 99})
    begun = load_file(second.checkpoints / "images-000000000" / "generator.safetensors")
    taken = load_file(whole.checkpoints / f"images-{IMAGES:09d}" / "generator.safetensors")
    assert all(torch.equal(begun[name], taken[name]) for name in taken)
    with pytest.raises(InputError, match=r"network\.base is 4, not 8"):
        small_run(tmp_path, "third", start_from=whole.path, settings={"network.base": 8})
    assert not (tmp_path / "third").exists()


def test_a_run_is_repeated_to_the_bit_and_a_changed_one_is_told(finished: RunDirectory, tmp_path: Path) -> None:
    again = repeat(finished.path, out=tmp_path / "again")
    assert again.differences == () == again.surroundings
    (finished.model / "generator.safetensors").write_bytes(b"other")
    told = repeat(finished.path, out=tmp_path / "third")
    assert told.differences == ("model/generator.safetensors",)


def test_deterministic_runs_are_the_same_on_one_thread_and_on_two(tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    try:
        found = []
        for count in (1, 2):
            torch.set_num_threads(count)
            found.append(weights(small_run(tmp_path, f"{count}", deterministic=True)))
            assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(found[0][key], found[1][key]) for key in found[0])


def test_the_best_checkpoint_stays_and_can_be_sampled_from(tmp_path: Path) -> None:
    run = small_run(tmp_path, settings={"loop.watch_every": 64, "loop.keep": 1})
    name = (run.checkpoints / "best").read_text().strip()
    seen = {line["images"]: line["watch_frechet_distance"] for line in read_lines(run.metrics) if "watch_modes" in line}
    assert position_of(Path(name)) == min(seen, key=lambda position: seen[position])
    assert {path.name for path in run.checkpoints.glob("images-*")} == {name, f"images-{IMAGES:09d}"}
    (run.checkpoints / "best").unlink()  # as by a kill before it was written: the checkpoints know their figures
    best = open_gan(run.path, checkpoint="best")
    assert best.trained["images"] == position_of(find_checkpoint(run.checkpoints, "best"))
    latest = open_gan(run.path, checkpoint="320").sample(9).images
    assert np.array_equal(latest, open_gan(run.path).sample(9).images)
    with pytest.raises(InputError, match="no checkpoint '7k': choose from: latest, best, "):
        open_gan(run.path, checkpoint="7k")


def memory() -> float:
    """Resident megabytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="measures memory as Linux tells it")
def test_100000_updates_grow_neither_memory_nor_open_files(tmp_path: Path) -> None:
    """Measured between the 10,000th update, when everything has been touched, and the last."""
    seen: dict[int, tuple[float, int]] = {}

    class Measuring:
        def advance(self, position: int) -> None:
            if position in (20_000, 200_000):
                seen[position] = memory(), len(list(Path("/proc/self/fd").iterdir()))

    save_npz(small_image_set(), tmp_path / "blobs.npz")
    settings = SETTINGS | {"batch": 2, "loop.checkpoint_every": 2_000, "loop.log_every": 200}
    config = plan_of(GANAsk(tmp_path / "blobs.npz", asked=Asked(images=200_000, settings=settings))).config
    run = RunDirectory(tmp_path)
    data = ResidentData(small_image_set(), seed=0, device=torch.device("cpu"))
    run_loop(new_task(config), data, config.loop, run=run, listener=Measuring())
    (early, files), (late, files_then) = seen[20_000], seen[200_000]
    assert late - early < 20 and files_then <= files + 2
