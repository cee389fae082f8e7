"""The fuzz's seeds, and every input that was a crash once, hold each property. Hypothesis adds some of its own."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.properties import PROPERTIES

SEEDS = sorted((Path(__file__).parent / "seeds").iterdir())


@pytest.mark.parametrize("name", PROPERTIES)
@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_a_seed_holds(seed, name):
    PROPERTIES[name](seed.read_bytes())


PIECES = st.sampled_from(
    [b"{", b"}", b"[", b"]", b'"', b":", b",", b"\\u", b"d800", b"1", b"0", b".", b"e", b"-", b" "]
)
BYTES = st.binary(max_size=50) | st.lists(PIECES | st.binary(max_size=3), max_size=40).map(b"".join)


@pytest.mark.parametrize("name", PROPERTIES)
@given(data=BYTES)
def test_any_bytes_hold(name, data):
    PROPERTIES[name](data)
