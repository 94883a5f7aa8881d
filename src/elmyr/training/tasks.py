"""The kinds of things that can be trained: a line each, imported when a run of its kind is met."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from elmyr.errors import InputError
from elmyr.runs import CONFIG, GAN_KIND, require_plugins
from elmyr.tables import Table

if TYPE_CHECKING:
    from elmyr.training.rundir import RunDirectory
    from elmyr.training.spec import TaskSpec


def _accepted(part: Any) -> TaskSpec[Any, Any, Any]:
    from elmyr.training.spec import TaskSpec

    made = part() if isinstance(part, type) else part
    if not isinstance(made, TaskSpec):
        raise InputError("a task is a TaskSpec of elmyr.training.spec")
    return made


TASKS: Table[TaskSpec[Any, Any, Any]] = Table(
    "task",
    lazy={
        GAN_KIND: "elmyr.training.gan_spec:GAN_SPEC",
        "recognizer": "elmyr.recognition.runs:RECOGNIZER",
        "restorer": "elmyr.restoration.runs:RESTORER",
        "translator": "elmyr.translation.runs:TRANSLATOR",
    },
    accept=_accepted,
)


def spec_of(run: RunDirectory) -> TaskSpec[Any, Any, Any]:
    """The spec of a run's kind; InputError for a kind that is not known, and for what is made of several runs."""
    kind = run.kind
    if kind not in TASKS:
        require_plugins(run.path)
        inside = sorted(config.parent for config in run.path.glob(f"*/**/{CONFIG}"))
        if inside:
            raise InputError(f"'{run.path}' is made of several runs: name one of them, such as {inside[0]}")
        raise InputError(f"'{run.path}' is the run of a {kind}, which this elmyr does not know: update elmyr")
    return TASKS[kind]
