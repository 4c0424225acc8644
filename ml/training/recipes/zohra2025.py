"""Zohra et al. 2025: ResNet-50, ViT-B/16 and their hybrid on BUSI, three classes.

The paper says the size (224), / 255, the augmentations, "adaptive learning rate scheduling" and dropout. It
is silent on optimiser, rates, epochs, batch, loss and split: Adam at 1e-4, a plateau schedule, 30 epochs of
32 images and 80/10/10 are our choice.
"""

from __future__ import annotations

from ml.training.augment import STILL
from ml.training.recipes import arithmetic
from ml.training.recipes.paper import PLAIN, THREE, Contradiction, Paper, System, claims

_ACCURACIES = (89.56, 97.78, 98.67)
_VIT_PARAMETERS, _RESNET_PARAMETERS = 85_800_963, 23_514_179
"""Of torchvision's networks with three classes; luong2024 prints the same count for ViT-B/16."""

_TESTS = arithmetic.possible_tests(_ACCURACIES, 780)

PAPER = Paper(
    name="zohra2025",
    citation="Zohra VT, Ali S, Ahmed A, Durrani AM. A deep hybrid learning framework for reliable breast "
    "cancer diagnosis using ultrasound imaging. 2025. doi 10.5281/zenodo.16931970",
    systems=(
        System("ResNet-50", "resnet50"),
        System("ViT-B/16", "vit_b_16"),
        System("Hybrid", "resnet50_vit_b_16"),
    ),
    labels=THREE,
    recipe=PLAIN.model_copy(
        update={
            "size": 224,
            "epochs": 30,
            "batch_size": 32,
            "lr": 1e-4,
            "pretrained_lr": 1.0,
            "schedule": "plateau",
            "patience": 30,
            "augmentation": STILL.model_copy(
                update={
                    "mirror": True,
                    "turn": 10,
                    "shift": 0.1,
                    "scale": (1.0, 1.25),
                    "contrast": (0.8, 1.2),
                    "brightness": 25,
                    "noise": 0.5,
                }
            ),
        }
    ),
    fractions=(0.8, 0.1, 0.1),
    stratified=False,
    average="macro",
    claims=claims(
        "table 3",
        {
            "ResNet-50": {"accuracy": 89.56, "precision": 90, "recall": 90, "f1": 90},
            "ViT-B/16": {"accuracy": 97.78, "precision": 98, "recall": 98, "f1": 98},
            "Hybrid": {"accuracy": 98.67, "precision": 99, "recall": 99, "f1": 99},
        },
    ),
    contradictions=(
        Contradiction(
            "The hybrid, which holds ResNet-50 and ViT-B/16, takes 85.40 MB and 1.20 ms; they take 327.36 "
            "MB and 14.42 ms, 90.00 MB and 1.44 ms.",
            "A network that holds two others is neither smaller nor faster than either: their weights alone "
            f"are {arithmetic.size_mib(_VIT_PARAMETERS + _RESNET_PARAMETERS):.0f} MiB.",
            "table 4, section 2",
        ),
        Contradiction(
            "ResNet-50 takes 327.36 MB, ViT-B/16 90.00 MB; ViT-B/16 'considerably compresses the number of "
            "parameters'.",
            f"ViT-B/16 with three classes has {arithmetic.size_mib(_VIT_PARAMETERS):.1f} MiB of weights and "
            f"ResNet-50 {arithmetic.size_mib(_RESNET_PARAMETERS):.1f}: the two rows look swapped.",
            "table 4",
        ),
        Contradiction(
            "The hybrid's 1.20 ms go with 710.25 images a second.",
            f"1.20 ms are {arithmetic.frames_per_second(1.20):.1f} a second; in the other two rows the "
            f"figures agree ({arithmetic.frames_per_second(14.42):.1f} and "
            f"{arithmetic.frames_per_second(1.44):.1f}).",
            "table 4",
        ),
        Contradiction(
            "The accuracies are 89.56, 97.78 and 98.67% on one test set; only training was augmented.",
            f"Of all sizes up to the 780 images of BUSI only {', '.join(map(str, _TESTS))} test images give "
            "all three. That is more than half of BUSI: a usual share of it can't give them, so the test set "
            "is likely to hold altered copies too. The paper names neither size nor split.",
            "table 3",
        ),
    ),
    chosen=(
        "split 80/10/10; the paper names none",
        "Adam at 1e-4, a plateau schedule, 30 epochs of 32 images; the paper names a schedule only",
        "random crops as enlargement by up to 1.25 with shifts of up to a tenth",
        "images are resized to 224; the paper says cropped",
    ),
    small=("ResNet-50", "ViT-B/16", "Hybrid"),
)
