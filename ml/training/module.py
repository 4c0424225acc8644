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
    """Trains a registered network by cross-entropy, with two more tasks where the recipe asks for them: a
    small head draws the lesion from the stage before the target layer, from that one where it is the first
    (binary cross-entropy on the mask), a second one gives the sonographer's BI-RADS category from the pooled
    features. Both heads are thrown away afterwards: the saved network has its published architecture. A
    network that draws the lesion itself has no need of the first."""

    def __init__(
        self,
        recipe: Recipe,
        network: nn.Module,
        given: frozenset[str] = frozenset(),
        watched: str = "train_loss",
    ) -> None:
        """`given` names the weights that did not start from random values: they learn slower. The plateau
        schedule goes by the loss `watched`."""
        super().__init__()
        self.recipe, self.watched = recipe, watched
        self.network = network
        self.draw: nn.Module | None = None
        self.grade: nn.Module | None = None
        self.frozen = [network.get_submodule(stage) for stage in recipe.frozen]
        for module in self.frozen:
            module.requires_grad_(False)
        self.given = given
        self.trained = frozenset(name for name, p in network.named_parameters() if p.requires_grad)
        if recipe.mask_weight or recipe.grade_weight:
            self._add_heads()

    def _add_heads(self) -> None:
        name, size = self.recipe.network, self.recipe.size
        entry = networks.spec(name)
        target = entry.stages.index(entry.target_layer)
        behind = entry.stages.index(entry.draws) + 1 if entry.draws else max(target, 1)
        self.before, rest = networks.cut(self.network, name, behind)
        self.pool, self.classify = rest[:-1], rest[-1]
        self.draw = _LastChannel() if entry.draws else _mask_head(_width(self.before, size))
        self.grade = nn.Linear(_width(nn.Sequential(self.before, self.pool), size), GRADES)

    def train(self, mode: bool = True) -> Classifier:
        """What is frozen stays in evaluation mode: its statistics are part of what is kept."""
        super().train(mode)
        for module in self.modules() if self.recipe.keep_statistics else self.frozen:
            if module in self.frozen or isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def on_train_epoch_start(self) -> None:
        """In the first phase given weights learn nothing, and their normalisation keeps its statistics."""
        if not self.recipe.head_epochs:
            return
        learns = self.current_epoch >= self.recipe.head_epochs
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad_(name in self.trained and (learns or name not in self.given))
        self.train()
        for name, module in self.network.named_modules():
            if not learns and isinstance(module, nn.BatchNorm2d) and f"{name}.weight" in self.given:
                module.eval()

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network(images)
        return logits

    def training_step(self, batch: Batch, _: int) -> Tensor:
        images, labels = batch[0].contiguous(memory_format=torch.channels_last), batch[1]
        if self.draw is None or self.grade is None:
            loss = self._class_loss(self(images), labels)
        else:
            loss = self._all_losses(images, batch, self.draw, self.grade)
        self.log(
            "train_loss",
            loss,
            on_step=False,
            on_epoch=True,
            prog_bar=True,
            batch_size=len(labels),
            sync_dist=True,
        )
        return loss

    def _class_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(logits, labels, label_smoothing=self.recipe.label_smoothing)

    def _all_losses(self, images: Tensor, batch: Batch, draw: nn.Module, grade: nn.Module) -> Tensor:
        _, labels, masks, known, grades = batch
        features = self.before(images)  # (N, K, h, w)
        pooled = self.pool(features)  # (N, K')
        loss = self._class_loss(self.classify(pooled), labels)
        if self.recipe.mask_weight:
            loss = loss + self.recipe.mask_weight * self._mask_loss(draw(features), masks, known)
        if self.recipe.grade_weight and bool((grades != NO_GRADE).any()):
            graded = functional.cross_entropy(grade(pooled), grades, ignore_index=NO_GRADE)
            loss = loss + self.recipe.grade_weight * graded
        return loss

    @staticmethod
    def _mask_loss(drawn: Tensor, masks: Tensor, known: Tensor) -> Tensor:
        wanted = functional.adaptive_avg_pool2d(masks, (drawn.shape[-2], drawn.shape[-1]))  # (N, 1, h, w)
        each = functional.binary_cross_entropy_with_logits(drawn, wanted, reduction="none").mean(
            dim=(1, 2, 3)
        )
        return (each * known).sum() / known.sum().clamp(min=1)

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        images, labels = batch
        logits = self(images)
        loss = functional.cross_entropy(logits, labels)
        hits = (logits.argmax(dim=1) == labels).float().mean()
        self.log_dict(
            {"val_loss": loss, "val_accuracy": hits}, prog_bar=True, batch_size=len(labels), sync_dist=True
        )

    def configure_optimizers(self) -> Any:
        recipe = self.recipe
        parts = dict(self.network.named_parameters())
        slow = [parts[name] for name in parts if name in self.trained & self.given]
        fast = [parts[name] for name in parts if name in self.trained - self.given]
        fast += [p for head in (self.draw, self.grade) if head is not None for p in head.parameters()]
        kind = torch.optim.AdamW if recipe.optimiser == "adamw" else torch.optim.Adam
        groups: list[dict[str, Any]] = [
            {"params": slow, "lr": recipe.lr * recipe.pretrained_lr},
            {"params": fast},
        ]
        optimizer = kind(
            groups,
            lr=recipe.lr,
            weight_decay=recipe.weight_decay,
            # The gradient scaler of float16 can't clip for a fused optimiser.
            fused=self.device.type == "cuda" and self.trainer.precision != "16-mixed",
        )
        if recipe.schedule == "constant":
            return optimizer
        if recipe.schedule == "plateau":
            scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "monitor": self.watched}}
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


class _LastChannel(nn.Module):
    """The head of a network that draws the lesion itself: (N, K, h, w) -> (N, 1, h, w)."""

    def forward(self, seen: Tensor) -> Tensor:
        return seen[:, -1:]


def _mask_head(width: int) -> nn.Module:
    """(N, width, h, w) -> lesion logits (N, 1, h, w)."""
    return nn.Sequential(nn.Conv2d(width, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 1, 1))
