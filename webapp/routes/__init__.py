"""One blueprint a file; each view reads the request, calls one service, answers."""

from __future__ import annotations

from flask import Flask

from webapp.routes import account, health, uploads

BLUEPRINTS = (account.bp, health.bp, uploads.bp)


def init_app(app: Flask) -> None:
    """Register every blueprint."""
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
