"""The kinds of things that can be trained: a line each, imported when a run of its kind is met."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from elmyr.core.errors import InputError
from elmyr.core.tables import Table
from elmyr.engine.saving.places import CONFIG, GAN_KIND, require_plugins, with_article

if TYPE_CHECKING:
    from elmyr.engine.saving.run_directory import RunDirectory
    from elmyr.engine.spec import TaskSpec


# Words that mean something else where a task is named: the commands, and what is made of several runs.
RESERVED = (
    *("study", "adaptation", "articles", "sweep"),
    *(
        "train",
        "resume",
        "repeat",
        "predict",
        "sample",
        "generate",
        "interpolate",
        "counterfactual",
        "directions",
        "edit",
        "export",
        "explain",
        "plot",
        "evaluate",
        "compare",
    ),
    *("survey", "report", "serve", "presets", "doctor", "data"),
)


def _accepted(part: Any) -> TaskSpec[Any, Any, Any]:
    from elmyr.engine.spec import TaskSpec

    made = part() if isinstance(part, type) else part
    if not isinstance(made, TaskSpec):
        raise InputError("a task is a TaskSpec of elmyr.engine.spec")
    return made


TASKS: Table[TaskSpec[Any, Any, Any]] = Table(
    "task",
    lazy={
        GAN_KIND: "elmyr.tasks.gan.spec:GAN_SPEC",
        "recognizer": "elmyr.tasks.recognition.spec:RECOGNIZER",
        "restorer": "elmyr.tasks.restoration.spec:RESTORER",
        "translator": "elmyr.tasks.translation.spec:TRANSLATOR",
    },
    accept=_accepted,
    reserved=RESERVED,
)


def spec_of(run: RunDirectory) -> TaskSpec[Any, Any, Any]:
    """The spec of a run's kind; InputError for a kind that is not known, and for what is made of several runs."""
    kind = run.kind
    if kind not in TASKS:
        require_plugins(run.path)
        inside = sorted(config.parent for config in run.path.glob(f"*/**/{CONFIG}"))
        if inside:
            raise InputError(f"'{run.path}' is made of several runs: name one of them, such as {inside[0]}")
        raise InputError(
            f"'{run.path}' is the run of {with_article(kind)}, which this elmyr does not know: update elmyr"
        )
    return TASKS[kind]
