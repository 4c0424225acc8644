"""One blueprint a file; each view reads the request, calls one service, answers."""

from __future__ import annotations

from flask import Flask

from webapp.routes import (
    account,
    agreement,
    audit_log,
    case_log,
    cases,
    factors,
    health,
    invitations,
    media,
    networks,
    outcomes,
    people,
    presentations,
    reads,
    retention,
    second_step,
    teaching,
    teaching_lists,
    uploads,
    worklist,
)

BLUEPRINTS = (
    account.bp,
    factors.bp,
    second_step.bp,
    worklist.bp,
    uploads.bp,
    cases.bp,
    reads.bp,
    outcomes.bp,
    teaching.bp,
    teaching_lists.bp,
    presentations.bp,
    media.bp,
    people.bp,
    invitations.bp,
    case_log.bp,
    audit_log.bp,
    retention.bp,
    agreement.bp,
    networks.bp,
    networks.switching,
    networks.again,
    health.bp,
)


def init_app(app: Flask) -> None:
    """Register every blueprint."""
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
