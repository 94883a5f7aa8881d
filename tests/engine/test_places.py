"""A run is found by its path, as "latest", or by what knows its path: by all that open one alike."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from elmyr import GAN, Recognizer, Restorer, Translator
from elmyr.core.errors import InputError
from elmyr.core.files import write_json
from elmyr.engine import RunDirectory, open_run
from elmyr.engine.saving.places import place_of, run_path, told_of_runs
from elmyr.evaluation import evaluate
from elmyr.images import save_npz
from elmyr.studies import Study
from elmyr.tasks.gan import train
from elmyr.tasks.recognition import train_recognizer
from elmyr.tasks.restoration import train_restorer
from elmyr.tasks.translation import train_translator
from tests.conftest import small_image_set

TINY = {"network.base": 8, "network.latent": 8, "network.embedding": 4, "batch": 16}
LOADERS = {
    "GAN": GAN.load,
    "recognizer": Recognizer.load,
    "restorer": Restorer.load,
    "translator": Translator.load,
}
NO_GAN = "is the run of a study, not of a GAN: name one of its own runs, such as '.*all-seed-0'"
FROM_A_STUDY = {"GAN": NO_GAN, "recognizer": "the study '.*one' has no best recognizer yet: make it with elmyr resume"}
Loader = Callable[[Any], Any]


def begun(folder: Path, config: dict[str, str]) -> None:
    folder.mkdir(parents=True)
    write_json(folder / "config.json", config)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run of each kind under runs/, and a study."""
    folder = tmp_path_factory.mktemp("home")
    save_npz(small_image_set(60), folder / "blobs.npz")
    data = folder / "blobs.npz"
    train(data, out=folder / "runs" / "GAN", images=16, settings=TINY, device="cpu")
    recognizer = Recognizer(updates=1, base=8, dimension=8, device="cpu")
    train_recognizer(data, recognizer, out=folder / "runs" / "recognizer")
    train_restorer(data, out=folder / "runs" / "restorer", images=16, settings={"widths": (8, 8)}, device="cpu")
    train_translator(
        data, data, out=folder / "runs" / "translator", images=16, settings={"widths": (8, 8)}, device="cpu"
    )
    begun(folder / "studies" / "one", {"kind": "study"})
    begun(folder / "studies" / "one" / "runs" / "all-seed-0", {})
    return folder


@pytest.mark.parametrize("kind", LOADERS)
@pytest.mark.parametrize(
    "way",
    [lambda run: run, str, lambda run: RunDirectory(run), lambda run: run / "model", lambda run: "latest"],
    ids=["path", "text", "run", "model folder", "latest"],
)
def test_every_kind_of_model_is_loaded_by_every_name_of_its_run(
    home: Path, monkeypatch: pytest.MonkeyPatch, kind: str, way: Callable[[Path], Any]
) -> None:
    monkeypatch.chdir(home)
    model = LOADERS[kind](way(Path("runs") / kind))
    assert type(model).__name__.lower() == kind.lower()
    assert Path(kind) in {Path(each).relative_to("runs") for each in (model.path, model.path.parent)}


def test_a_loaded_gan_stands_for_its_run(home: Path) -> None:
    gan = GAN.load(home / "runs" / "GAN" / "model")
    assert open_run(gan, "GAN").path == home / "runs" / "GAN"


@pytest.mark.parametrize("kind", LOADERS)
def test_a_study_is_no_model_and_a_run_of_its_own_is_named(home: Path, kind: str) -> None:
    study = Study(home / "studies" / "one", {})
    told = FROM_A_STUDY.get(kind, f"is the run of a study, not of a {kind}: name another")
    with pytest.raises(InputError, match=told):
        LOADERS[kind](study)


@pytest.mark.parametrize(("kind", "other"), [("restorer", "GAN"), ("GAN", "translator"), ("translator", "restorer")])
def test_the_run_of_another_kind_is_refused_with_what_opens_it(home: Path, kind: str, other: str) -> None:
    opener = f"elmyr.{other if other == 'GAN' else other.capitalize()}.load"
    with pytest.raises(InputError, match=f"the run of a {other}, not of a {kind}: .* open it with {opener}"):
        LOADERS[kind](home / "runs" / other)


@pytest.mark.parametrize("load", LOADERS.values())
def test_latest_without_a_run_says_how_to_train_one(load: Loader) -> None:
    with pytest.raises(
        InputError, match="under 'runs': train one with 'elmyr (recognizer |restorer |translator )?train DATA'"
    ):
        load("latest")


@pytest.mark.parametrize("load", LOADERS.values())
@pytest.mark.parametrize("given", [3, None, small_image_set(3)], ids=["number", "None", "images"])
def test_what_is_no_run_is_refused(load: Loader, given: object) -> None:
    with pytest.raises(InputError, match=f"a run is meant, not {type(given).__name__}: give its path, 'latest', or"):
        load(given)


def test_a_model_that_was_never_saved_has_no_run() -> None:
    with pytest.raises(InputError, match="this Restorer has no run directory: save it"):
        place_of(Restorer())


def test_an_unfinished_run_says_how_to_resume_it(home: Path, tmp_path: Path) -> None:
    begun(tmp_path / "run", {})
    with pytest.raises(InputError, match="is not finished: elmyr resume"):
        GAN.load(tmp_path / "run")
    assert run_path(tmp_path / "run") == tmp_path / "run"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("runs/recogniser", "did you mean 'runs/recognizer'?"),
        ("recognizer", "did you mean 'runs/recognizer'?"),
        ("nope", "give one under 'runs', or latest"),
        ("no\0where", "give one under 'runs', or latest"),
    ],
)
def test_a_run_that_is_not_there_is_answered_with_one_that_is(
    home: Path, name: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    assert told_of_runs(name) == told
    with pytest.raises(InputError, match=re.escape(f"there is no run, file or folder '{name}': {told}")):
        evaluate(name)


def test_where_there_is_no_run_one_can_be_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="there is no run directory 'nope': train one with 'elmyr train DATA'"):
        run_path("nope")


@pytest.mark.parametrize("written", [{}, {"kind": "GAN"}, {"kind": "gan"}])
def test_a_gan_s_run_is_one_whatever_elmyr_wrote_it(tmp_path: Path, written: dict[str, str]) -> None:
    begun(tmp_path / "run", written)
    assert open_run(tmp_path / "run").kind == "gan"
    with pytest.raises(InputError, match="is the run of a GAN, not of a restorer"):
        open_run(tmp_path / "run", "restorer")
