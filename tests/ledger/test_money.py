"""Amounts: exact in, exact out."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallet_service.ledger.money import format_money, parse_money

amounts = st.decimals(0, Decimal("99999999999999.999999999999999999"), places=18)


@given(amounts)
def test_what_is_written_reads_back_the_same(amount):
    text = format_money(amount)
    assert parse_money(text) == amount
    assert "E" not in text
    assert len(text.partition(".")[2]) >= 2


def test_sums_of_balances_are_exact_in_every_thread():
    balance, least = Decimal("99999999999999999999.999999999999999999"), Decimal("0.000000000000000001")

    def total():
        return str(sum([balance] * 1000, -least))

    with ThreadPoolExecutor(1) as threads:
        assert total() == threads.submit(total).result() == "99999999999999999999999.999999999999998999"


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("990", "990.00"),
        ("990.000000000000000000", "990.00"),
        ("0.123000", "0.123"),
        ("0", "0.00"),
        ("0E-18", "0.00"),
        ("1E+3", "1000.00"),
        ("-10.5", "-10.50"),
        ("0.000000000000000001", "0.000000000000000001"),
    ],
)
def test_two_places_at_least_and_no_zeros_after_them(amount, text):
    assert format_money(Decimal(amount)) == text


@pytest.mark.parametrize("text", ["0", "-0", "0.0", "10.", ".5", "1e2", "1E-2", "007", "+1", "99999999999999", "0e9"])
def test_readings_that_may_surprise(text):
    accepted = {
        "0": "0",
        "-0": "0",
        "0.0": "0",
        "1e2": "100",
        "1E-2": "0.01",
        "007": "7",
        "+1": "1",
        "99999999999999": "99999999999999",
        "0e9": "0",
    }
    if text in accepted:
        assert parse_money(text) == Decimal(accepted[text])
        assert str(parse_money(text))[0] != "-"
    else:
        with pytest.raises(ValueError, match="not a decimal number"):
            parse_money(text)


@given(st.text(max_size=20))
def test_any_other_text_is_refused_or_exact(text):
    try:
        amount = parse_money(text)
    except ValueError:
        return
    assert amount == Decimal(text)
    assert amount >= 0
