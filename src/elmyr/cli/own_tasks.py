"""The commands of tasks that plug-ins have added: `elmyr TASK train DATA`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from elmyr.cli.helping.helped import Commands
from elmyr.cli.options import Data
from elmyr.cli.trained import carry_out, trained


def add_own_tasks(app: Commands) -> None:
    """Gives each task of a plug-in a group of its name; imports nothing where there is none."""
    if "elmyr.engine.tasks" not in sys.modules:
        return
    from elmyr.engine.tasks import TASKS

    for kind in TASKS.origins:
        group = Commands(help=f"A task of your own: {TASKS[kind].title}.")
        group.callback()(_group)
        group.command("train")(_train_command(kind))
        app.add_typer(group, name=kind, rich_help_panel=None)


def _group() -> None:
    pass


def _train_command(kind: str) -> Callable[..., None]:
    @trained
    def train(data: Data, training: Any = None) -> None:
        """Train it on the training part of an image set."""
        from elmyr.engine.spec import DataAsk

        carry_out(kind, DataAsk(data, asked=training.asked), training)

    return train
