"""Luong et al. 2024, AEGANB3: EfficientNet-B3 with multi-head self-attention on BUSI, in two phases.

Without augmentation, with simple augmentation and with pictures of a DCGAN, both before splitting, each with
four other networks beside it, and without the attention. The paper is silent on optimiser, rates, epochs and
batch: Adam, 10 epochs of the head at 1e-3, then 20 of all at 1e-4, 32 images.

Of the DCGAN it gives the layers (figures 4 and 5), its place before the split (figure 1, section III.A) and
the images after it (1357 benign, 1333 normal, 1330 malignant; figure 3). It gives no size, epochs, batch or
rate: `ml.networks.dcgan` and `ml.training.gan` say what was taken, and one network draws all classes.
"""

from __future__ import annotations

from ml.training.augment import STILL
from ml.training.gan import GanRecipe
from ml.training.recipes import arithmetic
from ml.training.recipes.paper import (
    PLAIN,
    THREE,
    Contradiction,
    Drawn,
    Enlarged,
    Metric,
    Paper,
    System,
    claims,
)

_AFTER_GAN = {"benign": 1357, "malignant": 1330, "normal": 1333}
_ENLARGED = sum(_AFTER_GAN.values())
_BUSI = 780
_BENIGN = 437

# Test accuracies in percent, fine-tuned and after the first phase.
_NONE = (62.82, 73.08, 64.10, 74.36, 61.54, 66.67, 67.95, 65.38, 84.62, 88.46, 82.05)
_SIMPLE = (67.59, 89.77, 61.62, 74.84, 60.98, 55.86, 56.29, 92.96, 95.31, 83.58, 92.54)
_GAN = (94.53, 97.51, 83.58, 94.78, 94.03, 93.78, 93.03, 94.28, 96.52, 98.01, 97.01, 97.26)
_SIMPLE_TEST = arithmetic.possible_tests(_SIMPLE, _BUSI)
_GAN_TEST = arithmetic.possible_tests(_GAN, _BUSI)

SIMPLE = Enlarged(factor=10 * _SIMPLE_TEST[0] / 3 / _BENIGN, balanced=True)
"""Classes of equal size, ten times the test images in all; 437 are the benign images of BUSI."""

DCGAN = Drawn({name: count / _BENIGN for name, count in _AFTER_GAN.items()}, GanRecipe(side=128))
"""Of BUSI the paper's counts, of other images as many times the largest class. The network draws 128 pixels
at most; the classifiers read 224."""

_NETWORKS = {
    "AEGANB3": "efficientnet_b3_attention",
    "EfficientNet-B3": "efficientnet_b3",
    "DenseNet169": "densenet169",
    "Xception": "xception",
    "ViT-B/16": "vit_b_16",
    "ViT-B/32": "vit_b_32",
}


def _row(accuracy: float, precision: float, f1: float) -> dict[Metric, float]:
    """The paper's averages are weighted: recall is accuracy in each of its rows."""
    return {"accuracy": accuracy, "precision": precision, "recall": accuracy, "f1": f1}


PAPER = Paper(
    name="luong2024",
    citation="Luong HH, Nguyen HT, Thai-Nghe N. AEGANB3: an efficient framework with self-attention "
    "mechanism and deep convolutional generative adversarial network for breast cancer classification. 2024",
    systems=(
        *(System(f"{name}, none", network, augmented=False) for name, network in _NETWORKS.items()),
        *(System(f"{name}, simple", network, enlarged=SIMPLE) for name, network in _NETWORKS.items()),
        *(
            System(f"{name}, DCGAN", network, augmented=False, drawn=DCGAN)
            for name, network in _NETWORKS.items()
        ),
    ),
    labels=THREE,
    recipe=PLAIN.model_copy(
        update={
            "size": 224,
            "scaling": "min-max",
            "epochs": 30,
            "head_epochs": 10,
            "batch_size": 32,
            "lr": 1e-3,
            "pretrained_lr": 0.1,
            "patience": 30,
            "augmentation": STILL.model_copy(
                update={"mirror": True, "turn": 20, "shift": 0.1, "scale": (0.9, 1.1)}
            ),
        }
    ),
    fractions=(0.8, 0.1, 0.1),
    stratified=False,
    average="weighted",
    claims=(
        *claims(
            "table I, fine-tuning",
            {
                "AEGANB3, none": _row(88.46, 88.53, 88.47),
                "DenseNet169, none": _row(73.08, 72.02, 72.23),
                "Xception, none": _row(74.36, 74.34, 73.70),
                "ViT-B/16, none": _row(66.67, 67.23, 65.18),
                "ViT-B/32, none": _row(65.38, 66.98, 63.72),
            },
        ),
        *claims(
            "table II, fine-tuning",
            {
                "AEGANB3, simple": _row(95.31, 95.36, 95.29),
                "DenseNet169, simple": _row(89.77, 89.75, 89.73),
                "Xception, simple": _row(74.84, 75.02, 74.87),
                "ViT-B/16, simple": _row(67.59, 69.07, 67.36),
                "ViT-B/32, simple": _row(56.29, 58.70, 53.84),
            },
        ),
        *claims(
            "table III, fine-tuning",
            {
                "AEGANB3, DCGAN": _row(98.01, 98.01, 98.01),
                "DenseNet169, DCGAN": _row(97.51, 97.51, 97.51),
                "Xception, DCGAN": _row(94.78, 94.83, 94.79),
                "ViT-B/16, DCGAN": _row(93.78, 94.24, 93.85),
                "ViT-B/32, DCGAN": _row(94.28, 94.63, 94.33),
            },
        ),
        *claims(
            "table IV, fine-tuning",
            {
                "EfficientNet-B3, none": _row(84.62, 86.78, 85.01),
                "EfficientNet-B3, simple": _row(92.54, 92.57, 92.54),
                "EfficientNet-B3, DCGAN": _row(97.26, 97.29, 97.27),
            },
        ),
    ),
    contradictions=(
        Contradiction(
            "Accuracy on BUSI's test images is 98.01% with DCGAN augmentation.",
            "Up to BUSI's 780 images, the twelve test accuracies with DCGAN are fractions of "
            f"{', '.join(map(str, _GAN_TEST))} images alone: a tenth of the {_ENLARGED:,} that there "
            f"are after augmentation. A tenth of BUSI is {arithmetic.possible_tests(_NONE, 100)[0]}. So "
            "most of the test images were made by a generator that had learned from the others.",
            "tables III and IV; section III.B",
        ),
        Contradiction(
            "Simple augmentation raises the accuracy from 88.46% to 95.31%.",
            f"With it the accuracies are fractions of {', '.join(map(str, _SIMPLE_TEST))} images, without "
            "of 78: two different tests, the second with altered copies of training images.",
            "tables I, II and IV",
        ),
        Contradiction(
            "Without augmentation the proposed model has precision 85.30, recall 84.62 and F1 84.67, the "
            "ViTs 67.95 and 65.35% accuracy.",
            "These are the first phase's; fine-tuned the table has 88.53, 88.46 and 88.47, for the ViTs "
            "66.67 and 65.38.",
            "section IV.B; table I",
        ),
        Contradiction(
            "Xception has fewer parameters than DenseNet169.",
            "The tables give it 20,867,627, and DenseNet169 12,647,875.",
            "section IV.D; table III",
        ),
        Contradiction(
            "Images are resized to 244 x 224 pixels.",
            "The equation and the algorithm below say 224 x 224.",
            "section III.C",
        ),
    ),
    chosen=(
        "Adam, 10 epochs of the head at 1e-3, then 20 of all (what was given at 1e-4), batches of 32",
        "simple augmentation: mirror, +-20 degrees, shift and scale a tenth; named 'rotation, flip, etc.'",
        f"copies to {10 * _SIMPLE_TEST[0]:,} images in equal classes: ten times the test images",
        "one DCGAN for all classes, told which; 200 epochs of batches of 64, Adam at 2e-4, 128 pixels",
        "a drawn picture that is a near copy of an image that the DCGAN learned from is drawn anew",
    ),
    small=("AEGANB3, DCGAN", "AEGANB3, none", "AEGANB3, simple", "EfficientNet-B3, none"),
)
