"""The virtual environment of this project: what the machine must have, and what pip brings.

Standard library only: this runs before anything is installed.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
import shutil
import subprocess  # pip is a program  # nosec B404
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
PIP = VENV / "bin" / "pip"
OLDEST = (3, 11)
NEEDED_GIB = 9
"""The environment takes about 7 GiB (most of it torch with its GPU libraries); pip needs room to unpack."""

DEBIAN = "On Debian or Ubuntu: apt-get install"
# Shared libraries that opencv-python loads and no wheel brings, and the Debian packages that have them.
LIBRARIES = {"libGL.so.1": "libgl1", "libgthread-2.0.so.0": "libglib2.0-0"}


def use_newer_python() -> None:
    """Where this Python is too old, go on in a newer one of this machine, or stop and say what to do."""
    if sys.version_info >= OLDEST:
        return
    newer = (shutil.which(f"python3.{minor}") for minor in range(14, OLDEST[1] - 1, -1))
    if found := next(filter(None, newer), None):
        os.execv(found, [found, *sys.argv])  # noqa: S606  this very script, on the Python just found  # nosec B606
    stop([f"Python 3.{OLDEST[1]} or newer is needed, this is {sys.version.split()[0]}."])


def stop(problems: list[str]) -> None:
    """Name every problem with its remedy, and end with status 1."""
    for problem in problems:
        print(f"  - {problem}", file=sys.stderr)
    raise SystemExit(1)


def missing_parts() -> list[str]:
    """What this machine lacks that pip can't bring, each with its remedy."""
    problems = [
        f"The shared library {name} is missing (opencv-python needs it). {DEBIAN} {package}"
        for name, package in LIBRARIES.items()
        if sys.platform == "linux" and not _loads(name)
    ]
    if not PIP.exists():
        if not all(map(importlib.util.find_spec, ("venv", "ensurepip"))):
            problems.append(
                "Python can't make virtual environments here (ensurepip is missing)."
                f" {DEBIAN} python3.{sys.version_info.minor}-venv"
            )
        if (free := shutil.disk_usage(ROOT).free / 2**30) < NEEDED_GIB:
            problems.append(
                f"{ROOT} has {free:.1f} GiB free; the environment needs {NEEDED_GIB}. Free some space."
            )
    return problems


def ensure(requirements: str) -> None:
    """Make `.venv` where missing, and install `requirements` where they changed since the last time."""
    if not PIP.exists():  # the last thing that venv makes
        print(f"Making the virtual environment {VENV.name} ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)  # nosec B603
    if _stamp(requirements).exists() and _stamp(requirements).read_text() == _digest(requirements):
        return
    print(f"Installing {requirements} (the first time: several minutes, about 3 GB to fetch) ...", flush=True)
    pip = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "-r", ROOT / requirements]
    if subprocess.run(pip, check=False).returncode:  # nosec B603
        stop(["pip could not install the requirements; its message is above. Then start again."])
    for installed in (requirements, *_named_in(requirements)):
        _stamp(installed).write_text(_digest(installed))


def _stamp(requirements: str) -> Path:
    return VENV / f".installed-{requirements}"


def _named_in(requirements: str) -> list[str]:
    """The other requirements files that this one includes."""
    lines = (ROOT / requirements).read_text().splitlines()
    return [line.split()[1] for line in lines if line.startswith("-r ")]


def _digest(requirements: str) -> str:
    files = (requirements, *_named_in(requirements))
    return hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in files)).hexdigest()


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
