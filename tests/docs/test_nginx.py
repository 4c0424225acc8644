"""docs/administration/nginx.conf: by nginx's own check, and at work in front of the application."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

import pytest

from tests.live import EMAIL, Site
from tests.services_support import free_port
from tests.support import PASSWORD, absent
from webapp.config import ROOT

NAME = "reads.hospital.example"
CONF = (ROOT / "docs" / "administration" / "nginx.conf").read_text(encoding="utf-8")
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
FRAME = """daemon off; {2} pid {0}/pid; error_log {0}/start.log; events {{}}
http {{ access_log off; {1} include {0}/secondread.conf; }}"""
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
_HIDDEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
]


@pytest.fixture(autouse=True, scope="module")
def _programs() -> None:
    if NGINX is None or not shutil.which("openssl"):
        absent("nginx or openssl")


@dataclass
class Front:
    """nginx at work: `plain` and `secure` are its ports, `folder` has its logs."""

    folder: Path
    plain: int
    secure: int

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: bytes | None = None,
        source: str = "127.0.0.1",
        **headers: str,
    ):
        """The answer by HTTPS and its body, asked from the address `source`."""
        asked = Named(NAME, self.secure, source_address=(source, 0), context=trusting(), timeout=60)
        try:
            asked.request(
                method, path, body, {name.replace("_", "-"): value for name, value in headers.items()}
            )
            answer = asked.getresponse()
            return answer, answer.read().decode()
        finally:
            asked.close()


class Named(HTTPSConnection):
    """A connection to this machine under the name of the certificate."""

    def connect(self) -> None:
        plain = socket.create_connection(("127.0.0.1", self.port), self.timeout, self.source_address)
        self.sock = self._context.wrap_socket(plain, server_hostname=self.host)


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def prepared(folder: Path, backend: str = "127.0.0.1:9", plain: int = 8080, secure: int = 8443) -> list[str]:
    """Write certificate and configuration for this machine to `folder`; returns the command."""
    key, certificate = folder / "key.pem", folder / "fullchain.pem"
    asked = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={NAME}"]
    subprocess.run([*asked, "-keyout", key, "-out", certificate], check=True, capture_output=True, timeout=60)
    here = re.sub(r"^ *listen \[::\].*\n", "", CONF, flags=re.MULTILINE)
    for theirs, ours in {
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443": f"listen 127.0.0.1:{secure}",
        "unix:/run/secondread/web.sock": backend,
        "/etc/ssl/secondread": str(folder),
        "/var/log/nginx": str(folder),
    }.items():
        assert theirs in here
        here = here.replace(theirs, ours)
    (folder / "secondread.conf").write_text(here)
    user = "user root;" if os.geteuid() == 0 else ""
    rooms = " ".join(f"{name}_temp_path {folder}/{name};" for name in TEMPORARY)
    (folder / "nginx.conf").write_text(FRAME.format(folder, rooms, user))
    return [str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf")]


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("front")
    site = Site(folder / "instance", PROXY_HOPS="1", HTTPS="1", METRICS_TOKEN="a-token-of-some-length")
    site.set_up()
    site.start("web")
    site.wait_until_up()
    front = Front(folder, free_port(), free_port())
    command = prepared(folder, site.url.removeprefix("http://"), front.plain, front.secure)
    running = subprocess.Popen(command)
    try:
        wait_for_port(front.secure)
        yield front
    finally:
        running.terminate()
        running.wait(20)
        site.kill_all()


def wait_for_port(port: int) -> None:
    give_up = time.monotonic() + 30
    while time.monotonic() < give_up:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("nginx does not listen")


def test_the_files_for_nginx_pass_its_own_check(tmp_path: Path) -> None:
    done = subprocess.run(
        [*prepared(tmp_path), "-t"], capture_output=True, text=True, check=False, timeout=60
    )
    assert "test is successful" in done.stderr
    assert "[warn]" not in done.stderr


def test_plain_http_leads_people_to_https_and_refuses_what_is_sent(front: Front) -> None:
    for method, status in (("GET", 301), ("POST", 403)):
        asked = HTTPConnection("127.0.0.1", front.plain, timeout=30)
        asked.request(method, "/login?next=/x", headers={"Host": "evil.example"})
        answer = asked.getresponse()
        asked.close()
        assert answer.status == status
        assert (
            answer.getheader("Location", f"https://{NAME}/login?next=/x") == f"https://{NAME}/login?next=/x"
        )


def test_a_page_comes_through_with_its_protection_and_a_name_for_the_request(front: Front) -> None:
    answer, text = front.ask("/login", X_Request_ID="f" * 32)
    assert answer.status == 200
    assert answer.getheader("Strict-Transport-Security", "").startswith("max-age=31536000")
    assert answer.getheader("Set-Cookie", "").startswith("__Host-secondread=")
    assert re.fullmatch("[0-9a-f]{32}", answer.getheader("X-Request-ID", ""))
    assert answer.getheader("X-Request-ID") != "f" * 32
    assert answer.getheader("Server") == "nginx"
    assert answer.getheader("Content-Encoding") is None
    assert "Sign in" in text


def test_what_the_client_says_of_itself_is_not_believed(front: Front) -> None:
    lies = {"X_Forwarded_For": "6.6.6.6", "X_Forwarded_Proto": "http", "X_Forwarded_Host": "evil.example"}
    page, text = front.ask("/login", **lies)
    cookie = page.getheader("Set-Cookie", "").partition(";")[0]
    fields = f"csrf_token={_HIDDEN.search(text)[1]}&email={EMAIL}&password={PASSWORD.replace(' ', '+')}"
    sent = {
        "Content_Type": "application/x-www-form-urlencoded",
        "Referer": f"https://{NAME}:{front.secure}/login",
    }
    entered, _ = front.ask("/login", "POST", fields.encode(), Cookie=cookie, **sent, **lies)
    assert entered.status == 302
    cookie = entered.getheader("Set-Cookie", "").partition(";")[0]
    _, text = front.ask("/account/security", Cookie=cookie, **lies)
    assert "127.0.0.1" in text
    assert "6.6.6.6" not in text
    assert "evil.example" not in text


def test_a_form_may_be_2_mib_and_an_upload_more(front: Front) -> None:
    assert front.ask("/login", "POST", b"x" * 2_200_000)[0].status == 413
    answers = [front.ask("/uploads", "POST", b"x" * 2_200_000)[0].status for _ in range(10)]
    assert set(answers) == {401}, "who is refused before the end of the body is told so, and no 502"


def test_figures_and_readiness_are_for_the_machines_that_watch(front: Front) -> None:
    token = {"Authorization": "Bearer a-token-of-some-length"}
    assert front.ask("/metrics", **token)[0].status == 200
    assert front.ask("/metrics", source="127.0.0.2", **token)[0].status == 403
    assert front.ask("/readyz", source="127.0.0.2")[0].status == 403
    assert front.ask("/healthz", source="127.0.0.2")[0].status == 200


def test_a_request_with_two_lengths_is_refused(front: Front) -> None:
    lengths = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"
    asked = f"POST /login HTTP/1.1\r\nHost: {NAME}\r\n{lengths}Connection: close\r\n\r\n0\r\n\r\n".encode()
    plain = socket.create_connection(("127.0.0.1", front.secure), 30)
    with trusting().wrap_socket(plain, server_hostname=NAME) as secure:
        secure.sendall(asked)
        assert b" 400 " in secure.recv(200)


def test_old_tls_is_refused(front: Front) -> None:
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = trusting()
        context.maximum_version = version
        context.minimum_version = version
        assert handshake(front.secure, context, NAME)
    old = ["openssl", "s_client", "-connect", f"127.0.0.1:{front.secure}", "-servername", NAME, "-tls1_1"]
    done = subprocess.run(
        [*old, "-cipher", "ALL:@SECLEVEL=0"],
        input="",
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert "alert protocol version" in done.stderr


def test_another_name_gets_nothing(front: Front) -> None:
    assert not handshake(front.secure, trusting(), "evil.example")


def handshake(port: int, context: ssl.SSLContext, name: str) -> bool:
    with socket.create_connection(("127.0.0.1", port), 30) as plain:
        try:
            context.wrap_socket(plain, server_hostname=name).close()
        except ssl.SSLError:
            return False
        return True


def test_no_query_and_no_token_gets_into_nginx_s_logs(front: Front) -> None:
    front.ask("/?q=ZZQX-4711", Referer=f"https://{NAME}/?q=ZZQX-4711")
    front.ask("/invitation/ZZQX-secret-token")
    front.ask("/uploads?q=ZZQX", "POST", b"ZZQX" * 9000)
    logs = "".join(path.read_text() for path in front.folder.glob("*.log"))
    assert '"address":"/invitation/..."' in logs
    assert "ZZQX" not in logs
