"""Each training says at its start where it can be watched."""

from pathlib import Path

import pytest

from elmyr.cli import main

BRIEF = {
    "train": ["--images", "16", "--set", "network.base=8", "--set", "batch=16"],
    "recognizer train": ["--updates", "1"],
    "restorer train": ["--images", "16"],
    "translator train": ["blobs.npz", "--images", "16"],
}


@pytest.mark.parametrize("command", BRIEF)
def test_a_training_says_where_to_watch_it_before_it_is_trained(
    command: str, blobs_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*command.split(), "blobs.npz", *BRIEF[command], "--out", "my runs/one"]
    Path("my runs").mkdir()
    monkeypatch.setattr("sys.argv", ["elmyr", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    told = capsys.readouterr().err.splitlines()
    first = next(line for line in told if line.startswith(("to watch it", "trained")))
    watched, _, previews = first.partition("; previews: ")
    assert watched == "to watch it: elmyr serve --runs 'my runs'"
    assert not previews or list(Path(previews).glob("*.png"))
    assert bool(previews) == (command != "recognizer train")
