"""Plug-ins: what they add is used like elmyr's own, and what is wrong with one is told in a line."""

import hashlib
import html
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import typer

import elmyr
from elmyr.cli.app import SECOND_NAMES, app
from elmyr.cli.own_tasks import add_own_tasks
from elmyr.core import plugins
from elmyr.core.errors import ElmyrError, InputError, InterruptedRun
from elmyr.core.notes import Note
from elmyr.engine.guards import at_work
from elmyr.engine.run import train
from elmyr.engine.saving.places import STUDY_KIND
from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.engine.spec import Asked, DataAsk, RunOptions
from elmyr.engine.tasks import TASKS
from elmyr.losses.objectives import OBJECTIVES, objective_of
from elmyr.losses.penalties import PENALTIES
from elmyr.report import write_report
from elmyr.serving.catalog import find_served
from tests import program
from tests.conftest import unplug

MINE = """
import elmyr

@elmyr.register("objective", "mine")
class Mine:
    def discriminator(self, real, fake):
        return (1 - real).relu() + (1 + fake).relu()

    def generator(self, real, fake):
        return -fake

@elmyr.register("penalty", "center")
def center(judged):
    "logits near 0"
    return judged.logits.square()
"""

NETWORKS = """
import elmyr
from torch import nn
from elmyr.nets import Pair, PairConfig

class Config(PairConfig):
    depth: int = 1

class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Linear(64, 8 * 8)

    def forward(self, latents):
        return self.net(latents).tanh().reshape(-1, 1, 8, 8)

def build(shape, classes, config):
    layers = [nn.Linear(64, 64) for _ in range(config.depth)]
    return Generator(), nn.Sequential(nn.Flatten(), *layers, nn.Linear(64, 1))

elmyr.register("networks", "tiny", Pair(build, Config))
"""


@pytest.fixture(autouse=True)
def _unplugged(unplugged: None) -> None:
    pass


def written(text: str, name: str = "mine.py") -> str:
    Path(name).write_text(text)
    return name


def trained(path: str, **settings: object) -> RunDirectory:
    settings = {"batch": 8, **({} if "network.name" in settings else {"network.base": 4}), **settings}
    return elmyr.train("digits", out=path, images=16, settings=settings, device="cpu", precision="fp32", quiet=True)


def test_what_a_plug_in_registers_is_asked_for_by_name_and_written_into_the_run() -> None:
    elmyr.load_plugin(written(MINE))
    run = trained("run", **{"adversarial.objective": "mine", "penalties.center": 0.5})
    config, surroundings = (json.loads(path.read_text()) for path in (run.config, run.environment))
    assert config["adversarial"]["objective"] == "mine" and config["adversarial"]["penalties"]["center"] == 0.5
    sha256 = hashlib.sha256(MINE.encode()).hexdigest()
    parts = {"objective": ["mine"], "penalty": ["center"]}
    assert surroundings["plugins"] == [{"path": "mine.py", "sha256": sha256, "parts": parts}]


def test_a_run_whose_plug_in_is_missing_says_so_and_opens_with_it() -> None:
    elmyr.load_plugin(written(MINE))
    trained("one", **{"adversarial.objective": "mine"})
    trained("two", **{"penalties.center": 0.5})
    trained("three")
    unplug()
    told = "^'one' was trained with the objective 'mine' of the plug-in mine.py: pass --plugin mine.py$"
    with pytest.raises(InputError, match=told):
        elmyr.resume("one", images=24, quiet=True)
    with pytest.raises(InputError, match="^'two' was trained with the penalty 'center' of the plug-in mine.py"):
        elmyr.resume("two", images=24, quiet=True)
    assert elmyr.GAN.load("one").sample(1).images.shape == (1, 8, 8, 1)  # a trained generator needs neither
    assert elmyr.resume("three", images=24, quiet=True).finished
    elmyr.load_plugin("mine.py")
    for run in ("one", "two"):
        assert elmyr.resume(run, images=24, quiet=True).finished


def test_a_model_whose_networks_are_missing_says_so() -> None:
    elmyr.load_plugin(written(NETWORKS))
    trained("run", **{"network.name": "tiny", "network.depth": 2, "conditional": False})
    assert elmyr.GAN.load("run").config.network.options == {"latent": 64, "depth": 2}
    unplug()
    told = "^'run' was trained with the network 'tiny' of the plug-in mine.py: pass --plugin mine.py$"
    for opening in (elmyr.GAN.load, lambda run: elmyr.resume(run, images=24, quiet=True)):
        with pytest.raises(InputError, match=told):
            opening("run")
    for served in ("run", "run/model"):
        with pytest.raises(InputError, match=told):
            find_served([served])
    with pytest.raises(InputError, match=told):
        elmyr.GAN.load("run/model")  # as the worker of a served page does


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"network.base": 8}, "network 'tiny' has no base: choose from: depth, latent, name"),
        ({"network.dept": 8}, "no setting 'network.dept': did you mean 'network.depth'"),
        ({"network.depth": "deep"}, "network: depth is 'deep': Input should be a valid integer"),
        ({"conditional": True}, "network 'tiny': the generator takes no labels: pass --set conditional=false"),
    ],
)
def test_settings_that_networks_of_one_s_own_lack_are_refused(setting: dict[str, object], told: str) -> None:
    elmyr.load_plugin(written(NETWORKS))
    with pytest.raises(InputError, match=f"^{told}"):
        trained("run", **({"network.name": "tiny", "conditional": False} | setting))
    assert not Path("run").exists()


def test_networks_of_other_shapes_are_refused_before_anything_is_written() -> None:
    elmyr.load_plugin(written(NETWORKS.replace("64, 8 * 8)", "64, 7 * 8)").replace("-1, 1, 8, 8", "-1, 1, 7, 8")))
    with pytest.raises(InputError, match=r"^network 'tiny': its generator gives images of the shape \(2, 1, 7, 8\)"):
        trained("run", **{"network.name": "tiny", "conditional": False})
    assert not Path("run").exists()


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        (
            "Generator(), nn.Seq",
            "nn.Seq",
            "^network 'tiny' fails: TypeError: its build has to give two modules.*plug-in 'mine.py'.$",
        ),
        (
            "    layers =",
            "    shape.depth\n    layers =",
            "network 'tiny' fails: AttributeError: .*'mine.py', line 18.$",
        ),
    ],
)
def test_a_pair_that_cannot_be_built_is_told_in_a_line(was: str, becomes: str, told: str) -> None:
    elmyr.load_plugin(written(NETWORKS.replace(was, becomes)))
    with pytest.raises(InputError, match=told):
        trained("run", **{"network.name": "tiny", "conditional": False})
    assert not Path("run").exists()


def test_what_fails_in_a_part_of_one_s_own_is_told_by_its_line() -> None:
    elmyr.load_plugin(written(MINE.replace("judged.logits.square()", "judged.logit")))
    with pytest.raises(InputError, match="^penalty 'center' fails: AttributeError: .* .plug-in 'mine.py', line 15.$"):
        trained("run", **{"penalties.center": 1})


def test_nothing_that_is_opened_loads_a_plug_in() -> None:
    run = trained("run")
    written("open('loaded', 'w')", "evil.py")
    content = json.loads(run.environment.read_text())
    content["plugins"] = [{"path": "evil.py", "sha256": "", "parts": {"objective": ["relativistic-pairing"]}}]
    run.environment.write_text(json.dumps(content))
    assert elmyr.GAN.load(run).sample(1).images.shape == (1, 8, 8, 1)
    assert not Path("loaded").exists()


@pytest.mark.parametrize(
    "damaged",
    [3, [3], [{}], [{"path": 3, "sha256": "", "parts": {}}], [{"path": "x", "sha256": "", "parts": {"objective": 3}}]],
)
def test_a_damaged_record_of_plug_ins_is_passed_over(damaged: object) -> None:
    plugins.require_parts("run", {"plugins": damaged}, {"objective": "mine"})
    plugins.require_parts("run", damaged, {"objective": "mine"})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = 1\n\nx.missing\n", r"plug-in 'mine.py', line 3: AttributeError: 'int' object has no attribute 'missing'"),
        ("import nowhere_at_all", r"plug-in 'mine.py', line 1: ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("x = 1\nx = = 2\n", r"plug-in 'mine.py', line 2: SyntaxError: invalid syntax"),
        ("raise SystemExit(3)", r"plug-in 'mine.py', line 1: SystemExit: 3"),
        ("x = 1", r"plug-in 'mine.py': it registers nothing, call elmyr.register\(kind, name, part\) in it"),
        (MINE + "elmyr.register('objective', 'hinge', Mine)", r"line 16: objective 'hinge' is there already"),
        (MINE + "elmyr.register('objective', 'Two Words', Mine)", r"line 16: no objective can be named 'Two Words'"),
        (MINE + "elmyr.register('objektive', 'two', Mine)", r"line 16: no kind of part 'objektive': did you mean"),
        (MINE + "elmyr.register('objective', 'two', 3)", r"line 16: an objective is a class with the methods"),
        (
            MINE + "elmyr.register('networks', 'two', 3)",
            r"line 16: networks are a function of \(shape",
        ),
        (MINE + "elmyr.register('networks', 'two', Mine)", r"line 16: networks are a function of \(shape"),
        (MINE + "elmyr.register('networks', 'two', lambda shape: 3)", r"line 16: networks are a function of \(shape"),
        (
            NETWORKS.replace("Config(PairConfig)", "Config"),
            "line 21: the config of networks is Config: give a class derived from elmyr.nets.PairConfig",
        ),
        (MINE + "elmyr.register('penalty', 'two', 3)", r"line 16: a penalty is a function of what was judged"),
        (MINE + "elmyr.register('reader', 'two', 3)", r"line 16: a reader is a PathReader"),
        (MINE + "elmyr.register('task', 'two', 3)", r"line 16: a task is a TaskSpec of elmyr.engine.spec"),
        (MINE + "1 / 0", r"line 16: ZeroDivisionError: division by zero"),
    ],
)
def test_a_plug_in_that_cannot_be_used_is_told_in_one_line_and_adds_nothing(text: str, told: str) -> None:
    with pytest.raises(InputError, match=told) as error:
        elmyr.load_plugin(written(text))
    assert "\n" not in str(error.value)
    assert not OBJECTIVES.origins and not PENALTIES.origins and plugins.VARIABLE not in os.environ
    elmyr.load_plugin(written(MINE))  # once it is mended
    assert "mine" in OBJECTIVES


def test_a_plug_in_that_is_not_there_is_told_with_the_nearest() -> None:
    written(MINE, "nets.py")
    with pytest.raises(InputError, match="^no plug-in 'net.py': did you mean 'nets.py'"):
        elmyr.load_plugin("net.py")
    Path("folder.py").mkdir()
    with pytest.raises(InputError, match="^the plug-in 'folder.py' is a folder: name a file of Python"):
        elmyr.load_plugin("folder.py")


def test_a_plug_in_is_run_once_and_may_import_what_lies_beside_it() -> None:
    Path("beside").mkdir()
    written("COUNTED = []", "beside/counted_beside.py")
    written(f"from counted_beside import COUNTED\nCOUNTED.append(1)\n{MINE}", "beside/mine.py")
    for path in ("beside/mine.py", Path("beside/mine.py").resolve(), "./beside/../beside/mine.py"):
        elmyr.load_plugin(path)
    assert sys.modules["counted_beside"].COUNTED == [1]


def test_a_plug_in_may_be_of_several_files_and_is_told_by_the_one_that_is_named() -> None:
    written(MINE, "part_of_mine.py")
    elmyr.load_plugin(written("import part_of_mine", "several.py"))
    assert OBJECTIVES.origins == {"mine": "several.py"}


def test_a_plug_in_that_has_changed_since_is_told(recwarn: pytest.WarningsRecorder) -> None:
    elmyr.load_plugin(written(MINE))
    trained("run", **{"adversarial.objective": "mine"})
    elmyr.resume("run", images=24, quiet=True)
    assert not recwarn.list
    unplug()
    elmyr.load_plugin(written(f"{MINE}\n# mended", "changed.py"))
    differs = "the plug-in now named, changed.py, differs from the one that it was trained with"
    with pytest.warns(Note, match=f"objective 'mine' of the plug-in mine.py: {differs}$"):
        elmyr.resume("run", images=32, quiet=True)


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        (
            "return -fake",
            "return -fake.mean()",
            r"its generator makes \(\) of two logits, it has to make losses \(2,\)",
        ),
        ("return -fake", "pass", "its generator makes NoneType of two logits"),
        (
            "(self, real, fake):\n        return (1",
            "(self, real):\n        return (1",
            "its discriminator fails .TypeErr",
        ),
        ("(1 - real).relu() + (1 + fake)", "(real + fake).detach()", "the loss of its discriminator has no gradient"),
        ("return -fake", "return -real", "the loss of its generator has no gradient"),
    ],
)
def test_an_objective_that_makes_no_losses_is_refused_before_anything_is_written(
    was: str, becomes: str, told: str
) -> None:
    elmyr.load_plugin(written(MINE.replace(was, becomes)))
    with pytest.raises(InputError, match=f"^objective 'mine': {told}"):
        trained("run", **{"adversarial.objective": "mine"})
    assert not Path("run").exists()


def test_an_objective_may_require_the_mean_of_a_batch() -> None:
    with_mean = "class Mine:\n    def __init__(self, mean):\n        self.mean = mean\n"
    elmyr.load_plugin(written(MINE.replace("class Mine:", with_mean)))
    assert objective_of("mine").mean is torch.mean  # type: ignore[attr-defined]  # its own


def test_a_penalty_that_gives_no_tensor_is_told_by_its_name() -> None:
    elmyr.load_plugin(written(MINE.replace("return judged.logits.square()", "return 3.0")))
    with pytest.raises(ElmyrError, match="^penalty 'center' gives a float: it has to give a tensor$"):
        trained("run", **{"penalties.center": 1})


def test_a_penalty_may_be_named_as_what_configs_have() -> None:
    for name in ("copy", "json", "model_dump"):
        elmyr.register("penalty", name, lambda judged: judged.logits.square())
    assert trained("without").finished and trained("run", **{"penalties.copy": 0.5}).finished


def test_a_name_that_means_something_else_is_refused() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # it is a group
    words = (("task", name) for name in (*commands, *SECOND_NAMES, STUDY_KIND, "adaptation"))
    for kind, name in (("penalty", "every"), ("extractor", "auto"), *words):
        with pytest.raises(InputError, match=f"{kind} '{name}' is there already"):
            elmyr.register(kind, name, lambda _: None)


@pytest.fixture
def task_of_the_docs() -> None:
    """The example of a task in docs/extending.md."""
    text = (Path(__file__).parents[2] / "docs" / "extending.md").read_text()
    block = re.search(r"```python\n(# my_task.py\n.*?)```", text, re.DOTALL)
    assert block is not None
    elmyr.load_plugin(written(block[1], "my_task.py"))


@pytest.mark.usefixtures("task_of_the_docs")
def test_a_task_of_one_s_own_has_the_life_of_every_run() -> None:
    asked = Asked(images=640, settings={"width": 8}, device="cpu", precision="fp32")
    run = train(TASKS["rotation"], DataAsk("digits", asked=asked), RunOptions("run"))
    assert run.kind == "rotation" and run.finished and (run.model / "net.safetensors").is_file()
    for checkpoint in sorted(run.checkpoints.glob("images-*"))[1:]:
        shutil.rmtree(checkpoint)
    (first,) = run.checkpoints.glob("images-*")
    (run.checkpoints / "latest").write_text(f"{first.name}\n")
    weights = (run.model / "net.safetensors").read_bytes()
    for path in (run.summary, run.model / "net.safetensors"):
        path.unlink()
    assert elmyr.resume("run", quiet=True).finished
    assert (run.model / "net.safetensors").read_bytes() == weights
    assert elmyr.engine.repeat("run", out="again").differences == ()
    assert "rotation" in write_report(run.path).read_text()


@pytest.mark.usefixtures("task_of_the_docs")
def test_a_run_of_a_task_that_is_missing_says_so() -> None:
    asked = Asked(images=64, settings={"width": 8}, device="cpu", precision="fp32")
    run = train(TASKS["rotation"], DataAsk("digits", asked=asked), RunOptions("run"))
    unplug()
    told = "^'run' was trained with the task 'rotation' of the plug-in my_task.py: pass --plugin my_task.py$"
    for opening in (elmyr.resume, elmyr.engine.repeat, lambda path: write_report(Path(path))):
        with pytest.raises(InputError, match=told):
            opening("run")
    assert run.kind == "rotation"


@pytest.mark.usefixtures("task_of_the_docs")
def test_a_setting_that_a_task_of_one_s_own_lacks_is_refused() -> None:
    with pytest.raises(InputError, match="rotation: widht is 8: Extra inputs are not permitted"):
        train(TASKS["rotation"], DataAsk("digits", asked=Asked(settings={"widht": 8})), RunOptions("run"))
    assert not Path("run").exists()


def test_worker_processes_find_plug_ins_in_the_environment() -> None:
    elmyr.load_plugin(written(MINE))
    found = "from elmyr.losses.objectives import OBJECTIVES; OBJECTIVES['mine']"
    code = f"from elmyr.core.plugins import load_all; load_all(); {found}"
    subprocess.run([sys.executable, "-c", code], check=True, cwd="/")


def test_an_installed_package_names_its_plug_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    written(MINE, "installed_mine.py")
    (tmp_path / "mine-1.0.dist-info").mkdir()
    written("Name: mine\nVersion: 1.0\n", "mine-1.0.dist-info/METADATA")
    written("[elmyr.plugins]\nmine = installed_mine\n", "mine-1.0.dist-info/entry_points.txt")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "installed_mine", raising=False)
    plugins.load_all()
    assert OBJECTIVES.origins == {"mine": str(tmp_path / "installed_mine.py")}
    monkeypatch.delitem(sys.modules, "installed_mine")
    unplug()
    written("1 / 0", "installed_mine.py")
    with pytest.raises(InputError, match=r"^plug-in 'mine' \(installed_mine\) cannot be loaded: ZeroDivisionError"):
        plugins.load_all()


def test_what_is_registered_in_python_alone_has_no_file() -> None:
    exec("import elmyr\nelmyr.register('penalty', 'none', lambda judged: judged.logits)", {})
    script = {"__file__": "<stdin>"}
    exec("import elmyr\nelmyr.register('penalty', 'piped', lambda judged: judged.logits)", script)
    assert PENALTIES.origins == {"none": "", "piped": ""} and plugins.environment() == {}


@pytest.mark.parametrize(
    ("config", "named_at", "used"),
    [
        ({"adversarial": {"objective": "mine"}}, "objective", True),
        ({"choices": {"objective": "other"}, "name": "mine"}, "objective", False),
        ({"gan": {"network": {"name": "mine"}}}, "network.name", True),
        ({"gan": {"network": {"name": "other"}, "classes": ["mine"]}}, "network.name", False),
        ({"adversarial": {"penalties": {"mine": 0.1}}}, "penalties.*", True),
        ({"adversarial": {"penalties": {"mine": 0.0}}}, "penalties.*", False),
        ({"mine": "mine"}, None, False),
    ],
)
def test_a_part_is_used_where_the_config_names_it(config: object, named_at: str | None, used: bool) -> None:
    assert plugins.uses(config, named_at, "mine") is used


def told(*words: str) -> tuple[int, list[str]]:
    done = program.elmyr(*words)
    return done.returncode, done.stderr.splitlines()


def test_the_command_takes_plug_ins_anywhere_and_tells_of_bad_ones_in_a_line() -> None:
    written(MINE)
    written("1 / 0", "bad.py")
    status, lines = told("train", "digits", "--plugin", "bad.py", "--out", "run")
    assert (status, lines) == (2, ["elmyr: plug-in 'bad.py', line 1: ZeroDivisionError: division by zero"])
    assert not Path("run").exists()
    words = ("train", "digits", "--images", "16", "--set", "batch=8", "--set", "network.base=4", "--quiet")
    status, lines = told("--plugin=mine.py", *words, "--set", "adversarial.objective=mine", "--out", "run")
    assert (status, lines) == (0, []) and Path("run/model/gan.json").is_file()
    assert told("--debug", "presets", "--plugin", "bad.py")[1][0].startswith("Traceback")
    assert told("presets", "--plugin") == (2, ["elmyr: --plugin takes a file: --plugin my.py"])


@pytest.mark.usefixtures("task_of_the_docs")
def test_a_task_that_is_taken_out_is_no_command_any_more() -> None:
    before = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]  # it is a group
    add_own_tasks(app)
    (own,) = set(typer.main.get_command(app).commands) - before  # type: ignore[attr-defined]
    assert own in TASKS
    unplug()
    assert set(typer.main.get_command(app).commands) == before  # type: ignore[attr-defined]


@pytest.mark.usefixtures("task_of_the_docs")
def test_help_tells_of_a_task_of_one_s_own() -> None:
    words = ["--plugin", "my_task.py", "rotation", "train", "--help"]
    done = program.elmyr(*words)
    assert done.returncode == 0 and "rotation train" in done.stdout, done.stderr


def test_ctrl_c_while_a_plug_in_is_loaded_ends_in_a_line() -> None:
    written("raise KeyboardInterrupt")
    assert told("presets", "--plugin", "mine.py") == (130, ["elmyr: stopped"])


def test_an_error_on_the_way_names_the_plug_in_s_line() -> None:
    elmyr.load_plugin(written(MINE))
    with pytest.raises(TypeError) as error:
        OBJECTIVES["mine"]().generator(0, "no tensor")
    assert plugins.failing_in(error.value) == "plug-in 'mine.py', line 10"
    with pytest.raises(TypeError) as error:
        OBJECTIVES["hinge"]().generator(0, "no tensor")
    assert plugins.failing_in(error.value) is None


def test_commands_that_follow_name_the_plug_ins_that_were_named() -> None:
    assert plugins.with_plugins("elmyr sample run") == "elmyr sample run"
    elmyr.load_plugin(written(MINE, "my own.py"))
    assert plugins.with_plugins("elmyr sample run") == "elmyr --plugin 'my own.py' sample run"
    run = trained("run")
    resume = "^stopped; resume with: elmyr --plugin 'my own.py' resume run$"
    with pytest.raises(InterruptedRun, match=resume), at_work(run):
        raise KeyboardInterrupt
    page = html.unescape(write_report(Path("run")).read_text())
    assert "elmyr --plugin 'my own.py' evaluate run" in page and "elmyr evaluate run" not in page
    unplug()
    os.environ[plugins.VARIABLE] = str(Path("my own.py").resolve())  # which the next command finds, too
    plugins.load_all()
    assert plugins.with_plugins("elmyr sample run") == "elmyr sample run"


@pytest.mark.slow
def test_the_processes_of_a_study_load_plug_ins() -> None:
    elmyr.load_plugin(written(MINE))
    settings = {"adversarial.objective": "mine", "network.base": 4, "batch": 8}
    study = elmyr.study("digits", out="study", images=16, updates=2, seeds=1, processes=2, settings=settings)
    (run,) = Path(study.path, "runs").iterdir()
    assert json.loads((run / "environment.json").read_text())["plugins"][0]["parts"]["objective"] == ["mine"]
