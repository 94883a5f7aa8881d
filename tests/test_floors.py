"""The house: what imports what, what is never used, and how large a room, a file, a function and a signature may be.

A room imports only from the floors below its own, so that each can be read, tested and replaced without what stands on
it. docs/architecture.md draws it.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "elmyr"

FLOORS = [
    {"core"},
    {"images", "nets", "metrics", "losses"},
    {"engine"},
    {"tasks"},
    {"evaluation"},
    {"studies", "report", "exporting"},
    {"serving"},
    {"cli"},
]
DOORS = {"__init__", "__main__"}  # the public names, and the program
FORMER = {"recognition", "restoration", "translation", "training", "gan"}  # names of before, which lead to today's
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}

# What a room may not import although it stands on no floor: the metrics know no tensor, the nets no file.
FORBIDDEN = {
    "metrics": {"torch", "elmyr.core.files", "elmyr.core.machine"},
    "nets": {"json", "os", "pathlib", "io", "shutil", "tomllib", "safetensors", "elmyr.core.files"},
}
PICKLES = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "torch.load"}
FOREIGN_WEIGHTS = "evaluation/extractors/pickled_weights.py"
MOST_FLOORS, MOST_ROOMS, MOST_SIDE_BY_SIDE = 8, 16, 20
LONGEST_FILE, LONGEST_FUNCTION, MOST_PARAMETERS = 350, 60, 10
PYTHON = "its parameters are Python's interface: an editor completes them, and `help` explains them"
OPTIONS = "each option of the command is a parameter, as typer reads it"
LONG_SIGNATURES = {
    **dict.fromkeys(
        (
            "evaluation/comparison.py:compare",
            "evaluation/judging.py:evaluate",
            "studies/articles/run.py:articles",
            "engine/run.py:resume",
            "studies/resuming.py:resume",
            "studies/run.py:study",
            "studies/sweeps/run.py:sweep",
            "tasks/gan/train.py:train",
            "tasks/recognition/spec.py:train_recognizer",
            "tasks/restoration/spec.py:train_restorer",
            "tasks/translation/adaptation.py:train_adapted",
            "tasks/translation/spec.py:train_translator",
        ),
        PYTHON,
    ),
    "tasks/recognition/recognizer.py:__init__": "scikit-learn's contract: every parameter by its name",
    **dict.fromkeys(
        (
            "cli/composed/articles.py:articles",
            "cli/composed/doubts.py:doubts",
            "cli/control/edit.py:counterfactual",
            "cli/control/edit.py:edit",
            "cli/control/explain.py:explain",
            "cli/commands.py:_judging_options",
            "cli/drawn.py:interpolate",
            "cli/options.py:_shaping_options",
            "cli/predict.py:predict",
            "cli/recognizer.py:train",
            "cli/restorer.py:apply",
            "cli/runs.py:resume",
            "cli/runs.py:sample",
            "cli/serve.py:serve",
            "cli/study.py:_choices",
            "cli/composed/sweep.py:sweep",
            "cli/trained.py:_options",
            "cli/translator.py:apply",
        ),
        OPTIONS,
    ),
}
LONG_FUNCTIONS = dict.fromkeys(  # half of them is options
    ("cli/predict.py:predict", "cli/recognizer.py:train", "cli/composed/doubts.py:doubts", "cli/study.py:_choices"),
    OPTIONS,
)


def violations(root: Path) -> list[str]:
    """Every breach of the house's rules in the package at `root`, as `file:line: what`."""
    return [
        f"{path.relative_to(root)}:{line}: {what}"
        for path in sorted(root.rglob("*.py"))
        for line, what in breaches(path.relative_to(root), path.read_text(encoding="utf-8"))
    ]


def breaches(module: Path, source: str) -> Iterator[tuple[int, str]]:
    room = module.parts[0].removesuffix(".py")
    if room not in FLOOR_OF and room not in DOORS | FORMER:
        yield 1, f"'{room}' stands on no floor: give it one in FLOORS"
        return
    if (length := len(source.splitlines())) > LONGEST_FILE:
        yield length, f"{length} lines: past {LONGEST_FILE} it is two ideas"

    tree = ast.parse(source, filename=str(module))
    for line, name in imported(tree, module):
        if not allowed(room, name):
            yield line, f"{room} imports {name}"
    for node in ast.walk(tree):
        match node:
            case ast.Attribute() if (name := ast.unparse(node)) in PICKLES and node not in as_data(tree, module):
                yield node.lineno, f"uses {name}: no pickle, ever"
            case ast.keyword(arg="allow_pickle") if ast.unparse(node.value) != "False":
                yield node.value.lineno, "allow_pickle may only be False"
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from too_large(module, node)


def as_data(tree: ast.AST, module: Path) -> list[ast.expr]:
    """`torch.load` where foreign weights are opened, which there reads tensors and runs nothing."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and str(module) == FOREIGN_WEIGHTS]
    return [call.func for call in calls if "weights_only=True" in map(ast.unparse, call.keywords)]


def too_large(module: Path, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[int, str]]:
    named, count, length = f"{module}:{function.name}", parameters(function), lines(function)
    if count > MOST_PARAMETERS and named not in LONG_SIGNATURES:
        yield function.lineno, f"{function.name} has {count} parameters: past {MOST_PARAMETERS} it takes a config"
    if length > LONGEST_FUNCTION and named not in LONG_FUNCTIONS:
        yield function.lineno, f"{function.name} has {length} lines: past {LONGEST_FUNCTION} it is two functions"


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many it has, but for `self` and `cls`."""
    given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return sum(each.arg not in ("self", "cls") for each in given)


def lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How long it is, its signature and docstring included."""
    return (function.end_lineno or 0) - function.lineno + 1


def imported(tree: ast.Module, module: Path) -> Iterator[tuple[int, str]]:
    """The absolute dotted name of all that is imported, wherever in the file; relative ones resolved."""
    here = ["elmyr", *module.parent.parts]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) + 1 - node.level] if node.level else []
            base = base + (node.module.split(".") if node.module else [])
            yield from ((node.lineno, ".".join([*base, alias.name])) for alias in node.names)


def allowed(room: str, name: str) -> bool:
    banned = FORBIDDEN.get(room, set()) | PICKLES
    if any(name == entry or name.startswith(f"{entry}.") for entry in banned):
        return False
    top, *rest = name.split(".")
    if top != "elmyr" or room in DOORS | FORMER:
        return True
    if not rest or rest[0] not in FLOOR_OF:  # the public names, as `from elmyr import GAN`: for the faces alone
        return room == "cli" or rest == ["__version__"]
    return rest[0] == room or FLOOR_OF[rest[0]] < FLOOR_OF[room]


def test_every_room_imports_only_from_floors_below_and_nothing_is_too_large() -> None:
    assert violations(SOURCE) == []


def test_every_exception_is_one() -> None:
    for named, most in ((LONG_SIGNATURES, MOST_PARAMETERS), (LONG_FUNCTIONS, LONGEST_FUNCTION)):
        for place in named:
            file, _, function = place.partition(":")
            tree = ast.parse((SOURCE / file).read_text(encoding="utf-8"))
            found = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == function]
            assert max(parameters(node) if named is LONG_SIGNATURES else lines(node) for node in found) > most, place


def test_the_house_is_no_larger_than_a_person_keeps_in_mind() -> None:
    rooms = [path for path in SOURCE.iterdir() if (path / "__init__.py").is_file()]
    assert len(FLOORS) <= MOST_FLOORS and len(rooms) <= MOST_ROOMS
    folders = {path.parent for path in SOURCE.rglob("*.py")}
    crowded = {str(folder.relative_to(SOURCE)): len(list(folder.glob("*.py"))) for folder in folders}
    assert {name: count for name, count in crowded.items() if count > MOST_SIDE_BY_SIDE} == {}


def test_no_module_imports_itself_by_way_of_others() -> None:
    modules = {name_of(path): path for path in SOURCE.rglob("*.py")}
    assert list(circles({name: direct_imports(path, set(modules)) for name, path in modules.items()})) == []


def name_of(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(["elmyr", *(part for part in parts if part != "__init__")])


def direct_imports(path: Path, known: set[str]) -> set[str]:
    """The modules that are imported with this one: those of functions, and for type checking, come later or never."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names & known or {node.module}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & known


def circles(uses: dict[str, set[str]]) -> Iterator[list[str]]:
    """Modules that import each other, as they are met going down from every module."""
    done: set[str] = set()

    def down(name: str, path: list[str]) -> Iterator[list[str]]:
        if name in path:
            yield path[path.index(name) :]
            return
        if name in done:
            return
        for each in sorted(uses[name]):
            yield from down(each, [*path, name])
        done.add(name)

    for name in sorted(uses):
        yield from down(name, [])


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        ("nets/convolution.py", "from elmyr.tasks.gan import GAN", "nets imports elmyr.tasks.gan.GAN"),
        ("nets/convolution.py", "from ..engine import loop", "nets imports elmyr.engine.loop"),
        ("nets/convolution.py", "from elmyr.images import ImageSet", "nets imports elmyr.images.ImageSet"),
        ("nets/convolution.py", "import pathlib", "nets imports pathlib"),
        ("nets/convolution.py", "def f():\n    import json", "nets imports json"),
        ("metrics/frechet.py", "import torch.nn", "metrics imports torch.nn"),
        ("metrics/frechet.py", "import elmyr.nets", "metrics imports elmyr.nets"),
        ("engine/run.py", "from elmyr.tasks.gan import spec", "engine imports elmyr.tasks.gan.spec"),
        ("engine/run.py", "from . import tasks\nfrom .. import tasks", "engine imports elmyr.tasks"),
        ("evaluation/features.py", "from elmyr.studies import run", "evaluation imports elmyr.studies.run"),
        ("engine/loop.py", "import elmyr", "engine imports elmyr"),
        ("engine/loop.py", "from elmyr import GAN", "engine imports elmyr.GAN"),
        ("report/page.py", "from elmyr.studies import study", "report imports elmyr.studies.study"),
        ("serving/page.py", "from elmyr.cli import main", "serving imports elmyr.cli.main"),
        ("report/page.py", "from elmyr.serving import serve", "report imports elmyr.serving.serve"),
        ("core/seeds.py", "import pickle", "core imports pickle"),
        ("tasks/gan/model.py", "from torch import load", "tasks imports torch.load"),
        ("tasks/gan/model.py", "import torch\ntorch.load('x')", "uses torch.load"),
        (FOREIGN_WEIGHTS, "import torch\ntorch.load('x')", "uses torch.load"),
        ("evaluation/judging.py", "import torch\ntorch.load('x', weights_only=True)", "uses torch.load"),
        ("core/files.py", "import numpy\nnumpy.load('x', allow_pickle=True)", "allow_pickle may only be False"),
        ("attic/old.py", "", "'attic' stands on no floor"),
        ("core/errors.py", "\n" * (LONGEST_FILE + 1), f"{LONGEST_FILE + 1} lines"),
        ("core/errors.py", "def f():" + "\n    pass" * LONGEST_FUNCTION, f"f has {LONGEST_FUNCTION + 1} lines"),
        ("core/errors.py", "def f(a, b, c, d, e, f, g, h, *, i, j, k): ...", "f has 11 parameters"),
    ],
)
def test_each_kind_of_breach_is_found(tmp_path: Path, module: str, source: str, complaint: str) -> None:
    write(tmp_path, module, source)
    assert len(found := violations(tmp_path)) == 1
    assert complaint in found[0]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("core/errors.py", "\n" * LONGEST_FILE),
        ("core/errors.py", "class A:\n    def f(self, a, b, c, d, e, f, g, h, *, i, j): ..."),
        ("nets/residual.py", "import torch\nfrom elmyr.core.errors import InputError\nfrom . import blocks"),
        ("engine/loop.py", "import json\nfrom elmyr.images import ImageSet\nfrom elmyr.engine import schedule"),
        ("metrics/frechet.py", "from scipy import linalg\nfrom elmyr.metrics.labels import accuracy"),
        ("core/files.py", "import numpy\nnumpy.load('x', allow_pickle=False)"),
        ("cli/train.py", "from elmyr.studies import study\nfrom ..report import page"),
        ("cli/app.py", "from elmyr import __version__"),
        ("cli/serve.py", "from elmyr.serving import serve"),
        ("__main__.py", "from elmyr.cli import main"),
        (FOREIGN_WEIGHTS, "import torch\ntorch.load('x', weights_only=True)"),
    ],
)
def test_what_the_design_allows_is_not_a_breach(tmp_path: Path, module: str, source: str) -> None:
    write(tmp_path, module, source)
    assert violations(tmp_path) == []


def test_a_circle_is_found_and_a_ladder_is_none() -> None:
    assert list(circles({"a": {"b"}, "b": {"c"}, "c": {"b"}})) == [["b", "c"]]
    assert list(circles({"a": {"b", "c"}, "b": {"c"}, "c": set()})) == []


def write(root: Path, module: str, source: str) -> None:
    path = root / module
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")
