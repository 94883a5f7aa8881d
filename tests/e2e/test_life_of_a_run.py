"""The life of a run is the same for whatever is trained: each ability, for every kind."""

import inspect
import json
import os
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import elmyr
from elmyr.core import machine
from elmyr.core.errors import DivergedError, InputError, InterruptedRun
from elmyr.core.files import read_json, read_lines, write_json
from elmyr.core.thread_counts import PINNING
from elmyr.engine import RunDirectory, repeat
from elmyr.engine.dry_run import rehearse
from elmyr.engine.processes import Processes
from elmyr.engine.run import train
from elmyr.engine.saving import checkpoint
from elmyr.engine.spec import Asked, RunOptions
from elmyr.engine.tasks import TASKS
from elmyr.engine.threads import OnThreads
from elmyr.images import save_npz
from elmyr.report import write_report
from elmyr.serving.catalog import find_served
from elmyr.serving.kinds import SERVED
from elmyr.tasks.gan.plan import GANAsk
from elmyr.tasks.recognition import Recognizer
from elmyr.tasks.recognition.spec import RecognizerAsk
from elmyr.tasks.restoration.spec import RestorerAsk
from elmyr.tasks.translation.spec import TranslatorAsk
from tests.conftest import small_image_set
from tests.program import Program, group

BATCH, IMAGES = 16, 160
SMALL: dict[str, dict[str, Any]] = {
    "gan": {"network.base": 4, "network.latent": 4, "network.embedding": 4, "batch": BATCH},
    "recognizer": {"batch": BATCH, "base": 4, "dimension": 8},
    "restorer": {"batch": BATCH, "widths": [8, 8], "bottom": 1, "discriminator_base": 4},
    "translator": {"batch": BATCH, "widths": [8, 8], "bottom": 1, "discriminator_base": 4},
}
WORDS = {  # of the command line, before the options that all share
    "gan": ("train", "{0}"),
    "recognizer": ("recognizer", "train", "{0}"),
    "restorer": ("restorer", "train", "{0}"),
    "translator": ("translator", "train", "{0}", "{1}"),
}
RATES = {"gan": "adversarial.learning_rate"}  # by what a kind is made to diverge, where not by `learning_rate`
ASKS: dict[str, Callable[[Path, Path, Asked], Any]] = {
    "gan": lambda a, b, asked: GANAsk(a, asked=asked),
    "recognizer": lambda a, b, asked: RecognizerAsk(a, recognizer=Recognizer(method="augment"), asked=asked),
    "restorer": lambda a, b, asked: RestorerAsk(a, asked=asked),
    "translator": lambda a, b, asked: TranslatorAsk(a, b, asked=asked),
}


class Kind:
    """A kind, with small images and networks to train it by."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder, self.spec = name, folder, TASKS[name]
        self.places = folder / "a.npz", folder / "b.npz"
        for place, seed in zip(self.places, (0, 1), strict=True):
            save_npz(small_image_set(120, seed=seed), place)

    def ask(self, settings: dict[str, Any] | None = None, **words: Any) -> Any:
        asked = Asked(images=IMAGES, device="cpu", precision="fp32", settings=SMALL[self.name] | (settings or {}))
        return ASKS[self.name](*self.places, replace(asked, **words))

    def trained(self, out: str = "run", manner: RunOptions = RunOptions(), **words: Any) -> RunDirectory:  # noqa: B008
        return train(self.spec, self.ask(**words), replace(manner, out=self.folder / out))

    def words(self, out: str, *more: str) -> list[str]:
        """Those of its command line."""
        words = [word.format(*self.places) for word in WORDS[self.name]]
        settings = [f"--set={name}={value}".replace(" ", "") for name, value in SMALL[self.name].items()]
        common = ["--out", str(self.folder / out), "--device=cpu", "--precision=fp32", "--quiet", *settings]
        return ["elmyr", *words, *common, *more]


@pytest.fixture(params=list(TASKS))
def kind(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kind:
    monkeypatch.chdir(tmp_path)
    return Kind(request.param, tmp_path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], RunDirectory]:
    return cache(lambda name: Kind(name, tmp_path_factory.mktemp(name)).trained())


@pytest.fixture
def whole(kind: Kind, finished: Callable[[str], RunDirectory]) -> RunDirectory:
    """A finished run of the kind, that no test changes; of the same images, at another place."""
    return finished(kind.name)


@pytest.fixture
def run(kind: Kind, whole: RunDirectory) -> RunDirectory:
    """A copy of it, to do with as one likes."""
    return RunDirectory(shutil.copytree(whole.path, kind.folder / "run"))


def weights(run: RunDirectory) -> dict[str, torch.Tensor]:
    files = sorted(run.model.glob("*.safetensors"))
    assert files
    return {f"{file.stem}/{name}": value for file in files for name, value in load_file(file).items()}


def same(one: RunDirectory, other: RunDirectory) -> bool:
    ours, theirs = weights(one), weights(other)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def logged(run: RunDirectory) -> list[dict[str, Any]]:
    times = ("seconds", "images_per_second")
    return [{key: value for key, value in line.items() if key not in times} for line in read_lines(run.metrics)]


def test_it_is_trained_reported_and_served_and_says_what_may_follow(kind: Kind) -> None:
    said: list[str] = []
    run = kind.trained(manner=RunOptions(say=said.append))
    assert run.finished and run.kind == kind.name
    assert read_json(run.summary)["images"] == read_json(run.config)["loop"]["images"] == IMAGES
    assert any(re.match(r"trained .*160 images in ", line) for line in said)
    assert said[0] in run.log.read_text()
    assert isinstance(elmyr.open_model(run), type(elmyr.open_model(run.path)))
    commands = kind.spec.following(run)
    assert commands and all(command.startswith("elmyr ") and str(run.path) in command for command in commands)
    assert str(run.path) in write_report(run.path).read_text()
    (served,) = find_served([str(run.path)])
    assert served.kind == kind.name and kind.name in SERVED


def test_a_budget_in_minutes_becomes_images(kind: Kind) -> None:
    run = kind.trained(images=None, minutes=0.002)
    config = read_json(run.config)
    assert config["minutes"] == 0.002
    assert BATCH <= config["loop"]["images"] == read_json(run.summary)["images"]


def test_a_dry_run_writes_nothing_and_tells_config_and_time(kind: Kind) -> None:
    told = rehearse(kind.spec, kind.ask(), seconds=0.01).as_json()
    assert told["config"]["loop"]["images"] == IMAGES and told["minutes"] > 0
    assert json.loads(json.dumps(told["settings"])).items() >= SMALL[kind.name].items()
    assert not [path for path in kind.folder.iterdir() if path.suffix != ".npz"]


def test_settings_are_its_own_and_stay(kind: Kind, run: RunDirectory) -> None:
    own = kind.spec.settings(kind.spec.config.model_validate(run.read_config()))
    assert own | SMALL[kind.name] == own
    with pytest.raises(InputError, match="resumes with its own settings .*batch is 16, not 32.*--from"):
        elmyr.resume(run.path, settings={"batch": 32})
    with pytest.raises(InputError, match="no setting 'dream'"):
        elmyr.resume(run.path, settings={"dream": 32})
    with pytest.raises(InputError, match="'?dream'?"):
        kind.trained("other", settings={"dream": 1})
    assert not (kind.folder / "other").exists()


def test_it_begins_with_another_run_s_weights(kind: Kind, whole: RunDirectory) -> None:
    second = kind.trained("second", start_from=whole.path, seed=1)
    assert second.finished and not same(second, kind.trained("fresh", seed=1))
    other = {"gan": {"network.base": 8}, "recognizer": {"base": 8}}.get(kind.name, {"widths": [4, 8]})
    with pytest.raises(InputError, match="has other networks"):
        kind.trained("third", start_from=whole.path, settings=other)
    assert not (kind.folder / "third").exists()


def test_it_is_repeated_to_the_bit(kind: Kind, run: RunDirectory) -> None:
    again = repeat(run.path, out=kind.folder / "again")
    assert again.differences == () == again.surroundings


def test_the_same_bits_on_one_thread_and_on_two(kind: Kind) -> None:
    threads = torch.get_num_threads()
    try:
        found = []
        for count in (1, 2):
            torch.set_num_threads(count)
            found.append(kind.trained(f"{count}", deterministic=True))
    finally:
        torch.set_num_threads(threads)
    assert same(*found)


@pytest.fixture
def two_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As on two cores, where nobody has set the number of threads in the environment."""
    for name in PINNING:
        monkeypatch.delenv(name, raising=False)
    with machine.threads(2):
        yield


def test_a_number_of_threads_that_is_asked_for_is_kept(kind: Kind, whole: RunDirectory, two_threads: None) -> None:
    run = kind.trained(threads=1)
    assert run.read_config()["threads"] == 1 == read_json(run.environment)["threads"]
    assert torch.get_num_threads() == 2 and not run.threads.exists()
    assert same(run, whole) and logged(run) == logged(whole)
    with pytest.raises(InputError, match="--threads is 0: give auto, or 1"):
        kind.trained("other", threads=0)
    assert not (kind.folder / "other").exists()


@pytest.mark.parametrize("kind", ["gan"], indirect=True)
def test_threads_that_were_chosen_on_the_way_are_written_down_and_followed(
    kind: Kind, two_threads: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock on which two threads are slow, so that the second update is the last one on two; killed on the way."""
    looks: list[int] = []  # two an update, of which the first is before it

    def clock() -> float:
        looks.append(torch.get_num_threads())
        return float(sum({1: 0.5, 2: 3.0}[each] for each in looks))

    monkeypatch.setattr("elmyr.engine.threads.FEWEST_UPDATES", 1)
    monkeypatch.setattr("elmyr.engine.run.measured_threads", lambda begun, batch: {1: 30.0, 2: 33.0})
    monkeypatch.setattr("elmyr.engine.run.OnThreads", partial(OnThreads, clock=clock))
    said: list[str] = []
    with monkeypatch.context() as patched, pytest.raises(MemoryError):
        at_position(kind, 112, die, patched)
        kind.trained(manner=RunOptions(say=said.append))
    assert looks == [2] * 4 + [1] * 11
    assert "2 threads: 33 images/s, on 1 thread 30" in said
    run = elmyr.resume(kind.folder / "run")
    assert read_json(run.threads) == [{"images": 0, "threads": 2}, {"images": 2 * BATCH, "threads": 1}]
    assert "from 96 images on 1 thread: 32 images/s, on 2 threads 5" in run.log.read_text()
    looks.clear()
    again = repeat(run.path, out=kind.folder / "again")
    assert looks == [2] * 4 + [1] * (2 * IMAGES // BATCH - 4)
    assert again.differences == () == again.surroundings
    assert read_json(again.run.threads) == read_json(run.threads) and torch.get_num_threads() == 2


def test_a_tracker_is_told(kind: Kind) -> None:
    run = kind.trained(manner=RunOptions(track="tensorboard"))
    assert list((run.path / "tensorboard").iterdir())
    with pytest.raises(InputError, match="no tracker 'nowhere'"):
        kind.trained("other", manner=RunOptions(track="nowhere"))


def test_a_finished_run_goes_on_with_a_larger_budget(kind: Kind, run: RunDirectory) -> None:
    more = elmyr.resume(run.path, images=IMAGES + 2 * BATCH)
    assert read_lines(more.metrics)[-1]["images"] == read_json(run.summary)["images"] == IMAGES + 2 * BATCH
    assert more.read_config()["extended_from"] == IMAGES
    with pytest.raises(InputError, match="has seen 192 images already"):
        elmyr.resume(run.path, images=IMAGES)
    with pytest.raises(InputError, match="was extended from 160 images"):
        repeat(run.path)


@pytest.mark.parametrize("position", [64, 144, pytest.param(0, marks=pytest.mark.slow)])
def test_killed_at_any_place_it_ends_the_same_to_the_bit(
    kind: Kind, whole: RunDirectory, position: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_position(kind, position, die, monkeypatch)
    with pytest.raises(MemoryError):
        kind.trained()
    monkeypatch.undo()
    done = elmyr.resume(kind.folder / "run")
    assert same(done, whole) and logged(done) == logged(whole)


def begun_elsewhere(run: RunDirectory) -> None:
    """The run as a machine with a GPU would have left it."""
    text = run.config.read_text()
    assert '"device": "cpu"' in text
    run.config.write_text(text.replace('"device": "cpu"', '"device": "cuda:0"'))
    write_json(run.environment, read_json(run.environment) | {"device": "cuda:0"})


def test_begun_on_another_device_it_is_taken_up_here(
    kind: Kind, whole: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_position(kind, 64, die, monkeypatch)
    with pytest.raises(MemoryError):
        kind.trained()
    monkeypatch.undo()
    run = RunDirectory(kind.folder / "run")
    begun_elsewhere(run)
    if not torch.cuda.is_available():
        before = run.config.read_text()
        with pytest.raises(InputError, match=r"no device 'cuda:0'.*elmyr resume \S+run --device auto$"):
            elmyr.resume(run.path)
        assert run.config.read_text() == before
    said: list[str] = []
    done = elmyr.resume(run.path, device="cpu", say=said.append)
    assert same(done, whole) and logged(done) == logged(whole)
    told = "from 64 images on cpu, before on cuda:0: the last bits may be others than those of one device"
    assert told in said and told in run.log.read_text()
    assert '"cuda:0"' not in run.config.read_text() and read_json(run.environment)["device"] == "cuda:0, cpu"
    again = repeat(run.path, out=kind.folder / "again")
    assert again.differences == () and "device: cuda:0, cpu, now cpu" in again.surroundings
    assert elmyr.resume(run.path, images=IMAGES + BATCH, device="cpu:0", say=said.append).finished
    assert sum("the last bits may be" in line for line in said) == 1


def test_stopped_by_ctrl_c_it_ends_the_same_to_the_bit(
    kind: Kind, whole: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_position(kind, 64, lambda: signal.raise_signal(signal.SIGINT), monkeypatch)
    with pytest.raises(InterruptedRun, match="stopped at 80 of 160 images, all saved"):
        kind.trained()
    monkeypatch.undo()
    done = elmyr.resume(kind.folder / "run")
    assert same(done, whole) and logged(done) == logged(whole)


def die() -> None:
    raise MemoryError


def at_position(kind: Kind, position: int, what: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Something happens in its update at this position."""
    begin = kind.spec.begin

    def begun(*given: Any) -> Any:
        found = begin(*given)
        update = found.task.update

        def interrupted(batch: Any, at: int) -> Any:
            if at == position:
                what()
            return update(batch, at)

        found.task.update = interrupted
        return found

    monkeypatch.setattr(kind.spec, "begin", begun)


def test_numbers_gone_bad_roll_it_back_and_end_it_with_what_to_try(kind: Kind) -> None:
    said: list[str] = []
    rate = RATES.get(kind.name, "learning_rate")
    with pytest.raises(DivergedError, match="3 times back to a checkpoint with half the learning rates did not help"):
        kind.trained(settings={rate: 1e30}, manner=RunOptions(say=said.append))
    assert sum("with half the learning rates (" in line for line in said) == 3
    for file in (kind.folder / "run" / "checkpoints").rglob("*.safetensors"):
        assert all(value.isfinite().all() for value in load_file(file).values() if value.is_floating_point())


def test_a_full_disk_ends_it_or_with_keep_going_only_its_saving(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = os.statvfs(kind.folder)
    monkeypatch.setattr(checkpoint, "MARGIN", usage.f_bavail * usage.f_frsize + 10**12)
    with pytest.raises(checkpoint.SaveError, match=r"no room for 3 checkpoints.*make room, then: elmyr resume"):
        kind.trained()
    said: list[str] = []
    run = kind.trained("unsaved", manner=RunOptions(keep_going=True, say=said.append))
    assert run.finished and any("continues without saving" in line for line in said)


def test_sigterm_saves_and_says_how_to_resume(kind: Kind) -> None:
    child = Program(*kind.words("run", "--images", "40000")[1:])
    metrics = kind.folder / "run" / "metrics.jsonl"
    for _ in range(600):
        if metrics.is_file() and metrics.stat().st_size:
            break
        time.sleep(0.1)
    child.send_signal(signal.SIGTERM)
    done = child.end(within=60)
    assert done.returncode == 143, done.stderr
    assert re.search(r"stopped at [\d,]+ of 40,000 images, all saved; resume with: elmyr resume ", done.stderr)
    run = RunDirectory(kind.folder / "run")
    assert not run.finished and list(run.checkpoints.glob("images-*"))


def test_two_processes_train_it_as_one_does(kind: Kind, whole: RunDirectory) -> None:
    for done in group(2, *kind.words("run", f"--images={IMAGES}")):
        assert done.returncode == 0, done.stderr[-3_000:]
    found, alone = logged(RunDirectory(kind.folder / "run")), logged(whole)
    assert [line["images"] for line in found] == [line["images"] for line in alone]
    losses = {name: value for name, value in alone[0].items() if name.endswith("loss")}
    assert losses and {name: found[0][name] for name in losses} == pytest.approx(losses, rel=1e-3)


def test_a_batch_that_processes_cannot_share_is_refused_unwritten(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elmyr.engine.run.joined", lambda: nullcontext(Processes(0, 3)))
    with pytest.raises(InputError, match="3 processes take one that is a multiple of 3"):
        kind.trained()
    assert not (kind.folder / "run").exists()


ABILITIES: dict[str, Callable[..., None]] = {  # of docs/runs.md, each with the test that holds it
    "train": test_it_is_trained_reported_and_served_and_says_what_may_follow,
    "`--images`": test_it_is_trained_reported_and_served_and_says_what_may_follow,
    "`--minutes`": test_a_budget_in_minutes_becomes_images,
    "`--set`": test_settings_are_its_own_and_stay,
    "`--from`": test_it_begins_with_another_run_s_weights,
    "`--dry-run`": test_a_dry_run_writes_nothing_and_tells_config_and_time,
    "resume after a kill": test_killed_at_any_place_it_ends_the_same_to_the_bit,
    "resume after Ctrl-C or SIGTERM": test_stopped_by_ctrl_c_it_ends_the_same_to_the_bit,
    "resume with another budget": test_a_finished_run_goes_on_with_a_larger_budget,
    "resume on another device": test_begun_on_another_device_it_is_taken_up_here,
    "repeat": test_it_is_repeated_to_the_bit,
    "`--deterministic`": test_the_same_bits_on_one_thread_and_on_two,
    "`--threads`": test_a_number_of_threads_that_is_asked_for_is_kept,
    "roll back where numbers are not finite": test_numbers_gone_bad_roll_it_back_and_end_it_with_what_to_try,
    "`--keep-going`": test_a_full_disk_ends_it_or_with_keep_going_only_its_saving,
    "`--track`": test_a_tracker_is_told,
    "torchrun": test_two_processes_train_it_as_one_does,
    "report": test_it_is_trained_reported_and_served_and_says_what_may_follow,
    "serve": test_it_is_trained_reported_and_served_and_says_what_may_follow,
}


def test_the_docs_table_of_abilities_is_what_these_tests_hold() -> None:
    page = Path(__file__).parents[2] / "docs" / "runs.md"
    lines = page.read_text(encoding="utf-8").partition("| ability |")[2].partition("\n\n")[0].splitlines()
    kinds, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert kinds == list(TASKS)
    assert {ability: cells for ability, *cells in rows} == {name: ["yes"] * len(TASKS) for name in ABILITIES}
    assert all("kind" in inspect.signature(test).parameters for test in ABILITIES.values())


def test_every_setting_that_is_told_can_be_given_back(kind: Kind, run: RunDirectory) -> None:
    told = kind.spec.settings(kind.spec.config.model_validate(run.read_config()))
    own = {name: value for name, value in told.items() if value is not None}
    assert elmyr.resume(run.path, settings=own).finished
    assert elmyr.open_run(elmyr.open_model(run)).path == run.path


def test_weights_of_other_images_are_refused_with_what_differs(kind: Kind, whole: RunDirectory) -> None:
    for place, seed in zip(kind.places, (0, 1), strict=True):
        save_npz(small_image_set(120, channels=3, seed=seed), place)
    if kind.spec.adapts:  # what fits is taken
        begun = kind.trained("second", start_from=whole.path)
        assert begun.finished and re.search(r"begins with \d+ of \d+ weights of .*; anew: ", begun.log.read_text())
        return
    with pytest.raises(InputError, match="has other networks|was trained on images of another form"):
        kind.trained("second", start_from=whole.path)
    assert not (kind.folder / "second").exists()
