"""Training of the DCGAN: Lightning's trainer, resumable, seeded, both losses logged.

Generator and discriminator take turns on each batch; both lose by cross-entropy (Goodfellow et al. 2014,
arXiv 1406.2661, with the generator's loss that doesn't saturate). Optimiser and rate are those of Radford et
al. 2016: Luong et al. 2024 name none.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from torch.nn.functional import softplus
from torch.utils.data import DataLoader, Sampler, TensorDataset

from ml import checkpoint
from ml.data import Sample
from ml.data.pixels import read_pixels
from ml.networks.dcgan import LATENT, SIDES, Discriminator, Generator
from ml.preprocess import resize

GENERATOR, DISCRIMINATOR = "generator.safetensors", "discriminator.safetensors"


class GanRecipe(BaseModel):
    """Settings of one run; it goes beside the weights as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: tuple[str, ...] = ("benign", "malignant", "normal")
    side: int = Field(
        default=64, json_schema_extra={"enum": list(SIDES)}, description="of the pictures, pixels"
    )
    narrowest: int = Field(default=64, ge=1, description="channels next to the pixels")
    epochs: int = Field(default=200, ge=1)
    batch_size: int = Field(default=64, ge=2)
    lr: float = Field(default=2e-4, gt=0)
    beta1: float = Field(default=0.5, ge=0, lt=1)
    seed: int = 20261121


class Gan(lightning.LightningModule):
    """Both networks and their two optimisers. A batch is pictures float32 (N, 1, S, S) in 0..1 and labels
    int64 (N,); each picture drawn against it is of the same class."""

    def __init__(self, recipe: GanRecipe) -> None:
        super().__init__()
        self.recipe = recipe
        self.automatic_optimization = False
        shape = (len(recipe.classes), recipe.side, recipe.narrowest)
        self.generator, self.discriminator = Generator(*shape), Discriminator(*shape)

    def on_train_epoch_start(self) -> None:
        """What is random in an epoch follows from its number: a resumed run goes on as if never stopped."""
        lightning.seed_everything(self.recipe.seed + self.current_epoch, verbose=False)

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        real, labels = batch
        optimizers: Any = self.optimizers()  # two, so a list
        for_generator, for_discriminator = optimizers
        drawn = self.generator(torch.randn(len(real), LATENT, device=self.device), labels)
        caught = softplus(-self.discriminator(real, labels)) + softplus(
            self.discriminator(drawn.detach(), labels)
        )
        self._step(for_discriminator, caught.mean())
        fooled = softplus(-self.discriminator(drawn, labels))
        self._step(for_generator, fooled.mean())
        losses = {"discriminator_loss": caught.mean(), "generator_loss": fooled.mean()}
        self.log_dict(losses, on_step=False, on_epoch=True, prog_bar=True, batch_size=len(real))

    def _step(self, optimizer: Any, loss: Tensor) -> None:
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        recipe = self.recipe
        return [
            torch.optim.Adam(network.parameters(), lr=recipe.lr, betas=(recipe.beta1, 0.999))
            for network in (self.generator, self.discriminator)
        ]


def squares(samples: Sequence[Sample], side: int) -> NDArray[np.uint8]:
    """The images as a generator learns them: uint8 (N, side, side)."""
    return np.stack([resize(read_pixels(sample), side) for sample in samples])


def fit(
    recipe: GanRecipe, pictures: NDArray[np.uint8], labels: Sequence[str], directory: Path
) -> tuple[Generator, Discriminator]:
    """Train on `pictures`, uint8 (N, side, side); returns both networks in evaluation mode.

    Every class is drawn as often as the others. A run that was killed goes on from its last whole epoch;
    one that is done is read back. `directory` gets the weights of both, `log/` and, until it is done,
    `last.ckpt`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    lightning.seed_everything(recipe.seed, workers=True, verbose=False)
    gan = Gan(recipe)
    parts = {GENERATOR: gan.generator, DISCRIMINATOR: gan.discriminator}
    if not (directory / GENERATOR).exists():
        _train(gan, pictures, [recipe.classes.index(label) for label in labels], directory)
        for name in reversed(parts):  # the generator last: it says that the run is done
            checkpoint.write_tensors(parts[name], directory / name)
    for name, network in parts.items():
        checkpoint.load_strictly(network.cpu().eval(), checkpoint.read_tensors(directory / name))
    (directory / "last.ckpt").unlink(missing_ok=True)
    return gan.generator, gan.discriminator


def _train(gan: Gan, pictures: NDArray[np.uint8], labels: Sequence[int], directory: Path) -> None:
    recipe = gan.recipe
    last = ModelCheckpoint(directory, filename="last", save_top_k=1, enable_version_counter=False)
    trainer = lightning.Trainer(
        max_epochs=recipe.epochs,
        devices=1,
        callbacks=[last, TQDMProgressBar(refresh_rate=5)],
        logger=CSVLogger(directory, name="log"),
        default_root_dir=directory,
        enable_model_summary=False,
        log_every_n_steps=1,
    )
    images = torch.from_numpy(pictures).float().div(255)[:, None]
    loader = DataLoader(
        TensorDataset(images, torch.tensor(labels)),
        recipe.batch_size,
        sampler=_EvenClasses(labels, recipe.seed, lambda: trainer.current_epoch),
        drop_last=len(labels) > recipe.batch_size,
        generator=torch.Generator(),  # its own, or it would draw a number from that of the noise
    )
    resumed = directory / "last.ckpt"
    with warnings.catch_warnings():
        # Both are meant: a folder that a killed run left behind, images that are in memory already.
        warnings.filterwarnings("ignore", ".*exists and is not empty")
        warnings.filterwarnings("ignore", ".*does not have many workers")
        trainer.fit(gan, loader, ckpt_path=resumed if resumed.exists() else None)


class _EvenClasses(Sampler[int]):
    """As many rows an epoch as there are, each class as often as any other."""

    def __init__(self, labels: Sequence[int], seed: int, epoch: Callable[[], int]) -> None:
        size = np.bincount(labels)
        self.weights = torch.tensor([1 / size[label] for label in labels], dtype=torch.float64)
        self.seed, self.epoch = seed, epoch

    def __len__(self) -> int:
        return len(self.weights)

    def __iter__(self) -> Iterator[int]:
        rng = torch.Generator().manual_seed(self.seed + self.epoch())
        return iter(torch.multinomial(self.weights, len(self), replacement=True, generator=rng).tolist())


@torch.no_grad()
def draw(generator: Generator, label: int, count: int, seed: int) -> NDArray[np.uint8]:
    """Pictures of class number `label`: uint8 (count, side, side). The same seed gives the same pictures."""
    noise = torch.randn(count, LATENT, generator=torch.Generator().manual_seed(seed))
    parts = [generator(some, torch.full((len(some),), label)) for some in noise.split(64)]
    pictures: NDArray[np.uint8] = torch.cat(parts)[:, 0].mul(255).round().byte().numpy()
    return pictures
