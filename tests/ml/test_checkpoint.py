from __future__ import annotations

import json
import shutil

import pytest
import torch

from ml import checkpoint, networks
from ml.card import ModelCard
from ml.errors import CardError, WeightsMismatchError, WeightsUnavailableError


@pytest.fixture
def folder(tiny_weights, tmp_path):
    return shutil.copytree(tiny_weights, tmp_path / "weights")


def test_weights_come_back_as_they_were_saved(folder):
    first, card = checkpoint.load(folder)
    checkpoint.save(first, card, folder / "again")
    second, again = checkpoint.load(folder / "again")
    assert again == card
    for key, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[key])


def test_a_loaded_network_is_ready_to_serve(folder):
    network, _ = checkpoint.load(folder)
    assert not network.training
    assert not any(p.requires_grad for p in network.parameters())


def test_other_weights_under_the_same_card_are_refused(folder):
    other = networks.build("tiny", 3)
    checkpoint.write_tensors(other, folder / "weights.safetensors")
    with pytest.raises(WeightsMismatchError, match="SHA-256"):
        checkpoint.load(folder)


def test_cut_weights_are_refused_even_where_the_card_agrees(folder):
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    card = ModelCard.load(folder).model_copy(update={"checksum": checkpoint.checksum(path.read_bytes())})
    card.save(folder)
    with pytest.raises(WeightsMismatchError, match="not a whole safetensors file"):
        checkpoint.load(folder)


def test_weights_of_another_shape_are_refused_by_name():
    with pytest.raises(WeightsMismatchError, match="fc"):
        checkpoint.load_strictly(networks.build("tiny", 3), networks.build("tiny", 2).state_dict())


def test_a_pickle_is_refused_with_the_remedy(tmp_path):
    path = tmp_path / "net.pth"
    torch.save({"a": torch.zeros(1)}, path)
    with pytest.raises(WeightsMismatchError, match=r"safetensors\.torch\.save_file"):
        checkpoint.read_tensors(path)


def test_missing_weights_and_missing_card_are_told_apart(folder):
    (folder / "weights.safetensors").unlink()
    with pytest.raises(WeightsUnavailableError):
        checkpoint.load(folder)
    (folder / "card.json").unlink()
    with pytest.raises(CardError, match="No model card"):
        checkpoint.load(folder)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("classes", ["benign", "benign"], "two different names"),
        ("classes", ["benign", "malignant"], "one value for each class"),
        ("operating_point", {"label": "cyst", "threshold": 0.3, "chosen_for": "x"}, "cyst"),
        ("surprise", 1, "surprise"),
    ],
)
def test_a_card_that_contradicts_itself_is_refused(folder, field, value, said):
    path = folder / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    with pytest.raises(CardError, match=said):
        ModelCard.load(folder)
