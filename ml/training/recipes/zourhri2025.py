"""Zourhri et al. 2025: VGG19 and EfficientNet-B0, both frozen, features concatenated, dense layers, sigmoid.

Two classes. One sigmoid is a softmax of two with one of the logits at zero: two logits are used here. The
paper's data, 9,016 images from Kaggle, name no patients; whatever is named with `--data` takes their place,
without its normal images. VGG16, EfficientNet-B0 and GoogLeNet, shown for their heatmaps only, are trained
likewise.
"""

from __future__ import annotations

from ml.training.augment import STILL
from ml.training.recipes import arithmetic
from ml.training.recipes.paper import PLAIN, Contradiction, Paper, System, claims

_TRUE_MALIGNANT, _TRUE_BENIGN, _FALSE_ALARMS, _MISSED = 886, 902, 13, 3
_MATRIX = _TRUE_MALIGNANT + _TRUE_BENIGN + _FALSE_ALARMS + _MISSED
_TABLE_1 = {"benign": (3203, 686, 686), "malignant": (3109, 667, 666)}
_TEST, _TRAINING = 1352, 6311
_IMAGES = 9016

PAPER = Paper(
    name="zourhri2025",
    citation="Zourhri M, Cherradi B, El Khaili M. A novel CNN-based feature fusion framework for breast "
    "cancer ultrasound image classification. 2025",
    systems=(
        System("VGG19 + EfficientNet-B0", "vgg19_efficientnet_b0"),
        System("VGG16", "vgg16"),
        System("EfficientNet-B0", "efficientnet_b0"),
        System("GoogLeNet", "googlenet"),
    ),
    labels={"benign": "benign", "malignant": "malignant"},
    recipe=PLAIN.model_copy(
        update={
            "classes": ("benign", "malignant"),
            "size": 224,
            "epochs": 24,
            "head_epochs": 24,
            "batch_size": 16,
            "lr": 1e-5,
            "patience": 10,
            "augmentation": STILL,
        }
    ),
    fractions=(0.70, 0.15, 0.15),
    stratified=True,
    average="malignant",
    claims=(
        *claims(
            "table III",
            {
                "VGG19 + EfficientNet-B0": {
                    "accuracy": 98.44,
                    "precision": 98.55,
                    "recall": 99.66,
                    "f1": 99.11,
                }
            },
        ),
        *claims("section V.C, figure 7", {"VGG19 + EfficientNet-B0": {"auc": 99.99}}),
    ),
    contradictions=(
        Contradiction(
            f"The test set has {_TEST:,} images, of them 666 malignant.",
            f"The confusion matrix of the test has {_MATRIX:,}, of them {_TRUE_MALIGNANT + _MISSED} "
            f"malignant: a fifth of all {_IMAGES:,} images ({_IMAGES / 5:.0f}), not the 15% that the paper "
            "splits off.",
            "table I; section V.C, figure 6",
        ),
        Contradiction(
            "Accuracy is 98.44%.",
            "The confusion matrix gives "
            f"{arithmetic.accuracy(_TRUE_MALIGNANT + _TRUE_BENIGN, _MATRIX):.2f}%; precision, recall and F1 "
            "agree with it. 98.44% is what the authors' earlier VGG19 alone reached.",
            "table III; figure 6; table V",
        ),
        Contradiction(
            "The fusion marks 'a clear improvement over earlier approach'.",
            "The authors' VGG19 alone, on the same data, stands in the same table with the same accuracy, "
            "98.44%.",
            "section V.D, table V",
        ),
        Contradiction(
            f"The training set has {_TRAINING:,} images; of all {_IMAGES:,} images 4,574 are benign.",
            f"Its classes sum to {_TABLE_1['benign'][0] + _TABLE_1['malignant'][0]:,}, and the benign "
            f"images of the three sets to {sum(_TABLE_1['benign']):,}.",
            "table I; section IV.A",
        ),
    ),
    chosen=(
        "whatever data are named take the place of the 9,016 images from Kaggle, without normal images",
        "no augmentation: the paper names none",
        "two logits and a softmax in place of one sigmoid",
        "the backbones are frozen where they start from given weights, and learn from random values",
    ),
    small=("VGG19 + EfficientNet-B0", "VGG16", "EfficientNet-B0", "GoogLeNet"),
)
