"""SQLite chooses the right index for a page of the history once it knows how large a group is."""

from __future__ import annotations

import sqlalchemy as sa

from webapp.extensions import db
from webapp.models import User
from webapp.services import history, query_plans, seeding
from webapp.services.filters import Filters


def plan_of_its_cases() -> list[str]:
    """How SQLite finds the cases of a page, with their patients."""
    asked = []

    def keep(connection, cursor, statement, parameters, context, many):
        asked.append((statement, parameters))

    reader = db.session.scalars(sa.select(User).where(User.name == "Reader 01")).one()
    sa.event.listen(db.engine, "before_cursor_execute", keep)
    history.page(reader, Filters(), size=5)
    sa.event.remove(db.engine, "before_cursor_execute", keep)
    with db.engine.connect() as connection:
        return [
            step[3]
            for statement, parameters in asked
            if "JOIN patients" in statement
            for step in connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters)
        ]


def test_cases_of_a_page_are_looked_up_and_not_searched_for_in_their_group(app):
    with app.app_context():
        seeding.seed(200, "Large")
        assert "SEARCH exams USING INTEGER PRIMARY KEY (rowid=?)" in plan_of_its_cases()


def test_knowing_the_sizes_twice_does_no_harm(app):
    with app.app_context():
        for _ in range(2):
            query_plans.refresh()
