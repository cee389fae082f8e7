"""The one rule for names from outside."""

import pytest

from wallet_service.names import is_name


@pytest.mark.parametrize("text", ["a", " a", "a\u00a0b", "a\u202eb", "a\u200bb", "\ue000", "\U0001f3b0", "a" * 8])
def test_what_can_be_a_name(text):
    assert is_name(text, 8)


@pytest.mark.parametrize("text", ["", " ", "\u2003", "a" * 9, "a\0", "a\n", "a\x1f", "a\x7f", "a\x9f", "a\ud800"])
def test_what_cannot(text):
    assert not is_name(text, 8)
