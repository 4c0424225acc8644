"""What tests of several rooms share."""

from __future__ import annotations

import html
import os
import re
from contextvars import Context
from typing import NoReturn

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

PASSWORD = "correct horse battery"
_HIDDEN = re.compile(r'<input[^>]*name="([^"]+)"[^>]*type="hidden"[^>]*value="([^"]*)"')
_TOKEN = re.compile(r'name="csrf_token"[^>]*?value="([^"]+)"|"X-CSRFToken": "([^"]+)"')


def absent(what: str) -> NoReturn:
    """Skip the test because `what` is not on this machine; under CI that is a failure."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing, and CI must have it (.ci/run installs and starts it)")
    pytest.skip(f"{what} is not on this machine")


class Visitor(FlaskClient):
    """A browser without JavaScript: it sends back the form token of the page it came from."""

    def open(self, *args: object, **more: object) -> TestResponse:
        """Send a request as from outside: it never shares the test's own application context, whose `g`
        would carry the signed-in person and the form token from one visitor to the next."""
        more.setdefault("buffered", True)  # a streamed answer is read in the context that it was begun in
        return Context().run(super().open, *args, **more)

    def token(self, page: str = "/account") -> str:
        """The form token that `page` carries."""
        found = _TOKEN.search(self.get(page).text)
        if found is None:
            raise AssertionError(f"{page} carries no form token")
        return found[1] or found[2]

    def submit(
        self, action: str, data: dict[str, object], page: str = "/account", **more: object
    ) -> TestResponse:
        """Fill in a form of `page` and send it to `action`."""
        return self.post(action, data={"csrf_token": self.token(page), **data}, **more)

    def sign_in(self, email: str, password: str = PASSWORD, page: str = "/login") -> TestResponse:
        """Sign in on `page`, the sign-in page with or without a `next`."""
        fields = {name: html.unescape(value) for name, value in _HIDDEN.findall(self.get(page).text)}
        return self.post("/login", data={**fields, "email": email, "password": password})
