"""`elmyr data info` and `elmyr data convert`, and the options that shape images, as a user runs them."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from elmyr.cli import main
from elmyr.core.errors import InputError
from elmyr.images import ImageSet, Shaping, open_source, save_images, save_npz, take_account
from elmyr.studies import StudyAsk
from tests.conftest import small_image_set


class Program:
    """The program inside this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys, self._monkeypatch = capsys, monkeypatch
        self.told = ""

    def __call__(self, *words: str | Path, code: int = 0) -> str:
        """What it prints; what it tells is kept."""
        self._monkeypatch.setattr("sys.argv", ["elmyr", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, self.told = self._capsys.readouterr()
        assert (ended.value.code or 0) == code, self.told
        return out

    def refused(self, *words: str | Path) -> str:
        """Its one line on stderr."""
        assert self(*words, code=2) == ""
        (line,) = self.told.splitlines()
        assert line.startswith("elmyr: ")
        return line


@pytest.fixture
def elmyr(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Program:
    return Program(capsys, monkeypatch)


def with_test_part(folder: Path) -> Path:
    """20 training and 10 test images, one of them leaked."""
    train, test = small_image_set(20, 2), small_image_set(10, 2, seed=1)
    test.images[3] = train.images[3]  # type: ignore[index]  # an array
    folder.mkdir()
    for part, images in (("train", train), ("test", test)):
        save_images(images, folder / part)
    return folder


# --- data info


def test_info_says_what_is_in_an_image_set(elmyr: Program, tmp_path: Path) -> None:
    images = np.zeros((5, 6, 4, 3), np.uint8)
    for place, image in enumerate(images):
        image[place, 2] = 50 * (place + 1)
    images[4] = images[1]
    save_npz(ImageSet(images, np.array([0, 1, 1, 1, 1]), ("cat", "dog")), tmp_path / "pets.npz")
    assert elmyr("data", "info", "pets.npz") == (
        "pets\n"
        "\n"
        "5 training images\n"
        "height x width  6x4\n"
        "modes           RGB\n"
        "2 classes       cat: 1, dog: 4\n"
        "pixels          0 to 200, mean 5.0\n"
        "duplicates      1 (4 = 1)\n"
        "\n"
        "Odd:\n"
        "- the classes are unbalanced: 4 images of 'dog', 1 of 'cat'\n"
    )
    assert elmyr.told == ""


def test_info_says_it_of_both_parts_and_what_is_odd(elmyr: Program, tmp_path: Path) -> None:
    said = elmyr("data", "info", with_test_part(tmp_path / "data")).splitlines()
    assert said[0] == "data"
    assert said.index("20 training images") < said.index("10 test images")
    assert [line for line in said if line.startswith("2 classes")] == [
        "2 classes       a: 10, b: 10",
        "2 classes       a: 5, b: 5",
    ]
    told = "- 1 test images are training images, too: figures of the test part will flatter"
    assert said[-2:] == ["Odd:", told]


def test_info_names_what_cannot_be_read_and_does_not_fail(elmyr: Program, tmp_path: Path) -> None:
    save_images(small_image_set(6, 2), tmp_path / "data")
    broken = sorted((tmp_path / "data" / "a").iterdir())[0]
    broken.write_bytes(b"not an image")
    said = elmyr("data", "info", "data")
    assert "\n5 training images\n" in said
    assert "\nunreadable      1 unreadable image ('a/000000.png': not an image)\n" in said


def test_many_sizes_and_classes_are_cut_short(elmyr: Program, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for number in range(1, 8):
        Image.new("L", (number, 2), 9).save(tmp_path / "data" / f"{number}.png")
    said = elmyr("data", "info", "data")
    assert "height x width  2x1: 1, 2x2: 1, 2x3: 1, 2x4: 1, 2x5: 1, … (2 more)\n" in said
    labels = np.arange(25)
    save_npz(ImageSet(np.zeros((25, 2, 2, 1), np.uint8), labels), tmp_path / "many.npz")
    assert "25 classes      0: 1, 1: 1," in (said := elmyr("data", "info", "many.npz"))
    assert "19: 1, … (5 more)\n" in said
    assert "duplicates      24 (1 = 0; 2 = 0; 3 = 0; 4 = 0; 5 = 0; …)\n" in said


def test_info_as_json_is_the_whole_account_on_one_line(elmyr: Program, tmp_path: Path) -> None:
    said = elmyr("data", "info", with_test_part(tmp_path / "data"), "--json")
    assert said.count("\n") == 1 and said.endswith("\n") and elmyr.told == ""
    content = json.loads(said)
    assert content == json.loads(json.dumps(take_account(tmp_path / "data").as_json()))
    assert (content["train"]["count"], content["test"]["count"], content["leaked"]) == (20, 10, 1)


def test_hostile_names_stay_on_the_one_line_of_json(elmyr: Program, tmp_path: Path) -> None:
    save_npz(ImageSet(small_image_set(4).images, np.arange(4), ("x\ny", 'say "a"', "é", "\u2028")), tmp_path / "h.npz")
    said = elmyr("data", "info", "h.npz", "--json")
    assert said.count("\n") == 1
    assert json.loads(said)["train"]["classes"] == {"x\ny": 1, 'say "a"': 1, "é": 1, "\u2028": 1}


@pytest.mark.parametrize("as_json", [True, False])
def test_info_draws_some_images_of_each_class(elmyr: Program, blobs_file: Path, tmp_path: Path, as_json: bool) -> None:
    said = elmyr("data", "info", blobs_file, "--grid", "grid.PNG", *["--json"] * as_json)
    assert ("a: 40, b: 40, c: 40" in said) != as_json
    with Image.open(tmp_path / "grid.PNG") as picture:
        assert picture.format == "PNG" and picture.size == (6 * (10 * 9 - 1), 6 * (3 * 9 - 1))


@pytest.mark.parametrize(
    ("grid", "expected"),
    [("grid.npz", "suffix .png"), ("grid", "suffix .png"), ("no/grid.png", "no/grid.png"), ("a.png", "it is a folder")],
)
def test_a_grid_that_cannot_be_drawn_is_refused_before_anything_is_read(
    elmyr: Program, tmp_path: Path, grid: str, expected: str
) -> None:
    (tmp_path / "a.png").mkdir()
    assert expected in elmyr.refused("data", "info", "no such data", "--grid", grid)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_info_writes_nothing_where_it_is_not_asked_to(elmyr: Program, blobs_file: Path, tmp_path: Path) -> None:
    elmyr("data", "info", blobs_file)
    assert list(tmp_path.iterdir()) == [blobs_file]


def test_data_alone_shows_its_commands(elmyr: Program) -> None:
    said = elmyr("data")
    assert "  info  " in said and "  convert  " in said and elmyr.told == ""
    assert said == elmyr("data", "--help")
    assert "did you mean 'info'" in elmyr.refused("data", "inof").lower()


# --- data convert


@pytest.mark.parametrize("out", ["out", "out.npz", "out.parquet", "out.tar"])
def test_convert_writes_every_form_and_says_what_to_do_next(
    elmyr: Program, blobs_file: Path, tmp_path: Path, out: str
) -> None:
    assert elmyr("data", "convert", blobs_file, out) == ""
    assert elmyr.told == f"written: {out}\nnext:  elmyr data info {out}\n"
    assert open_source(tmp_path / out).train.digest() == open_source(blobs_file).train.digest()
    assert "120 training images" in elmyr("data", "info", out)


def test_convert_keeps_the_test_part_and_names_both(elmyr: Program, tmp_path: Path) -> None:
    with_test_part(tmp_path / "data")
    assert json.loads(elmyr("data", "convert", "data", "out", "--json")) == {"written": ["out/train", "out/test"]}
    assert elmyr.told == ""
    elmyr("data", "convert", "data", "x.tar")
    assert elmyr.told.splitlines()[0] == "written: train-x.tar, test-x.tar"
    source, again = open_source("data"), open_source("out")
    assert source.test is not None and again.test is not None
    assert again.train.digest() == source.train.digest() and again.test.digest() == source.test.digest()


def test_convert_is_silent_when_asked(elmyr: Program, blobs_file: Path, tmp_path: Path) -> None:
    assert elmyr("data", "convert", blobs_file, "a.npz", "--quiet") == ""
    assert elmyr.told == "" and (tmp_path / "a.npz").is_file()


def test_convert_shapes_as_the_options_say(elmyr: Program, blobs_file: Path) -> None:
    options = ["--size", "10x12", "--fit", "pad", "--channels", "3", "--classes", "c,a", "--limit", "30"]
    said = elmyr("data", "convert", blobs_file, "out", *options, "--json")
    assert said == '{"written": ["out"]}\n'
    images = open_source("out").train
    assert images.images.shape == (30, 10, 12, 3) and images.classes == ("c", "a")
    assert np.bincount(images.require_labels()).tolist() == [15, 15]
    shaping = Shaping(size=(10, 12), fit="pad", channels=3, classes=("c", "a"), limit=30)
    assert images.digest() == open_source(blobs_file, shaping=shaping).train.digest()


def test_what_is_in_the_way_is_refused_in_a_line_and_stays(elmyr: Program, blobs_file: Path, tmp_path: Path) -> None:
    with_test_part(tmp_path / "data")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "keep.txt").write_text("mine")
    (tmp_path / "x-000000.tar").touch()
    (tmp_path / "folder.npz").mkdir()
    before = sorted(tmp_path.rglob("*"))
    for source, out, expected in [
        (blobs_file, "full", "'full' cannot be written (it holds files already): choose another place"),
        ("data", "full", "'full' cannot be written (it holds files already): choose another place"),
        (blobs_file, "x.tar", "'x-000000.tar' is a shard of an older set"),
        (blobs_file, "folder.npz", "it is a folder"),
        (blobs_file, "no/x.npz", "no/x.npz"),
        (blobs_file, ".hidden", "does not begin with a dot"),
        (blobs_file, "x.gif", "suffix .npz or .png or .parquet or .tar, or none for a folder"),
        ("mnits", "x.npz", "did you mean 'mnist'"),
    ]:
        assert expected in elmyr.refused("data", "convert", source, out)
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "full" / "keep.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--size", "9x"], "the size is '9x'"),
        (["--size", "0"], "from 1 to 4096"),
        (["--size", "9" * 5000], "give pixels, as 28"),
        (["--fit", "squeeze"], "--fit"),
        (["--channels", "2"], "1 for gray or 3 for RGB"),
        (["--channels", "4"], "--channels"),
        (["--classes", "a,d"], "no class 'd'"),
        (["--classes", "a,"], "no class ''"),
        (["--classes", "a,a"], "name one twice"),
        (["--limit", "0"], "--limit"),
        (["--imbalance", "0.9"], "at least 1"),
        (["--imbalance", "nan"], "at least 1"),
        (["--imbalance", "inf"], "at least 1"),
        (["--imbalance", "10"], "thinning out is for training"),
        (["--labels-per-class", "3"], "thinning out is for training"),
        (["--labels-per-class", "0"], "--labels-per-class"),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, list) else "",
)
def test_options_that_cannot_be_are_told_in_one_line(
    elmyr: Program, blobs_file: Path, tmp_path: Path, words: list[str], expected: str
) -> None:
    assert expected in elmyr.refused("data", "convert", blobs_file, "out", *words)
    assert list(tmp_path.iterdir()) == [blobs_file]


def test_images_of_several_sizes_are_converted_once_a_size_is_given(elmyr: Program, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for number, size in enumerate([(8, 8), (9, 8), (8, 8)]):
        Image.new("L", size, 9).save(tmp_path / "data" / f"{number}.png")
    line = elmyr.refused("data", "convert", "data", "out.npz")
    assert "image '1.png' is 8x9, the others are 8x8: resize them to one size, or pass --size 8x8" in line
    assert "or at another --size" in elmyr("data", "info", "data")
    elmyr("data", "convert", "data", "out.npz", "--size", "8x8", "--quiet")
    assert open_source("out.npz").train.images.shape == (3, 8, 8, 1)


def test_skipped_images_are_told_on_stderr(elmyr: Program, tmp_path: Path) -> None:
    save_images(small_image_set(120), tmp_path / "data")
    (tmp_path / "data" / "a" / "000003.png").write_bytes(b"not an image")
    with warnings.catch_warnings():
        warnings.simplefilter("default")  # the tests make errors of them
        assert elmyr("data", "convert", "data", "out.npz", "--json") == '{"written": ["out.npz"]}\n'
    assert elmyr.told == ("elmyr: warning: 'data': 1 unreadable image ('a/000003.png': not an image) skipped\n")
    assert len(open_source("out.npz").train) == 119


# --- the same options before a training


WORDS = ["--size", "16x8", "--fit", "stretch", "--channels", "3", "--range=-1:16", "--classes", "b,a", "--limit", "90"]
THIN = ["--labels-per-class", "20", "--imbalance", "5"]
FORM = Shaping(size=(16, 8), fit="stretch", channels=3, range=(-1, 16), classes=("b", "a"), limit=90)
MEANT = FORM.model_copy(update={"labels_per_class": 20, "imbalance": 5.0})


@pytest.mark.parametrize(
    ("library", "words", "thin", "meant"),
    [
        ("elmyr.engine.run.train", ["train", "data.npz"], THIN, MEANT),
        ("elmyr.evaluation.evaluate", ["evaluate", "samples.npz", "--data", "data.npz"], THIN, MEANT),
        ("elmyr.evaluation.compare", ["compare", "one.npz", "two.npz", "--data", "data.npz"], [], FORM),
    ],
    ids=["train", "evaluate", "compare"],
)
def test_every_command_that_opens_data_hands_on_what_the_options_ask_for(
    elmyr: Program, monkeypatch: pytest.MonkeyPatch, library: str, words: list[str], thin: list[str], meant: Shaping
) -> None:
    got: list[Any] = []

    def called(*given: Any, **options: Any) -> None:
        got.append(options["shaping"] if "shaping" in options else given[1].asked.shaping)
        raise InputError("that is enough")

    monkeypatch.setattr(library, called)
    for options, asked in (([*WORDS, *thin], meant), ([], Shaping()), (meant.as_words(), meant)):
        assert "that is enough" in elmyr.refused(*words, *options)
        assert got.pop() == asked


def test_a_study_hands_on_the_form_and_each_trouble_by_itself(elmyr: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[StudyAsk] = []

    def called(ask: StudyAsk, **how: Any) -> None:
        got.append(ask)
        raise InputError("that is enough")

    monkeypatch.setattr("elmyr.studies.conduct", called)
    troubles = ["--labels-per-class", "5,all", "--label-noise", "all,0.2", "--imbalance", "10"]
    assert "that is enough" in elmyr.refused("study", "data.npz", *WORDS, *troubles)
    (ask,) = got
    assert ask.shaping == MEANT.model_copy(update={"labels_per_class": None, "imbalance": None})
    assert (ask.labels_per_class, ask.label_noise) == ([5, None], [0.0, 0.2])
    assert (ask.imbalance, ask.images_per_class) == ([10.0], None)


def test_a_training_takes_the_options_from_the_command_line_into_its_config(elmyr: Program, blobs_file: Path) -> None:
    tiny = ["--images", "32", "--set", "network.base=8", "--set", "batch=16", "--device", "cpu", "--quiet"]
    said = elmyr("train", blobs_file, "--out", "run", *WORDS, *THIN, *tiny, "--json")
    assert json.loads(said)["run"].endswith("run")
    config = json.loads(Path("run/config.json").read_text())
    assert Shaping.model_validate(config["data"]["shaping"]) == MEANT
    assert config["gan"]["classes"] == ["b", "a"]
    assert [config["gan"][name] for name in ("height", "width", "channels")] == [16, 8, 3]
    assert config["data"]["images"] == 20 + 5  # a fifth of the 27 that there are
