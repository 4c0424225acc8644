"""The table of several studies holds what their results hold, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ml.__main__ import main
from ml.errors import DataError
from ml.study import summary


def _share(value: float) -> dict[str, object]:
    return {"value": value, "low": value - 0.1, "high": value + 0.1, "n": 40, "unit": "group"}


def _results(path: Path) -> Path:
    trial = {"system": "Hybrid", "started_from": "random values", "out_of_fold": {}}
    told = {
        "claims": [
            {"system": "Hybrid", "metric": "f1", "value": 0.1},
            {"system": "Hybrid", "metric": "accuracy", "value": 0.9867},
        ],
        "trials": [
            {**trial, "protocol": "as-published", "figures": {"accuracy": _share(0.7)}},
            {
                **trial,
                "protocol": "leak-free",
                "figures": {"accuracy": _share(0.6)},
                "out_of_fold": {"accuracy": _share(0.55)},
            },
        ],
    }
    path.write_text(json.dumps(told))
    return path


def test_a_row_has_claim_and_both_protocols_with_intervals_and_n(tmp_path):
    (row,) = summary.table([_results(tmp_path / "zohra2025-busi.json")])[len(summary.HEAD) :]
    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        "[zohra2025-busi](zohra2025-busi.html)",
        "Hybrid",
        "random values",
        "98.67",
        "70.0 (60.0 to 80.0), 40 groups",
        "60.0 (50.0 to 70.0), 40 groups",
        "55.0 (45.0 to 65.0), 40 groups",
    ]


def test_of_each_study_the_boldest_claim_alone_is_told_with_a_link_from_elsewhere(tmp_path):
    rows = summary.boldest([_results(tmp_path / "a.json"), _results(tmp_path / "b.json")], "docs/")
    assert [row.split(" | ")[0] for row in rows[len(summary.HEAD) :]] == [
        "| [a](docs/a.html)",
        "| [b](docs/b.html)",
    ]


@pytest.mark.parametrize("text", ["", "{}", '{"claims": [], "trials": [{}]}', "[]"])
def test_what_holds_no_results_is_named(tmp_path, text):
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"other\.json"):
        summary.table([path])


def test_the_command_prints_the_table(tmp_path, capsys):
    path = _results(tmp_path / "zohra2025-busi.json")
    assert main(["study", "--table", str(path)]) == 0
    assert capsys.readouterr().out.splitlines() == summary.table([path])
