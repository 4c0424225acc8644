"""What belongs together, closed under "belongs with": disjoint sets (Galler and Fischer 1964)."""

from __future__ import annotations

from collections.abc import Sequence


class Groups:
    """0..n-1, each alone at first. A group is called by its smallest member."""

    def __init__(self, n: int) -> None:
        self._parent = list(range(n))

    def of(self, index: int) -> int:
        """The smallest member of the group of `index`."""
        while self._parent[index] != index:
            self._parent[index] = self._parent[self._parent[index]]
            index = self._parent[index]
        return index

    def join(self, first: int, second: int) -> None:
        """Make one group of the groups of both."""
        low, high = sorted((self.of(first), self.of(second)))
        self._parent[high] = low


def joined(*named: Sequence[str]) -> list[int]:
    """Groups of rows that share a name in any of the columns `named`; an empty name is shared with nobody.

    >>> joined(["anna", "berta", "", "berta"], ["", "g", "g", ""])
    [0, 1, 1, 1]
    """
    groups = Groups(len(named[0]))
    for column in named:
        first: dict[str, int] = {}
        for index, name in enumerate(column):
            if name:
                groups.join(first.setdefault(name, index), index)
    return [groups.of(index) for index in range(len(named[0]))]
