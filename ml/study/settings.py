"""What one study was asked for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ml.errors import DataError
from ml.study import presets
from ml.study.material import Material
from ml.study.presets import Preset
from ml.training.recipe import Recipe
from ml.training.recipes.paper import Paper, System

_FILE = "study.json"


@dataclass(frozen=True, slots=True)
class Settings:
    """`init` is "imagenet", "random" or a file; `command` is what was typed, without folders; `only` names
    systems, none for all that the preset runs."""

    paper: Paper
    preset: Preset
    init: str
    sources: Mapping[str, Path]
    material: Material
    out: Path
    command: str
    only: tuple[str, ...] = ()

    @property
    def work(self) -> Path:
        """Altered copies of images while the study runs; deleted at its end."""
        return self.out / "work"

    def recipe(self, system: System) -> Recipe:
        """The paper's setting for a system, as the preset runs it."""
        return presets.recipe(self.paper, system, self.preset, self.material.classes)

    def claim(self) -> None:
        """Make `out` this study's: what is done there may be read back by the same study alone.

        Raises:
            DataError: another study is there.
        """
        asked = {
            "recipe": self.paper.name,
            "preset": self.preset.name,
            "init": _named(self.init),
            "data": self.material.fingerprint,
        }
        path = self.out / _FILE
        if path.exists():
            self._compare(json.loads(path.read_text(encoding="utf-8")), asked)
            return
        self.out.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".partial")
        beside.write_text(json.dumps(asked, indent=1) + "\n", encoding="utf-8")
        beside.replace(path)

    def _compare(self, there: dict[str, str], asked: dict[str, str]) -> None:
        differing = [name for name, value in asked.items() if there.get(name) != value]
        if differing:
            raise DataError(
                f"--out holds another study: its {', '.join(differing)} differ.",
                "Choose another --out, or delete that folder.",
            )


def _named(init: str) -> str:
    """The word, or of a file its name and SHA-256."""
    path = Path(init)
    if init in ("imagenet", "random"):
        return init
    return f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}" if path.is_file() else path.name
