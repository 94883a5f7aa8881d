"""Images of any form, read by a run: in the form that it was trained on, a row for each whatever it is."""

import csv
import io
import json
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from elmyr import Recognizer
from elmyr.cli import main
from elmyr.core.errors import InputError
from elmyr.core.files import read_json, write_json
from elmyr.core.notes import Note
from elmyr.images import ImageSet, Shaping, load_images, save_npz
from elmyr.tasks.recognition import open_recognizer, train_recognizer
from elmyr.tasks.recognition.predicting import predictions
from elmyr.tasks.recognition.predicting.prediction_rows import CsvRows, JsonRows, TableRows
from elmyr.tasks.recognition.predicting.predictions import Prediction
from tests.conftest import small_image_set

QUICK: dict[str, Any] = {"updates": 40, "batch": 48, "base": 8, "dimension": 16, "device": "cpu"}
PADDED = Shaping(size=(8, 8), fit="pad")


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was trained on wide color images, padded into squares."""
    folder = tmp_path_factory.mktemp("predict")
    blobs = small_image_set(240)
    wide = np.repeat(np.repeat(blobs.images[:], 2, axis=2), 3, axis=3)
    save_npz(ImageSet(wide, blobs.labels, blobs.classes), folder / "wide.npz")
    recognizer = Recognizer(method="supervised", **QUICK)
    return train_recognizer(folder / "wide.npz", recognizer, out=folder / "run", shaping=PADDED).path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twelve pictures of other sizes and modes, one of them damaged."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, pixels in enumerate(small_image_set(12).images[:], 1):
        picture = Image.fromarray(pixels[..., 0]).resize((64, 32), Image.Resampling.NEAREST)
        picture.convert(("L", "RGB", "LA", "P")[number % 4]).save(folder / f"{number}.png")
    (folder / "10.png").write_bytes(b"no image")
    return folder


def call(monkeypatch: pytest.MonkeyPatch, *words: object, stdin: bytes = b"") -> int:
    monkeypatch.setattr("sys.argv", ["elmyr", *map(str, words)])
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(stdin)))
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def classes_of(found: Sequence[Prediction]) -> list[str | None]:
    return [one.class_name for one in found]


def test_files_of_any_form_are_brought_into_the_form_of_the_training(reader: Path, photos: Path) -> None:
    found = Recognizer.load(reader).predict_files(photos)
    assert [Path(one.file).name for one in found] == [f"{number}.png" for number in range(1, 13)]
    assert [one.error for one in found] == [None] * 9 + ["not an image"] + [None] * 2
    expected = [None if number == 9 else "abc"[number % 3] for number in range(12)]
    assert classes_of(found) == expected
    for one in found:
        if one.error is None:
            assert one.probabilities[str(one.class_name)] == one.probability == max(one.probabilities.values())
            assert sum(one.probabilities.values()) == pytest.approx(1)
    assert found[9] == Prediction(str(photos / "10.png"), None, None, {}, "not an image")


def test_it_is_the_same_form_to_the_pixel_as_that_of_the_training(reader: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (30, 70, 3), dtype=np.uint8)).save(tmp_path / "a.png")
    recognizer = Recognizer.load(reader)
    assert recognizer.preparation_ == Shaping(size=(8, 8), fit="pad", channels=3)
    (one,) = recognizer.predict_files([tmp_path / "a.png"])
    (tmp_path / "folder").mkdir()
    os.rename(tmp_path / "a.png", tmp_path / "folder" / "a.png")
    trained_on = load_images(tmp_path / "folder", shaping=PADDED).images
    assert list(one.probabilities.values()) == recognizer.predict_proba(trained_on)[0].tolist()


def test_a_recognizer_is_loaded_from_a_run_a_folder_or_latest(
    reader: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = Recognizer.load(reader).predict_files([photos])
    Recognizer.load(reader).save(tmp_path / "saved")
    assert Recognizer.load(tmp_path / "saved").predict_files([photos]) == expected
    monkeypatch.chdir(reader.parent)
    Path("runs").mkdir(exist_ok=True)
    os.symlink(reader, "runs/00000-reader")
    assert Recognizer.load("latest").predict_files(str(photos)) == expected
    with pytest.raises(InputError, match="no run directory"):
        Recognizer.load("nowhere")


def test_a_run_from_before_the_form_was_saved_has_it_from_its_config(reader: Path, tmp_path: Path) -> None:
    run = tmp_path / "old"
    (run / "model").mkdir(parents=True)
    for name in ("config.json", "summary.json", "model/recognizer.json", "model/recognizer.safetensors"):
        (run / name).write_bytes((reader / name).read_bytes())
    content = read_json(run / "model" / "recognizer.json")
    del content["preparation"]
    write_json(run / "model" / "recognizer.json", content)
    assert open_recognizer(run).preparation_ == Shaping(size=(8, 8), fit="pad", channels=3)
    (run / "config.json").unlink()
    assert open_recognizer(run / "model").preparation_ == Shaping(size=(8, 8), channels=3)


def test_arrays_have_the_form_that_they_had(photos: Path) -> None:
    blobs = small_image_set(60)
    recognizer = Recognizer(**QUICK).fit(blobs.images[:], np.array(blobs.classes)[blobs.require_labels()])
    assert classes_of(recognizer.predict_files([photos / "1.png", photos / "2.png"])) == ["a", "b"]
    assert recognizer.preparation_ == Shaping(size=(8, 8), channels=1)


def test_arrays_of_another_size_are_refused_with_what_prepares_them(reader: Path) -> None:
    recognizer, large = Recognizer.load(reader), small_image_set(12, size=16).images[:]
    with pytest.raises(InputError, match=r"recognizer.prepared\(X\) makes them so"):
        recognizer.predict(large)
    assert recognizer.prepared(large).shape == (12, 8, 8, 3)
    assert recognizer.predict(recognizer.prepared(large)).shape == (12,)


def test_below_the_least_probability_there_is_no_class(reader: Path, photos: Path) -> None:
    recognizer = Recognizer.load(reader)
    shares = sorted(one.probability for one in recognizer.predict_files(photos) if one.probability is not None)
    found = recognizer.predict_files(photos, least=shares[5])
    assert sum(one.class_name is not None for one in found) == 6  # of eleven
    assert all(one.class_name is None for one in found if (one.probability or 0) < shares[5])
    with pytest.raises(InputError, match="from 0 to 1"):
        recognizer.predict_files(photos, least=1.5)


def test_a_digit_is_cut_out_only_where_that_is_asked_for(reader: Path, tmp_path: Path) -> None:
    sheet = np.full((600, 800), 230, np.uint8)
    sheet[200:420, 380:410] = 20
    Image.fromarray(sheet).save(tmp_path / "digit.jpg")
    Image.new("L", (90, 90), 200).save(tmp_path / "empty.png")
    paths = [tmp_path / "digit.jpg", tmp_path / "empty.png"]
    recognizer = Recognizer.load(reader)
    with pytest.warns(Note, match="--prepare digit"):
        as_it_is = recognizer.predict_files(paths)
    as_digit = recognizer.predict_files(paths, prepare="digit")
    assert as_it_is[0].probabilities != as_digit[0].probabilities and as_it_is[1].error is None
    assert "nothing is drawn" in str(as_digit[1].error)
    with pytest.raises(InputError, match="did you mean 'digit'"):
        recognizer.predict_files(paths, prepare="digits")  # type: ignore[arg-type]  # what a user may write


def test_what_is_no_image_has_a_row_whatever_it_is(
    reader: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "raw.nef").write_bytes(b"II*")
    (tmp_path / "folder.png").mkdir()
    Image.new("L", (8, 8)).save(tmp_path / "folder.png" / "inside.png")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "gone.png").symlink_to("nowhere")
    whole = (photos / "1.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    header = b"IHDR" + struct.pack(">IIBBBBB", 20_000, 20_000, 8, 0, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    (tmp_path / "huge.png").write_bytes(start + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT")))
    Image.new("F", (8, 8), 70_000).save(tmp_path / "floats.tif")
    files = ("empty", "folder", "pipe", "gone", "cut", "huge", "none")
    names = [*(f"{name}.png" for name in files), "floats.tif", "raw.nef"]
    found = Recognizer.load(reader).predict_files([*(tmp_path / name for name in names), photos / "1.png"])
    reasons = {Path(one.file).name: one.error for one in found}
    assert reasons.pop("inside.png") is None and reasons.pop("1.png") is None and found[-1].class_name == "a"
    assert reasons["raw.nef"] == "a .nef file is not read here: convert to PNG"
    assert reasons["pipe.png"] == "not a file" and reasons["gone.png"] == "leads nowhere"
    assert reasons["none.png"] == "no such file"
    assert "far too large" in str(reasons["huge.png"]) and "pass --range" in str(reasons["floats.tif"])
    assert reasons["empty.png"] == "not an image" and reasons["cut.png"] is not None


def test_many_files_are_read_in_parts(reader: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recognizer = Recognizer.load(reader)
    expected = recognizer.predict_files(photos)
    monkeypatch.setattr(predictions, "CHUNK", 5)
    for one, other in zip(recognizer.predict_files(photos), expected, strict=True):
        assert one[:2] == other[:2] and one.error == other.error
        assert list(one.probabilities.values()) == pytest.approx(list(other.probabilities.values()), abs=1e-6)


@pytest.mark.parametrize("command", [["predict"], ["recognizer", "apply"]])
def test_the_command_writes_a_row_a_file(
    reader: Path,
    photos: Path,
    tmp_path: Path,
    command: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    odd = ["猫, 犬.png", 'two\n"lines".png', "ü.png"]
    for name in odd:
        (photos / name).write_bytes((photos / "1.png").read_bytes())
    assert call(monkeypatch, *command, reader, photos, "--out", "read.csv", "--bom") == 0
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err == "15 images, 1 could not be read\n"
    assert (tmp_path / "read.csv").read_bytes().startswith(b"\xef\xbb\xbffile,class,probability,error,a,b,c\n")
    with (tmp_path / "read.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == [str(photos / f"{n}.png") for n in range(1, 13)] + [
        str(photos / name) for name in sorted(odd, key=str.casefold)
    ]
    assert [row["class"] for row in rows[:12]] == ["" if n == 9 else "abc"[n % 3] for n in range(12)]
    assert rows[9]["error"] == "not an image" and rows[9]["probability"] == rows[9]["a"] == ""
    assert all(float(row["probability"]) == max(float(row[name]) for name in "abc") for row in rows if row["class"])

    assert call(monkeypatch, *command, reader, f"{photos}/1*.png", "--json", "--top", 2, "--quiet") == 0
    captured = capsys.readouterr()
    lines = [json.loads(line) for line in captured.out.splitlines()]
    assert captured.err == "" and [Path(line["file"]).name for line in lines] == [
        *("1.png", "10.png", "11.png", "12.png")
    ]
    assert lines[0].keys() == {"file", "class", "probability", "probabilities", "error"}
    assert next(iter(lines[0]["probabilities"])) == lines[0]["class"] == "a" and len(lines[0]["probabilities"]) == 2
    assert lines[1] == {"file": str(photos / "10.png"), "class": None, "probability": None, "probabilities": {}} | {
        "error": "not an image"
    }


def test_lists_data_sets_and_files_go_together(
    reader: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save_npz(small_image_set(6), photos / "set.npz")
    listed = f"{photos}/2.png\n{photos}/nowhere.png\n".encode()
    words = [reader, photos / "1.png", "-", photos / "set.npz"]
    assert call(monkeypatch, "predict", *words, "--out", photos / "out.jsonl", stdin=listed) == 0
    told = [json.loads(line) for line in (photos / "out.jsonl").read_text().splitlines()]
    assert [Path(line["file"]).name for line in told] == ["1.png", "2.png", "nowhere.png", *"012345"]
    assert [line["error"] for line in told if line["error"]] == ["no such file"]
    assert capsys.readouterr().err == "9 images, 1 could not be read\n"
    assert call(monkeypatch, "predict", reader, "digits", "--limit", 20, "--classes", "3,8", "--top", 1) == 0
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows[0] == ["file", "class", "probability", "error", "class 1", "probability 1"] and len(rows) == 21
    assert all(row[0].isdecimal() and row[1] == row[4] and row[2] == row[5] for row in rows[1:])


def test_unsure_and_passed_over_are_counted(
    reader: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / "notes.txt").touch()
    with pytest.warns(Note, match="passed over, as they are no images: 1 .txt"):
        assert len(Recognizer.load(reader).predict_files(photos)) == 12
    assert call(monkeypatch, "predict", reader, photos, "--least", "1") == 0
    captured = capsys.readouterr()
    assert captured.err == "12 images, 1 could not be read, 11 unsure; passed over: 1 .txt\n"
    assert {row["class"] for row in csv.DictReader(io.StringIO(captured.out))} == {""}


def test_only_where_nothing_can_be_read_the_command_fails(
    reader: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "predict", reader, photos / "10.png", "--out", photos / "out.csv") == 1
    assert capsys.readouterr().err == "1 image, 1 could not be read\n"
    assert (photos / "out.csv").read_text().splitlines()[1].endswith("10.png,,,not an image,,,")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "there is no file or folder 'nowhere': check the path"),
        (["digit"], "did you mean 'digits'?"),
        (["photos/*.bmp"], "'photos/*.bmp' matches no file"),
        (["empty"], "'empty' has no images"),
        (["-"], "the list of paths on standard input is empty"),
        (["photos", "--out", "read.xlsx"], "give it the suffix .csv or .jsonl"),
        (["photos", "--out", "nowhere/read.csv"], "a folder that exists"),
        (["photos", "--bom"], "add --out FILE.csv"),
        (["photos", "--out", "a.jsonl", "--bom"], "add --out FILE.csv"),
        (["photos", "--least", "80"], "--least"),
        (["photos", "--channels", "1"], "takes 3 channels: leave out --channels"),
        (["photos", "--classes", "a"], "has no classes to choose from"),
        (["photos/1.png", "--limit", "5"], "--classes and --limit choose from data sets"),
    ],
)
def test_wrong_words_are_one_line_and_exit_code_2(
    reader: Path,
    photos: Path,
    words: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("empty").mkdir()
    (photos / "10.png").unlink()
    assert call(monkeypatch, "predict", reader, *words) == 2
    captured = capsys.readouterr()
    assert message in captured.err and captured.err.count("\n") == 1 and captured.out == ""
    assert not list(Path().glob("*.csv")) and not list(Path().glob("*.jsonl"))


def test_a_table_stands_in_columns_and_names_on_one_line() -> None:
    file = io.StringIO()
    rows = TableRows(file, ["猫", "dog"], names=["a\nb.png", "c.png"])
    rows.add(Prediction("a\nb.png", "猫", 0.987, {"猫": 0.987, "dog": 0.013}))
    rows.add(Prediction("c.png", None, 0.6, {"猫": 0.6, "dog": 0.4}))
    rows.add(Prediction("d.png", None, None, {}, "not an image"))
    lines = file.getvalue().splitlines()
    assert lines[1:] == [
        "a\\nb.png  猫      98.7%",
        "c.png     unsure  60.0%",
        "d.png     error   not an image",
    ]


def test_names_that_are_no_text_or_clash_are_written_so_that_they_can_be_read() -> None:
    name, file = os.fsdecode(b"\xff.png"), io.StringIO()
    shares = {"file": 0.75, "b": 0.25}
    CsvRows(file, list(shares)).add(Prediction(name, "file", 0.75, shares))
    assert file.getvalue() == "file,class,probability,error,class file,b\n\\xff.png,file,0.7500,,0.7500,0.2500\n"
    file = io.StringIO()
    JsonRows(file, list(shares)).add(Prediction(name, "file", 0.75, shares))
    assert json.loads(file.getvalue())["file"] == "\\xff.png"


def test_a_prediction_waits_for_neither_scikit_learn_nor_scipy(reader: Path, photos: Path) -> None:
    program = (
        "import sys; from elmyr.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "slow = sorted({'sklearn', 'scipy', 'fastapi', 'matplotlib', 'pyarrow'} & set(sys.modules))\n"
        "print('slow:', slow, file=sys.stderr)"
    )
    words = ["predict", str(reader), str(photos)]
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "slow: []" and done.stdout.count("\n") == 13


@pytest.mark.parametrize("inverted", [False, True])
def test_images_on_the_opposite_ground_are_named_and_characters_take_that_of_the_training(
    inverted: bool, tmp_path: Path
) -> None:
    blobs = small_image_set(240)
    pixels = blobs.images[:] // 2  # of a dark ground
    pixels[:, [0, -1]] = 0
    pixels[:, :, [0, -1]] = 0
    own = 255 - pixels if inverted else pixels
    recognizer = Recognizer(method="supervised", **QUICK).fit(own, blobs.labels)
    recognizer.save(tmp_path / "saved")
    for name, image in (("a", 255 - own[0]), ("b", own[1]), ("c", 255 - own[2])):
        Image.fromarray(image[..., 0]).save(tmp_path / f"{name}.png")
    loaded = Recognizer.load(tmp_path / "saved")
    with pytest.warns(Note, match=r"2 of 3 images are .* at the edges, .*--prepare digit"):
        loaded.predict_files(sorted(tmp_path.glob("*.png")))
    as_digits = loaded.predict_files(sorted(tmp_path.glob("*.png")), prepare="digit")  # tells nothing
    assert [one.error for one in as_digits] == [None] * 3
    same, turned_over = (loaded.prepared(some, prepare="digit").astype(int) for some in (own[:2], 255 - own[:2]))
    assert np.abs(same - turned_over).mean() < 40 and (same.mean() > 128) == inverted
    with pytest.warns(Note, match=r"1 of 1 images is .* at the edges"):
        loaded.prepared(255 - own[:1])
    for path in ("a.png", [tmp_path / "a.png"]):
        with pytest.raises(InputError, match=r"X is a path: recognizer\.predict_files"):
            loaded.predict(path)  # type: ignore[arg-type]  # what a user may write
    mirrored = loaded.predict_files([tmp_path / "b.png"], prepare="digit")[0]
    Image.fromarray(255 - own[1][..., 0]).save(tmp_path / "d.png")
    turned = loaded.predict_files([tmp_path / "d.png"], prepare="digit")[0]
    assert mirrored.probability == pytest.approx(turned.probability, abs=0.02)
