"""Akhi et al. 2024: ResNet-50's maps and AlexNet's early convolutions, concatenated and refined; mammograms.

CBIS-DDSM, three classes, augmentation while training. The paper is silent on size, optimiser, rates, epochs,
batch and split: 224, Adam at 1e-4, 30 epochs of 32 images and 80/20 are our choice. VGG16, which it
announces, has no figures in it.
"""

from __future__ import annotations

from ml.training.augment import STILL
from ml.training.recipes import arithmetic
from ml.training.recipes.paper import PLAIN, THREE, Contradiction, Paper, System, claims

_SUPPORT = (66_197, 3_184)
_RECALLS = (99.24, 93.61)
_PRECISIONS = (96.88, 98.02)
_RECALL_MEANT = arithmetic.mean_partner(66.42, _RECALLS[0])
_PRECISION_MEANT = arithmetic.mean_partner(82.45, _PRECISIONS[0])
_F1_MEANT = arithmetic.mean_partner(71.52, 98.05)
_ALEXNET = tuple(
    arithmetic.mean_partner(mean, one) for mean, one in ((80.45, 96.64), (63.77, 99.24), (68.61, 97.93))
)

PAPER = Paper(
    name="akhi2024",
    citation="Akhi JA, Jishan-E-Giti, Islam KK, Rahman MA. Hybrid deep learning for enhanced mammographic "
    "classification: a ResNet50 and AlexNet fusion approach. 2024",
    systems=(
        System("ResNet-50", "resnet50"),
        System("AlexNet", "alexnet"),
        System("Hybrid", "resnet50_alexnet"),
        System("VGG16", "vgg16"),
    ),
    labels=THREE,
    recipe=PLAIN.model_copy(
        update={
            "size": 224,
            "epochs": 30,
            "batch_size": 32,
            "lr": 1e-4,
            "pretrained_lr": 1.0,
            "augmentation": STILL.model_copy(
                update={
                    "mirror": True,
                    "upside_down": True,
                    "turn": 25,
                    "scale": (0.8, 1.2),
                    "shift": 0.1,
                    "shear": 10,
                    "contrast": (0.8, 1.2),
                    "brightness": 25,
                }
            ),
        }
    ),
    fractions=(0.8, 0.0, 0.2),
    stratified=False,
    average="weighted",
    claims=(
        *claims(
            "table II",
            {"ResNet-50": {"accuracy": 96.23, "precision": 95.56, "recall": 96.23, "f1": 95.61}},
        ),
        *claims(
            "table III", {"AlexNet": {"accuracy": 95.99, "precision": 95.16, "recall": 95.99, "f1": 95.23}}
        ),
        *claims(
            "table IV", {"Hybrid": {"accuracy": 97.23, "precision": 95.56, "recall": 96.23, "f1": 95.61}}
        ),
    ),
    contradictions=(
        Contradiction(
            "The hybrid's class 1 has precision 98.02, recall 93.61 and F1 99.99.",
            f"Of these precision and recall F1 is {arithmetic.f1(98.02, 93.61):.2f}; F1 never lies outside "
            "them. The same two in ResNet-50's table stand with F1 94.99.",
            "table IV, table II",
        ),
        Contradiction(
            "The hybrid's accuracy is 97.23, ResNet-50's 96.23.",
            "Their tables are equal in every other figure but that F1, the weighted recall among them, "
            "which is the accuracy: 96.23 for both.",
            "tables II and IV",
        ),
        Contradiction(
            "Class 1 has precision 98.02 and recall 93.61 (ResNet-50, hybrid).",
            f"The macro averages below them (82.45, 66.42, 71.52) are those of a precision of "
            f"{_PRECISION_MEANT:.2f}, a recall of {_RECALL_MEANT:.2f} and an F1 of {_F1_MEANT:.2f}, which "
            f"agree with each other ({arithmetic.f1(_PRECISION_MEANT, _RECALL_MEANT):.2f}) and with the "
            f"accuracy ({arithmetic.weighted((_RECALLS[0], _RECALL_MEANT), _SUPPORT):.2f}). The recalls as "
            f"printed would give an accuracy of {arithmetic.weighted(_RECALLS, _SUPPORT):.2f}.",
            "tables II and IV",
        ),
        Contradiction(
            "AlexNet's class 1 has precision 84.27, recall 88.30 and F1 89.29.",
            f"The F1 lies outside the other two; the macro averages are those of {_ALEXNET[0]:.2f}, "
            f"{_ALEXNET[1]:.2f} and {_ALEXNET[2]:.2f}.",
            "table III",
        ),
        Contradiction(
            "The system tells benign, malignant and normal apart, at 97.23%.",
            "The reports have two classes, and who always answers class 0 is right in "
            f"{arithmetic.accuracy(_SUPPORT[0], sum(_SUPPORT)):.2f}% of these images.",
            "section III; tables II to IV",
        ),
        Contradiction(
            "The data are CBIS-DDSM, out of about 3,000 studies of DDSM with two pictures of each breast.",
            f"The reports count {sum(_SUPPORT):,} images, where 3,000 such studies have {3000 * 4:,}.",
            "section III.A; tables II to IV",
        ),
    ),
    chosen=(
        "size 224, Adam at 1e-4, 30 epochs of 32 images, split 80/20: the paper names none",
        "pixels / 255: the paper names several scalings and does not say which was used",
        "shift a tenth, shear 10 degrees, contrast and brightness a fifth and a tenth: named without amounts",
    ),
    small=("ResNet-50", "AlexNet", "Hybrid", "VGG16"),
)
