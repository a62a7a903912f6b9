"""Metrics of a process whose disk is full: it goes on counting, and what it was answering is answered.

/dev/full is a file on a disk that is full; the drill with a real one is in ``tests/drills``.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict

import app.metrics
from app.metric_files import FIRST_BYTES, RoomyDict

MANY = FIRST_BYTES // 16


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "counter_1.db"


@pytest.fixture
def counts(path: Path) -> Iterator[RoomyDict]:
    counts = RoomyDict(str(path))
    yield counts
    counts.close()


def fill(counts: RoomyDict, number: int) -> None:
    for key in range(number):
        counts.write_value(f"key {key}", float(key), 0.0)


def read(counts: RoomyDict) -> dict[str, float]:
    return {key.strip(): value for key, value, _ in counts.read_all_values()}


def test_the_metrics_of_the_product_are_kept_in_such_files() -> None:
    assert app.metrics.REQUESTS
    assert values.MmapedDict is RoomyDict


def test_every_byte_of_a_file_has_its_place_on_the_disk_also_when_it_grows(counts: RoomyDict, path: Path) -> None:
    assert path.stat().st_blocks * 512 >= path.stat().st_size == FIRST_BYTES

    fill(counts, MANY)

    assert path.stat().st_blocks * 512 >= path.stat().st_size > FIRST_BYTES
    on_disk = {key.strip(): value for key, value, _, _ in MmapedDict.read_all_values_from_file(path)}
    assert on_disk == read(counts) == {f"key {key}": float(key) for key in range(MANY)}


def test_where_there_is_no_room_for_a_file_is_counted_in_memory_and_no_file_is_left(path: Path) -> None:
    path.symlink_to("/dev/full")

    counts = RoomyDict(str(path))
    fill(counts, MANY)

    assert read(counts) == {f"key {key}": float(key) for key in range(MANY)}
    assert not path.is_symlink()
    counts.close()


def test_where_there_is_no_room_to_grow_is_gone_on_in_memory_and_nothing_is_forgotten(
    counts: RoomyDict, path: Path
) -> None:
    fill(counts, 10)
    full = os.open("/dev/full", os.O_RDWR | os.O_APPEND)
    os.dup2(full, counts._f.fileno())
    os.close(full)

    fill(counts, MANY)

    assert read(counts) == {f"key {key}": float(key) for key in range(MANY)}
    assert path.stat().st_size == FIRST_BYTES
