"""The Lightning module: classification; lesion mask and BI-RADS as further tasks while training."""

from __future__ import annotations

from typing import Any

import lightning
import torch
from torch import Tensor, nn
from torch.nn import functional

from ml import networks
from ml.training.dataset import GRADES, NO_GRADE, Batch
from ml.training.recipe import Recipe


class Classifier(lightning.LightningModule):
    """Trains a registered network by cross-entropy, with two more tasks where the data know more: a small
    head draws the lesion from the stage before the target layer (binary cross-entropy on the mask), a
    second one gives the sonographer's BI-RADS category from the pooled features. Both heads are thrown
    away afterwards: the saved network has its published architecture."""

    def __init__(self, recipe: Recipe, network: nn.Module, given: frozenset[str] = frozenset()) -> None:
        """`given` names the weights that did not start from random values: they learn slower."""
        super().__init__()
        self.recipe = recipe
        self.network = network
        entry = networks.spec(recipe.network)
        target = entry.stages.index(entry.target_layer)
        self.before, rest = networks.cut(network, recipe.network, target)
        self.pool, self.classify = rest[:-1], rest[-1]
        self.frozen = [network.get_submodule(stage) for stage in recipe.frozen]
        for module in self.frozen:
            module.requires_grad_(False)
        self.given = given
        self.draw = _mask_head(_width(self.before, recipe.size))
        self.grade = nn.Linear(_width(nn.Sequential(self.before, self.pool), recipe.size), GRADES)

    def train(self, mode: bool = True) -> Classifier:
        """What is frozen stays in evaluation mode: its statistics are part of what is kept."""
        super().train(mode)
        for module in self.modules() if self.recipe.keep_statistics else self.frozen:
            if module in self.frozen or isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network(images)
        return logits

    def training_step(self, batch: Batch, _: int) -> Tensor:
        images, labels, masks, known, grades = batch
        features = self.before(images.contiguous(memory_format=torch.channels_last))  # (N, K, h, w)
        pooled = self.pool(features)  # (N, K')
        loss = functional.cross_entropy(
            self.classify(pooled), labels, label_smoothing=self.recipe.label_smoothing
        )
        if self.recipe.mask_weight:
            loss = loss + self.recipe.mask_weight * self._mask_loss(features, masks, known)
        if self.recipe.grade_weight and bool((grades != NO_GRADE).any()):
            graded = functional.cross_entropy(self.grade(pooled), grades, ignore_index=NO_GRADE)
            loss = loss + self.recipe.grade_weight * graded
        self.log("train_loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=len(labels))
        return loss

    def _mask_loss(self, features: Tensor, masks: Tensor, known: Tensor) -> Tensor:
        drawn = self.draw(features)  # (N, 1, h, w)
        wanted = functional.adaptive_avg_pool2d(masks, drawn.shape[-2:])  # (N, 1, h, w)
        each = functional.binary_cross_entropy_with_logits(drawn, wanted, reduction="none").mean(
            dim=(1, 2, 3)
        )
        return (each * known).sum() / known.sum().clamp(min=1)

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        images, labels = batch
        logits = self(images)
        loss = functional.cross_entropy(logits, labels)
        hits = (logits.argmax(dim=1) == labels).float().mean()
        self.log_dict({"val_loss": loss, "val_accuracy": hits}, prog_bar=True, batch_size=len(labels))

    def configure_optimizers(self) -> Any:
        recipe = self.recipe
        trained = {name: p for name, p in self.network.named_parameters() if p.requires_grad}
        slow = [p for name, p in trained.items() if name in self.given]
        fast = [p for name, p in trained.items() if name not in self.given] + [
            *self.draw.parameters(),
            *self.grade.parameters(),
        ]
        optimizer = torch.optim.AdamW(
            [{"params": slow}, {"params": fast}],
            lr=recipe.lr,
            weight_decay=recipe.weight_decay,
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=[recipe.lr * recipe.pretrained_lr, recipe.lr],
            total_steps=int(self.trainer.estimated_stepping_batches),
            pct_start=0.2,
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def _width(module: nn.Module, size: int) -> int:
    """Channels that come out of `module`, read from a blank image."""
    with torch.no_grad():
        return int(module.eval()(torch.zeros(1, 3, size, size)).shape[1])


def _mask_head(width: int) -> nn.Module:
    """(N, width, h, w) -> lesion logits (N, 1, h, w)."""
    return nn.Sequential(nn.Conv2d(width, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 1, 1))
