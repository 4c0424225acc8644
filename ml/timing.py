"""How long each stage took."""

from __future__ import annotations

from time import perf_counter


class Stopwatch:
    """Laps of one piece of work, in milliseconds by name, in the order in which they were taken."""

    def __init__(self) -> None:
        self._start = self._last = perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        """End the stage `name`; a name used again adds up."""
        now = perf_counter()
        self._laps[name] = self._laps.get(name, 0.0) + 1000 * (now - self._last)
        self._last = now

    def milliseconds(self) -> dict[str, float]:
        """Every lap, and "total": all the time since the watch was started."""
        return {**self._laps, "total": 1000 * (perf_counter() - self._start)}
