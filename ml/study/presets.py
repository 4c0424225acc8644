"""How much of a paper's setting a study runs: all of it, what two cores do in an hour, or a test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ml.errors import DataError
from ml.training.recipe import Recipe
from ml.training.recipes.paper import Drawn, Enlarged, Paper, System


@dataclass(frozen=True, slots=True)
class Preset:
    """What is changed of a paper's setting; None: nothing. `network` takes every network's place; `factor` is
    the most that classes grow by; `gan` is changed of a GAN's setting."""

    name: str
    folds: int
    resamples: int
    size: int | None = None
    epochs: int | None = None
    least_lr: float = 0.0
    factor: float | None = None
    systems: int | None = None
    network: str | None = None
    whole: bool = False
    gan: Mapping[str, int] = field(default_factory=dict)


PRESETS = {
    preset.name: preset
    for preset in (
        Preset("full", folds=5, resamples=2000, whole=True),
        Preset(
            "small",
            folds=2,
            resamples=1000,
            size=64,
            epochs=4,
            least_lr=3e-4,
            factor=2.0,
            gan={"side": 64, "epochs": 30, "narrowest": 8, "batch_size": 32},
        ),
        Preset(
            "smoke",
            folds=2,
            resamples=100,
            size=32,
            epochs=1,
            least_lr=3e-3,
            factor=1.5,
            systems=1,
            network="tiny",
            gan={"side": 64, "epochs": 1, "narrowest": 2, "batch_size": 16},
        ),
    )
}


def get(name: str) -> Preset:
    """The preset of that name.

    Raises:
        DataError: there is none.
    """
    if name not in PRESETS:
        raise DataError(f"No preset is called {name!r}.", f"Choose one of: {', '.join(PRESETS)}.")
    return PRESETS[name]


def systems(paper: Paper, preset: Preset, only: Sequence[str] = ()) -> tuple[System, ...]:
    """Those of the paper's systems that the preset runs, as it runs them; of them those named, if any are.

    Raises:
        DataError: a name is of none of them.
    """
    chosen = set(paper.small[: preset.systems])
    all_ = [each for each in paper.systems if preset.whole or each.name in chosen]
    unknown = [name for name in only if name not in {each.name for each in all_}]
    if unknown:
        raise DataError(
            f"{paper.name} has no system called {unknown[0]!r} in the preset {preset.name}.",
            f"Choose among: {'; '.join(each.name for each in all_)}.",
        )
    return tuple(_reduced(each, preset) for each in all_ if not only or each.name in only)


def _reduced(system: System, preset: Preset) -> System:
    enlarged = system.enlarged
    if enlarged and preset.factor:
        enlarged = Enlarged(min(enlarged.factor, preset.factor), enlarged.balanced)
    drawn = system.drawn and _fewer(system.drawn, preset)
    return replace(system, network=preset.network or system.network, enlarged=enlarged, drawn=drawn)


def _fewer(drawn: Drawn, preset: Preset) -> Drawn:
    most = preset.factor or max(drawn.factors.values())
    factors = {name: min(factor, most) for name, factor in drawn.factors.items()}
    return Drawn(factors, drawn.gan.model_copy(update=preset.gan))


def recipe(paper: Paper, system: System, preset: Preset, classes: tuple[str, ...]) -> Recipe:
    """The paper's setting for one system, as the preset runs it. A head's phase keeps its share of the
    epochs."""
    given = paper.recipe
    epochs = preset.epochs or given.epochs
    return given.model_copy(
        update={
            "network": system.network,
            "classes": classes,
            "size": preset.size or given.size,
            "epochs": epochs,
            "head_epochs": -(-given.head_epochs * epochs // given.epochs),
            "lr": max(given.lr, preset.least_lr),
        }
    )


def changes(paper: Paper, preset: Preset, only: Sequence[str] = ()) -> tuple[str, ...]:
    """What the preset and the choice of systems change of the paper's setting, a line each; none for all of
    `full`."""
    given, small = paper.recipe, systems(paper, preset, only)
    left_out = [system.name for system in paper.systems if system.name not in {s.name for s in small}]
    not_run = [f"not run: {'; '.join(left_out)}"] if left_out else []
    if preset.whole:
        return tuple(not_run)
    said = [
        f"inputs of {preset.size} pixels in place of {given.size}",
        f"{preset.epochs} epochs in place of {given.epochs}",
        f"{preset.folds} folds in place of {PRESETS['full'].folds}",
    ]
    if given.lr < preset.least_lr:
        said.append(f"a learning rate of {preset.least_lr:g} in place of {given.lr:g}, for fewer steps")
    for system in small:
        before = paper.system(system.name).enlarged
        if before and system.enlarged and system.enlarged != before:
            said.append(
                f"{system.name}: {system.enlarged.factor:g} times the images, not {before.factor:.2f}"
            )
        said += _changes_of_gan(system.name, paper.system(system.name).drawn, system.drawn)
    said += not_run
    if preset.network:
        said.append(f"every network is replaced by `{preset.network}`: figures that say nothing of systems")
    return tuple(said)


_GAN_WORDS = {
    "side": "pixels a side",
    "epochs": "epochs",
    "narrowest": "channels next to the pixels",
    "batch_size": "pictures a batch",
}


def _changes_of_gan(system: str, before: Drawn | None, after: Drawn | None) -> list[str]:
    if before is None or after is None or before == after:
        return []
    most = [max(each.factors.values()) for each in (after, before)]
    said = [f"{most[0]:.3g} times the images, not {most[1]:.3g}"] if most[0] != most[1] else []
    pairs = {name: (getattr(after.gan, name), getattr(before.gan, name)) for name in _GAN_WORDS}
    said += [
        f"{new} {_GAN_WORDS[name]} in place of {old}" for name, (new, old) in pairs.items() if new != old
    ]
    return [f"{system}, the GAN: {', '.join(said)}"]
