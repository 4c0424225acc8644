"""The studies that are told of are those that were run: reports, results and the table agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml.study import summary

STUDIES = Path(__file__).parents[2] / "docs" / "studies"
RESULTS = sorted(STUDIES.glob("*.json"))
MOST = 2_000_000


def test_the_table_holds_every_study_to_the_digit():
    assert RESULTS
    assert "\n".join(summary.table(RESULTS)) in (STUDIES / "README.md").read_text(encoding="utf-8")


def test_readme_has_of_each_study_the_system_that_most_is_claimed_of():
    table = "\n".join(summary.boldest(RESULTS, "docs/studies/"))
    assert table in (STUDIES.parents[1] / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("results", RESULTS, ids=lambda path: path.stem)
def test_each_has_a_report_of_at_most_two_megabytes(results):
    report = results.with_suffix(".html")
    assert 0 < report.stat().st_size < MOST
