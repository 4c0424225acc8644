"""The model card: what travels with the weights and drives preprocessing, calls and words.

JSON beside the weights (`card.json` next to `weights.safetensors`). Weights never travel without it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ml.errors import CardError

CARD_NAME = "card.json"
WEIGHTS_NAME = "weights.safetensors"
SHIPPED = Path(__file__).parent / "shipped"
"""The folder of the network that the product comes with."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Interval(_Frozen):
    """A figure with its 95% interval and what it was counted on."""

    value: float
    low: float
    high: float
    n: int = Field(ge=0, description="rows resampled: patients, groups or images")
    unit: str = Field(description="what n counts: patient, group or image")


class Metrics(_Frozen):
    """One table of figures: the data, the split, the command that makes it again."""

    data: str
    split: str
    level: Literal["image", "patient"]
    command: str
    n_images: int
    n_patients: int
    figures: dict[str, Interval]


class Preprocessing(_Frozen):
    """Grey uint8 (H, W) -> float32 (1, 3, size, size): resize (area when shrinking), to 0..1, (x-mean)/std.

    To 0..1: `fixed` divides by 255; `min-max` stretches each resized image from its darkest to its
    brightest pixel (a flat image becomes 0).
    """

    scaling: Literal["fixed", "min-max"] = "fixed"
    size: int = Field(gt=0, description="side of the square input, pixels")
    mean: float
    std: float = Field(gt=0)


class Calibration(_Frozen):
    """p = softmax(logits / temperature + bias), Guo et al. 2017 section 4.2 with a bias per class.

    Fitted on out-of-fold logits. bias is in the class order of the card; zeros where only the
    temperature was fitted.
    """

    method: Literal["none", "temperature", "bias_corrected_temperature"]
    temperature: float = Field(gt=0)
    bias: tuple[float, ...]
    fitted_on: str


class OperatingPoint(_Frozen):
    """`suspicious` where P(malignant) >= threshold."""

    label: str = "malignant"
    threshold: float = Field(ge=0, le=1)
    chosen_for: str = Field(description="e.g. sensitivity 0.93, out of fold, BUS-BRA images")


class CamScale(_Frozen):
    """Raw Grad-CAM value that counts as strength 1.0: the median of the peak of the map of
    the predicted class over the training images. Keeps absolute strength comparable across scans."""

    strong: float = Field(gt=0)


class Pointed(_Frozen):
    """Heatmaps of one class and strength over scans with a drawn lesion that their network had not seen:
    `hits` is how often the hottest point lay in the lesion, `chance` the lesion's mean share of the area."""

    label: str
    strength: Literal["weak", "moderate", "strong"]
    maps: int = Field(ge=0)
    hits: Interval
    chance: float = Field(ge=0, le=1)


class HeatmapTest(_Frozen):
    """What heatmaps were found worth on held-out scans with drawn lesions (`ml/reliability.py`).

    `shown`: how often the hottest point of the heatmap of the most probable class lay in the lesion, a map of
    no evidence being a miss, over "all", "right" and "wrong" answers; `chance` the lesions' mean share of the
    area. Maps of a class and strength that hit in less than `bar` are unreliable; fewer than `fewest` tell
    nothing.
    """

    data: str
    images: int = Field(ge=0)
    chance: float = Field(ge=0, le=1)
    shown: dict[Literal["all", "right", "wrong"], Interval]
    bar: float = Field(gt=0, lt=1)
    fewest: int = Field(gt=0)
    pointed: tuple[Pointed, ...]


class Scope(_Frozen):
    """Out-of-scope test: distance of a frame's features from the training scans (`ml/scope.py`).

    Statistics are in `scope.safetensors` beside the weights; flagged above `threshold`.
    """

    threshold: float
    colour_share: float = Field(ge=0, le=1, description="colour Doppler above this share of pixels")
    checksum: str


class ModelCard(_Frozen):
    """Everything that serving needs to know of a network besides its weights."""

    name: str = Field(description="product name of this network, e.g. secondread-us")
    version: str
    network: str = Field(description="name in the registry, e.g. resnet18")
    classes: tuple[str, ...]
    modality: Literal["US", "MG"]
    preprocessing: Preprocessing
    target_layer: str = Field(description="module whose output Grad-CAM reads, e.g. layer4")
    calibration: Calibration
    operating_point: OperatingPoint
    cam_scale: CamScale
    heatmaps: HeatmapTest | None = None
    scope: Scope | None = None
    checksum: str = Field(description="SHA-256 of weights.safetensors, hex")
    created: str = Field(description="ISO 8601 date")
    training: dict[str, Any] = Field(description="command, data fingerprints, seeds, epochs, start weights")
    metrics: tuple[Metrics, ...] = ()
    limits: tuple[str, ...] = Field(default=(), description="what it can't do, one sentence each")
    citations: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> ModelCard:
        if len(set(self.classes)) != len(self.classes) or len(self.classes) < 2:
            raise ValueError("classes must be at least two different names")
        if len(self.calibration.bias) != len(self.classes):
            raise ValueError("calibration.bias needs one value for each class")
        if self.operating_point.label not in self.classes:
            raise ValueError(f"operating_point.label {self.operating_point.label!r} is not a class")
        return self

    @classmethod
    def load(cls, directory: Path) -> ModelCard:
        """Read `card.json` in `directory`.

        Raises:
            CardError: no such file, not JSON, or a field is missing, unknown or contradictory.
        """
        path = directory / CARD_NAME
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise CardError(
                f"No model card {CARD_NAME} beside the weights.",
                "Point to a folder written by `python -m ml train`.",
            ) from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "card"
            raise CardError(
                f"The model card is not valid: {where}: {first['msg']}.",
                "Write it again with the version of SecondRead that trained the network.",
            ) from error

    def save(self, directory: Path) -> None:
        """Write `card.json` into `directory`, beside then renamed, so that no half file is left."""
        path = directory / CARD_NAME
        partial = path.with_suffix(".partial")
        partial.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")
        partial.replace(path)
