"""The house of the design: what imports what, what is never used, and how long a file may be.

A package imports only from the floors below its own, so that each can be read, tested and replaced without
what stands on it.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "elmyr"

FLOORS = [
    {"errors", "lazy", "notes", "synonyms", "version"},
    {"amounts", "calls", "former", "tables", "seeds", "files", "arrays", "machine", "skeleton"},
    {"plugins"},
    {"images", "nets", "runs", "metrics", "objectives", "auxiliary", "penalties", "augment", "textures"},
    {"gan"},
    {"training"},
    {"recognition", "restoration", "editing", "robustness"},
    {"translation"},
    {"evaluation"},
    {"study", "studies", "report", "doctor"},
    {"resuming"},
    {"__init__"},
    {"serving"},
    {"cli"},
    {"__main__"},
]
FLOOR_OF = {package: floor for floor, packages in enumerate(FLOORS) for package in packages}

# What a package may not import although it stands on no floor: the metrics know no tensor, the nets no file.
FORBIDDEN = {
    "metrics": {"torch", "elmyr.files", "elmyr.machine"},
    "nets": {"json", "os", "pathlib", "io", "shutil", "tomllib", "safetensors", "elmyr.files"},
}
PICKLES = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "torch.load"}
LONGEST = 400


def violations(root: Path) -> list[str]:
    """Every breach of the house's rules in the package at `root`, as `file:line: what`."""
    return [
        f"{path.relative_to(root)}:{line}: {what}"
        for path in sorted(root.rglob("*.py"))
        for line, what in breaches(path.relative_to(root), path.read_text(encoding="utf-8"))
    ]


def breaches(module: Path, source: str) -> Iterator[tuple[int, str]]:
    package = module.parts[0].removesuffix(".py")
    if package not in FLOOR_OF:
        yield 1, f"'{package}' stands on no floor: give it one in FLOORS"
        return
    if (length := len(source.splitlines())) > LONGEST:
        yield length, f"{length} lines: past {LONGEST} it is two ideas"

    tree = ast.parse(source, filename=str(module))
    for line, name in imported(tree, module):
        if not allowed(package, name):
            yield line, f"{package} imports {name}"
    for node in ast.walk(tree):
        match node:
            case ast.Attribute() if (name := ast.unparse(node)) in PICKLES:
                yield node.lineno, f"uses {name}: no pickle, ever"
            case ast.keyword(arg="allow_pickle") if ast.unparse(node.value) != "False":
                yield node.value.lineno, "allow_pickle may only be False"


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


def allowed(package: str, name: str) -> bool:
    banned = FORBIDDEN.get(package, set()) | PICKLES
    if any(name == entry or name.startswith(f"{entry}.") for entry in banned):
        return False
    top, *rest = name.split(".")
    if top != "elmyr":
        return True
    target = rest[0] if rest and rest[0] in FLOOR_OF else "__init__"  # where `from elmyr import GAN` goes
    return target == package or FLOOR_OF[target] < FLOOR_OF[package]


def test_every_package_imports_only_from_floors_below() -> None:
    assert violations(SOURCE) == []


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        ("nets/convolution.py", "from elmyr.gan import GAN", "nets imports elmyr.gan.GAN"),
        ("nets/convolution.py", "from ..training import loop", "nets imports elmyr.training.loop"),
        ("nets/convolution.py", "from elmyr.images import ImageSet", "nets imports elmyr.images.ImageSet"),
        ("nets/convolution.py", "import pathlib", "nets imports pathlib"),
        ("nets/convolution.py", "def f():\n    import json", "nets imports json"),
        ("metrics/frechet.py", "import torch.nn", "metrics imports torch.nn"),
        ("metrics/frechet.py", "import elmyr.nets", "metrics imports elmyr.nets"),
        ("gan.py", "from elmyr.training import loop", "gan imports elmyr.training.loop"),
        ("gan.py", "from . import training", "gan imports elmyr.training"),
        ("study.py", "from elmyr.report import page", "study imports elmyr.report.page"),
        ("evaluation/features.py", "from elmyr.study import run", "evaluation imports elmyr.study.run"),
        ("training/loop.py", "import elmyr", "training imports elmyr"),
        ("training/loop.py", "from elmyr import GAN", "training imports elmyr.GAN"),
        ("report/page.py", "from elmyr.cli import main", "report imports elmyr.cli.main"),
        ("serving/page.py", "from elmyr.cli import main", "serving imports elmyr.cli.main"),
        ("report/page.py", "from elmyr.serving import serve", "report imports elmyr.serving.serve"),
        ("seeds.py", "import pickle", "seeds imports pickle"),
        ("gan.py", "from torch import load", "gan imports torch.load"),
        ("gan.py", "import torch\ntorch.load('x')", "uses torch.load"),
        ("files.py", "import numpy\nnumpy.load('x', allow_pickle=True)", "allow_pickle may only be False"),
        ("attic/old.py", "", "'attic' stands on no floor"),
        ("errors.py", "\n" * (LONGEST + 1), f"{LONGEST + 1} lines"),
    ],
)
def test_each_kind_of_breach_is_found(tmp_path: Path, module: str, source: str, complaint: str) -> None:
    write(tmp_path, module, source)
    assert len(found := violations(tmp_path)) == 1
    assert complaint in found[0]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("errors.py", "\n" * LONGEST),
        ("nets/residual.py", "import torch\nfrom elmyr.errors import InputError\nfrom . import blocks"),
        ("training/loop.py", "import json\nfrom elmyr.gan import GAN\nfrom elmyr.training import schedule"),
        ("metrics/frechet.py", "from scipy import linalg\nfrom elmyr.metrics.labels import accuracy"),
        ("files.py", "import numpy\nnumpy.load('x', allow_pickle=False)"),
        ("cli/train.py", "from elmyr.study import study\nfrom ..report import page"),
        ("cli/app.py", "from elmyr import __version__"),
        ("cli/serve.py", "from elmyr.serving import serve"),
        ("__main__.py", "from elmyr.cli import main"),
    ],
)
def test_what_the_design_allows_is_not_a_breach(tmp_path: Path, module: str, source: str) -> None:
    write(tmp_path, module, source)
    assert violations(tmp_path) == []


def write(root: Path, module: str, source: str) -> None:
    path = root / module
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")
