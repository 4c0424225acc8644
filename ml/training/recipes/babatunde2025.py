"""Babatunde et al. 2025: ResNet-50, flips, rotation and zoom before the split, 80/20, 15 epochs of Adam.

The paper says benign, malignant and normal in its text, and cancer against no cancer in its data and
matrices: two classes here. It is silent on rate and batch: Adam at 1e-4, 32 images.
"""

from __future__ import annotations

from ml.training.augment import STILL
from ml.training.recipes import arithmetic
from ml.training.recipes.paper import PLAIN, Contradiction, Enlarged, Paper, System, claims

_IMAGES, _MALIGNANT = 1260, 840
_MISSED, _FALSE_ALARMS = 12, 15
_TEST = _IMAGES // 5
_BUSI_MALIGNANT = 210

# Table 4: precision, recall, F1 of each epoch.
EPOCHS = (
    (0.87, 0.88, 0.88),
    (0.89, 0.90, 0.90),
    (0.87, 0.92, 0.91),
    (0.90, 0.93, 0.92),
    (0.91, 0.94, 0.93),
    (0.92, 0.95, 0.94),
    (0.93, 0.96, 0.94),
    (0.93, 0.97, 0.95),
    (0.92, 0.97, 0.96),
    (0.95, 0.97, 0.96),
    (0.95, 0.98, 0.95),
    (0.96, 0.98, 0.95),
    (0.96, 0.99, 0.95),
    (0.97, 0.99, 0.96),
    (0.97, 1.00, 0.96),
)
_ROUNDING = 0.01
"""Two decimals each for precision, recall and F1: their F1 is off by this at most."""

OFF = tuple(
    number
    for number, (precision, recall, f1) in enumerate(EPOCHS, start=1)
    if abs(arithmetic.f1(precision, recall) - f1) > _ROUNDING
)

PAPER = Paper(
    name="babatunde2025",
    citation="Babatunde AN, Balogun BF, Olabode OJ, Awotunde JB, Imoize AL. Breast cancer prediction using a "
    "pretrained CNN model ResNet-50. 2025",
    systems=(System("ResNet-50", "resnet50", enlarged=Enlarged(factor=2, balanced=False)),),
    labels={"benign": "no cancer", "malignant": "malignant", "normal": "no cancer"},
    recipe=PLAIN.model_copy(
        update={
            "classes": ("no cancer", "malignant"),
            "size": 224,
            "epochs": 15,
            "batch_size": 32,
            "lr": 1e-4,
            "pretrained_lr": 1.0,
            "augmentation": STILL.model_copy(update={"mirror": True, "turn": 20, "scale": (0.8, 1.2)}),
        }
    ),
    fractions=(0.8, 0.0, 0.2),
    stratified=False,
    average="malignant",
    claims=claims(
        "table 4, epoch 15",
        {"ResNet-50": {"accuracy": 98, "precision": 97, "recall": 100, "f1": 96, "auc": 95}},
    ),
    contradictions=(
        Contradiction(
            "Precision is 97%, recall 100% and F1 96%.",
            f"Of these precision and recall F1 is {arithmetic.f1(97, 100):.1f}%; it never lies below both. "
            f"In {len(OFF)} of the 15 epochs of the table the three don't agree, rounding allowed.",
            "table 4",
        ),
        Contradiction(
            "Recall on the test is 100%: no cancer is overlooked.",
            f"The test's confusion matrix has {_MISSED} cancers called non-cancerous.",
            "table 4, section 4.1; section 4, figure 3(b)",
        ),
        Contradiction(
            "Accuracy on the test is 98% (in figure 4(c) 99.5%).",
            f"{_MISSED + _FALSE_ALARMS} of the {_TEST} test images are wrong, which leaves "
            f"{arithmetic.accuracy(_TEST - _MISSED - _FALSE_ALARMS, _TEST):.1f}%.",
            "table 4, figure 4; section 4, figure 3(b); section 3.1.1, table 1",
        ),
        Contradiction(
            "Precision is 97%.",
            "In discussion and conclusions it is 96%.",
            "table 4; sections 4.1 and 5",
        ),
        Contradiction(
            "F1 is precision x recall / (precision + recall).",
            "The 2 of the harmonic mean is missing: so counted, F1 is never above 50%.",
            "equation 3",
        ),
        Contradiction(
            "The collection is balanced: 840 malignant and 420 non-cancerous images.",
            f"It is two to one. BUSI has {_BUSI_MALIGNANT} malignant images, and 840 are "
            f"{_MALIGNANT // _BUSI_MALIGNANT} times as many: copies, if that is where they are from (the "
            "paper names Kaggle only, and no patients).",
            "sections 3.1.1 and 4.1",
        ),
    ),
    chosen=(
        "augmentation before the split, as its steps are told (section 3.1.2); one altered copy an image",
        "250 x 250 and then 224 x 224 pixels: resized to 224 at once",
        "Adam at 1e-4, batches of 32; mirror, +-20 degrees, zoom a fifth: named without amounts",
        "two classes, cancer or not, as in its data and matrices",
    ),
    small=("ResNet-50",),
)
