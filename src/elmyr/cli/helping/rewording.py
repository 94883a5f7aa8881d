"""The words after a command, each understood as elmyr's own or as one that people use elsewhere."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from elmyr.core.errors import InputError, nearest
from elmyr.core.synonyms import Instead, plain, rows_of

EXAMPLES = {"DATA": "digits", "RUN": "latest"}  # what stands for an argument that was not given
NEEDED = {"--out": "out", "--corruption": "noise:0.2", "out": "images.npz"}  # and for others that must be given
ARGUMENTS = {
    "DATA": ("data", "source", "images", "a", "b", "paths"),
    "RUN": ("run", "model", "subject", "subjects", "path"),
}
FLAG_VALUE = re.compile(r"[\d.,]+|true|false|yes|no|on|off|fp16|bf16|float16", re.IGNORECASE)
HELP = ("--help", "-h")
NUMBER = re.compile(r"\d+(\.\d+)?")
USUAL_BUDGET, USUAL_BATCH = 200_000, 16  # where the data cannot be asked


@dataclass(frozen=True)
class Guess:
    """An option that elmyr does not have, the row that answers it, and its value where one was given."""

    typed: str
    row: Instead
    value: str | None


class Rewording:
    """A command's words in elmyr's own.

    reasons: why, by each option that elmyr does not have; unknown: the first that nothing is known to say of; line: the
    whole command, with examples for arguments that are missing.
    """

    def __init__(self, command: Any, path: Sequence[str], words: Sequence[str]) -> None:
        self._path = list(path)
        self._arguments = [one for one in command.params if one.param_type_name == "argument"]
        options = [one for one in command.params if one.param_type_name != "argument"]
        self._options = {name: one for one in options for name in (*one.opts, *one.secondary_opts)}
        self._free: list[str] = []
        self._taken: list[Guess | list[str]] = []
        self.unknown: str | None = None
        left = list(words)
        while left and self.unknown is None:
            self._take(left)

    @property
    def reasons(self) -> dict[str, str]:
        """Why an option is another one, by its name."""
        return {guess.typed: self._reason(guess) for guess in self._taken if isinstance(guess, Guess)}

    @property
    def lacking(self) -> str | None:
        """The first argument that must be given and is not."""
        needed = [one for one in self._arguments if one.required][len(self._free) :]
        return needed[0].metavar if needed else None

    @property
    def line(self) -> str:
        """The command line."""
        placed, options = dict[str, str](), list[str]()
        for one in self._taken:
            if not isinstance(one, Guess):
                options += one
            elif one.row.text.startswith("elmyr "):
                return one.row.text.replace("{}", shlex.quote(one.value or EXAMPLES["RUN"]))
            elif one.row.text in ARGUMENTS:
                placed[self._argument(one.row.text).name] = one.value or EXAMPLES[one.row.text]
            else:
                options += self._written(one)
        for name, option in self._options.items():
            if option.required and name in option.opts[:1] and name not in options:
                options += [name, NEEDED.get(name, "…")]
        return shlex.join(["elmyr", *self._path, *self._in_order(placed), *options])

    def _take(self, left: list[str]) -> None:
        word = left.pop(0)
        name, equals, value = word.partition("=")
        if not word.startswith("-") or word == "-" or re.match(r"-[\d.]", word):
            self._free.append(word)
        elif name in self._options:
            valued = not self._options[name].is_flag and not equals and left
            self._taken.append([word, left.pop(0)] if valued else [word])
        elif name in HELP or (word[:2] in self._options and re.fullmatch(r"-\w[\d.]+", word)):  # as -n5
            self._taken.append([word])
        else:
            self._guess(name, value if equals else None, left)

    def _guess(self, name: str, value: str | None, left: list[str]) -> None:
        row = self._row(name)
        if row is None:
            self.unknown = name
            return
        takes = "{" in row.text or row.text in ARGUMENTS
        if value is None and left and not left[0].startswith("--") and (takes or FLAG_VALUE.fullmatch(left[0])):
            value = left.pop(0)
        self._taken.append(Guess(name, row, value))

    def _row(self, name: str) -> Instead | None:
        word, own = plain(name), [known for known in self._options if known.startswith("--")]
        same = next((known for known in own if plain(known) == word), None)
        if same is not None:
            return self._row_of(same, f"it is {same}")
        found = next(filter(self._fits, rows_of(name)), None)
        near = nearest(word, map(plain, own)) if found is None else None
        return found if near is None else self._row_of(f"--{near}", f"did you mean --{near}?")

    def _row_of(self, own: str, why: str) -> Instead:
        return Instead(own if self._options[own].is_flag else f"{own} {{}}", why)

    def _fits(self, row: Instead) -> bool:
        """Whether the command has what is to be written."""
        first, _, setting = row.text.partition(" ")
        if first in ARGUMENTS:
            return self._argument(first) is not None
        if first == "elmyr":
            return self._path[0] in ("train", "study")
        if first == "--set" and not setting.startswith("batch="):  # the settings of a GAN, which presets have
            of_gan = "." in setting.partition("=")[0] or setting.startswith("conditional=")
            return first in self._options and of_gan == ("--preset" in self._options)
        if setting == "{steps}" and "--preset" not in self._options and "--updates" in self._options:
            return False  # of a recognizer, which counts its own
        return not first or first in self._options

    def _argument(self, kind: str) -> Any:
        return next((one for one in self._arguments if one.name in ARGUMENTS[kind]), None)

    def _in_order(self, placed: dict[str, str]) -> list[str]:
        free, arguments = list(self._free), list[str]()
        for one in self._arguments:
            if one.name in placed:
                arguments.append(placed[one.name])
            elif free:
                arguments += free[: None if one.nargs == -1 else 1]
                free = [] if one.nargs == -1 else free[1:]
            elif one.required:
                arguments.append(NEEDED.get(one.name) or EXAMPLES["RUN" if one.name in ARGUMENTS["RUN"] else "DATA"])
        return [*arguments, *free]

    def _written(self, guess: Guess) -> list[str]:
        first, _, more = guess.row.text.partition(" ")
        if more in ("{epochs}", "{steps}"):
            each, number = self._images_of(more), guess.value or "1"
            known = each is not None and NUMBER.fullmatch(number)
            return [first, str(round(float(number) * each) if known and each else USUAL_BUDGET)]
        return [first, more.replace("{}", guess.value or "1")] if more else [first] if first else []

    def _reason(self, guess: Guess) -> str:
        unit = guess.row.text.partition(" ")[2]
        if unit not in ("{epochs}", "{steps}"):
            return guess.row.why
        what, each = ("epoch" if unit == "{epochs}" else "batch"), self._images_of(unit)
        return f"{guess.row.why}, one {what} is {'as many as the training part has' if each is None else f'{each:,}'}"

    def _images_of(self, unit: str) -> int | None:
        """The images of an epoch, where the data can be opened without a download, or those of a batch."""
        images, batch = _facts_of(next(iter(self._in_order({})), EXAMPLES["DATA"]))
        if unit == "{epochs}":
            return images
        stated = [one.value or "" for one in self._taken if isinstance(one, Guess) and one.row.text == "--set batch={}"]
        stated += [one[-1][6:] for one in self._taken if isinstance(one, list) and one[-1].startswith("batch=")]
        return int(stated[-1]) if stated and stated[-1].isdecimal() else batch


@cache
def _facts_of(data: str) -> tuple[int | None, int]:
    """The images of an epoch, None where the data cannot be opened at once, and those of a batch; `data`: or a run."""
    from elmyr.engine.rules import epoch_and_batch
    from elmyr.engine.saving.places import read_config, run_path

    with suppress(InputError, OSError, KeyError, TypeError):
        config = read_config(run_path(data))
        return config["data"]["images"], config["loop"]["batch"]
    try:
        return epoch_and_batch(data)
    except (InputError, OSError):
        return None, USUAL_BATCH
