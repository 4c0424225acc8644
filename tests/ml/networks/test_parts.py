"""What our own modules compute, on small ones: against torchvision, torch and the papers' equations."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional
from torchvision.models import VisionTransformer

from ml.explain import grad_cam
from ml.networks import Head
from ml.networks.efficientnet_attention import SelfAttention
from ml.networks.vgg_efficientnet import Sigmoid
from ml.networks.vit import ViT, attention_rollout, to_map, to_tokens

WIDTH, PATCHES = 16, 16


@pytest.fixture
def whole():
    """torchvision's transformer, small: 4 x 4 patches of 8 px, 3 blocks, 2 heads."""
    with torch.random.fork_rng():
        torch.manual_seed(2)
        network = VisionTransformer(32, 8, 3, 2, WIDTH, 32, num_classes=3)
        nn.init.normal_(network.heads.head.weight)
    return network.eval()


def images(size=32):
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))


def test_a_transformer_computes_what_torchvisions_does(whole):
    torch.testing.assert_close(ViT(whole)(images()), whole(images()))


def test_tokens_and_their_map_are_the_same_thing():
    tokens = torch.randn(2, 1 + 6, 5)
    maps = to_map(tokens, height=2)
    assert maps.shape == (2, 10, 2, 3)
    assert torch.equal(to_tokens(maps), tokens)
    assert torch.equal(maps[:, :5, 1, 0], tokens[:, 4])


def test_an_input_of_another_size_stretches_the_places_and_nothing_else(whole):
    network = ViT(whole)
    with torch.no_grad():
        network.patches.pos_embedding[:, 1:] = 0.5  # the same place everywhere stays so at any size
        maps = network.patches(images(48))
        expected = network.patches.conv_proj(images(48)) + 0.5
    assert maps.shape == (2, 2 * WIDTH, 6, 6)
    torch.testing.assert_close(maps[:, :WIDTH], expected)
    assert network(images(48)).shape == (2, 3)


def test_grad_cam_of_a_transformer_is_the_equations_over_the_patches_alone(whole):
    network = ViT(whole)
    head = Head(network.last, network.fc)
    head.context = WIDTH
    with torch.no_grad():
        maps = network.blocks(network.patches(images()))
    tokens = to_tokens(maps).requires_grad_()
    scores = whole.heads.head(whole.encoder.ln(whole.encoder.layers[-1](tokens))[:, 0])
    logits, heat = grad_cam(head, maps)
    torch.testing.assert_close(logits, scores.detach())
    for label in range(3):
        slopes = torch.autograd.grad(scores[:, label].sum(), tokens, retain_graph=True)[0][:, 1:]
        alpha = slopes.mean(dim=1, keepdim=True)
        expected = (alpha * tokens.detach()[:, 1:]).sum(dim=2).clamp_min(0).reshape(2, 4, 4)
        torch.testing.assert_close(heat[:, label], expected, atol=1e-6, rtol=1e-4)
    assert heat.any()


def test_rollout_of_attention_to_all_alike_is_known_in_closed_form(whole):
    for block in whole.encoder.layers:
        nn.init.zeros_(block.self_attention.in_proj_weight)
        nn.init.zeros_(block.self_attention.in_proj_bias)
    shares = attention_rollout(ViT(whole), images())
    # ((W + I) / 2)^3 = I / 8 + 7 W / 8 where every entry of W is 1 / 17
    torch.testing.assert_close(shares, torch.full((2, 4, 4), 7 / 8 / (PATCHES + 1)))


def test_rollout_is_the_product_of_the_mixed_attentions_and_leaves_no_trace(whole):
    kept = []
    for block in whole.encoder.layers:
        block.self_attention.register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0].detach()))
    with torch.no_grad():
        whole(images())
    inputs = list(kept)
    product = torch.eye(PATCHES + 1)
    for block, x in zip(whole.encoder.layers, inputs, strict=True):
        weights = block.self_attention(x, x, x, need_weights=True)[1]
        product = (0.5 * weights + 0.5 * torch.eye(PATCHES + 1)) @ product
    shares = attention_rollout(ViT(whole), images())
    torch.testing.assert_close(shares.flatten(1), product[:, 0, 1:].detach())
    assert not shares.requires_grad
    assert all(parameter.grad is None for parameter in whole.parameters())


def test_one_sigmoid_is_two_logits_with_its_probability_and_its_loss():
    neuron = Sigmoid(5)
    x, labels = torch.randn(7, 5), torch.tensor([0, 1, 1, 0, 1, 0, 0])
    z = functional.linear(x, neuron.weight, neuron.bias)[:, 0]
    torch.testing.assert_close(neuron(x).softmax(dim=1)[:, 1], z.sigmoid())
    torch.testing.assert_close(
        functional.cross_entropy(neuron(x), labels),
        functional.binary_cross_entropy_with_logits(z, labels.float()),
    )


def test_attention_over_a_map_is_torchs_over_its_positions():
    ours, theirs = SelfAttention(8, heads=2, head_width=4), nn.MultiheadAttention(8, 2, batch_first=True)
    state = {"in_proj_weight": [], "in_proj_bias": []}
    for part in (ours.query, ours.key, ours.value):
        state["in_proj_weight"].append(part.weight)
        state["in_proj_bias"].append(part.bias)
    theirs.load_state_dict(
        {name: torch.cat(values) for name, values in state.items()}
        | {f"out_proj.{name}": value for name, value in ours.out.state_dict().items()}
    )
    x = torch.randn(2, 8, 3, 5)
    tokens = x.flatten(2).transpose(1, 2)
    expected = theirs(tokens, tokens, tokens)[0].transpose(1, 2).reshape(x.shape)
    torch.testing.assert_close(ours(x), expected)
