"""Processes as the kernel sees them (proc(5))."""

from __future__ import annotations

from pathlib import Path

MIB = 2**20


def descendants(program: int) -> list[int]:
    """Process numbers of all that `program` started, and they."""
    found = []
    for task in Path(f"/proc/{program}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            found += [child, *descendants(child)]
    return found


def decoders(program: int) -> list[int]:
    """Those of them that decode."""
    return [child for child in descendants(program) if b"ml.decoding.child" in _proc(child, "cmdline")]


def peak_memory(process: int) -> int:
    """The most bytes of memory that were ever in use at once (VmHWM)."""
    for line in _proc(process, "status").decode().splitlines():
        name, _, value = line.partition(":")
        if name == "VmHWM":
            return int(value.split()[0]) * 1024
    raise ProcessLookupError(process)


def forget_peak(process: int) -> None:
    """Begin to measure `peak_memory` anew."""
    Path(f"/proc/{process}/clear_refs").write_text("5")


def _proc(process: int, name: str) -> bytes:
    return Path(f"/proc/{process}/{name}").read_bytes()
