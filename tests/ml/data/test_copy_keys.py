"""Near copies share a key, and keys stay what they are: they stand in databases."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ml.data import copy_keys, likeness
from tests.ml.data.test_likeness import CHANGES, described, scan

GRAY = arrays.arrays(np.uint8, (likeness.SIDE, likeness.SIDE))
ALL = copy_keys.BANDS << copy_keys.BITS


@pytest.mark.parametrize("change", CHANGES)
def test_a_copy_and_its_original_find_each_other(change):
    for seed in range(8):
        original, copy = described(scan(seed), CHANGES[change](scan(seed)))
        for first, second in ((original, copy), (copy, original)):
            assert set(copy_keys.kept(first)) & set(copy_keys.sought(second)), seed


def test_hardly_any_other_scan_has_a_key_that_is_sought():
    sought = set(copy_keys.sought(*described(scan(0))))
    others = described(*map(scan, range(1, 200)))
    assert sum(bool(sought & set(copy_keys.kept(other))) for other in others) <= 2


@given(GRAY)
@settings(max_examples=30)
def test_an_image_is_sought_under_its_own_keys_and_each_lies_in_its_band(pixels):
    kept, sought = copy_keys.kept(pixels), copy_keys.sought(pixels)
    assert set(kept) <= set(sought)
    assert all(0 <= key < ALL for key in sought)
    assert [key >> copy_keys.BITS for key in kept] in ([], [*range(copy_keys.BANDS)])


@given(GRAY)
@settings(max_examples=30)
def test_left_and_right_make_no_difference_to_what_is_sought(pixels):
    mirrored = np.ascontiguousarray(pixels[:, ::-1])
    assert set(copy_keys.kept(pixels)) <= set(copy_keys.sought(mirrored))


@settings(max_examples=30)
@given(st.integers(0, 255), st.integers(0, 60))
def test_what_varies_with_depth_alone_has_no_keys(grey, rows):
    pixels = np.full((likeness.SIDE, likeness.SIDE), grey, dtype=np.uint8)
    pixels[:rows] = 255 - grey
    assert copy_keys.kept(pixels) == copy_keys.sought(pixels) == []


def test_the_keys_are_those_of_the_databases():
    """Another digest asks for a migration that makes `print_keys` anew."""
    grey = np.arange(likeness.SIDE)
    pixels = (127 + 60 * np.sin(grey[:, None] / 7 + grey / 5) * np.cos(grey / 9)).astype(np.uint8)
    keys = ",".join(map(str, copy_keys.kept(pixels)))
    assert hashlib.sha256(keys.encode()).hexdigest()[:12] == "ef1782ce8031"


def test_one_image_is_compared_as_the_doctor_compares_all():
    stack = described(scan(1), scan(2), *(CHANGES[change](scan(1)) for change in CHANGES))
    found = likeness.of_one(stack[0], stack[1:], most=50)
    assert sorted(link.second for link in found) == [*range(2, len(stack))]
    assert all(link.first == 0 and likeness.FINE <= link.correlation <= 1 + 1e-6 for link in found)
    correlations = [link.correlation for link in found]
    assert correlations == sorted(correlations, reverse=True)
    names = [None, None, *CHANGES]
    assert {names[link.second] for link in found if link.mirrored} == {"mirrored", "all at once"}


def test_no_more_pairs_are_aligned_than_allowed(monkeypatch):
    tried = []
    monkeypatch.setattr(likeness, "_compared", lambda *of: tried.append(of))
    likeness.of_one(*described(scan(1)), described(*[scan(1)] * 20), most=5)
    assert len(tried) == 10  # five from either side
    assert likeness.of_one(*described(scan(1)), [], most=5) == []
