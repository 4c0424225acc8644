"""The curves of a network come from the file that its training left; another file is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

import ml
from ml.evaluation import held_out

HEADER = "key,label,patient,fold,logit_benign,logit_malignant,p_benign,p_malignant\n"


def write(folder: Path, *rows: str) -> Path:
    (folder / held_out.FILE).write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return folder


def row(data: str, label: str, p: float) -> str:
    return f"{data}/images/a.png,{label},p1,1,0,0,{1 - p},{p}"


def test_each_data_set_has_its_curve_and_its_tenths(tmp_path: Path) -> None:
    folder = write(
        tmp_path, row("b", "malignant", 0.95), row("b", "benign", 0.15), row("b", "malignant", 0.17),
        row("b", "benign", 0.02), row("a", "benign", 1.0),
    )  # fmt: skip
    alone, both = held_out.curves(folder)
    assert (alone.data, alone.n, alone.malignant, alone.roc) == ("a", 1, 0, ())
    assert [(one.n, one.share) for one in alone.reliability] == [(1, 0.0)]
    assert both.roc == ((0, 0), (0, 0.5), (0, 1), (0.5, 1), (1, 1))
    assert [(one.n, one.share) for one in both.reliability] == [(1, 0), (2, 0.5), (1, 1)]
    assert [round(one.said, 3) for one in both.reliability] == [0.02, 0.16, 0.95]


def test_without_the_file_there_are_no_curves_and_no_error(tmp_path: Path) -> None:
    assert held_out.curves(tmp_path) == ()


@pytest.mark.parametrize(
    "text", ["", "key,label\na/b,benign\n", HEADER + "a/b,benign,p,1,0,0,0.1,much\n", "\0"]
)
def test_a_file_of_something_else_gives_no_curves(tmp_path: Path, text: str) -> None:
    (tmp_path / held_out.FILE).write_text(text)
    if text in {"", "\0"}:  # no line at all after the first
        assert held_out.curves(tmp_path) == ()
        return
    with pytest.raises(ml.MlError, match="can't be read"):
        held_out.curves(tmp_path)


@pytest.mark.parametrize("p", ["1.5", "nan", "-0.1"])
def test_what_is_no_probability_is_refused(tmp_path: Path, p: str) -> None:
    write(tmp_path, f"a/b,benign,p,1,0,0,0.1,{p}")
    with pytest.raises(ml.MlError, match="no probability"):
        held_out.curves(tmp_path)
