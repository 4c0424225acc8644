"""Security headers on every answer, and no copies of pages in caches."""

from __future__ import annotations

from flask import Flask, Response, request
from secure import Secure
from secure.headers import (
    ContentSecurityPolicy,
    CrossOriginOpenerPolicy,
    CrossOriginResourcePolicy,
    PermissionsPolicy,
    ReferrerPolicy,
    StrictTransportSecurity,
    XContentTypeOptions,
    XFrameOptions,
)

from webapp.config import AppConfig

YEAR = 31_536_000
"""Seconds."""


def init_app(app: Flask, config: AppConfig) -> None:
    """Add the headers to whatever `app` answers, error pages included."""
    policy = _policy(config)

    @app.after_request
    def protect(response: Response) -> Response:
        policy.set_headers(response)
        # A page may show a patient: unless a view says otherwise, no cache keeps it, the browser's included.
        if request.endpoint != "static" and "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        return response


def _policy(config: AppConfig) -> Secure:
    nothing_from_outside = (
        ContentSecurityPolicy()
        .default_src("'self'")
        .object_src("'none'")
        .base_uri("'none'")
        .frame_ancestors("'none'")
        .form_action("'self'")
    )
    return Secure(
        csp=nothing_from_outside,
        coop=CrossOriginOpenerPolicy().same_origin(),
        corp=CrossOriginResourcePolicy().same_origin(),
        hsts=StrictTransportSecurity().max_age(YEAR).include_subdomains() if config.https else None,
        permissions=PermissionsPolicy().geolocation().microphone().camera(),
        referrer=ReferrerPolicy().same_origin(),
        xcto=XContentTypeOptions().nosniff(),
        xfo=XFrameOptions().deny(),
    )
