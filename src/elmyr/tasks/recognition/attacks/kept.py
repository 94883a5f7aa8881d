"""What a run keeps of the attacks on its recognizer; known without torch, as pages read it."""

from __future__ import annotations

from pathlib import Path

FOLDER = "attacks"
RECORD, PAGES = "attack.json", "report*.html"


def records_of(run: Path) -> list[Path]:
    """The records of the attacks that a run keeps."""
    return sorted((run / FOLDER).glob(f"*/{RECORD}"))
