"""Behind proxies: as many as are said to be there are believed, no more."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import request

from tests.conftest import settings
from webapp import create_app


@pytest.mark.parametrize(
    ("hops", "address", "scheme"),
    [(0, "127.0.0.1", "http"), (1, "10.0.0.2", "https"), (2, "10.0.0.1", "http")],
)
def test_the_client_is_whom_the_trusted_proxies_name(
    tmp_path: Path, hops: int, address: str, scheme: str
) -> None:
    app = create_app(settings(tmp_path, proxy_hops=hops))
    seen = {}
    app.before_request_funcs[None].insert(0, lambda: seen.update(a=request.remote_addr, s=request.scheme))
    headers = {"X-Forwarded-For": "6.6.6.6, 10.0.0.1, 10.0.0.2", "X-Forwarded-Proto": "https"}
    app.test_client().get("/healthz", headers=headers)
    assert seen == {"a": address, "s": scheme}


def test_nobody_moves_the_application_to_another_path(tmp_path: Path) -> None:
    app = create_app(settings(tmp_path, proxy_hops=1))
    answer = app.test_client().get("/", headers={"X-Forwarded-Prefix": "/evil"})
    assert answer.location.startswith("/login")
