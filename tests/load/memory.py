"""Memory of programs over time, and whether it grows."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
MIB = 2**20


def resident(pid: int) -> int:
    """Bytes in memory of a process and all that it started, as Linux counts them (RSS); 0 once it is gone."""
    own, children = 0, []
    try:
        own = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
        for task in Path(f"/proc/{pid}/task").iterdir():
            children += [int(child) for child in (task / "children").read_text().split()]
    except (OSError, ValueError):  # it ended while it was being looked at
        return own
    return own + sum(resident(child) for child in children)


@dataclass(slots=True)
class Trace:
    """Samples (seconds, bytes) of one program."""

    pid: int
    samples: list[tuple[float, float]] = field(default_factory=list)

    def look(self) -> None:
        """Take a sample."""
        self.samples.append((time.monotonic(), float(resident(self.pid))))

    @property
    def mean(self) -> float:
        """Bytes, over the judged part."""
        judged = self._judged()
        return sum(size for _, size in judged) / len(judged)

    @property
    def growth(self) -> float:
        """Bytes that it grew by over the judged part, along a straight line through all samples of it (least
        squares): a cache that breathes in and out is no growth."""
        judged = self._judged()
        middle, mean = sum(at for at, _ in judged) / len(judged), self.mean
        spread = sum((at - middle) ** 2 for at, _ in judged)
        if spread == 0:
            return 0.0
        slope = sum((at - middle) * (size - mean) for at, size in judged) / spread
        return slope * (judged[-1][0] - judged[0][0])

    def _judged(self) -> list[tuple[float, float]]:
        """The last two thirds: programs grow until every part of them was used once."""
        return self.samples[len(self.samples) // 3 :]
