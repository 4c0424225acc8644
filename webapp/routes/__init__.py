"""One blueprint a file; each view reads the request, calls one service, answers."""

from __future__ import annotations

from flask import Flask

from webapp.routes import account, cases, health, media, reads, uploads, worklist

BLUEPRINTS = (account.bp, worklist.bp, uploads.bp, cases.bp, reads.bp, media.bp, health.bp)


def init_app(app: Flask) -> None:
    """Register every blueprint."""
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
