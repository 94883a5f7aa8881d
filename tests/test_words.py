"""What users read is in the field's words: the retired phrases are in no help, message, report, page or docs page."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import elmyr

SOURCE = Path(elmyr.__file__).parent
ROOT = Path(__file__).parents[1]
RETIRED = (
    "without end", "who looks", "read back", "go on with", "gone on with", "goes on with", "going on with",
    "change the game", "changes the game", "changed game", "told apart", "a row a class", "a row is a class",
    "a column a class", "images a side", "every answer that is none", "the mend", "is no image set", "into one form",
    "troubles", "yardstick", "no difference shown", "no difference is shown", "read right", "reads right",
    "the watch ", "whoever", "other eyes", "train anew", "begin anew",
)  # fmt: skip
FORMER = {
    ("report/parts/study_records.py", "no difference shown"),  # what study.json of an older elmyr holds
}
DATED = "## [0"  # what was released before stays as it was said


def strings_of(path: Path) -> Iterator[tuple[int, str]]:
    """The literals and docstrings of a module; names in braces and single words, which are keys, left out."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and not node.value.isidentifier():
            yield node.lineno, re.sub(r"{\w*}|`[^`]*`", "", node.value)


def texts() -> list[Path]:
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]
    faces = [*(SOURCE / "serving" / "static").iterdir(), *SOURCE.rglob("*.toml")]
    return sorted(pages + [path for path in faces if path.suffix in (".toml", ".js", ".css", ".html")])


def read_by_people(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".js":
        return re.sub(r"^\s*//.*$|\s//\s.*$|data\.\w+|\byardstick\b", "", text, flags=re.MULTILINE)
    if path.suffix == ".toml":
        return re.sub(r"^\s*#.*$|{\w*}", "", text, flags=re.MULTILINE)
    return re.sub(r"^```.*?^```$|`[^`\n]*`", "", text.partition(DATED)[0], flags=re.MULTILINE | re.DOTALL)


def found_in(text: str) -> list[str]:
    flowing = " ".join(text.split()).lower()
    return [phrase for phrase in RETIRED if phrase in flowing]


@pytest.mark.parametrize("room", sorted(path.name for path in SOURCE.iterdir() if path.name != "__pycache__"))
def test_no_message_help_or_docstring_says_a_retired_phrase(room: str) -> None:
    place = SOURCE / room
    modules = place.rglob("*.py") if place.is_dir() else [place] if place.suffix == ".py" else []
    told = {
        f"{path.relative_to(SOURCE)}:{line}": phrases
        for path in modules
        for line, text in strings_of(path)
        if (phrases := [phrase for phrase in found_in(text) if (str(path.relative_to(SOURCE)), phrase) not in FORMER])
    }
    assert told == {}


@pytest.mark.parametrize("path", texts(), ids=lambda path: str(path.relative_to(path.parents[1])))
def test_no_page_says_a_retired_phrase(path: Path) -> None:
    assert found_in(read_by_people(path)) == []


def test_the_search_finds_a_phrase_over_lines_and_spares_keys_and_code() -> None:
    assert found_in("it was\n  Told\nApart") == ["told apart"]
    assert found_in(read_by_people(ROOT / "docs" / "glossary.md")) == []  # names keys, as `told_apart`


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "zh").glob("*.md")), ids=lambda path: path.name)
def test_a_chinese_page_has_the_commands_and_rows_of_the_english_one(path: Path) -> None:
    """The commands of the English pages are run by the e2e tests; a row that is missing here is a term left out."""
    english = ROOT / "README.md" if path.name == "README.md" else ROOT / "docs" / path.name
    texts = [page.read_text(encoding="utf-8") for page in (english, path)]
    ours, theirs = (re.findall(r"^```.*?^```$", text, re.MULTILINE | re.DOTALL) for text in texts)
    assert ours == theirs
    assert texts[0].count("\n|") == texts[1].count("\n|")


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "zh").glob("*.md")), ids=lambda path: path.name)
def test_every_link_of_a_chinese_page_leads_to_a_file(path: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", sorted((ROOT / "docs").rglob("*.md")), ids=lambda path: path.name)
def test_a_page_opens_with_what_it_is_for_and_a_command(path: Path) -> None:
    if path.name in ("architecture.md", "decisions.md"):
        pytest.skip("for those who change elmyr: no commands")
    title, opening, *_ = re.split(r"\n\n+", path.read_text(encoding="utf-8").replace("**English** \u00b7", ""))
    assert title.startswith("# ") and not opening.startswith(("```", "|", "- "))
    head = path.read_text(encoding="utf-8").splitlines()[:24]
    assert any(line.startswith(("elmyr ", "make ")) for line in head)
