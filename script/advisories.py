"""Ask the OSV service for known faults in what is installed; part of `script/test`.

Where the service can't be reached, or does not know a fault that is known since 2018, nothing can be said:
that is printed, and is no failure. `OSV_URL` names another service of the same kind.
"""

from __future__ import annotations

import json
import os
import subprocess  # pip-audit is a program  # nosec B404
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

OSV_URL = "https://api.osv.dev/v1/query"
CANARY = "flask==0.12.2"
"""CVE-2018-1000656: whoever knows advisories knows this one."""
PATIENCE = 600
"""Seconds that asking about some two hundred packages may take."""


def main() -> int:
    """0 where no fault is known or nobody could be asked, 1 where there is one."""
    service = os.environ.get("OSV_URL") or OSV_URL
    known, trouble = ask(service, [CANARY])
    if not any(package.get("vulns") for package in known):
        print(f"Skipped: {service} gives no advisories{trouble and f' ({trouble})'}.")
        return 0
    installed, trouble = ask(service)
    if not installed:
        print(f"Skipped: {service} stopped answering ({trouble}).")
        return 0
    return tell(installed)


def tell(installed: Sequence[dict[str, Any]]) -> int:
    """Print each fault with the version that has the remedy; the status to end with."""
    faulty = [package for package in installed if package.get("vulns")]
    for package in faulty:
        for fault in package["vulns"]:
            remedy = " or ".join(fault.get("fix_versions", [])) or "no version yet"
            print(f"{package['name']} {package['version']}: {fault['id']}, mended in {remedy}")
    print(f"{len(installed)} packages, {len(faulty)} of them with known faults.")
    return 1 if faulty else 0


def ask(service: str, only: Sequence[str] = ()) -> tuple[list[dict[str, Any]], str]:
    """What pip-audit says of the requirements `only`, or of all that is installed; and its last words where
    it says nothing that can be read."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "requirements.txt"
        wanted.write_text("\n".join(only))
        these = ["--no-deps", "--disable-pip", "--requirement", str(wanted)] if only else ["--local"]
        asked = ["--vulnerability-service", "osv", "--osv-url", service, "--timeout", "10"]
        quiet = ["--format", "json", "--progress-spinner", "off"]
        command = [sys.executable, "-m", "pip_audit", *asked, *quiet, *these]
        try:
            answer = subprocess.run(  # no shell, no input of others  # nosec B603
                command, capture_output=True, text=True, timeout=PATIENCE, check=False
            )
        except subprocess.TimeoutExpired:
            return [], f"no answer in {PATIENCE} s"
    try:
        said: list[dict[str, Any]] = json.loads(answer.stdout)["dependencies"]
    except (ValueError, KeyError):
        return [], (answer.stderr.strip() or "no answer").splitlines()[-1]
    return said, ""


if __name__ == "__main__":
    raise SystemExit(main())
