import resource
import subprocess
import sys

import numpy as np
import pytest

from elmyr import machine

FOUR_MEGABYTES = 4 << 20


def faults_of_ten_blocks() -> int:
    """How many pages the system hands out while ten blocks, one after the other, are made, filled and freed."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        np.full(FOUR_MEGABYTES, 1, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(not machine.keeps_freed_memory(), reason="another C library than glibc")
def test_freed_memory_is_kept() -> None:
    pages = 10 * FOUR_MEGABYTES // resource.getpagesize()
    machine.keep_freed_memory()
    faults_of_ten_blocks()
    assert faults_of_ten_blocks() < pages / 10


def test_settings_of_the_user_are_left_alone() -> None:
    program = "from elmyr import machine\nprint(machine.keeps_freed_memory())\nmachine.keep_freed_memory()"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"MALLOC_TRIM_THRESHOLD_": "131072", "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["False"]
