import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from ml.errors import EvaluationError
from ml.evaluation import metrics, plots
from ml.evaluation.plots import frame
from tests.ml.evaluation.data import CLASSES, answers, softmax


@pytest.fixture
def drawn(monkeypatch):
    """The figures that were saved, for looking at what is in them."""
    figures = []
    save = frame.save

    def keep(figure, path, note):
        figures.append(figure)
        save(figure, path, note)

    monkeypatch.setattr(frame, "save", keep)
    return figures


def texts(figure):
    axes = figure.axes[0]
    legend = axes.get_legend()
    return [text.get_text() for text in [*axes.texts, *(legend.get_texts() if legend else ())]]


def picture(path):
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("L"))


def test_the_roc_curve_prints_its_area_with_interval_the_counts_and_the_operating_point(drawn, tmp_path):
    labels, logits, patients = answers()
    positive, scores = labels == 1, softmax(logits)[:, 1]
    plots.roc(positive, scores, patients, tmp_path / "roc.png", threshold=0.3)
    words = " ".join(texts(drawn[0]))
    assert f"AUC {metrics.auc(positive, scores):.3f} (" in words
    assert f"sensitivity {metrics.sensitivity(positive, scores >= 0.3):.3f}" in words
    assert (
        drawn[0]
        .get_supxlabel()
        .startswith(f"300 images ({positive.sum()} malignant), {len(set(patients))} patients")
    )
    assert picture(tmp_path / "roc.png").min() < 60


def test_the_roc_line_is_the_roc_curve(drawn, tmp_path):
    labels, logits, patients = answers()
    positive, scores = labels == 1, softmax(logits)[:, 1]
    plots.roc(positive, scores, patients, tmp_path / "roc.png")
    alarms, hits, _ = metrics.roc(positive, scores)
    np.testing.assert_array_equal(drawn[0].axes[0].lines[0].get_xydata(), np.stack([alarms, hits], axis=1))


def test_the_reliability_points_are_the_shares_of_their_bins(drawn, tmp_path):
    said = np.array([0.05, 0.05, 0.92, 0.98, 0.94, 0.96] * 20)
    happened = np.array([0, 0, 1, 1, 0, 1] * 20, dtype=bool)
    plots.reliability(happened, said, np.arange(120), tmp_path / "r.png")
    points = drawn[0].axes[0].containers[0].lines[0].get_xydata()
    np.testing.assert_allclose(points, [[0.05, 0.0], [0.95, 0.75]])
    assert any(text.startswith(f"ECE {metrics.ece(happened, said):.3f} (") for text in texts(drawn[0]))


def test_the_confusion_matrix_prints_counts_and_shares(drawn, tmp_path):
    plots.confusion([0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 2], CLASSES, tmp_path / "c.png")
    assert texts(drawn[0]) == [
        "3\n75%",
        "1\n25%",
        "0\n0%",
        "0\n0%",
        "1\n50%",
        "1\n50%",
        *["none\nto judge"] * 3,
    ]
    assert "4 of 6 right (66.7%)" in drawn[0].get_supxlabel()


def test_curves_show_training_and_validation_by_epoch(drawn, tmp_path):
    history = {"epoch": [0, 1, 2], "train_loss": [3.0, 2.0, 1.0], "val_loss": [3.0, float("nan"), 2.0]}
    plots.curves(history | {"val_auc": [0.5, 0.6, 0.7]}, tmp_path / "curves.png")
    loss, area = drawn[0].axes
    np.testing.assert_array_equal(loss.lines[0].get_xydata(), [[1, 3], [2, 2], [3, 1]])
    np.testing.assert_array_equal(loss.lines[1].get_xydata(), [[1, 3], [3, 2]])
    assert (loss.get_ylabel(), area.get_ylabel()) == ("loss", "auc")
    assert len(area.lines) == 1


def test_one_class_only_is_a_named_error_and_leaves_no_file(tmp_path):
    with pytest.raises(EvaluationError, match="AUC is undefined"):
        plots.roc([True, True], [0.1, 0.2], ["a", "b"], tmp_path / "roc.png")
    assert not list(tmp_path.iterdir())


def test_drawing_leaves_pyplot_and_its_state_alone(tmp_path):
    code = (
        "import sys, matplotlib; before = matplotlib.rcParams.copy();"
        "from pathlib import Path; from ml.evaluation import plots;"
        "plots.confusion([0, 1], [0, 1], ('a', 'b'), Path(sys.argv[1]));"
        "assert 'matplotlib.pyplot' not in sys.modules; assert matplotlib.rcParams.copy() == before"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "c.png")], check=True)
