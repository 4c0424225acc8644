"""The files for systemd, nginx, Prometheus and the environment that the administrator installs."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from webapp.config import ROOT, AppConfig
from webapp.metrics import text

FILES = ROOT / "docs" / "administration"
GUIDE = (ROOT / "docs" / "administration.md").read_text(encoding="utf-8")
HOME = "/opt/secondread"


def unit_files() -> list[Path]:
    return sorted([*FILES.glob("*.service"), *FILES.glob("*.timer")])


def test_every_file_is_installed_or_named_by_the_guide() -> None:
    by_pattern = {".service": "*.service", ".timer": "*.timer"}
    for path in FILES.iterdir():
        assert by_pattern.get(path.suffix, path.name) in GUIDE, path.name


def test_systemd_finds_no_fault_in_the_units(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not on this machine")
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("flask", "gunicorn"):  # that they exist is what is checked of the programs
        (programs / name).symlink_to(sys.executable)
    copies = []
    for unit in unit_files():
        copies.append(tmp_path / unit.name.replace("@", "@1"))
        copies[-1].write_text(unit.read_text().replace(HOME, str(tmp_path)))
    done = subprocess.run(
        [analyze, "verify", "--man=no", *copies], capture_output=True, text=True, check=False, timeout=60
    )
    ours = [line for line in done.stderr.splitlines() if "secondread" in line]
    assert (done.returncode, ours) == (0, [])


def test_every_program_of_a_unit_runs_from_the_environment_as_the_service_s_own_user() -> None:
    for unit in FILES.glob("*.service"):
        said = unit.read_text()
        for line in (
            "User=secondread",
            "ProtectSystem=strict",
            "NoNewPrivileges=yes",
            "CapabilityBoundingSet=",
        ):
            assert f"\n{line}\n" in said, (unit.name, line)
        assert re.search(rf"^ExecStart=.*{HOME}/\.venv/bin/(flask|gunicorn) ", said, re.MULTILINE), unit.name


def test_gunicorn_takes_the_options_of_the_unit() -> None:
    line = re.search(r"^ExecStart=(.*)$", (FILES / "secondread-web.service").read_text(), re.MULTILINE)[1]
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        *shlex.split(line)[1:-1],
        "--check-config",
        "tests.docs.hello:app",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def test_each_line_of_the_environment_file_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [line for line in (FILES / "secondread.env").read_text().splitlines() if not line.startswith("#")]
    said = dict(line.split("=", 1) for line in lines)
    assert {name.lower() for name in said} <= set(AppConfig.model_fields)
    for name, value in said.items():
        monkeypatch.setenv(name, value or "kVJ2k1r9Qm0cUoYw3bXz8LtEo5sGd7Pf4hNa6Rq1")
    assert AppConfig().proxy_hops == 1


def test_every_figure_that_an_alert_asks_for_is_told(app) -> None:
    with app.app_context():
        told = text().decode()
    asked = set(re.findall(r"secondread_[a-z_]+", (FILES / "alerts.yml").read_text()))
    depends = {"secondread_oldest_waiting_seconds", "secondread_backup_age_seconds"}  # on there being one
    assert len(asked) >= 7
    kinds = {name: name.removesuffix("_bucket") for name in asked - depends}
    assert [name for name, kind in kinds.items() if f"TYPE {kind} " not in told] == []
