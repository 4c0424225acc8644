"""script/server: says what is missing before anything fails, keeps web and worker running, stops both."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from urllib.request import urlopen

import pytest

from webapp.config import ROOT

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module."""
    monkeypatch.syspath_prepend(str(ROOT / "script"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loader = SourceFileLoader("server_script", str(ROOT / "script" / "server"))
    spec = importlib.util.spec_from_loader("server_script", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_what_the_machine_lacks_is_named_with_its_remedy(
    server: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment = server.environment
    monkeypatch.setattr(environment, "LIBRARIES", {"libnothing.so.9": "libnothing9"})
    monkeypatch.setattr(environment, "PIP", tmp_path / "pip")
    monkeypatch.setattr(environment, "NEEDED_GIB", 10**9)
    monkeypatch.setattr(environment.importlib.util, "find_spec", lambda name: None)
    library, ensurepip, space = environment.missing_parts()
    assert "libnothing.so.9" in library
    assert "apt-get install libnothing9" in library
    assert f"python3.{sys.version_info.minor}-venv" in ensurepip
    assert "GiB free" in space


def test_a_machine_that_runs_these_tests_lacks_nothing(server: ModuleType) -> None:
    assert server.environment.missing_parts() == []


def test_a_port_in_use_is_named_before_anything_starts(
    server: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(server, "PORT", taken.getsockname()[1])
        (problem,) = server.port_taken()
    assert "Choose another: PORT=" in problem
    assert server.port_taken() == []


@pytest.mark.parametrize(
    ("given", "demo"),
    [
        ({}, "1"),
        ({"DEMO": "0"}, "0"),
        ({"SECRET_KEY": "x"}, None),
        ({"DATABASE_URL": "postgresql://h/d"}, None),
        ({"DEMO": "1", "DATABASE_URL": "postgresql://h/d"}, "1"),
    ],
)
def test_it_is_the_demo_unless_something_says_otherwise(
    server: ModuleType, given: dict[str, str], demo: str | None
) -> None:
    assert server.demo_by_default(dict(given)).get("DEMO") == demo


def test_one_that_dies_is_started_again_and_one_that_keeps_dying_ends_all(
    server: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(server.Programs, "announce", lambda self: None)
    monkeypatch.setattr(server.signal, "signal", lambda *_: None)
    programs = server.Programs({})
    programs.commands = {"web": SLEEP, "worker": [sys.executable, "-c", "raise SystemExit(3)"]}
    assert programs.keep_running() == 1
    said = capfd.readouterr().err
    assert said.count("The worker stopped (status 3); starting it again.") == server.RETRIES - 1
    assert "The worker keeps stopping (status 3)." in said
    assert programs.running["web"].poll() == -signal.SIGTERM


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_it_starts_pages_and_worker_and_one_signal_stops_both(tmp_path: Path) -> None:
    from tests.ml.conftest import write_weights

    port = free_port()
    settings = {"PORT": str(port), "INSTANCE_DIR": str(tmp_path / "i"), "OMP_NUM_THREADS": "1"}
    settings["ML_WEIGHTS"] = str(write_weights(tmp_path / "weights"))
    command = [sys.executable, str(ROOT / "script" / "server")]
    with (tmp_path / "log").open("wb") as log:
        started = subprocess.Popen(command, env={**os.environ, **settings}, stdout=log, stderr=log)
    try:
        assert until(lambda: urlopen(f"http://127.0.0.1:{port}/readyz").status == 200, 300), said(tmp_path)
        assert f"SecondRead is at http://127.0.0.1:{port}" in said(tmp_path)
        assert "radiologist@demo.secondread.example" in said(tmp_path)
    finally:
        started.send_signal(signal.SIGINT)
        assert started.wait(timeout=60) == 0, said(tmp_path)
    assert said(tmp_path).endswith("Stopped.\n")
    with pytest.raises(OSError, match="refused"):
        urlopen(f"http://127.0.0.1:{port}/healthz")


def said(folder: Path) -> str:
    return (folder / "log").read_text()


def until(true: object, seconds: float) -> bool:
    """Whether `true` became so within `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if true():
                return True
        except OSError:
            pass
        time.sleep(0.5)
    return False
