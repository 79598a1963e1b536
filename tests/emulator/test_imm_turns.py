"""What one turn of IMM does on a real clock: index calls and scans share the files that it may read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.clock import Clock
from emulator.imm import lifecycle
from tests.emulator.imm_room import URI

if TYPE_CHECKING:
    from tests.emulator.imm_room import Room

pytest_plugins = ["tests.emulator.imm_fixtures"]
CALLS, FILES = 30, 10


def calls_waiting(room: Room) -> list[str]:
    """The names of a real clock's accepted index calls, all of them due, one object each file; in order."""
    room.cloud.clock = Clock()
    room.cloud.imm_settings.index_delay_seconds = 0.0
    room.cloud.imm_settings.files_per_turn = 25
    keys = [f"{call:02}-{file}" for call in range(CALLS) for file in range(FILES)]
    for key in keys:
        room.put(key)
    for first in range(0, len(keys), FILES):
        room.in_dataset("BatchIndexFileMeta", Files=[{"URI": f"{URI}/{key}"} for key in keys[first : first + FILES]])
    return keys


def indexed(room: Room) -> list[str]:
    """Keys in the order in which they were indexed."""
    files = room.cloud.imm("1234567890123456", "cn-hangzhou").projects["test-project"].datasets["test-dataset"].files
    return [uri.removeprefix(f"{URI}/") for uri in files]


def test_a_turn_does_as_many_index_calls_as_its_files_allow(room: Room) -> None:
    """Each whole, so the last may exceed them; in order, and the rest with the next turns."""
    keys = calls_waiting(room)
    for turn in range(1, CALLS // 3 + 1):
        assert lifecycle.advance(room.cloud)
        assert keys[: turn * 30] == indexed(room)
    assert not lifecycle.advance(room.cloud)


def test_a_scan_waits_for_the_index_calls_of_a_turn(room: Room) -> None:
    """They are charged to the same files; what they leave is the scan's."""
    calls_waiting(room)
    room.cloud.imm_settings.binding_ready_seconds = 0.0
    room.cloud.imm_settings.scan_files_per_second = 1e9
    room.put("000")
    room.in_dataset("CreateBinding", URI=URI)
    for _ in range(CALLS // 3):
        lifecycle.advance(room.cloud)
        assert "000" not in indexed(room)
    for _ in range(CALLS * FILES):
        if "000" in indexed(room):
            break
        lifecycle.advance(room.cloud)
    assert "000" in indexed(room)


def test_on_a_virtual_clock_all_is_done_at_once(room: Room) -> None:
    """Whatever a turn may read."""
    room.cloud.imm_settings.files_per_turn = 7
    for number in range(50):
        room.put(f"{number:02}")
    for number in range(50):
        room.in_dataset("IndexFileMeta", File={"URI": f"{URI}/{number:02}"})
    room.advance(1)
    assert [f"{number:02}" for number in range(50)] == indexed(room)
