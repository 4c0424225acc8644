"""SecondRead's web application: people, cases, and the door to the networks."""

from __future__ import annotations

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from webapp import (
    cli,
    error_pages,
    extensions,
    gate,
    headers,
    incoming,
    jobs,
    logs,
    metrics,
    presentation,
    routes,
    signin,
)
from webapp.config import ROOT, AppConfig, flask_settings
from webapp.services import decoding, storage


def create_app(config: AppConfig | None = None) -> Flask:
    """The application for `config`, or for the environment where None.

    Raises pydantic.ValidationError where the settings are wrong (see `AppConfig`).
    """
    config = config or AppConfig()
    app = Flask(
        __name__,
        template_folder=ROOT / "templates",
        static_folder=ROOT / "static",
        instance_path=str(config.instance_dir),
    )
    config.instance_dir.mkdir(parents=True, exist_ok=True)
    app.extensions["config"] = config
    app.config.update(flask_settings(config))
    hops = config.proxy_hops
    if hops:  # no prefix: served at the root, and a proxy that says nothing of one passes the client's on
        app.wsgi_app = ProxyFix(app.wsgi_app, hops, hops, hops, hops, x_prefix=0)  # type: ignore[method-assign]
    headers.init_app(app, config)
    extensions.init_app(app)
    storage.init_app(app, config)
    jobs.init_app(app, config)
    signin.init_app(app)
    gate.init_app(app)
    incoming.init_app(app)
    logs.init_app(app, trust_given_id=hops > 0)
    metrics.init_app(app)
    error_pages.init_app(app)
    presentation.init_app(app)
    app.before_request(decoding.warm)
    routes.init_app(app)
    cli.init_app(app)
    return app
