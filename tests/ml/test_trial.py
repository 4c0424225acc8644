"""A network that can't be used is refused by the words of what is wrong with it."""

from __future__ import annotations

import shutil

import pytest

import ml
from tests.ml.conftest import tiny_card


@pytest.mark.slow
def test_what_loads_says_which_network_it_is(tiny_weights):
    found = ml.try_out(tiny_weights)
    assert (found.name, found.version) == ("secondread-test", "0.0.1")
    assert found.checksum == ml.ModelCard.load(tiny_weights).checksum


@pytest.mark.slow
def test_weights_of_another_card_are_refused(tiny_weights, tmp_path):
    folder = shutil.copytree(tiny_weights, tmp_path / "copy")
    (folder / "weights.safetensors").write_bytes(b"something else")
    with pytest.raises(ml.NetworkError, match="SHA-256 differs"):
        ml.try_out(folder)


@pytest.mark.slow
def test_a_folder_without_a_card_is_refused(tmp_path):
    with pytest.raises(ml.NetworkError, match=r"No model card card\.json"):
        ml.try_out(tmp_path)


@pytest.mark.slow
def test_a_card_that_names_no_known_network_is_refused(tiny_weights, tmp_path):
    folder = shutil.copytree(tiny_weights, tmp_path / "copy")
    known = ml.ModelCard.load(tiny_weights)
    tiny_card().model_copy(update={"network": "never-heard-of", "checksum": known.checksum}).save(folder)
    with pytest.raises(ml.NetworkError, match="never-heard-of"):
        ml.try_out(folder)


def test_it_waits_no_longer_than_it_is_told_to(tiny_weights):
    with pytest.raises(ml.NetworkError, match=r"within 0\.01 seconds"):
        ml.try_out(tiny_weights, seconds=0.01)
