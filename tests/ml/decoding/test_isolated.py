"""What breaks a decoder breaks nothing else, and what comes back is what the decoder would have said."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from ml import imaging
from ml.decoding import IsolatedDecoder, ProcessLimits
from ml.errors import (
    DecoderCrashedError,
    DecoderMemoryError,
    DecoderTimeoutError,
    DecoderUnavailableError,
    EmptyFileError,
    FrameIndexError,
    ImageError,
    TooManyPixelsError,
    TruncatedImageError,
)
from ml.imaging import ImagingLimits
from tests.ml.decoding.misbehaving import COMMAND
from tests.ml.imaging.files import (
    SYNTAXES,
    animation,
    colour_scene,
    dicom,
    picture,
    region,
    scene,
    ultrasound_loop,
)
from tests.services_support import wait_for

ROOT = Path(__file__).resolve().parents[3]
WHOLE = picture(scene(), "PNG")
MIB = 2**20


@pytest.fixture(scope="module")
def decoder():
    decoder = IsolatedDecoder(children=1)
    yield decoder
    decoder.close()


@pytest.fixture(scope="module")
def misbehaving():
    """A decoder that does as the file says, with little patience and memory."""
    decoder = IsolatedDecoder(ProcessLimits(seconds=4, memory=256 * MIB), 1, COMMAND)
    yield decoder
    decoder.close()


def still_decodes(decoder: IsolatedDecoder) -> bool:
    return np.array_equal(decoder.decode(WHOLE).pixels, scene())


FILES = {
    "png": lambda: WHOLE,
    "colour png": lambda: picture(colour_scene(), "PNG"),
    "jpeg": lambda: picture(colour_scene(), "JPEG"),
    "pages": lambda: animation([colour_scene(), colour_scene(seed=1)], "TIFF"),
    "webp": lambda: picture(colour_scene(), "WEBP"),
    "bmp": lambda: picture(scene(), "BMP"),
    "loop": ultrasound_loop,
    "regions": lambda: dicom(
        scene(), SequenceOfUltrasoundRegions=[region(1, 1, 40, 30)], PixelSpacing=[0.1, 1 / 3]
    ),
    **{syntax.name: (lambda syntax=syntax: dicom(scene(), syntax)) for syntax in SYNTAXES},
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_reads_the_same_to_the_last_bit(decoder, name):
    data = FILES[name]()
    here, there = imaging.decode(data), decoder.decode(data)
    assert there.info == here.info == decoder.inspect(data)
    assert (there.frame, there.colour_share) == (here.frame, here.colour_share)
    assert there.pixels.dtype == np.uint8
    assert np.array_equal(there.pixels, here.pixels)
    assert (there.colour is None) == (here.colour is None)
    if here.colour is not None:
        assert np.array_equal(there.colour, here.colour)


def test_every_frame_can_be_asked_for(decoder):
    data = ultrasound_loop(3)
    for frame in range(3):
        there = decoder.decode(data, frame)
        assert np.array_equal(there.colour, imaging.decode(data, frame).colour)
        assert there.frame == frame
    with pytest.raises(FrameIndexError, match="frames 0 to 2"):
        decoder.decode(data, 3)


@pytest.mark.parametrize("data", [b"", b"hello", WHOLE[:300], dicom(scene(), Rows=60_000, Columns=60_000)])
def test_a_bad_file_has_the_same_error_in_the_same_words(decoder, data):
    with pytest.raises(ImageError) as here:
        imaging.inspect(data)
    with pytest.raises(ImageError) as there:
        decoder.inspect(data)
    assert (type(there.value), str(there.value)) == (type(here.value), str(here.value))


def test_the_limits_are_those_of_the_caller(decoder):
    with pytest.raises(TooManyPixelsError):
        decoder.inspect(WHOLE, ImagingLimits(max_pixels=100))
    assert still_decodes(decoder)


def test_an_empty_file_needs_no_child():
    with pytest.raises(EmptyFileError):
        IsolatedDecoder(command=("/nowhere",)).inspect(b"")


LIES = ("more pixels than agreed on", "an unheard-of fault")


class TestDeaths:
    @pytest.mark.parametrize(
        "how", ["segfault", *(pytest.param(how, marks=pytest.mark.slow) for how in ("abort", "leave"))]
    )
    def test_a_child_that_dies_is_a_named_error_and_is_replaced(self, misbehaving, how):
        with pytest.raises(DecoderCrashedError, match="broke down"):
            misbehaving.decode(how.encode())
        assert still_decodes(misbehaving)

    @pytest.mark.slow
    @pytest.mark.parametrize("how", ["compute", "sleep", "stop"])
    def test_a_child_that_hangs_is_ended_in_time(self, misbehaving, how):
        assert still_decodes(misbehaving)
        began = time.monotonic()
        with pytest.raises(DecoderTimeoutError, match="longer than 4 seconds"):
            misbehaving.decode(how.encode())
        assert time.monotonic() - began < 4 + 10
        assert still_decodes(misbehaving)

    def test_a_child_that_swells_is_a_named_error_and_is_replaced(self, misbehaving):
        assert still_decodes(misbehaving)
        (before,) = misbehaving.children()
        with pytest.raises(DecoderMemoryError, match="memory"):
            misbehaving.decode(b"swell")
        assert still_decodes(misbehaving)
        assert misbehaving.children() != [before]

    @pytest.mark.parametrize("lie", ["noise", *(pytest.param(lie, marks=pytest.mark.slow) for lie in LIES)])
    def test_an_answer_that_makes_no_sense_is_not_believed(self, misbehaving, lie):
        with pytest.raises(DecoderCrashedError):
            misbehaving.decode(lie.encode())
        assert still_decodes(misbehaving)

    def test_a_child_that_was_killed_while_idle_costs_nobody_anything(self, misbehaving):
        assert still_decodes(misbehaving)
        (idle,) = misbehaving.children()
        os.kill(idle, signal.SIGKILL)
        wait_for(lambda: not misbehaving.children(), 20)
        assert still_decodes(misbehaving)

    @pytest.mark.slow
    def test_others_are_served_while_one_hangs(self):
        decoder = IsolatedDecoder(ProcessLimits(seconds=8), 2, COMMAND)
        try:
            decoder.warm()
            with ThreadPoolExecutor(1) as aside:
                hanging = aside.submit(decoder.decode, b"sleep")
                assert still_decodes(decoder)
                assert not hanging.done()
                with pytest.raises(DecoderTimeoutError):
                    hanging.result()
        finally:
            decoder.close()


class TestWhatAChildMay:
    def test_it_writes_no_file(self, misbehaving):
        with pytest.raises((TruncatedImageError, DecoderCrashedError)):
            misbehaving.decode(b"write")
        left = ROOT / "written-by-a-decoder"
        size = left.stat().st_size if left.exists() else 0
        left.unlink(missing_ok=True)
        assert size == 0

    def test_it_learns_no_secret(self, monkeypatch):
        monkeypatch.setenv("SECRET_KEY", "x" * 40)
        monkeypatch.setenv("DATABASE_URL", "postgresql://a:b@c/d")
        decoder = IsolatedDecoder(children=1, command=COMMAND)
        try:
            with pytest.raises(TruncatedImageError, match="PATH") as said:
                decoder.decode(b"show environment")
        finally:
            decoder.close()
        assert not {"SECRET_KEY", "DATABASE_URL", "HOME"} & set(str(said.value).split())

    def test_it_knows_nothing_of_networks_or_the_web(self):
        loaded = "import sys, ml.decoding.child; print(*{'torch', 'flask', 'sqlalchemy'} & set(sys.modules))"
        said = subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, capture_output=True, text=True)
        assert (said.stdout.split(), said.returncode) == ([], 0)


class TestLife:
    def test_warm_starts_all_children_once(self):
        decoder = IsolatedDecoder(children=2)
        try:
            decoder.warm()
            started = sorted(decoder.children())
            decoder.warm()
            assert len(started) == 2
            assert sorted(decoder.children()) == started
            assert still_decodes(decoder)
            assert sorted(decoder.children()) == started
        finally:
            decoder.close()

    def test_many_threads_share_few_children(self):
        decoder = IsolatedDecoder(children=2)
        files = [picture(scene(seed=seed), "PNG") for seed in range(8)]
        try:
            with ThreadPoolExecutor(8) as threads:
                scans = list(threads.map(decoder.decode, files * 4))
            assert len(decoder.children()) <= 2
        finally:
            decoder.close()
        for number, found in enumerate(scans):
            assert np.array_equal(found.pixels, scene(seed=number % 8))

    def test_a_closed_decoder_leaves_no_child_and_says_that_it_is_closed(self):
        decoder = IsolatedDecoder(children=1)
        decoder.inspect(WHOLE)
        (child,) = decoder.children()
        decoder.close()
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)
        with pytest.raises(DecoderUnavailableError):
            decoder.inspect(WHOLE)

    @pytest.mark.parametrize("command", [("/nowhere/python",), (sys.executable, "-c", "raise SystemExit(1)")])
    def test_a_decoder_that_cannot_be_started_says_nothing_of_the_file(self, command):
        decoder = IsolatedDecoder(command=command)
        with pytest.raises(DecoderUnavailableError, match="can't be started"):
            decoder.inspect(WHOLE)
        decoder.close()

    @pytest.mark.slow
    @pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
    def test_children_end_with_their_parent_however_it_ends(self, end):
        program = (
            "import sys, time, ml\n"
            "decoder = ml.IsolatedDecoder(children=2)\n"
            "decoder.warm(); decoder.inspect(open(sys.argv[1], 'rb').read())\n"
            "print(*decoder.children(), flush=True); time.sleep(120)\n"
        )
        sample = ROOT / "docs/screenshots/case.png"
        parent = subprocess.Popen(
            [sys.executable, "-c", program, str(sample)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        with parent:
            children = [int(number) for number in parent.stdout.readline().split()]
            assert len(children) == 2
            parent.send_signal(end)
            parent.wait(20)
        wait_for(lambda: not any(Path(f"/proc/{child}/cmdline").exists() for child in children), 60)

    def test_a_forked_process_has_children_of_its_own(self, decoder):
        ours = decoder.inspect(WHOLE) and decoder.children()
        reading, writing = os.pipe()
        forked = os.fork()
        if forked == 0:
            try:
                decoder.inspect(WHOLE)
                os.write(writing, repr(decoder.children()).encode())
                decoder.close()
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            theirs = pipe.read()
        os.waitpid(forked, 0)
        assert theirs not in ("", repr(ours))
        assert decoder.inspect(WHOLE)
        assert decoder.children() == ours

    def test_what_ends_a_group_of_processes_politely_leaves_the_work_in_hand(self):
        decoder = IsolatedDecoder(children=1, command=COMMAND)
        try:
            assert still_decodes(decoder)
            (child,) = decoder.children()
            for number in (signal.SIGINT, signal.SIGTERM):
                os.kill(child, number)
            assert still_decodes(decoder)
            assert decoder.children() == [child]
        finally:
            decoder.close()


def test_no_thread_is_left_behind(decoder):
    before = threading.active_count()
    decoder.inspect(WHOLE)
    assert threading.active_count() == before
