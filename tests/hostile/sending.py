"""An upload as raw bytes: clients that clean a file's name, or refuse it, would test themselves."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.hostile.processes import decoders, descendants, forget_peak, peak_memory
from tests.live import Person, Site

_BOUNDARY = b"----------hostile-file-boundary"


def send(person: Person, filename: bytes, data: bytes) -> tuple[int, dict[str, object]]:
    """Status and JSON of the answer to one file."""
    parts = (
        b'name="csrf_token"\r\n\r\n' + person.token.encode(),
        b'name="files"; filename="' + filename + b'"\r\nContent-Type: image/png\r\n\r\n' + data,
    )
    body = b"".join(
        b"--" + _BOUNDARY + b"\r\nContent-Disposition: form-data; " + part + b"\r\n" for part in parts
    )
    headers = {
        "Content-Type": f"multipart/form-data; boundary={_BOUNDARY.decode()}",
        "Accept": "application/json",
        "Referer": person.site.url,
    }
    answer = person.session.post(
        f"{person.site.url}/uploads", data=body + b"--" + _BOUNDARY + b"--\r\n", headers=headers, timeout=120
    )
    return answer.status_code, answer.json()


@dataclass
class Cost:
    """What a request took: seconds of the clock, without those in which the server only waited for a
    processor on a busy machine; of a processor; and bytes of memory of its largest process."""

    seconds: float = 0.0
    processor: float = 0.0
    memory: int = 0


@contextmanager
def measured(site: Site) -> Iterator[Cost]:
    """Measure the server's processes, those that decode above all, while the block runs."""
    cost, stop = Cost(), threading.Event()
    for process in _all(site):
        with suppress(OSError):
            forget_peak(process)
    watch = threading.Thread(target=_watch, args=(site, cost, stop), daemon=True)
    began, spent, waited = time.monotonic(), *_times(site)
    watch.start()
    try:
        yield cost
    finally:
        taken = time.monotonic() - began
        stop.set()
        watch.join()
        spent_after, waited_after = _times(site)
        cost.processor = max(0.0, spent_after - spent)
        cost.seconds = taken - max(0.0, waited_after - waited)


def _watch(site: Site, cost: Cost, stop: threading.Event) -> None:
    """A process that was given up takes its figures with it: they are read while it lives."""
    while not stop.wait(0.02):
        _note_peaks(site, cost)
    _note_peaks(site, cost)


def _note_peaks(site: Site, cost: Cost) -> None:
    for process in _all(site):
        with suppress(OSError):  # it has ended meanwhile
            cost.memory = max(cost.memory, peak_memory(process))


def _all(site: Site) -> list[int]:
    program = site.pid("web")
    for _ in range(5):
        with suppress(OSError):  # a process ended while its children were listed
            return [program, *descendants(program)]
    return decoders(program)


def _times(site: Site) -> tuple[float, float]:
    """Seconds on a processor, and seconds waiting for one (Documentation/scheduler/sched-stats.rst)."""
    ticks = os.sysconf("SC_CLK_TCK")
    spent = waited = 0.0
    for process in _all(site):
        with suppress(OSError):
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            spent += (int(fields[11]) + int(fields[12])) / ticks
            for task in Path(f"/proc/{process}/task").iterdir():
                waited += int((task / "schedstat").read_text().split()[1]) / 1e9
    return spent, waited
