"""An answer is believed only where every length and value of it is as agreed on."""

from __future__ import annotations

import json
import socket
import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.decoding import wire
from ml.imaging import ImagingLimits
from tests.ml.decoding.misbehaving import LIES

ASKED = wire.Request(0, ImagingLimits(max_pixels=100), 10)


@pytest.fixture
def channel():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def heard(channel, raw: bytes) -> wire.Answer:
    """What the parent makes of `raw` and the end of the channel."""
    ours, theirs = channel
    theirs.sendall(raw)
    theirs.shutdown(socket.SHUT_WR)
    header, body = wire.receive(ours, wire.most_of_answer(ASKED), time.monotonic() + 20)
    return wire.answer_of(header, body, ASKED)


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_found_out(channel, lie):
    with pytest.raises(wire.WireError):
        heard(channel, LIES[lie])


def test_a_message_that_breaks_off_is_no_message(channel):
    with pytest.raises(wire.WireError, match="hung up"):
        heard(channel, LIES["an unheard-of fault"][:-1])


def test_the_end_of_the_channel_is_told_from_a_message(channel):
    with pytest.raises(EOFError):
        heard(channel, b"")


def test_more_than_was_agreed_on_is_not_even_read(channel):
    ours, theirs = channel
    theirs.sendall(struct.pack(">IQ", 2, 401) + b"{}")
    with pytest.raises(wire.WireError, match="401 bytes"):
        wire.receive(ours, 400)


def test_who_dribbles_is_waited_for_until_the_deadline_and_no_longer(channel):
    ours, theirs = channel
    theirs.sendall(b"\0")
    with pytest.raises(TimeoutError):
        wire.receive(ours, 400, time.monotonic() + 0.2)


def test_without_pixels_asked_for_none_are_taken():
    facts = {"facts": {"info": {"format": "png", "width": 4, "height": 4, "frames": 1}}}
    asked = wire.Request(None, ASKED.limits, 10)
    assert wire.most_of_answer(asked) == 0
    assert wire.answer_of(json.dumps(facts).encode(), bytearray(), asked).facts is not None
    with pytest.raises(wire.WireError):
        wire.answer_of(json.dumps(facts).encode(), bytearray(16), asked)


@given(st.binary(max_size=200))
def test_whatever_is_said_is_an_answer_or_a_named_error(noise):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        try:
            heard((ours, theirs), noise)
        except (wire.WireError, EOFError):
            return


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    )
)
def test_whatever_the_header_says_is_an_answer_or_a_named_error(said):
    for header in (said, {"facts": said}, {"fault": said}, {"facts": {"info": said}}):
        try:
            wire.answer_of(json.dumps(header).encode(), bytearray(), ASKED)
        except wire.WireError:
            continue
