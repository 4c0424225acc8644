"""A figure that can be counted once, or on many weighted resamples of the same rows in one go.

A bootstrap resample is the same rows with other weights: how often each was drawn. Formulas written
over weights (B, N) give all B resamples by a few matrix products, where drawing rows and sorting them
again would take minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml.errors import EvaluationError

Array = NDArray[np.float64]
Formula = Callable[..., Array]


class Statistic:
    """A formula `(weights (B, N), *columns) -> float64 (B,)`, NaN where it is undefined.

    Called with columns of N rows it gives the figure as a float; `resampled` gives one for each row of
    weights. `name` and `needs` go into the error of an undefined figure. The first `events` columns say
    whether something is so: bool, or 0 and 1.
    """

    def __init__(self, formula: Formula, name: str, needs: str, events: int = 0) -> None:
        self._formula = formula
        self._events = events
        self.name = name
        self.needs = needs
        update_wrapper(self, formula)

    def __call__(self, *columns: ArrayLike) -> float:
        """The figure over all rows, each once.

        Raises:
            EvaluationError: no rows, columns of unequal length, values that aren't finite, or the
                figure is undefined on these rows (its message says which and what it needs).
        """
        checked = self.check(*columns)
        value = float(self._formula(np.ones((1, len(checked[0]))), *checked)[0])
        if np.isnan(value):
            raise EvaluationError(
                f"{self.name} is undefined: it needs {self.needs}.", "Evaluate on data that has them."
            )
        return value

    def resampled(self, weights: Array, *columns: ArrayLike) -> Array:
        """float64 (B,): the figure under each row of `weights` float64 (B, N) >= 0; NaN where undefined."""
        return self._formula(weights, *self.check(*columns))

    def check(self, *columns: ArrayLike) -> tuple[NDArray[Any], ...]:
        """The columns as arrays of the same, positive number of rows, without NaN or infinity."""
        arrays = self.require_rows(*columns)
        if any(array.dtype.kind == "f" and not np.isfinite(array).all() for array in arrays):
            raise EvaluationError(
                f"{self.name} can't be counted: a value is not finite.",
                "Look at the network: its output has NaN.",
            )
        return tuple(self._event(array) for array in arrays[: self._events]) + arrays[self._events :]

    def require_rows(self, *columns: ArrayLike) -> tuple[NDArray[Any], ...]:
        """The columns as arrays of the same, positive number of rows."""
        arrays = tuple(np.asarray(column) for column in columns)
        lengths = {array.shape[0] if array.ndim else 0 for array in arrays}
        if lengths == {0}:
            raise EvaluationError(
                f"{self.name} can't be counted: there are no rows.", "Name data with images in it."
            )
        if len(lengths) > 1:
            raise EvaluationError(
                f"{self.name} can't be counted: the columns have {sorted(lengths)} rows.",
                "Give labels, scores and groups of the same images.",
            )
        return arrays

    def _event(self, column: NDArray[Any]) -> NDArray[np.bool_]:
        if column.dtype.kind != "b" and not np.isin(column, (0, 1)).all():
            raise EvaluationError(
                f"{self.name} can't be counted: a column of yes and no holds other values.",
                "Give bool, or 0 and 1: one class against the rest.",
            )
        return column.astype(np.bool_)


def statistic(name: str, needs: str, events: int = 0) -> Callable[[Formula], Statistic]:
    """Make a `Statistic` of a formula; `needs` says what rows it can't do without."""
    return lambda formula: Statistic(formula, name, needs, events)


def ratio(part: Array, whole: Array) -> Array:
    """part / whole, float64, NaN where the whole is nothing."""
    defined = whole > 0
    return np.where(defined, part / np.where(defined, whole, 1.0), np.nan)
