"""Every answer is protected, error pages included; no page is kept by a cache."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import settings
from tests.support import Visitor
from webapp import create_app


@pytest.mark.parametrize("path", ["/login", "/account", "/nothing", "/healthz", "/static/css/secondread.css"])
def test_every_answer_carries_the_strict_policy(login: Callable[..., Visitor], path: str) -> None:
    with login().get(path) as answer:
        headers = answer.headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self';" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in headers


@pytest.mark.parametrize("path", ["/login", "/account", "/nothing", "/healthz"])
def test_no_cache_keeps_a_page(login: Callable[..., Visitor], path: str) -> None:
    assert "no-store" in login().get(path).headers["Cache-Control"]


def test_static_files_may_be_cached(client: Visitor) -> None:
    with client.get("/static/css/secondread.css") as answer:
        assert "no-store" not in answer.headers.get("Cache-Control", "")


def test_with_https_the_browser_is_told_to_stay_with_it(tmp_path: Path) -> None:
    answer = create_app(settings(tmp_path, https=True)).test_client().get("/healthz")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


@pytest.mark.parametrize("path", ["/login", "/account", "/account/password", "/nothing"])
def test_pages_hold_no_inline_script_or_style_and_load_nothing_from_outside(
    login: Callable[..., Visitor], client: Visitor, path: str
) -> None:
    visitor = client if path == "/login" else login()
    text = visitor.get(path).text
    assert "<script>" not in text
    assert " style=" not in text
    assert " onclick=" not in text
    assert 'src="http' not in text
    assert 'href="http' not in text
    assert "not a medical device" in text.lower()
