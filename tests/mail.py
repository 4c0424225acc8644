"""A mail server for tests: the part of SMTP (RFC 5321) that a client needs, on a free port."""

from __future__ import annotations

import socketserver
import threading
from email import message_from_bytes
from email.message import Message
from email.policy import default
from types import TracebackType


class MailServer:
    """Takes every mail, or with `refuse` none. Use as a context; `received` is what came in."""

    def __init__(self, refuse: bool = False) -> None:
        self.received: list[Message] = []
        self.refuse = refuse
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"smtp://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> MailServer:
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[socketserver.StreamRequestHandler]:
        mails = self

        class Talk(socketserver.StreamRequestHandler):
            timeout = 10

            def handle(self) -> None:
                self.say("220 ready")
                while line := self.rfile.readline():
                    if not self.answer(line.decode().split()[0].upper() if line.strip() else ""):
                        return

            def answer(self, word: str) -> bool:
                """Answer one command; False after the last."""
                if word == "RCPT" and mails.refuse:
                    self.say("550 no such mailbox")
                elif word == "DATA":
                    self.say("354 go on")
                    mails.received.append(message_from_bytes(self.letter(), policy=default))
                    self.say("250 taken")
                else:
                    self.say("221 bye" if word == "QUIT" else "250 well")
                return word != "QUIT"

            def letter(self) -> bytes:
                lines = iter(self.rfile.readline, b".\r\n")
                return b"".join(line.removeprefix(b".") if line.startswith(b"..") else line for line in lines)

            def say(self, words: str) -> None:
                self.wfile.write(f"{words}\r\n".encode())

        return Talk
