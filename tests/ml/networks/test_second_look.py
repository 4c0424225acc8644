"""A second look: the square is where the lesion is drawn, and both looks stand in the image's own grid."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ml import networks
from ml.errors import NetworkError
from ml.networks import second_look
from ml.networks.committee import SHARED
from ml.networks.second_look import cut_out, lesion_square, put_back
from tests.ml.networks.kinds import filled

SIZE = 64


def disc(x: float, y: float, radius: float, count: int = 40) -> torch.Tensor:
    """A drawing of one lesion: (1, 1, count, count)."""
    at = second_look.middles(count)
    far = (at[None, :] - x) ** 2 + (at[:, None] - y) ** 2
    return (far <= radius**2).float()[None, None] * 0.9 + 0.01


def grey(n: int = 1, side: int = SIZE) -> torch.Tensor:
    return torch.rand(n, 1, side, side, generator=torch.Generator().manual_seed(4)).expand(-1, 3, -1, -1)


@given(st.floats(0.3, 0.7), st.floats(0.3, 0.7), st.floats(0.08, 0.2))
def test_the_square_lies_about_the_lesion_and_grows_with_it(x, y, radius):
    left, top, right, bottom = lesion_square(disc(x, y, radius))[0].tolist()
    assert left < max(0, x - radius) + 1e-6 < min(1, x + radius) - 1e-6 < right
    assert top < max(0, y - radius) + 1e-6 < min(1, y + radius) - 1e-6 < bottom
    larger = lesion_square(disc(x, y, radius + 0.05))[0].tolist()
    assert (larger[2] - larger[0], larger[3] - larger[1]) >= (right - left, bottom - top)


@given(st.integers(0, 2**31))
def test_any_drawing_gives_a_square_with_an_inside_within_the_image(seed):
    drawn = torch.rand(3, 1, 20, 20, generator=torch.Generator().manual_seed(seed)) ** 8
    square = lesion_square(drawn)
    assert bool(((square >= 0) & (square <= 1)).all())
    assert bool((square[:, 2:] - square[:, :2] > 0.1).all())


def test_a_lesion_in_a_corner_is_cut_at_the_edge_and_not_moved():
    left, top, right, bottom = lesion_square(disc(0.05, 0.95, 0.05))[0].tolist()
    assert (left, bottom) == (0, 1)
    assert right == pytest.approx(1 - top, abs=1e-6)


def test_the_whole_image_cut_out_is_the_image():
    images = grey()
    whole = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
    torch.testing.assert_close(cut_out(images, whole, SIZE // 2), torch.nn.functional.avg_pool2d(images, 2))


def test_what_is_cut_out_is_that_part_of_the_image():
    images = grey()
    part = cut_out(images, torch.tensor([[0.25, 0.5, 0.5, 0.75]]), SIZE // 4)
    # Each pixel becomes 2 x 2 samples, a quarter of a pixel off its middle, and their mean.
    expected = torch.nn.functional.interpolate(images, scale_factor=2, mode="bilinear")
    expected = torch.nn.functional.avg_pool2d(expected, 2)
    torch.testing.assert_close(part, expected[:, :, SIZE // 2 : 3 * SIZE // 4, SIZE // 4 : SIZE // 2])


def test_features_are_put_back_where_they_were_seen_and_keep_their_mean():
    features = torch.full((1, 5, 4, 4), 3.0)
    put = put_back(features, torch.tensor([[0.5, 0.0, 1.0, 0.5]]), 20)
    assert put.shape == (1, 5, 20, 20)
    torch.testing.assert_close(put.mean(dim=(2, 3)), torch.full((1, 5), 3.0))
    outside = torch.ones(20, 20, dtype=torch.bool)
    outside[:12, 8:] = False  # half a cell of the four is two here: bilinear
    assert not put[0, :, outside].any()
    assert bool((put[0, :, 1:9, 11:19] > 0).all())


@pytest.fixture(scope="module")
def members():
    """In their order, with one stem."""
    found = [filled(name) for name in second_look.MEMBERS]
    with torch.no_grad():
        found[2].seen.draw.bias += 0.5
        found[2].fc.bias += 0.1
    for member in found[1:]:
        for stage in SHARED:
            member.get_submodule(stage).load_state_dict(found[0].get_submodule(stage).state_dict())
    return found


@torch.no_grad()
def test_the_logits_are_the_mean_of_all_looks_at_what_each_has_seen(members):
    first, closer, other = members
    both = networks.spec("second_look").join(members).eval()
    images = grey(2)
    whole = torch.nn.functional.avg_pool2d(images, 2)
    seen = [networks.split(each, second_look.FIRST)[0](whole) for each in (first, other)]
    square = lesion_square((second_look.drawing(seen[0]) + second_look.drawing(seen[1])) / 2)
    patch = cut_out(images, square, second_look.patch_side(SIZE))
    features = networks.split(closer, "resnet14")[0](patch)
    pooled = put_back(features, square, second_look.cells(SIZE)).mean(dim=(2, 3))
    expected = (first(whole) + other(whole) + closer.fc(pooled)) / 3
    torch.testing.assert_close(both(images), expected)
    activations = networks.split(both, "second_look")[0](images)
    torch.testing.assert_close(activations[:, -second_look.WIDTH :].mean(dim=(2, 3)), pooled)


def test_looks_with_different_first_stages_are_not_joined():
    members = [networks.build(name, 3) for name in networks.spec("second_look").members]
    with pytest.raises(NetworkError, match="conv1"):
        networks.spec("second_look").join(members)


def test_colour_is_not_looked_at_closer():
    """What is cut out is grey: scans are, and a network is only asked about those."""
    images = grey()
    coloured = torch.cat([images[:, :1], 1 - images[:, 1:]], dim=1)
    whole = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
    torch.testing.assert_close(cut_out(coloured, whole, 32), cut_out(images, whole, 32))
