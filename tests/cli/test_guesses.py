"""Words of other tools for commands and options are answered with elmyr's own, as a line that works when copied."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from elmyr.cli import main
from elmyr.cli.app import SECOND_NAMES, app
from elmyr.cli.helping.guesses import corrected
from elmyr.cli.helping.rewording import Rewording
from elmyr.core.errors import nearest, suggestion
from elmyr.core.synonyms import COMMANDS, OPTIONS, Instead
from elmyr.engine.rules import flattened
from elmyr.images import open_source, split_source
from elmyr.tasks.gan.config import choices_of
from elmyr.tasks.restoration.config import RestorerChoices
from elmyr.tasks.translation.config import TranslatorChoices

PROGRAM: Any = typer.main.get_command(app)
VALUES = {  # where not 3
    "--against {}": "test",
    "--budget {}": "2h",
    "--least {}": "0.8",
    "--method {}": "restorer",
    "--sure {}": "0.9",
}


def commands(group: Any = PROGRAM, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def parsed(line: str) -> tuple[str, ...]:
    """The command that a line names; raises where it does not understand the words behind it."""
    command, path, words = PROGRAM, [], shlex.split(line)[1:]
    while hasattr(command, "commands") and words:
        path.append(words.pop(0))
        command = command.commands[path[-1]]
    if not hasattr(command, "commands"):
        command.make_context(path[-1], words)
    return tuple(path)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("data info new photos", "elmyr data info 'new photos'"),
        ("study new photos --size 64", "elmyr study 'new photos' --size 64"),
        ("predict mine new photos --least 0.8", "elmyr predict mine 'new photos' --least 0.8"),
        (
            "recognizer evaluate mine --data my new photos/of may",
            "elmyr recognizer evaluate mine --data 'my new photos/of may'",
        ),
    ],
)
def test_a_path_with_blanks_is_put_in_quotes(
    words: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("new photos", "my new photos/of may"):
        Path(folder).mkdir(parents=True)
    monkeypatch.setattr("sys.argv", ["elmyr", *words.split()])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert capsys.readouterr().err.strip().endswith(f"has a blank in it, so it needs quotes; try: {line}")


@pytest.mark.parametrize("words", OPTIONS)
def test_every_option_of_the_table_becomes_a_line_that_the_command_understands(words: str) -> None:
    answered = 0
    for path, command in commands():
        for word in words.split():
            typed = f"--{word}" if len(word) > 1 else f"-{word}"
            reword = Rewording(command, path, [typed, "3"])
            if typed not in reword.reasons:
                continue  # the command has it, or nothing like it
            row = next(one.row for one in reword._taken if not isinstance(one, list))
            line = Rewording(command, path, [typed, VALUES.get(row.text, "3")]).line
            assert parsed(line) == path or line.startswith("elmyr resume"), line
            answered += 1
    assert answered


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_of_the_table_becomes_a_line_that_works(words: str) -> None:
    for word in words.split():
        told = corrected(PROGRAM, [word])
        if word not in PROGRAM.commands:
            assert told is not None
            line = told.partition(" try: ")[2].replace(" --bench", "")
            assert line in ("elmyr --help", "elmyr --version") or parsed(line), told


@pytest.mark.parametrize("table", [OPTIONS, COMMANDS])
def test_a_word_stands_once_in_a_table(table: dict[str, tuple[Instead, ...]]) -> None:
    words = [word for row in table for word in row.split()]
    assert sorted(words) == sorted(set(words))


def test_the_settings_of_the_table_are_settings() -> None:
    named = {row.text[6:].partition("=")[0] for rows in OPTIONS.values() for row in rows if row.text[:6] == "--set "}
    of_gan = flattened(choices_of("residual", {}))
    others = RestorerChoices.model_fields.keys() & TranslatorChoices.model_fields.keys()
    assert named - of_gan.keys() <= others and "batch" in named


EPOCH = len(split_source(open_source("digits"), 0).train)


@pytest.mark.parametrize(
    ("typed", "instead"),
    [
        ("sample runs/x --class 3", "sample runs/x --label 3"),
        ("sample runs/x --class=3", "sample runs/x --label 3"),
        ("train digits --class 3", "train digits --classes 3"),
        ("interpolate latest --class 3", "interpolate latest --from 3"),
        ("train digits --epochs 5", f"train digits --images {5 * EPOCH}"),
        ("train digits --steps 10", "train digits --images 640"),
        ("train digits --steps 10 --batch_size 32", "train digits --images 320 --set batch=32"),
        ("train digits --iterations 10 --set batch=8", "train digits --images 80 --set batch=8"),
        ("train no/where --epochs 5", "train no/where --images 200000"),
        ("train digits --batch 64 --lr 1e-3", "train digits --set batch=64 --set adversarial.learning_rate=1e-3"),
        ("restorer train digits --learning-rate 2e-3", "restorer train digits --set learning_rate=2e-3"),
        ("recognizer train digits --steps 50", "recognizer train digits --updates 50"),
        ("train digits --gpu", "train digits --device cuda"),
        ("train --cuda digits", "train digits --device cuda"),
        ("train digits --gpu 0 --quiet", "train digits --device cuda --quiet"),
        ("sample latest --num-samples 30", "sample latest --count 30"),
        ("sample latest -N 30", "sample latest --count 30"),
        ("train -o x digits", "train digits --out x"),
        ("train digits --output=x", "train digits --out x"),
        ("train digits --resume runs/7", "resume runs/7"),
        ("train digits --resume", "resume latest"),
        ("study digits --workers 2", "study digits --processes 2"),
        ("train digits --num_workers 2", "train digits"),
        ("train digits --image-size 32 --resolution 64", "train digits --size 32 --size 64"),
        ("train digits --checkpoint runs/7", "train digits --from runs/7"),
        ("sample --model runs/7", "sample runs/7"),
        ("recognizer apply --input x --model y", "recognizer apply y x"),
        ("evaluate x.npz --dataset digits", "evaluate x.npz --data digits"),
        ("train --dataset digits", "train digits"),
        ("train digits --fp16", "train digits --precision bf16"),
        ("train digits --n-classes 10", "train digits"),
        ("train digits --images_per_class 5", "train digits --images-per-class 5"),
        ("train digits --imges 5", "train digits --images 5"),
        ("train --lr 1", "train digits --set adversarial.learning_rate=1"),
        ("fit digits --epochs 1", f"train digits --images {EPOCH}"),
        ("eval runs/7", "evaluate runs/7"),
        ("fid runs/7", "evaluate runs/7"),
        ("info digits", "data info digits"),
        ("convert digits x.npz", "data convert digits x.npz"),
        ("download mnist", "data info mnist"),
        ("ui", "serve"),
        ("recognizer fit digits", "recognizer train digits"),
        ("data inof digits", "data info digits"),
        ("tran digits", "train digits"),
        ("digits", "study digits"),
        ("--device cpu train digits", "train digits --device cpu"),
        ("--json doctor", "doctor --json"),
    ],
)
def test_the_line_to_copy(typed: str, instead: str) -> None:
    told = corrected(PROGRAM, typed.split())
    assert told is not None and told.partition(" try: ")[2] == f"elmyr {instead}"
    parsed(f"elmyr {instead}")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("train", "train needs DATA; try: elmyr train digits --images 60k --out runs/digits"),
        ("predict latest", "predict needs PATH; try: elmyr predict latest photo.jpg"),
        (
            "data convert digits",
            "data convert needs OUT; try: elmyr data convert path/to/folder images.npz --size 64",
        ),
    ],
)
def test_an_argument_that_is_missing_is_named_with_an_example(typed: str, told: str) -> None:
    assert corrected(PROGRAM, typed.split()) == told


@pytest.mark.parametrize("typed", ["train digits", "train digits --out", "data", "--version", "sample x -n5"])
def test_words_that_are_known_are_left_alone(typed: str) -> None:
    assert corrected(PROGRAM, typed.split()) is None


def test_what_nothing_is_known_of_leads_to_the_help() -> None:
    assert corrected(PROGRAM, ["sample", "x", "--foo"]) == "no option --foo (see: elmyr sample --help)"
    assert corrected(PROGRAM, ["frobnicate"]) == "no command 'frobnicate' (see: elmyr --help)"


def test_the_program_says_it_in_one_line_and_exits_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["elmyr", "sample", "latest", "--class", "3"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert told == "elmyr: no option --class: --label names the class; try: elmyr sample latest --label 3\n"


@pytest.mark.parametrize("name", SECOND_NAMES)
def test_a_second_name_is_the_command_itself(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["elmyr", name, "--help"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0 and f"Usage: elmyr {SECOND_NAMES[name]} " in capsys.readouterr().out
    assert name not in PROGRAM.commands


@pytest.mark.parametrize(
    ("name", "known", "near"),
    [
        ("mnits", ["mnist", "digits"], "mnist"),
        ("MNIST", ["mnist"], "mnist"),
        ("dgo", ["dog", "cat"], "dog"),
        ("cat", ["car", "dog"], None),
        ("12", ["1", "2", "3"], None),
        ("12", ["12a", "x12"], None),
        ("l2", ["1", "2"], None),
    ],
)
def test_only_a_slip_of_the_pen_is_near(name: str, known: list[str], near: str | None) -> None:
    assert nearest(name, known) == near


def test_numbered_classes_are_offered_as_a_range_and_long_lists_are_cut() -> None:
    assert suggestion("12", map(str, range(10))) == "choose from 0 … 9"
    assert suggestion("12", ["cat", "ant"]) == "choose from: ant, cat"
    assert suggestion("zzz", [f"class{number}" for number in range(1000)]).endswith(" … (970 more)")
