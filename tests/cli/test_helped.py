"""Help: every command has examples that it understands, and stands in a part of the list."""

import re
import shlex

import pytest
from typer.testing import CliRunner

from elmyr.cli.app import app
from elmyr.cli.helping.examples import EXAMPLES, GROUPS, OPTIONS
from tests.cli.test_guesses import PROGRAM, commands, parsed

NAMES = {" ".join(path): command for path, command in commands()}


def told(*words: str) -> str:
    shown = CliRunner().invoke(app, [*words, "--help"], prog_name="elmyr")
    assert shown.exit_code == 0
    return shown.output


@pytest.mark.parametrize("name", sorted(NAMES))
def test_each_command_shows_examples_that_it_understands(name: str) -> None:
    assert EXAMPLES[name]
    help_text = told(*name.split())
    for line in EXAMPLES[name]:
        assert f"\n  {line}\n" in help_text
        assert parsed(line) == tuple(name.split())


@pytest.mark.parametrize("group", sorted(set(EXAMPLES) - set(NAMES)))
def test_each_group_shows_examples_that_work(group: str) -> None:
    help_text = told(*([] if group == "elmyr" else [group]))
    for line in EXAMPLES[group]:
        assert f"\n  {line}\n" in help_text
        assert parsed(re.split(r"\s{2,}", line)[0])


def test_each_command_stands_once_in_the_list_and_its_line_is_not_cut() -> None:
    listed = [name for names in GROUPS.values() for name in names]
    assert sorted(listed) == sorted(PROGRAM.commands)
    help_text = told()
    assert "..." not in help_text.replace("[ARGS]...", "")
    assert all(f"{title}:" in help_text for title in GROUPS)


def test_options_stand_under_what_they_are_about_where_there_are_many() -> None:
    help_text = told("train")
    parts = dict(re.findall(r"^([A-Z][^\n:]*):\n((?:  .*\n)+)", help_text, re.MULTILINE))
    assert "--images " in parts["Options"] and "--size" in parts["Images"] and "--device" in parts["Computing"]
    assert "--imbalance" in parts["Data-scarcity scenarios"] and "--json" in parts["Output"]
    assert "Computing:" not in told("plot")


def test_the_parts_name_options_that_there_are() -> None:
    known = {name for command in NAMES.values() for one in command.params for name in one.opts} | {"--help"}
    assert {name for names in OPTIONS.values() for name in names} <= known


def test_examples_are_lines_of_a_shell() -> None:
    assert all(shlex.split(line)[0] == "elmyr" for lines in EXAMPLES.values() for line in lines)
