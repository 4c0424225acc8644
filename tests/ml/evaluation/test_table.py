from time import process_time

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ml.card import Metrics
from ml.errors import EvaluationError
from ml.evaluation import metrics, table
from ml.evaluation.intervals import interval
from tests.ml.evaluation.data import CLASSES, answers, softmax

ISSUE = ("auc", "sensitivity", "specificity", "ppv", "npv", "accuracy", "f1", "ece", "brier")
OF_CLASSES = ("class_accuracy", "class_f1", "class_ece", "class_brier")


def figures(level="image", n_boot=100, **change):
    labels, logits, patients = answers()
    given = {"labels": labels, "probabilities": softmax(logits), "groups": patients} | change
    return table.figures(**given, classes=CLASSES, threshold=0.3, level=level, n_boot=n_boot)


@pytest.mark.parametrize("level", ["image", "patient"])
def test_every_figure_has_an_interval_over_patients_and_fits_the_card(level):
    labels, _, patients = answers()
    found = figures(level)
    cells = [f"confusion.{truth}.{answer}" for truth in CLASSES for answer in CLASSES]
    assert sorted(found) == sorted([*ISSUE, *OF_CLASSES, *cells])
    for figure in found.values():
        assert figure.low <= figure.value <= figure.high
        assert (figure.n, figure.unit) == (len(set(patients)), "patient")
    kept = Metrics(
        data="drawn",
        split="none",
        level=level,
        command="none",
        n_images=len(labels),
        n_patients=1,
        figures=found,
    )
    assert Metrics.model_validate_json(kept.model_dump_json()) == kept


def test_the_figures_are_those_that_each_statistic_gives_alone():
    labels, logits, patients = answers()
    p = softmax(logits)
    found = figures(n_boot=200)
    assert found["auc"] == interval(metrics.auc, patients, labels == 1, p[:, 1], n_boot=200)
    assert found["ppv"] == interval(metrics.ppv, patients, labels == 1, p[:, 1] >= 0.3, n_boot=200)
    assert found["class_f1"] == interval(metrics.macro_f1, patients, labels, p.argmax(axis=1), n_boot=200)
    assert found["class_ece"] == interval(metrics.top_label_ece, patients, labels, p, n_boot=200)


def test_a_patient_has_the_mean_probability_of_the_images():
    labels, logits, patients = answers()
    p = softmax(logits)[:, 1]
    names = sorted(set(patients))
    mean = [p[patients == name].mean() for name in names]
    truth = [(labels[patients == name] == 1).any() for name in names]
    assert figures("patient")["auc"].value == pytest.approx(roc_auc_score(truth, mean))


@pytest.mark.parametrize(
    ("of_images", "of_patient"),
    [
        (("benign", "malignant"), "malignant"),
        (("normal", "benign"), "benign"),
        (("normal", "normal"), "normal"),
    ],
)
def test_the_gravest_finding_is_the_patients(of_images, of_patient):
    labels = [CLASSES.index(name) for name in of_images]
    given = table.rows(labels, np.full((2, 3), 1 / 3), ["a", "a"], CLASSES, "patient")
    assert [CLASSES[label] for label in given.labels] == [of_patient]


def test_suspicious_begins_at_the_threshold_itself():
    p = np.array([[0.7, 0.3, 0.0], [0.71, 0.29, 0.0]])
    found = table.figures([1, 0], p, ["a", "b"], CLASSES, 0.3, n_boot=200)
    assert "sensitivity" not in found  # half of the resamples of two patients have no cancer
    given = table.rows([1, 0], p, ["a", "b"], CLASSES)
    assert "of 2000 resamples" in table.table(given, CLASSES, 0.3).undefined["sensitivity"]
    assert found["accuracy"].value == 1


def test_data_without_a_normal_class_still_give_three_class_figures():
    labels, logits, patients = answers()
    kept = labels < 2
    found = figures(labels=labels[kept], probabilities=softmax(logits)[kept], groups=patients[kept])
    assert not [name for name in found if name.startswith("confusion.normal")]
    assert found["confusion.malignant.normal"].value > 0
    assert found["class_accuracy"].value == (softmax(logits)[kept].argmax(axis=1) == labels[kept]).mean()


def test_figures_that_the_data_cannot_give_are_named_with_their_reason():
    labels, logits, patients = answers()
    kept = labels != 1
    given = table.rows(labels[kept], softmax(logits)[kept], patients[kept], CLASSES)
    found = table.table(given, CLASSES, 0.3, n_boot=100)
    assert "at least one positive and one negative" in found.undefined["auc"]
    assert "at least one positive" in found.undefined["sensitivity"]
    assert "specificity" in found.figures
    assert not found.figures.keys() & found.undefined.keys()


@pytest.mark.parametrize(
    "change",
    [
        {"labels": [0, 1]},
        {"groups": ["a"]},
        {"probabilities": np.ones((300, 2)) / 2},
        {"labels": np.full(300, 3)},
        {"labels": np.full(300, -1)},
        {"labels": np.full(300, 0.5)},
        {"labels": np.zeros(0, int), "probabilities": np.zeros((0, 3)), "groups": []},
    ],
)
def test_columns_that_do_not_belong_together_are_a_named_error(change):
    with pytest.raises(EvaluationError, match=r"don't (belong together|fit the classes)"):
        figures(**change)


def test_a_network_without_a_malignant_class_is_a_named_error():
    with pytest.raises(EvaluationError, match="one class must be malignant"):
        table.figures([0, 1], np.eye(2), ["a", "b"], ("cat", "dog"), 0.5)


def test_all_figures_of_fifteen_hundred_images_take_seconds():
    labels, logits, patients = answers(n=1500, patients=850)
    started = process_time()
    table.figures(labels, softmax(logits), patients, CLASSES, 0.3)
    assert process_time() - started < 6
