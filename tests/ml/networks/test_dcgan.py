from __future__ import annotations

import pytest
import torch
from torch import nn

from ml.networks.dcgan import LATENT, SIDES, Discriminator, Generator

torch.set_num_threads(1)
LABELS = torch.tensor([0, 2, 1])


@pytest.mark.parametrize("side", SIDES)
def test_what_one_draws_the_other_judges(side):
    with torch.device("meta"):
        generator, discriminator = Generator(3, side), Discriminator(3, side)
        labels = torch.zeros(3, dtype=torch.int64)
        pictures = generator(torch.randn(3, LATENT), labels)
        assert pictures.shape == (3, 1, side, side)
        logits = discriminator(pictures, labels)
        assert logits.shape == (3,)
        logits.sum().backward()
    assert all(p.grad is not None for both in (generator, discriminator) for p in both.parameters())


def test_channels_are_radfords():
    with torch.device("meta"):
        generator = Generator(3, 64)
    widths = [layer.in_channels for layer in generator.blocks if isinstance(layer, nn.Conv2d)]
    assert widths == [512, 256, 128, 64]


def test_pixels_lie_between_0_and_1():
    pictures = Generator(3, narrowest=2)(10 * torch.randn(3, LATENT), LABELS)
    assert pictures.min() >= 0
    assert pictures.max() <= 1


def test_the_class_is_seen_by_both():
    generator, discriminator = Generator(3, narrowest=2).eval(), Discriminator(3, narrowest=2).eval()
    noise = torch.randn(1, LATENT).repeat(3, 1)
    pictures = generator(noise, LABELS)
    assert not torch.allclose(pictures[0], pictures[1])
    same = pictures[:1].repeat(3, 1, 1, 1)
    assert discriminator(same, LABELS).unique().numel() == 3


STORED = {"generator": [0.54117, 0.54078, 0.54101], "discriminator": [0.04622, 0.04282, 0.04215]}


def test_a_small_input_gives_the_stored_output():
    with torch.random.fork_rng():
        torch.manual_seed(3)
        generator, discriminator = Generator(3, narrowest=2).eval(), Discriminator(3, narrowest=2).eval()
    noise = torch.linspace(-2, 2, 3 * LATENT).reshape(3, LATENT)
    with torch.no_grad():
        pictures = generator(noise, LABELS)
        means, logits = pictures.mean(dim=(1, 2, 3)), discriminator(pictures, LABELS)
    torch.testing.assert_close(means, torch.tensor(STORED["generator"]), atol=1e-4, rtol=0)
    torch.testing.assert_close(logits, torch.tensor(STORED["discriminator"]), atol=1e-4, rtol=0)
