import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from elmyr.core.errors import InputError
from elmyr.images.storage.catalog import DataSet
from elmyr.images.storage.download import Patience, Unavailable, fetch
from tests.images.local_mirror import Fault, Mirror, data_set, serving

CONTENT = bytes(range(256)) * 400
HALF = len(CONTENT) // 2


@pytest.fixture(autouse=True)
def _online(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ELMYR_OFFLINE")
    monkeypatch.delenv("ELMYR_MIRROR", raising=False)
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with serving() as mirror:
        mirror.files["/a.bin"] = CONTENT
        yield mirror


@pytest.fixture
def other() -> Iterator[Mirror]:
    with serving() as mirror:
        mirror.files["/a.bin"] = CONTENT
        yield mirror


def small(*mirrors: Mirror, sized: bool = True) -> DataSet:
    return data_set(*(mirror.address for mirror in mirrors), sized=sized, a_bin=CONTENT)


def get(entry: DataSet, folder: Path, timeout: float = 10) -> None:
    fetch(entry, folder, patience=Patience(timeout, rounds=3, pause=0))


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".lock"}


def check_whole(folder: Path) -> None:
    assert (folder / "a.bin").read_bytes() == CONTENT
    assert left_in(folder) == {"a.bin"}


def test_the_files_of_a_set_arrive_whole(tmp_path: Path, mirror: Mirror) -> None:
    mirror.files["/b.bin"] = b"second"
    get(data_set(mirror.address, a_bin=CONTENT, b_bin=b"second"), tmp_path / "deep" / "set")
    assert (tmp_path / "deep" / "set" / "a.bin").read_bytes() == CONTENT
    assert (tmp_path / "deep" / "set" / "b.bin").read_bytes() == b"second"
    assert left_in(tmp_path / "deep" / "set") == {"a.bin", "b.bin"}


def test_a_file_that_is_there_is_not_asked_for_again(tmp_path: Path, mirror: Mirror) -> None:
    get(small(mirror), tmp_path)
    get(small(mirror), tmp_path)
    assert mirror.requests == [("/a.bin", None)]


@pytest.mark.parametrize("sized", [True, False])
def test_half_a_file_is_continued(tmp_path: Path, mirror: Mirror, sized: bool) -> None:
    (tmp_path / "a.bin.part").write_bytes(CONTENT[:HALF])
    get(small(mirror, sized=sized), tmp_path)
    check_whole(tmp_path)
    assert mirror.requests == [("/a.bin", f"bytes={HALF}-")]
    assert mirror.sent == len(CONTENT) - HALF


def test_half_a_file_is_begun_anew_where_the_server_cannot_go_on(tmp_path: Path, mirror: Mirror) -> None:
    mirror.ranges = False
    (tmp_path / "a.bin.part").write_bytes(CONTENT[:HALF])
    get(small(mirror), tmp_path)
    check_whole(tmp_path)
    assert mirror.sent == len(CONTENT)


def test_a_range_that_was_not_asked_for_is_not_taken(tmp_path: Path, mirror: Mirror) -> None:
    (tmp_path / "a.bin.part").write_bytes(CONTENT[:HALF])
    mirror.faults = [Fault(shift=1)]
    with pytest.raises(Unavailable, match="another range than asked for"):
        get(small(mirror), tmp_path)
    assert (tmp_path / "a.bin.part").read_bytes() == CONTENT[:HALF]


@pytest.mark.parametrize("sized", [True, False])
def test_a_whole_part_is_taken_without_a_request(tmp_path: Path, mirror: Mirror, sized: bool) -> None:
    (tmp_path / "a.bin.part").write_bytes(CONTENT)
    get(small(mirror, sized=sized), tmp_path)
    check_whole(tmp_path)
    assert mirror.requests == []


@pytest.mark.parametrize("sized", [True, False])
@pytest.mark.parametrize("junk", [b"x" * HALF, b"x" * len(CONTENT), b"x" * (len(CONTENT) + 9)])
def test_a_part_of_something_else_is_thrown_away(tmp_path: Path, mirror: Mirror, sized: bool, junk: bytes) -> None:
    (tmp_path / "a.bin.part").write_bytes(junk)
    get(small(mirror, sized=sized), tmp_path)
    check_whole(tmp_path)


def test_a_transfer_that_breaks_off_goes_on_where_it_ended(tmp_path: Path, mirror: Mirror) -> None:
    mirror.faults = [Fault(breaks_after=HALF)]
    get(small(mirror), tmp_path)
    check_whole(tmp_path)
    assert mirror.requests == [("/a.bin", None), ("/a.bin", f"bytes={HALF}-")]
    assert mirror.sent == len(CONTENT)


def test_a_transfer_that_stalls_goes_on_where_it_ended(tmp_path: Path, mirror: Mirror) -> None:
    mirror.faults = [Fault(stalls_after=HALF)]
    get(small(mirror), tmp_path, timeout=0.3)
    check_whole(tmp_path)
    assert mirror.requests[1] == ("/a.bin", f"bytes={HALF}-")
    assert mirror.sent == len(CONTENT)


def test_another_mirror_goes_on_where_the_first_broke_off(tmp_path: Path, mirror: Mirror, other: Mirror) -> None:
    mirror.faults = [Fault(breaks_after=HALF)]
    get(small(mirror, other), tmp_path)
    check_whole(tmp_path)
    assert other.requests == [("/a.bin", f"bytes={HALF}-")]


def test_what_arrived_stays_for_the_next_time(tmp_path: Path, mirror: Mirror) -> None:
    mirror.faults = [Fault(breaks_after=100), Fault(breaks_after=100), Fault(breaks_after=100)]
    with pytest.raises(Unavailable, match="broke off after 300 bytes at"):
        get(small(mirror), tmp_path)
    assert (tmp_path / "a.bin.part").read_bytes() == CONTENT[:300]
    assert left_in(tmp_path) == {"a.bin.part"}
    get(small(mirror), tmp_path)
    check_whole(tmp_path)
    assert mirror.sent == len(CONTENT)


def test_a_busy_server_is_asked_again(tmp_path: Path, mirror: Mirror) -> None:
    mirror.faults = [Fault(503), Fault(429)]
    get(small(mirror), tmp_path)
    check_whole(tmp_path)


def test_a_file_that_a_mirror_does_not_have_is_asked_of_the_next(tmp_path: Path, mirror: Mirror, other: Mirror) -> None:
    mirror.files.clear()
    get(small(mirror, other), tmp_path)
    check_whole(tmp_path)
    assert len(mirror.requests) == 1


@pytest.mark.parametrize("status", [404, 403, 503])
def test_the_last_reason_is_told_with_its_host(tmp_path: Path, mirror: Mirror, status: int) -> None:
    mirror.faults = [Fault(status)] * 3
    with pytest.raises(Unavailable, match=f"^{status} at {mirror.host}$"):
        get(small(mirror), tmp_path)
    assert left_in(tmp_path) == set()


def test_a_server_that_does_not_answer_is_given_up(tmp_path: Path, mirror: Mirror) -> None:
    mirror.faults = [Fault(stalls_after=0)] * 3
    with pytest.raises(Unavailable, match=f"^timed out at {mirror.host}$"):
        get(small(mirror), tmp_path, timeout=0.05)


def test_a_host_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="^connection refused at 127.0.0.1:9$"):
        get(data_set("http://127.0.0.1:9", a_bin=CONTENT), tmp_path)


def test_wrong_bytes_are_removed_and_the_next_mirror_is_asked(tmp_path: Path, mirror: Mirror, other: Mirror) -> None:
    mirror.files["/a.bin"] = b"x" * len(CONTENT)
    get(small(mirror, other), tmp_path)
    check_whole(tmp_path)


def test_wrong_bytes_everywhere_are_told_and_leave_nothing(tmp_path: Path, mirror: Mirror, other: Mirror) -> None:
    mirror.files["/a.bin"] = other.files["/a.bin"] = b"x" * len(CONTENT)
    with pytest.raises(Unavailable, match=f"^wrong checksum at {other.host}$"):
        get(small(mirror, other), tmp_path)
    assert left_in(tmp_path) == set()
    assert (len(mirror.requests), len(other.requests)) == (1, 1)


def test_a_page_in_the_place_of_the_file_is_refused_by_its_size(tmp_path: Path, mirror: Mirror) -> None:
    mirror.files["/a.bin"] = b"<html>moved</html>"
    (tmp_path / "a.bin.part").write_bytes(CONTENT[:5])
    mirror.ranges = False
    with pytest.raises(Unavailable, match=f"^18 bytes instead of {len(CONTENT):,} at"):
        get(small(mirror), tmp_path)
    assert (tmp_path / "a.bin.part").read_bytes() == CONTENT[:5]


def test_a_server_that_tells_no_length_is_read_to_the_end(tmp_path: Path, mirror: Mirror) -> None:
    mirror.lengths = False
    get(small(mirror, sized=False), tmp_path)
    check_whole(tmp_path)


def test_a_server_without_end_is_not_listened_to_for_ever(tmp_path: Path, mirror: Mirror) -> None:
    mirror.lengths = False
    mirror.files["/a.bin"] = b"x" * 1000
    mirror.faults = [Fault(endless=True)]
    with pytest.raises(Unavailable, match="wrong checksum"):
        get(small(mirror), tmp_path)
    assert left_in(tmp_path) == set()


def test_a_redirect_is_followed(tmp_path: Path, mirror: Mirror, other: Mirror) -> None:
    mirror.faults = [Fault(302, f"{other.address}/a.bin")]
    get(small(mirror), tmp_path)
    check_whole(tmp_path)
    assert other.sent == len(CONTENT)


@pytest.mark.parametrize("scheme", ["file", "ftp"])
def test_a_redirect_away_from_http_is_refused(tmp_path: Path, mirror: Mirror, scheme: str) -> None:
    (tmp_path / "secret").write_bytes(CONTENT)
    mirror.faults = [Fault(302, f"{scheme}://127.0.0.1{tmp_path}/secret")]
    with pytest.raises(Unavailable, match=f"302|unknown url type: {scheme}"):
        get(small(mirror), tmp_path / "set")
    assert left_in(tmp_path / "set") == set()


def test_progress_is_told_in_bytes(tmp_path: Path, mirror: Mirror) -> None:
    told: list[tuple[str, int, int | None]] = []
    (tmp_path / "a.bin.part").write_bytes(CONTENT[:HALF])
    fetch(small(mirror), tmp_path, progress=lambda *what: told.append(what))
    assert {(name, total) for name, _, total in told} == {("a.bin", len(CONTENT))}
    done = [done for _, done, _ in told]
    assert done == sorted(done) and done[0] > HALF and done[-1] == len(CONTENT)


def test_a_bar_is_drawn_on_a_terminal_only(
    tmp_path: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    get(small(mirror), tmp_path / "piped")
    assert capfd.readouterr() == ("", "")
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]  # what makes it one
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", terminal)
    get(small(mirror), tmp_path / "shown")
    assert "a.bin" in terminal.getvalue()


# --- the environment


@pytest.mark.parametrize("value", ["1", "yes"])
def test_offline_nobody_is_asked_and_nothing_is_made(
    tmp_path: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("ELMYR_OFFLINE", value)
    monkeypatch.setenv("ELMYR_MIRROR", mirror.address)
    with pytest.raises(Unavailable, match="^ELMYR_OFFLINE is set$"):
        get(small(mirror), tmp_path / "set")
    assert mirror.requests == [] and not (tmp_path / "set").exists()


@pytest.mark.parametrize("value", ["", "0"])
def test_offline_can_be_switched_off(
    tmp_path: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("ELMYR_OFFLINE", value)
    get(small(mirror), tmp_path)
    check_whole(tmp_path)


@pytest.mark.parametrize("slash", ["", "/"])
def test_ones_own_mirror_is_asked_first(
    tmp_path: Path, mirror: Mirror, other: Mirror, monkeypatch: pytest.MonkeyPatch, slash: str
) -> None:
    other.files["/data/small/a.bin"] = CONTENT
    monkeypatch.setenv("ELMYR_MIRROR", f"{other.address}/data{slash}")
    get(small(mirror), tmp_path)
    check_whole(tmp_path)
    assert (mirror.requests, other.requests) == ([], [("/data/small/a.bin", None)])


def test_what_ones_own_mirror_lacks_is_asked_of_the_others(
    tmp_path: Path, mirror: Mirror, other: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ELMYR_MIRROR", other.address)
    get(small(mirror), tmp_path)
    check_whole(tmp_path)


@pytest.mark.parametrize("value", ["ftp://host", "file:///data", "host/data", "http://", "http://host:x", "http://["])
def test_a_mirror_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ELMYR_MIRROR", value)
    with pytest.raises(InputError, match="ELMYR_MIRROR is '.*': give an address"):
        get(data_set(a_bin=CONTENT), tmp_path)


def test_a_password_in_an_address_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELMYR_MIRROR", "http://me:secret@127.0.0.1:9")
    with pytest.raises(Unavailable) as caught:
        get(data_set(a_bin=CONTENT), tmp_path)
    assert "secret" not in str(caught.value) and "127.0.0.1:9" in str(caught.value)


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path, mirror: Mirror) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match=r"file.set' cannot be written .*ELMYR_CACHE_DIR"):
        get(small(mirror), tmp_path / "file" / "set")


# --- several processes

PROGRAM = """
import sys
from pathlib import Path
from elmyr.images.storage.download import Patience, fetch
from tests.images.local_mirror import data_set
entry = data_set(sys.argv[1], a_bin=bytes(range(256)) * 400)
fetch(entry, Path(sys.argv[2]), patience=Patience(60), progress=lambda what, done, total: print(what, flush=True))
"""


def started(mirror: Mirror, folder: Path) -> subprocess.Popen[str]:
    root = Path(__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, mirror.address, str(folder)],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_processes_at_once_fetch_a_file_once(tmp_path: Path, mirror: Mirror) -> None:
    mirror.faults = [Fault(stalls_after=HALF)]
    with started(mirror, tmp_path) as first:
        assert mirror.asked.wait(60)
        with started(mirror, tmp_path) as second:
            assert second.stdout is not None
            assert second.stdout.readline() == "waiting for another download\n"
            mirror.gate.set()
    assert (first.returncode, second.returncode) == (0, 0)
    check_whole(tmp_path)
    assert mirror.requests == [("/a.bin", None)]


def test_what_a_killed_process_left_is_continued(tmp_path: Path, mirror: Mirror) -> None:
    mirror.faults = [Fault(stalls_after=HALF)]
    with started(mirror, tmp_path) as killed:
        assert killed.stdout is not None
        killed.stdout.readline()
        killed.kill()
    assert killed.returncode
    kept = (tmp_path / "a.bin.part").stat().st_size
    get(small(mirror), tmp_path)
    check_whole(tmp_path)
    assert mirror.requests[1] == ("/a.bin", f"bytes={kept}-" if kept else None)
