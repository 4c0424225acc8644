"""The real thing for tests: gunicorn and worker as programs of their own, and a person with a browser."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import requests

from tests.services_support import clean_environment, free_port, wait_for
from tests.support import PASSWORD
from webapp.config import ROOT

EMAIL = "radiologist@live.example"
_TOKEN = re.compile(r'name="csrf_token"[^>]*?value="([^"]+)"|"X-CSRFToken": "([^"]+)"')
FLASK = [sys.executable, "-m", "flask", "--app", "wsgi"]


class Site:
    """A server with everything in `folder`. The programs are "web" and "worker"."""

    def __init__(self, folder: Path, threads: int = 4, processes: int = 1, **settings: str) -> None:
        self.folder = folder
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.environment = clean_environment(DEMO="1", INSTANCE_DIR=str(folder), **settings)
        gunicorn = ["--worker-class", "gthread", "--threads", str(threads), "--log-level", "warning"]
        gunicorn += ["--workers", str(processes)]
        self._commands = {
            "web": [sys.executable, "-m", "gunicorn", *gunicorn, "--bind", f"127.0.0.1:{port}", "wsgi:app"],
            "worker": [*FLASK, "worker"],
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def set_up(self) -> None:
        """Make the database and the account `EMAIL`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._flask("db", "upgrade")
        self.add_person(EMAIL, "radiologist")

    def add_person(self, email: str, role: str) -> None:
        """An account of the group "Live", with the password `PASSWORD`."""
        who = ["--name", "Live", "--group", "Live", "--role", role, "--password", PASSWORD]
        self._flask("create-user", email, *who)

    def _flask(self, *command: str) -> None:
        subprocess.run([*FLASK, *command], cwd=ROOT, env=self.environment, check=True, capture_output=True)

    def start(self, name: str) -> None:
        """Start a program in a process group of its own; what it says is added to `NAME.log`."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                self._commands[name],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def pid(self, name: str) -> int:
        """Process number of the program as it was started."""
        return self._running[name].pid

    def runs(self, name: str) -> bool:
        """Whether the program was started and has not ended."""
        return name in self._running and self._running[name].poll() is None

    def kill(self, name: str) -> None:
        """kill -9 the program and all that it started."""
        program = self._running.pop(name)
        with suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(program.pid, signal.SIGKILL)
        program.wait()

    def stop(self, name: str) -> int:
        """Ask the program to stop; returns its exit status."""
        program = self._running.pop(name)
        program.terminate()
        return program.wait(60)

    def kill_all(self) -> None:
        """Leave nothing running."""
        for name in list(self._running):
            self.kill(name)

    def wait_until_up(self) -> None:
        """Return once the web program answers."""
        wait_for(lambda: requests.get(f"{self.url}/healthz", timeout=5).ok, 60)


class Person:
    """Somebody signed in from a browser, form tokens and all."""

    def __init__(self, site: Site, email: str = EMAIL, password: str = PASSWORD) -> None:
        self.site = site
        self.session = requests.Session()
        form = {"email": email, "password": password, "csrf_token": self._token_of("/login")}
        self._post("/login", data=form).raise_for_status()
        self.token = self._token_of("/account")

    def upload(self, name: str, data: bytes) -> dict[str, str]:
        """The server's verdict on one file.

        Raises requests.RequestException where the server is away or breaks off.
        """
        form = {"csrf_token": self.token}
        answer = self._post("/uploads", data=form, files={"files": (name, data)}, accept="application/json")
        answer.raise_for_status()
        (verdict,) = answer.json()["files"]
        return verdict

    def close(self) -> None:
        """Close the browser."""
        self.session.close()

    def _post(self, path: str, accept: str = "text/html", **more: object) -> requests.Response:
        headers = {"Accept": accept, "Referer": self.site.url + path}
        return self.session.post(self.site.url + path, headers=headers, timeout=30, **more)

    def _token_of(self, page: str) -> str:
        answer = self.session.get(self.site.url + page, timeout=30)
        answer.raise_for_status()
        found = _TOKEN.search(answer.text)
        if found is None:
            raise AssertionError(f"{page} carries no form token")
        return found[1] or found[2]
