from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ml import checkpoint
from ml.data import Sample
from ml.training import fit
from ml.training.order import Order
from ml.training.recipe import Recipe
from tests.ml.data.published import write_busbra
from tests.ml.training import two_processes
from webapp.config import ROOT

ROWS = [Sample(Path(str(i)), "benign", str(i), str(i), "few" if i < 3 else "many") for i in range(11)]


@pytest.mark.parametrize("balance", [0.0, 0.5])
def test_the_shares_of_several_processes_are_the_order_of_one(balance):
    recipe = Recipe(balance=balance)
    one = list(Order(ROWS, recipe, lambda: 4))
    shares = [list(Order(ROWS, recipe, lambda: 4, process, 2)) for process in range(2)]
    assert [number for pair in zip(*shares, strict=True) for number in pair] == one[:10]
    assert {number // len(ROWS) for number in one} == {4}


def test_without_balance_every_row_is_seen_once_an_epoch_in_another_order():
    recipe = Recipe(balance=0)
    epochs = [np.array(list(Order(ROWS, recipe, lambda e=e: e))) % len(ROWS) for e in range(2)]
    assert all(sorted(epoch) == list(range(len(ROWS))) for epoch in epochs)
    assert (epochs[0] != epochs[1]).any()


def test_processes_and_machines_are_those_that_torchrun_started(monkeypatch):
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    assert fit.processes() == ("auto", 1)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.setenv("WORLD_SIZE", "6")
    assert fit.processes() == (2, 3)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_two_processes_train_what_one_process_trains(tmp_path):
    source = write_busbra(tmp_path / "data", patients=16)
    two_processes.run(source, tmp_path / "one")
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    script = [str(Path(two_processes.__file__)), str(source), str(tmp_path / "two")]
    done = subprocess.run(
        [sys.executable, *command, *script],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("one of 2") == 2
    one, two = (checkpoint.read_tensors(tmp_path / n / "network.safetensors") for n in ("one", "two"))
    assert one.keys() == two.keys()
    for name, value in one.items():
        np.testing.assert_allclose(two[name], value, atol=1e-4, err_msg=name)
    assert fit.history(tmp_path / "two")["train_loss"] == pytest.approx(
        fit.history(tmp_path / "one")["train_loss"], abs=1e-3
    )
