"""A second look: the whole scan first, then the part of it where a lesion seems to be, larger.

Several `ResNet14` with one stem and `layer1`. Two read the whole image at half of the input's side and draw
the lesion on the way, a task that they learn from masks. From the drawing's moments comes a square, which is
cut out of the input, and the third reads that. The logits are the mean of all three. It is how a radiologist
reads: find it, then enlarge it. Why two that differ by chance: `ml.networks.committee`.

All that the network has seen stands in one tensor, A, in the image's own grid: the features of each first
look, the same weighted by its drawing, and those of the closer look put back to where they were seen. Each is
scaled such that its mean over the image is what its look has pooled. So the logits are one linear layer on
the mean of A, and Grad-CAM over A is one heatmap of all looks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from ml.networks.committee import BRANCH, SHARED, shared
from ml.networks.entry import NetworkSpec, Pretrained
from ml.networks.resnet import ResNet14

FIRST = "resnet14_lesion"
MEMBERS = (FIRST, "resnet14", FIRST)
"""In the order in which they are trained: the closer look learns from what the first one draws."""

WIDTH = 256
"""Channels of a `ResNet14`'s last stage."""

_EARLIER = 128
"""Channels of the stage before it."""

SHARPNESS = 6
"""Power in which a cell of the drawing, as a share of its maximum, counts in the moments. In lower ones the
faint rest of the image pulls the square towards the middle."""

SLOPE, LEAST = 3.31, 0.084
"""Half the side of the square is `SLOPE` s + `LEAST`, s the standard deviation of the drawing, all as shares
of the image's side. `docs/network.md` says where they come from."""

CELL = 0.02
"""Added to s in quadrature: what lies within one cell has a size too."""

FAINT = 1e-4
"""Added to the mean of the drawing before anything is divided by it."""

_PATCH = 0.4
"""Side of what the second look reads, as a share of the input's side."""


class Drawing(nn.Module):
    """`layer2` and `layer3` of a ResNet, and where the lesion is: (N, 64, h, w) -> (N, 257, h / 2, w / 2), of
    which the first 256 are the features, each cell four times, and the last the logit of lesion.

    The drawing is as fine as `layer2`: a small lesion is less than a cell of `layer3`.
    """

    def __init__(self, layer2: nn.Module, layer3: nn.Module) -> None:
        super().__init__()
        self.layer2, self.layer3 = layer2, layer3
        self.deep, self.fine = nn.Conv2d(WIDTH, 32, 1), nn.Conv2d(_EARLIER, 32, 1)
        self.draw = nn.Conv2d(32, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        earlier = self.layer2(x)
        deep = self.layer3(earlier)
        drawn = self.draw(torch.relu(_twice(self.deep(deep)) + self.fine(earlier)))
        return torch.cat([_twice(deep), drawn], dim=1)


def _twice(x: Tensor) -> Tensor:
    """Each cell four times."""
    return functional.interpolate(x, scale_factor=2, mode="nearest")


class LesionPool(nn.Module):
    """Pools the features of a `Drawing` twice, evenly and where the lesion is drawn: (N, 257, h, w) ->
    (N, 512, 1, 1). A mean over the image alone thins out what a small lesion has to say."""

    def forward(self, seen: Tensor) -> Tensor:
        return spread(seen).mean(dim=(2, 3), keepdim=True)


def spread(seen: Tensor) -> Tensor:
    """What `LesionPool` is the mean of: (N, 257, h, w) -> (N, 512, h, w)."""
    features, drawn = seen[:, :WIDTH], drawing(seen)
    density = drawn / (drawn.mean(dim=(2, 3), keepdim=True) + FAINT)
    return torch.cat([features, features * density], dim=1)


def drawing(seen: Tensor) -> Tensor:
    """Probability of lesion (N, 1, h, w) of what a `Drawing` gave."""
    return torch.sigmoid(seen[:, WIDTH:])


class LesionResNet14(nn.Module):
    """The first look: a `ResNet14` that draws the lesion and pools where it is: (N, 3, S, S) ->
    (N, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        whole = ResNet14(classes)
        for stage in SHARED:
            self.add_module(stage, whole.get_submodule(stage))
        self.seen = Drawing(whole.get_submodule("layer2"), whole.get_submodule("layer3"))
        self.look = LesionPool()
        self.fc = nn.Linear(2 * WIDTH, classes)

    def forward(self, x: Tensor) -> Tensor:
        for stage in (*SHARED, "seen", "look"):
            x = self.get_submodule(stage)(x)
        logits: Tensor = self.fc(torch.flatten(x, 1))
        return logits


class Looks(nn.Module):
    """All looks, k of them at the whole: grey images (N, 3, S, S), three times the same channel -> A,
    (N, 256 (2 k + 1), S / 16, S / 16)."""

    def __init__(self, firsts: Sequence[nn.Module], closer: nn.Module) -> None:
        super().__init__()
        self.shrink = nn.AvgPool2d(2)
        self.stem = nn.Sequential(*(closer.get_submodule(stage) for stage in SHARED))
        self.seen = nn.ModuleList(first.get_submodule("seen") for first in firsts)
        self.closer = nn.Sequential(*(closer.get_submodule(stage) for stage in BRANCH))

    def forward(self, x: Tensor) -> Tensor:
        return self.walk(x)[0]

    def walk(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """A, and what enters and leaves `layer1` where the whole image is read, (N, 64, S / 8, S / 8) each:
        they tell a scan from other images (`ml.engine.Outputs`)."""
        x = x[:, :1].expand(-1, 3, -1, -1)  # whatever came: one grey image, as the engines read it
        early = self.stem[:-1](self.shrink(x))
        whole = self.stem[-1](early)
        seen = [look(whole) for look in self.seen]
        square = lesion_square(torch.stack([drawing(each) for each in seen]).mean(dim=0))
        closer = self.closer(self.stem(cut_out(x, square, patch_side(x.shape[-1]))))
        back = put_back(closer, square, seen[0].shape[-1])
        return torch.cat([*map(spread, seen), back], dim=1), (early, whole)


class SecondLook(nn.Module):
    """(N, 3, S, S) -> logits (N, classes): the mean of those of `firsts` looks at the whole and of a closer
    one."""

    def __init__(self, classes: int, firsts: int = 2) -> None:
        super().__init__()
        self.looks = Looks([LesionResNet14(classes) for _ in range(firsts)], ResNet14(classes))
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear((2 * firsts + 1) * WIDTH, classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.fc(torch.flatten(self.avgpool(self.looks(x)), 1))
        return logits


def cells(side: int) -> int:
    """Cells of A along each side, of an input of `side` pixels, a multiple of 32."""
    return side // 16


def patch_side(side: int) -> int:
    """Side of what the second look reads of an input of `side` pixels, in multiples of 16."""
    return max(16, 16 * round(_PATCH * side / 16))


def lesion_square(drawn: Tensor) -> Tensor:
    """Where to look closer: probability of lesion (N, 1, h, h) -> left, top, right and bottom (N, 4), shares
    of the side in 0..1.

    About the drawing's centre of mass, as large as its spread says, cut at the image's edges. Where no lesion
    is drawn it is where one is least unlikely.
    """
    weights = (drawn / drawn.amax(dim=(2, 3), keepdim=True)) ** SHARPNESS
    powers = moments_of(drawn.shape[-1]).to(drawn)
    columns, rows = weights.sum(dim=(1, 2)) @ powers, weights.sum(dim=(1, 3)) @ powers  # (N, 3) each
    x, y = columns[:, 1:2] / columns[:, :1], rows[:, 1:2] / rows[:, :1]
    variance = torch.maximum(columns[:, 2:] / columns[:, :1] - x * x, rows[:, 2:] / rows[:, :1] - y * y)
    half = SLOPE * torch.sqrt(variance.clamp_min(0) + CELL**2) + LEAST
    return (torch.cat([x - half, y - half, x + half, y + half], dim=1) + 0.5).clamp(0, 1)


def moments_of(count: int) -> Tensor:
    """(count, 3): 1, u and u^2 at the middle of each of `count` cells, u its distance from the image's middle
    (from its edge, a variance would be the difference of two large numbers)."""
    at = middles(count) - 0.5
    return torch.stack([torch.ones_like(at), at, at * at], dim=1)


def middles(count: int) -> Tensor:
    """(count,): the middles of as many cells that share 0..1."""
    return (torch.arange(count, dtype=torch.float32) + 0.5) / count


def cut_out(x: Tensor, square: Tensor, side: int) -> Tensor:
    """The squares (N, 4) of grey images (N, 3, S, S), enlarged or shrunk to (N, 3, side, side).

    Bilinear, at twice that side and averaged, so that a large square doesn't alias.
    """
    count, at = x.shape[-1], middles(2 * side).to(x)
    left, top, right, bottom = square.split(1, dim=1)
    lines = (left + (right - left) * at, top + (bottom - top) * at)
    columns, rows = (_reading((line * count - 0.5).clamp(0, count - 1), count) for line in lines)
    columns, rows = (each.unflatten(1, (side, 2)).mean(dim=2)[:, None] for each in (columns, rows))
    patch: Tensor = rows @ x[:, :1] @ columns.mT
    return patch.expand(-1, 3, -1, -1)


def put_back(features: Tensor, square: Tensor, count: int) -> Tensor:
    """Features (N, K, h, h) of the squares (N, 4), on the image's grid of `count` x `count` cells: (N, K,
    count, count), zero outside, scaled such that the mean over the image is that over the square."""
    side, at = features.shape[-1], middles(count).to(features)
    left, top, right, bottom = square.split(1, dim=1)
    lines = ((at - left) / (right - left), (at - top) / (bottom - top))
    columns, rows = (_reading(line * side - 0.5, side) for line in lines)
    columns, rows = (each / each.sum(dim=(1, 2), keepdim=True) * count for each in (columns, rows))
    return rows[:, None] @ features @ columns[:, None].mT


def _reading(at: Tensor, count: int) -> Tensor:
    """Where to read a line of `count` values, (N, m) in values, 0 the first -> how much each counts in the
    linear interpolation there, (N, m, count); nothing is beyond the ends."""
    return torch.relu(1 - (at[:, :, None] - torch.arange(count).to(at)).abs())


def join(members: Sequence[nn.Module]) -> nn.Module:
    """The network whose logits are the mean of those of its members, in the order of `MEMBERS`.

    Raises:
        NetworkError: their first stages differ, so that they can't be shared.
    """
    states = [member.state_dict() for member in members]
    stem = _under("looks.stem", shared(states), SHARED)
    firsts = [state for state, name in zip(states, MEMBERS, strict=True) if name == FIRST]
    (closer,) = (state for state, name in zip(states, MEMBERS, strict=True) if name != FIRST)
    ordered = [*firsts, closer]
    joined = stem | _under("looks.closer", closer, BRANCH)
    for i, state in enumerate(firsts):
        joined |= {f"looks.seen.{i}.{k[5:]}": value for k, value in state.items() if k.startswith("seen.")}
    joined["fc.weight"] = torch.cat([state["fc.weight"] for state in ordered], dim=1) / len(states)
    joined["fc.bias"] = torch.stack([state["fc.bias"] for state in states]).mean(dim=0)
    network = SecondLook(len(joined["fc.bias"]), len(firsts))
    network.load_state_dict(joined)
    return network


def _under(name: str, weights: Mapping[str, Tensor], stages: Sequence[str]) -> dict[str, Tensor]:
    """Those of `stages`, as they are called where the stages stand one after the other in a Sequential."""
    parts = {key: key.partition(".") for key in weights}
    return {
        f"{name}.{stages.index(stage)}.{rest}": weights[key]
        for key, (stage, _, rest) in parts.items()
        if stage in stages
    }


_RESNET18 = Pretrained("resnet18", ((r"layer(?=[23]\.)", "seen.layer"), ("", "")))

SPECS = (
    NetworkSpec(
        FIRST,
        LesionResNet14,
        (*SHARED, "seen", "look", "flatten", "fc"),
        "seen",
        imagenet=(_RESNET18,),
        draws="seen",
    ),
    NetworkSpec(
        "second_look",
        SecondLook,
        ("looks", "avgpool", "flatten", "fc"),
        "looks",
        members=MEMBERS,
        join=join,
        closer=True,
        parts=(
            "looks.stem.0 looks.stem.1",
            "looks.stem.4",
            "looks.seen.0.layer2 looks.seen.1.layer2",
            "looks.seen.0.layer3 looks.seen.1.layer3",
            " ".join(f"looks.seen.{i}.{part}" for i in range(2) for part in ("deep", "fine", "draw")),
            "looks.closer.0",
            "looks.closer.1",
            "fc",
        ),
        least_size=64,
        step=32,
    ),
)
