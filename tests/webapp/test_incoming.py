"""A request that no page could make sense of is refused in words, and never reaches the database."""

from __future__ import annotations

import io
import socket
import threading
import time

import pytest

from webapp import incoming

JSON = {"Accept": "application/json"}
BOUNDARY = "x"


@pytest.fixture
def visitor(login):
    return login("radiologist")


def _multipart(*parts: bytes) -> dict[str, object]:
    body = b"".join(b"--x\r\nContent-Disposition: form-data; " + part + b"\r\n" for part in parts)
    return {"data": body + b"--x--\r\n", "content_type": "multipart/form-data; boundary=x", "headers": JSON}


def test_a_file_name_that_is_no_text_is_named_as_the_fault(visitor):
    token = b'name="csrf_token"\r\n\r\n' + visitor.token().encode()
    file = b'name="files"; filename="M\xfcller.png"\r\n\r\nx'
    answer = visitor.post("/uploads", **_multipart(token, file))
    assert (answer.status_code, answer.json["code"]) == (400, "bad_request")
    assert "not UTF-8" in answer.json["message"]


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=other"])
def test_a_form_that_can_not_be_taken_apart_is_not_an_empty_one(visitor, content_type):
    form = _multipart(b'name="theme"\r\n\r\nlight') | {"content_type": content_type}
    answer = visitor.post("/account/theme", **form)
    assert (answer.status_code, answer.json["code"]) == (400, "bad_request")
    assert "could not be read" in answer.json["message"]


@pytest.mark.parametrize("page", ["/?text=%00", "/?%00=a", "/cases/a%00b", "/login?next=%00"])
def test_an_address_with_nul_is_refused(visitor, page):
    answer = visitor.get(page, headers=JSON)
    assert (answer.status_code, answer.json["code"]) == (400, "bad_request")


def test_a_form_with_nul_is_refused(visitor):
    answer = visitor.submit("/account", {"name": "a\0b"}, headers=JSON)
    assert (answer.status_code, answer.json["code"]) == (400, "bad_request")
    assert "NUL" in answer.json["message"]


def _unread(body: io.BytesIO) -> dict[str, object]:
    """As gunicorn hands a body on: reading ends where it does."""
    return {
        "input_stream": body,
        "content_length": 2_000_000,
        "environ_overrides": {"wsgi.input_terminated": True},
    }


def test_a_refused_body_is_taken_in_before_the_answer(client):
    """Who is still sending hears no answer on a connection that is closed meanwhile."""
    body = io.BytesIO(b"x" * 2_000_000)
    assert client.post("/uploads", headers=JSON, **_unread(body)).status_code == 401
    assert body.read() == b""


def test_a_body_that_does_not_end_is_not_waited_for(client, monkeypatch):
    class Endless(io.BytesIO):
        def read(self, size: int = -1) -> bytes:
            return b"x" * size

    monkeypatch.setattr(incoming, "_LINGER", 0.1)
    assert client.post("/uploads", headers=JSON, **_unread(Endless())).status_code == 401


def test_a_sender_that_is_gone_spoils_no_answer(client):
    class Gone(io.BytesIO):
        def read(self, size: int = -1) -> bytes:
            raise ConnectionResetError

    assert client.post("/uploads", headers=JSON, **_unread(Gone())).status_code == 401


def test_a_body_that_drips_in_holds_no_thread_for_long(client, monkeypatch):
    """Each byte comes before the next is given up, and a piece would take hours."""
    ours, theirs = socket.socketpair()
    whole, over = ours.makefile("rb"), threading.Event()

    class Dripping(io.BytesIO):
        def read(self, size: int = -1) -> bytes:
            return whole.read(size)  # as gunicorn's: all of it, or the end

    def drip() -> None:
        while not over.wait(0.02):
            theirs.send(b"x")

    sender = threading.Thread(target=drip)
    sender.start()
    monkeypatch.setattr(incoming, "_LINGER", 0.3)
    asked = _unread(Dripping())
    asked["environ_overrides"] |= {"gunicorn.socket": ours}
    began = time.monotonic()
    try:
        assert client.post("/uploads", headers=JSON, **asked).status_code == 401
        assert time.monotonic() - began < 5
    finally:
        over.set()
        sender.join()
        for each in (whole, ours, theirs):
            each.close()
