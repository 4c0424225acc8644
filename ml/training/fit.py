"""One training run: Lightning's trainer around our module, resumable, seeded, quiet when asked."""

from __future__ import annotations

import csv
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import (
    Callback,
    EarlyStopping,
    EMAWeightAveraging,
    ModelCheckpoint,
    TQDMProgressBar,
)
from lightning.pytorch.loggers import CSVLogger
from numpy.typing import NDArray
from torch import nn
from torch.utils.data import DataLoader

from ml import checkpoint, networks
from ml.card import Preprocessing
from ml.data import Sample
from ml.data.pixels import read_pixels
from ml.preprocess import normalise, to_input
from ml.training import closer, initial
from ml.training.dataset import Batch, Plain, Views, lesion_free_crops, preprocessing
from ml.training.module import Classifier
from ml.training.order import Order
from ml.training.recipe import Recipe

_DONE = "network.safetensors"


def fit(
    recipe: Recipe,
    init: str,
    train: Sequence[Sample],
    validation: Sequence[Sample],
    directory: Path,
    stem: nn.Module | None = None,
) -> tuple[nn.Module, str]:
    """Train on `train`; returns the network in evaluation mode and what it started from.

    With `validation` samples the run stops early and keeps the epoch of the lowest validation loss;
    without, it runs all epochs and keeps the averaged weights of the last. A run that was killed goes
    on from its last whole epoch; one that is done is read back. `directory` gets `network.safetensors`,
    `start.txt`, `log/` and, until it is done, `last.ckpt`; of a committee each member has such a folder.
    Frozen stages are those of `stem`, where there is one: unfolded from other images (`ml.training.initial`)
    they would compute the same with other numbers, and could not be shared.
    """
    entry = networks.spec(recipe.network)
    if entry.join:
        fit_members = _fit_looks if entry.closer else _fit_committee
        members = fit_members(recipe, init, train, validation, directory)
        return entry.join([network for network, _ in members]).eval(), members[0][1]
    for side in {recipe.side(epoch) for epoch in range(recipe.epochs)}:
        networks.check_size(recipe.network, side)
    directory.mkdir(parents=True, exist_ok=True)
    lightning.seed_everything(recipe.seed + recipe.member, workers=True, verbose=False)
    network = networks.build(recipe.network, len(recipe.classes))
    if not (directory / _DONE).exists():
        start = initial.initialise(network, recipe.network, init, _first_batch(recipe, train))
        if stem is not None:
            _take(stem, network, recipe.frozen)
        watched = "val_loss" if validation else "train_loss"
        module = Classifier(recipe, network, start.given, watched).train()
        trainer = _train(module, train, validation, directory)
        trainer.strategy.barrier()  # all have read the best epoch before its file goes
        if trainer.is_global_zero:
            (directory / "start.txt").write_text(start.words + "\n")
            _finish(module.network, directory)
        trainer.strategy.barrier()
    checkpoint.load_strictly(network, checkpoint.read_tensors(directory / _DONE))
    return network.cpu().eval().requires_grad_(True), (directory / "start.txt").read_text().strip()


def _take(stem: nn.Module, network: nn.Module, stages: Sequence[str]) -> None:
    for stage in stages:
        network.get_submodule(stage).load_state_dict(stem.get_submodule(stage).state_dict())


def _fit_committee(
    recipe: Recipe, init: str, train: Sequence[Sample], validation: Sequence[Sample], directory: Path
) -> list[tuple[nn.Module, str]]:
    """Each member by itself, and what it started from."""
    names = networks.spec(recipe.network).members
    recipes = [recipe.model_copy(update={"network": name, "member": i}) for i, name in enumerate(names)]
    return [fit(own, init, train, validation, directory / _member(own.member)) for own in recipes]


def _fit_looks(
    recipe: Recipe, init: str, train: Sequence[Sample], validation: Sequence[Sample], directory: Path
) -> list[tuple[nn.Module, str]]:
    """The first look, a closer one at what it has drawn, more first looks, and what they started from."""
    whole, near, *others = closer.recipes(recipe)
    first = fit(whole, init, train, validation, directory / _member(0))
    seen, held = (closer.squares(first[0], whole, samples) for samples in (train, validation))
    seen += closer.lesion_free(train, recipe.lesion_free_share, recipe.seed)
    again = fit(near, init, seen, held, directory / _member(1), stem=first[0])
    rest = [fit(r, init, train, validation, directory / _member(r.member), stem=first[0]) for r in others]
    return [first, again, *rest]


def _member(number: int) -> str:
    return f"member-{number + 1}"


def _train(
    module: Classifier, train: Sequence[Sample], validation: Sequence[Sample], directory: Path
) -> lightning.Trainer:
    recipe = module.recipe
    given = [{name: value.clone() for name, value in stage.state_dict().items()} for stage in module.frozen]
    rows = [*train, *lesion_free_crops(train, recipe.lesion_free_share, recipe.seed)]
    held = DataLoader(Plain(validation, recipe.classes, preprocessing(recipe)), 64) if validation else None
    last = ModelCheckpoint(directory, filename="last", save_top_k=1, enable_version_counter=False)
    callbacks: list[Callback] = [TQDMProgressBar(refresh_rate=5), last]
    best = None
    if recipe.average_decay:
        callbacks.append(EMAWeightAveraging(decay=recipe.average_decay, update_every_n_steps=1))
    if held:
        best = ModelCheckpoint(
            directory,
            filename="best",
            monitor="val_loss",
            save_weights_only=True,
            enable_version_counter=False,
        )
        callbacks += [best, EarlyStopping("val_loss", patience=recipe.patience)]
    trainer = _trainer(recipe, callbacks, directory)
    with warnings.catch_warnings():
        # All are meant: no validation where none was asked for, views that are made faster than they are
        # used, a folder that a killed run left behind, frozen stages.
        warnings.filterwarnings("ignore", ".*exists and is not empty")
        warnings.filterwarnings("ignore", ".*module.s. in eval mode")
        warnings.filterwarnings("ignore", "You defined a `validation_step`")
        warnings.filterwarnings("ignore", ".*does not have many workers")
        loader = _loader(rows, recipe, trainer)
        trainer.fit(module.to(memory_format=torch.channels_last), loader, held, ckpt_path=_resume(directory))
    if best is not None and best.best_model_path:
        state = torch.load(best.best_model_path, weights_only=True)["state_dict"]
        module.load_state_dict(state)
    for stage, values in zip(module.frozen, given, strict=True):
        stage.load_state_dict(values)  # averaging equal values a thousand times changes their last bits
    module.to(memory_format=torch.contiguous_format)
    return trainer


def _trainer(recipe: Recipe, callbacks: list[Callback], directory: Path) -> lightning.Trainer:
    devices, machines = processes()
    several = machines > 1 or devices not in ("auto", 1) or torch.cuda.device_count() > 1
    # In the first of two phases some weights get no gradient, which DDP has to be told.
    strategy = "ddp_find_unused_parameters_true" if recipe.head_epochs else "ddp"
    return lightning.Trainer(
        max_epochs=recipe.epochs,
        accelerator="auto",
        devices=devices,
        num_nodes=machines,
        strategy=strategy if several else "auto",
        sync_batchnorm=several and torch.cuda.is_available(),
        use_distributed_sampler=False,
        precision=precision(),
        callbacks=callbacks,
        logger=CSVLogger(directory, name="log"),
        default_root_dir=directory,
        enable_model_summary=False,
        gradient_clip_val=1.0,
        log_every_n_steps=1,
        num_sanity_val_steps=0,
    )


def _loader(rows: Sequence[Sample], recipe: Recipe, trainer: lightning.Trainer) -> DataLoader[Batch]:
    """The batches of this process: its share of each batch of the recipe. Loaders of their own keep a GPU
    busy; on a CPU they would take from the training what they give."""
    views, gpu = Views(rows, recipe), torch.cuda.is_available()
    order = Order(rows, recipe, lambda: trainer.current_epoch, trainer.global_rank, trainer.world_size)
    batch = max(1, recipe.batch_size // trainer.world_size)
    return DataLoader(
        views,
        batch,
        sampler=order,
        drop_last=len(order) > batch,
        pin_memory=gpu,
        num_workers=min(8, os.cpu_count() or 1) if gpu else 0,
    )


def processes() -> tuple[int | Literal["auto"], int]:
    """Processes a machine, and machines: as `torchrun` says, else one machine with all its GPUs."""
    here = int(os.environ.get("LOCAL_WORLD_SIZE", "0"))
    return (here, int(os.environ["WORLD_SIZE"]) // here) if here else ("auto", 1)


def precision() -> Literal["bf16-mixed", "16-mixed", "32-true"]:
    """What this machine multiplies fastest at no cost in accuracy: bfloat16 on CPUs with tiles for it (AMX).
    On those that have its products alone (AVX-512 BF16) float32 is the faster one."""
    if torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "16-mixed"
    able = torch.cpu.get_capabilities()
    return "bf16-mixed" if able.get("amx_bf16") else "32-true"


def _resume(directory: Path) -> Path | None:
    path = directory / "last.ckpt"
    return path if path.exists() else None


def _first_batch(recipe: Recipe, train: Sequence[Sample]) -> torch.Tensor:
    rng = np.random.default_rng(recipe.seed)
    chosen = rng.permutation(len(train))[: max(64, recipe.batch_size)]
    spec = preprocessing(recipe)
    plain = Plain([train[int(index)] for index in chosen], recipe.classes, spec)
    return torch.from_numpy(normalise(plain.squares, spec))


def _finish(network: nn.Module, directory: Path) -> None:
    checkpoint.write_tensors(network, directory / _DONE)
    for leftover in directory.glob("*.ckpt"):
        leftover.unlink()


def logits(network: nn.Module, samples: Sequence[Sample], spec: Preprocessing) -> NDArray[np.float32]:
    """float32 (N, C) of the plain images (no random views), batches of 64, where there is a GPU on that."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network.to(device).eval()
    rows = []
    with torch.inference_mode():
        for start in range(0, len(samples), 64):
            batch = to_input([read_pixels(sample) for sample in samples[start : start + 64]], spec)
            rows.append(network(torch.from_numpy(batch).to(device)).cpu().numpy())
    network.cpu()
    return np.concatenate(rows)


def history(directory: Path) -> dict[str, list[float]]:
    """Column -> value an epoch, from the logs of a run and of those that resumed it, in order; of a committee
    those of its first member."""
    if (directory / _member(0)).exists():
        return history(directory / _member(0))
    followed: dict[str, list[float]] = {}
    for log in sorted(
        (directory / "log").glob("version_*/metrics.csv"), key=lambda path: path.stat().st_mtime_ns
    ):
        with log.open(newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                for name in row.keys() - {"epoch", "step"}:
                    if row[name]:
                        followed.setdefault(name, []).append(float(row[name]))
    return followed
