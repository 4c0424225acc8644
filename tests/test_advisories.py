"""script/advisories.py: known faults fail the tests; without anybody to ask it says so and passes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from webapp.config import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
FAULT = {
    "id": "CVE-2018-1000656",
    "summary": "x",
    "modified": "2024-01-01T00:00:00Z",
    "published": "2018-08-23T00:00:00Z",
    "affected": [
        {
            "package": {"name": "flask", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9.9"}]}],
            "versions": [],
        }
    ],
}  # fmt: skip


def knows_only_old_flask(package: str, version: str) -> bool:
    return (package, version) == ("flask", "0.12.2")


def knows_every_flask(package: str, version: str) -> bool:
    return package == "flask"


def knows_nothing(package: str, version: str) -> bool:
    return False


@pytest.fixture
def service() -> Iterator[Callable[[Callable[[str, str], bool]], str]]:
    """`service(knows)`: the address of a service that speaks OSV and has a fault where `knows` says so."""
    running = []

    def start(knows: Callable[[str, str], bool]) -> str:
        class Answers(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                found = knows(asked["package"]["name"], asked["version"])
                body = json.dumps({"vulns": [FAULT]} if found else {}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing on the terminal."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        Thread(target=server.serve_forever, daemon=True).start()
        running.append(server)
        return f"http://127.0.0.1:{server.server_port}/v1/query"

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


def run(url: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, ROOT / "script" / "advisories.py"],
        env={"PATH": "/usr/bin:/bin", "OSV_URL": url},
        capture_output=True, text=True, check=False, timeout=500,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_a_known_fault_fails_and_is_named_with_its_remedy(service) -> None:
    status, words = run(service(knows_every_flask))
    assert status == 1
    assert "CVE-2018-1000656, mended in 9.9" in words


def test_without_a_known_fault_it_passes_and_says_how_many_were_asked_about(service) -> None:
    status, words = run(service(knows_only_old_flask))
    assert status == 0
    assert ", 0 of them with known faults." in words


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/v1/query", ""])
def test_without_anybody_to_ask_it_is_skipped_with_a_reason(service, url: str) -> None:
    status, words = run(url or service(knows_nothing))
    assert status == 0
    assert words.startswith("Skipped: http://127.0.0.1:")
