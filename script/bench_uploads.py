"""The upload half of `script/bench`: real programs, a real sign-in, real bytes over HTTP."""

from __future__ import annotations

import io
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import requests
from PIL import Image

import ml
from tests.live import Person, Site
from tests.services_support import wait_for

GOAL_MS = 300
"""For the answer after the last byte of a 1 MB image, 95th percentile."""
_WARM_UP = 3
_SIDE_FACTOR = 2


class _Watched(io.BytesIO):
    """A request body that knows when its last byte was taken to be sent."""

    ended = 0.0

    def read(self, size: int | None = -1) -> bytes:
        chunk = super().read(size)
        if self.tell() == len(self.getbuffer()):
            self.ended = time.perf_counter()
        return chunk


def rows(count: int) -> list[dict[str, object]]:
    """Upload `count` images one after the other, each waited for until its result shows."""
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder) / "instance", **_given("ML_WEIGHTS", "ML_THREADS"))
        site.set_up()
        try:
            answers, results = _measure(site, count)
        finally:
            site.kill_all()
    goal = f"p95 <= {GOAL_MS} ms"
    return [
        _row("upload of 1 MB: last byte to answer, p50", _quantile(answers, 50)),
        _row("upload of 1 MB: last byte to answer, p95", _quantile(answers, 95), goal, GOAL_MS),
        _row("upload of 1 MB: first byte to result on the page, p50", _quantile(results, 50)),
        _row("upload of 1 MB: first byte to result on the page, p95", _quantile(results, 95)),
    ]


def _measure(site: Site, count: int) -> tuple[list[float], list[float]]:
    """Milliseconds from the last byte to the answer, and from the first to the result; warmed up."""
    site.start("web")
    site.start("worker")
    site.wait_until_up()
    person = Person(site)
    wait_for(lambda: requests.get(f"{site.url}/readyz", timeout=5).ok, 120)
    timed = [_one(site, person, data) for data in _images(count + _WARM_UP)]
    person.close()
    answers, results = zip(*timed[_WARM_UP:], strict=True)
    return list(answers), list(results)


def _one(site: Site, person: Person, data: bytes) -> tuple[float, float]:
    form = {"csrf_token": person.token}
    headers = {"Accept": "application/json", "Referer": site.url}
    request = requests.Request("POST", f"{site.url}/uploads", data=form, files={"files": ("a.png", data)})
    request.headers = headers
    prepared = person.session.prepare_request(request)
    body = prepared.body = _Watched(prepared.body)
    began = time.perf_counter()
    (verdict,) = person.session.send(prepared, timeout=60).json()["files"]
    answered = time.perf_counter()
    if verdict["state"] != "accepted":
        raise RuntimeError(f"an image was not accepted: {verdict['message']}")
    news, uid = f"{site.url}/news", verdict["image_uid"]
    while person.session.get(news, params={"image": uid}, timeout=60).json()[uid]["pending"]:
        time.sleep(0.02)
    return 1000 * (answered - body.ended), 1000 * (time.perf_counter() - began)


def _images(count: int) -> list[bytes]:
    """PNG files of about 1 MB: one phantom, enlarged, under different noise."""
    phantom = ml.phantom.draw("irregular", 1).pixels
    large = np.kron(phantom, np.ones((_SIDE_FACTOR, _SIDE_FACTOR))).astype(np.float32)
    return [_png(large + np.random.default_rng(seed).normal(0, 32, large.shape)) for seed in range(count)]


def _png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(file, "PNG", compress_level=1)
    return file.getvalue()


def _given(*names: str) -> dict[str, str]:
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def _quantile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _row(what: str, value: float, goal: str | None = None, most: float | None = None) -> dict[str, object]:
    return {
        "what": what,
        "value": value,
        "unit": "ms",
        "goal": goal,
        "met": None if most is None else value <= most,
    }
