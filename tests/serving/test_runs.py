import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from elmyr.core.errors import InputError
from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.report.words import ENGLISH
from elmyr.serving.http.events import Watched, events_of
from elmyr.serving.runs import MOST_POINTS, Runs, curves_of


@pytest.fixture
def runs(small_runs: Path, tmp_path: Path) -> Path:
    """Copies, which may be changed: the gan, and one that has been stopped on the way."""
    folder = tmp_path / "runs"
    for name in ("gan", "reader", "restorer"):
        shutil.copytree(small_runs / name, folder / name)
    shutil.copytree(small_runs / "gan", folder / "stopped")
    (folder / "stopped" / "summary.json").unlink()
    return folder


def test_the_table_says_kind_state_and_how_far_each_run_is(runs: Path) -> None:
    (runs / "no-run").mkdir()
    (runs / "damaged").mkdir()
    (runs / "damaged" / "config.json").write_text("[")
    rows = {row["id"]: row for row in Runs(runs).listed()}
    assert set(rows) == {"gan", "reader", "restorer", "stopped"}
    assert (rows["gan"]["kind"], rows["reader"]["kind"], rows["restorer"]["kind"]) == ("gan", "recognizer", "restorer")
    assert {name: row["state"] for name, row in rows.items()} == {
        "gan": "finished",
        "reader": "finished",
        "restorer": "finished",
        "stopped": "stopped",
    }
    assert (rows["gan"]["images"], rows["gan"]["budget"]) == (320, 320)
    assert rows["restorer"]["images"] == rows["restorer"]["budget"] == 160
    assert rows["reader"]["images"] == rows["reader"]["budget"] > 0
    assert rows["gan"]["name"] == "digits" and rows["gan"]["preset"] == "residual"
    with RunDirectory(runs / "stopped").locked():
        assert {row["state"] for row in Runs(runs).listed() if row["id"] == "stopped"} == {"training"}
    assert Runs(runs / "nowhere").listed() == []


def test_one_that_cannot_be_looked_into_hides_no_other(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def is_file(path: Path) -> bool:
        if path.parent.name == "gan":
            raise PermissionError(13, "Permission denied")
        return path.exists()

    listed = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda path: iter(sorted(listed(path))))  # "gan" comes first
    monkeypatch.setattr(Path, "is_file", is_file)
    assert set(Runs(runs).found()) == {"reader", "restorer", "stopped"}


def test_looking_at_a_run_keeps_nobody_from_working_on_it(runs: Path) -> None:
    run = RunDirectory(runs / "gan")
    assert not run.in_progress
    with run.locked():
        assert run.in_progress
    with run.locked():
        pass


def test_figures_come_with_what_they_mean_nothing_without(runs: Path) -> None:
    figure = {
        "name": "fd",
        "title": "FID (elmyr's features)",
        "value": 9.5,
        "low": 9.0,
        "high": 10.0,
        "better": "lower",
    }
    content = {"figures": [figure, "odd"], "extractor": {"name": "domain"}, "count": 500, "against": "test"}
    (runs / "gan" / "evaluation.json").write_text(json.dumps(content))
    (row,) = (row for row in Runs(runs).listed() if row["id"] == "gan")
    assert row["figures"] == [{**figure, "yardstick": None}]
    assert row["judged"] == {"extractor": "domain", "count": 500, "against": "test"}


def test_one_run_has_its_curves_previews_and_choices(runs: Path) -> None:
    run = Runs(runs).read("gan")
    assert run is not None
    assert run["config"]["preset"] == "residual"
    assert run["offset"] == (runs / "gan" / "metrics.jsonl").stat().st_size
    assert run["curves"]["generator_loss"][-1][0] == 320
    assert run["previews"] and run["previews"][-1] == 320
    png = Runs(runs).preview("gan", 320)
    assert png == (runs / "gan" / "previews" / "images-000000320.png").read_bytes()


def test_what_its_offset_leaves_out_is_all_that_its_events_tell(runs: Path) -> None:
    run = RunDirectory(runs / "stopped")
    with run.metrics.open("a") as file:
        file.write('{"images": 400, "generator_loss": 1.5}\n{"images": 4')
    found = Runs(runs).read("stopped")
    assert found is not None and found["curves"]["generator_loss"][-1] == [400.0, 1.5]
    with run.metrics.open("a") as file:
        file.write('20, "generator_loss": 2.5}\n')
    told = parsed(Watched(run, found["offset"]).look())
    assert told[0] == ("figures", {"images": 420, "generator_loss": 2.5})


@pytest.mark.parametrize("name", ["..", ".", "", "/etc", "../runs/gan", "gan/../gan", "gan\0", "nobody"])
def test_no_path_that_a_request_names_is_opened(runs: Path, name: str) -> None:
    assert Runs(runs).read(name) is None and Runs(runs).preview(name, 320) is None


def test_only_previews_that_a_run_has_are_shown(runs: Path) -> None:
    previews = runs / "gan" / "previews"
    (previews / "images-7.png").symlink_to("/etc/hostname")
    (previews / "images-8.png").mkdir()
    assert all(Runs(runs).preview("gan", position) is None for position in (7, 8, 9))


def test_curves_are_thinned_to_means_and_have_gaps_where_a_value_is_none() -> None:
    lines: list[dict[str, Any]] = [{"images": k, "loss": float(k), "seconds": 1.0} for k in range(1100)]
    lines += [{"images": 2000, "rare": float("nan"), "word": "x"}, {"loss": 3.0}]
    curves = curves_of(lines)
    assert set(curves) == {"loss", "rare"}
    assert len(curves["loss"]) <= MOST_POINTS and curves["loss"][0] == [1.0, 1.0]
    assert curves["rare"] == [[2000.0, None]]


def parsed(events: list[str]) -> list[tuple[str, Any]]:
    lines = [dict(line.split(": ", 1) for line in event.strip().splitlines()) for event in events]
    return [(line["event"], json.loads(line["data"])) for line in lines]


def test_new_figures_and_previews_are_told_once_each_and_half_a_line_not_yet(runs: Path) -> None:
    run = RunDirectory(runs / "stopped")
    watched = Watched(run, run.metrics.stat().st_size)
    assert parsed(watched.look()) == [("state", {"state": "stopped"})]
    assert watched.look() == []
    with run.metrics.open("a") as file:
        file.write('{"images": 400, "loss": 1.5}\n{"images": 4')
    run.preview(400).write_bytes(run.preview(320).read_bytes())
    assert parsed(watched.look()) == [("figures", {"images": 400, "loss": 1.5}), ("preview", {"position": 400})]
    with run.metrics.open("a") as file:
        file.write('20, "loss": NaN}\nno json\n')
    assert parsed(watched.look()) == [("figures", {"images": 420, "loss": None})]
    run.metrics.write_text('{"images": 64}\n')  # gone back to a checkpoint
    assert parsed(watched.look()) == [("restart", {}), ("figures", {"images": 64})]


def test_the_end_is_told_after_all_figures(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elmyr.serving.http.events.MOST_AT_ONCE", 100)
    run = RunDirectory(runs / "gan")
    run.metrics.write_text("".join(f'{{"images": {64 * number}, "loss": 0.5}}\n' for number in range(1, 11)))
    watched, told = Watched(run, 0), list[tuple[str, Any]]()
    while not watched.ended:
        told += parsed(watched.look())
    assert [content["images"] for name, content in told if name == "figures"] == [64 * n for n in range(1, 11)]
    assert told[-1] == ("end", {"state": "finished"})


def test_the_stream_ends_with_the_run_and_with_the_service(runs: Path) -> None:
    async def gathered(name: str, *, stops: bool = False) -> list[str]:
        stopping = asyncio.Event()
        parts = []
        async for part in events_of(RunDirectory(runs / name), 0, stopping):
            parts.append(part)
            if stops and "state" in part:
                stopping.set()
        return parts

    finished = "".join(asyncio.run(gathered("gan")))
    assert '"images": 320' in finished and finished.endswith('event: end\ndata: {"state": "finished"}\n\n')
    assert "event: end" not in "".join(asyncio.run(gathered("stopped", stops=True)))


def test_the_budget_is_read_whichever_elmyr_wrote_it(tmp_path: Path) -> None:
    course = {"batch": 32, "decay_from": 0.5}
    parameters = {"updates": 10, "batch": 32, "seed": 0, "device": "cpu", "precision": "fp32"}
    configs: tuple[tuple[dict[str, Any], int | None], ...] = (
        ({"loop": {"images": 640}}, 640),
        ({"kind": "restorer", "images": 320, "choices": course}, 320),
        ({"kind": "recognizer", "parameters": parameters}, 320),
        ({"kind": "adaptation", "updates": 10}, None),
        ({"loop": 3, "parameters": [], "images": "many"}, None),
    )
    for number, (config, budget) in enumerate(configs):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "config.json").write_text(json.dumps(config))
        read = Runs(tmp_path).read(str(number))
        assert read is not None and read["budget"] == budget


def test_a_report_of_what_is_no_run_or_damaged_is_told(runs: Path) -> None:
    assert Runs(runs).report("nobody", ENGLISH) is None
    (runs / "gan" / "summary.json").write_text("[")
    with pytest.raises(InputError, match="summary.json"):
        Runs(runs).report("gan", ENGLISH)
    (runs / "reader" / "previews").mkdir(exist_ok=True)
    (runs / "reader" / "previews" / "images-7.png").symlink_to(runs / "gan" / "previews" / "images-000000320.png")
    told = Runs(runs).report("reader", ENGLISH)
    assert told is not None and "after 7 images" not in told


def test_of_an_adaptation_the_figures_and_curves_are_its_recognizer_s(runs: Path) -> None:
    adapted = runs / "adapted"
    adapted.mkdir()
    (adapted / "config.json").write_text(json.dumps({"kind": "adaptation", "source": "digits", "target": "b"}))
    before = Runs(runs).read("adapted")
    assert before is not None and (before["images"], before["curves"], before["figures"]) == (0, {}, [])
    shutil.copytree(runs / "reader", adapted / "recognizer")
    (row,) = (row for row in Runs(runs).listed() if row["id"] == "adapted")
    reader = Runs(runs).read("reader")
    assert reader is not None and row["kind"] == "adaptation"
    assert {key: row[key] for key in ("images", "budget", "figures")} == {
        key: reader[key] for key in ("images", "budget", "figures")
    }
