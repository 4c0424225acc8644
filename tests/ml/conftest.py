"""Small weights for tests: a `tiny` network with its card, made anew, never downloaded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from ml import checkpoint, networks
from ml.card import Calibration, CamScale, ModelCard, OperatingPoint, Preprocessing
from ml.training import scope_fit

CLASSES = ("benign", "malignant", "normal")


def tiny_card(network: str = "tiny", size: int = 64) -> ModelCard:
    return ModelCard(
        name="secondread-test",
        version="0.0.1",
        network=network,
        classes=CLASSES,
        modality="US",
        preprocessing=Preprocessing(size=size, mean=0.45, std=0.225),
        target_layer=networks.spec(network).target_layer,
        calibration=Calibration(
            method="temperature", temperature=1.3, bias=(0.0, 0.0, 0.0), fitted_on="nothing"
        ),
        operating_point=OperatingPoint(threshold=0.3, chosen_for="tests"),
        cam_scale=CamScale(strong=1.0),
        checksum="",
        created="2026-01-01",
        training={"init": "random", "seed": 7},
    )


def write_weights(directory: Path, network: str = "tiny", size: int = 64) -> Path:
    """Random but fixed weights of any registered network, with their card, in `directory`."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        checkpoint.save(networks.build(network, len(CLASSES)), tiny_card(network, size), directory)
    return directory


@pytest.fixture(scope="session", autouse=True)
def _few_phantoms() -> Iterator[None]:
    """What training draws for its out-of-scope test takes longer than to train on a test's data."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scope_fit, "PHANTOM_SEEDS", scope_fit.PHANTOM_SEEDS[:1])
        yield


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("tiny"))
