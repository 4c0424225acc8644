"""The systems of five papers as recipes by name. A file a paper; this registry is the only list of them."""

from __future__ import annotations

from ml.errors import DataError
from ml.training.recipes import akhi2024, babatunde2025, luong2024, zohra2025, zourhri2025
from ml.training.recipes.paper import Paper

_PAPERS: dict[str, Paper] = {
    module.PAPER.name: module.PAPER for module in (akhi2024, babatunde2025, luong2024, zohra2025, zourhri2025)
}


def names() -> tuple[str, ...]:
    """Every recipe, sorted."""
    return tuple(sorted(_PAPERS))


def get(name: str) -> Paper:
    """The recipe of one paper.

    Raises:
        DataError: no such name; the message lists those there are.
    """
    try:
        return _PAPERS[name]
    except KeyError:
        raise DataError(f"No recipe is called {name!r}.", f"Choose one of: {', '.join(names())}.") from None
