"""What a training run is told, in one frozen value; it goes into the card as it is."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ml.training.augment import Augmentation


class Recipe(BaseModel):
    """Settings of one training run.

    `lr` is the peak of the one-cycle schedule for parts that start from random values; parts that
    start from given weights get `lr * pretrained_lr`. `frozen` names stages that keep their starting
    weights and their normalisation statistics: on a CPU they are half of the work, and what they hold
    (edges, textures) hardly changes in fine-tuning. In the first `head_epochs` nothing learns that started
    from given weights: two phases as in transfer learning, or where they are all epochs, a frozen backbone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: str = "resnet18"
    classes: tuple[str, ...] = ("benign", "malignant", "normal")
    size: int = Field(default=192, ge=32, description="side of the input, pixels")
    growth: tuple[tuple[int, int], ...] = Field(
        default=(), description="(side, epochs) of the first epochs: most of the way at a part of the cost"
    )
    epochs: int = Field(default=14, ge=1)
    batch_size: int = Field(default=32, ge=2)
    lr: float = Field(default=1e-3, gt=0)
    pretrained_lr: float = Field(default=0.3, gt=0)
    weight_decay: float = Field(default=0.05, ge=0)
    label_smoothing: float = Field(default=0.05, ge=0, lt=1)
    mask_weight: float = Field(
        default=0.5, ge=0, description="weight of the lesion-mask task; 0 leaves it out"
    )
    grade_weight: float = Field(default=0.3, ge=0, description="weight of the BI-RADS task; 0 leaves it out")
    balance: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="rows are drawn with weight n ** -balance, n: rows of their data set",
    )
    lesion_free_share: float = Field(
        default=0.06, ge=0, lt=1, description="lesion-free crops among training rows"
    )
    average_decay: float = Field(
        default=0.98, ge=0, lt=1, description="of the moving average of weights; 0: none"
    )
    frozen: tuple[str, ...] = ()
    keep_statistics: bool = Field(
        default=False, description="all normalisation keeps its starting statistics"
    )
    optimiser: Literal["adamw", "adam"] = "adamw"
    schedule: Literal["one-cycle", "constant", "plateau"] = Field(
        default="one-cycle", description="plateau: a tenth of the rate after 10 epochs without a lower loss"
    )
    head_epochs: int = Field(default=0, ge=0)
    augmentation: Augmentation = Augmentation()
    scaling: Literal["fixed", "min-max"] = Field(
        default="fixed", description="min-max: each image is stretched to 0..1 first"
    )
    mean: float = 0.449
    std: float = 0.226
    seed: int = 20261121
    member: int = Field(
        default=0, ge=0, description="of a committee: sets its random values and views apart from the others'"
    )
    patience: int = Field(
        default=5, ge=1, description="epochs without a better validation loss before it stops"
    )

    def side(self, epoch: int) -> int:
        """Side of the input in this epoch (from 0), pixels."""
        for side, epochs in self.growth:
            if epoch < epochs:
                return side
            epoch -= epochs
        return self.size
