"""In which order training sees its images: by seed and epoch alone, and shared out over processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from torch.utils.data import Sampler

from ml.data import Sample
from ml.training.recipe import Recipe


class Order(Sampler[int]):
    """Numbers of `Views` for one epoch after the other, as many an epoch as there are rows.

    With `balance` 0 each row once, else drawn with replacement: rows of small data sets more often than
    those of large. Of `processes` each takes every so-manieth, so that their batches together are those of
    one process, and all take equally many: the last few that don't share out are left.
    """

    def __init__(
        self,
        rows: Sequence[Sample],
        recipe: Recipe,
        epoch: Callable[[], int],
        process: int = 0,
        processes: int = 1,
    ) -> None:
        size = Counter(row.dataset for row in rows)
        weights = np.array([size[row.dataset] ** -recipe.balance for row in rows])
        self.chances = weights / weights.sum()
        self.recipe, self.epoch = recipe, epoch
        self.process, self.processes = process, processes

    def __len__(self) -> int:
        return len(self.chances) // self.processes

    def __iter__(self) -> Iterator[int]:
        epoch, count = self.epoch(), len(self.chances)
        rng = np.random.default_rng((self.recipe.seed + self.recipe.member, epoch))
        drawn = rng.choice(count, count, p=self.chances) if self.recipe.balance else rng.permutation(count)
        mine = drawn[self.process :: self.processes][: len(self)]
        return iter((mine + epoch * count).tolist())
