"""Programs that a test starts, kills in the middle of anything, and starts again: its own Postgres, Redis."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import psycopg
import redis

from tests.hostile.processes import descendants
from tests.services_support import free_port, wait_for
from tests.support import absent

PATIENCE = 60


class Server:
    """A program that is killed as by a power cut: it and all that it started, at once."""

    def __init__(self, command: list[str], log: Path, user: str | None = None) -> None:
        self._command, self._log, self._user = command, log, user
        self._program: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._program is not None and self._program.poll() is None

    def start(self) -> None:
        """Start it, without waiting for it."""
        with self._log.open("ab") as log:
            self._program = subprocess.Popen(
                self._command, stdout=log, stderr=log, user=self._user, group=self._user, cwd="/"
            )

    def kill(self) -> None:
        """kill -9."""
        program, self._program = self._program, None
        if program is None:
            return
        everything = [program.pid]
        with suppress(OSError):  # a process ended while its children were listed
            everything += descendants(program.pid)
        for process in everything:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        program.wait()


class OwnRedis(Server):
    """A Redis that keeps nothing: each kill loses all that was queued."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server") or absent("redis-server")
        self.port = free_port()
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        super().__init__([program, *options, "--dir", str(folder)], folder / "redis.log")
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def up(self) -> bool:
        """Whether it answers."""
        with suppress(redis.RedisError), redis.Redis(port=self.port, socket_timeout=2) as client:
            return bool(client.ping())
        return False


class OwnPostgres(Server):
    """A Postgres cluster of its own, with its usual care for the disk; it refuses to run as root."""

    def __init__(self, log: Path) -> None:
        programs = _postgres_programs()
        user = "postgres" if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="secondread-postgres-"))
        data = self.folder / "data"
        if user:
            owner = pwd.getpwnam(user)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        options = ["-N", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]
        make = [programs / "initdb", *options]
        subprocess.run(make, check=True, capture_output=True, user=user, group=user, cwd="/", timeout=120)
        self.port = free_port()
        options = ["-p", str(self.port), "-k", str(self.folder), "-c", "listen_addresses=127.0.0.1"]
        super().__init__([str(programs / "postgres"), "-D", str(data), *options], log, user)
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def up(self) -> bool:
        """Whether it answers."""
        with suppress(psycopg.OperationalError), psycopg.connect(self.url, connect_timeout=3):
            return True
        return False

    def remove(self) -> None:
        """Kill it and leave nothing of it."""
        self.kill()
        shutil.rmtree(self.folder)


def _postgres_programs() -> Path:
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    return Path(found).parent if found else absent("Postgres (initdb)")


def started(*servers: OwnRedis | OwnPostgres) -> None:
    """Start servers and wait until they answer."""
    for server in servers:
        server.start()
    for server in servers:
        wait_for(server.up, PATIENCE)
