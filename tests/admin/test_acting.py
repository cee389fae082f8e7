"""Freezing, adjusting, deciding: who may, what it shows beforehand, and that a form sent twice acts once."""

import re
from decimal import Decimal

import pytest

from wallet_service.admin.roles import Role
from wallet_service.ledger.money import format_money


@pytest.fixture
def operator(logged_in):
    return logged_in(Role.OPERATOR)


@pytest.fixture
def script(visitor, new_token):
    """A script with a token, which wants JSON."""
    token = new_token(Role.OPERATOR)
    visitor.headers.update({"Authorization": f"Bearer {token}", "Accept": "application/json"})
    return visitor


def fields(page):
    """Return the hidden fields of a page's form."""
    text = page.text
    found = re.findall(r"<input[^>]*>", text)
    named = {}
    for tag in found:
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and 'type="hidden"' in tag:
            assert name[1] not in named or name[1] == "csrf_token", "of a form each is there once"
            named[name[1]] = value[1] if value else ""
    return named


def actions(player):
    return player.query("SELECT kind, by_whom, why, before, after FROM actions", "ORDER BY at")


def test_a_freeze_is_done_once_and_logged(operator, player):
    where = f"/freeze?user={player.user_id}"
    form = fields(operator.get(where)) | {"why": "fraud is suspected"}
    answers = [operator.post(where, data=form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[0].headers["location"] == answers[1].headers["location"], "the same result"
    assert "fraud is suspected" in operator.get(answers[0].headers["location"].removeprefix("/admin")).text
    (action,) = actions(player)
    assert (action.kind, action.by_whom, action.why) == ("freeze", "desk:operator", "fraud is suspected")
    assert (action.before, action.after) == ({"state": "active"}, {"state": "frozen"})


def test_an_old_form_does_not_freeze_again(operator, player):
    where = f"/freeze?user={player.user_id}"
    form = fields(operator.get(where)) | {"why": "to see"}
    operator.post(where, data=form)
    operator.post(where, data=fields(operator.get(where)) | {"why": "seen"})
    operator.post(where, data=form)
    assert [action.kind for action in actions(player)] == ["freeze", "unfreeze"]


@pytest.mark.parametrize("why", ["", "   ", "two\nlines", "x" * 501, "a\x07bell"])
def test_nothing_is_done_without_a_reason_in_one_line(operator, player, why):
    where = f"/freeze?user={player.user_id}"
    answer = operator.post(where, data=fields(operator.get(where)) | {"why": why})
    assert answer.status_code == 422
    assert actions(player) == []


def test_an_adjustment_is_previewed_and_then_done_once(operator, player):
    where = f"/adjust?user={player.user_id}"
    typed = {"kind": "debit", "currency": "USD", "amount": "12.50", "why": "paid twice"}
    preview = operator.post(where, data=fields(operator.get(where)) | typed)
    assert preview.status_code == 200
    assert "100.00" in preview.text
    assert "87.50" in preview.text
    assert player.balance() == Decimal(100), "nothing has moved"
    form = fields(preview)
    answers = [operator.post(where, data=form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[0].headers["location"] == answers[1].headers["location"], "the same result"
    assert player.balance() == Decimal("87.50")
    (action,) = actions(player)
    assert (action.kind, action.by_whom, action.why) == ("debit", "desk:operator", "paid twice")
    assert [Decimal(state["balance"]) for state in (action.before, action.after)] == [Decimal(100), Decimal("87.50")]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"amount": "1_000"}, "not a decimal number"),
        ({"amount": "-5"}, "negative"),
        ({"amount": "0.00"}, "above zero"),
        ({"amount": "1e999999"}, "digits before the point"),
        ({"amount": "100.01"}, "does not hold as much"),
        ({"amount": "100.000000000000000001"}, "does not hold as much"),
        ({"amount": "99999999999999.999999999999999999"}, "does not hold as much"),
        ({"amount": "100000000000000"}, "more than 14 digits"),
        ({"amount": "0.0000000000000000001"}, "more than 18 decimal places"),
        ({"amount": "1e-19"}, "more than 18 decimal places"),
        ({"amount": "9" * 40}, "more than 14 digits"),
        ({"amount": "9" * 41}, "longer than 40"),
        ({"kind": "credit", "amount": "\N{ARABIC-INDIC DIGIT FIVE}"}, "not a decimal number"),
        ({"currency": "EUR"}, "Not a valid choice"),
        ({"kind": "steal"}, "Not a valid choice"),
    ],
)
def test_what_cannot_be_adjusted_is_said_at_its_field(operator, player, typed, said):
    where = f"/adjust?user={player.user_id}"
    form = {"kind": "debit", "currency": "USD", "amount": "1", "why": "to see"} | typed
    for confirmed in ({}, {"confirmed": "yes"}):
        answer = operator.post(where, data=fields(operator.get(where)) | form | confirmed)
        assert answer.status_code == 422
        assert said in answer.text
    assert player.balance() == Decimal(100)


def test_one_key_adjusts_once_however_it_is_spelt(script, player):
    where = f"/adjust.json?user={player.user_id}"
    key = script.get(where).json()["form"]["fields"]["key"]
    typed = {"kind": "credit", "currency": "USD", "amount": "1", "why": "to see", "confirmed": "yes"}
    spelt = [key, key.upper(), key.replace("-", ""), f"{{{key}}}", f"urn:uuid:{key}"]
    answers = [script.post(where, data=typed | {"key": one}) for one in spelt]
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert player.balance() == Decimal(101)
    answer = script.post(where, data=typed | {"key": "garbage"})
    assert (answer.status_code, answer.json()["form"]["errors"].keys()) == (422, {"key"})


def adjusted(operator, player, **typed):
    """Preview an adjustment and confirm it; return both answers."""
    where = f"/adjust?user={player.user_id}"
    form = {"kind": "credit", "currency": "USD", "why": "to see"} | typed
    preview = operator.post(where, data=fields(operator.get(where)) | form)
    return preview, operator.post(where, data=fields(operator.get(where)) | form | {"confirmed": "yes"})


@pytest.mark.parametrize(
    "amount",
    [
        "99999999999999.999999999999999999",  # 32 digits, 18 of them after the point
        "0.000000000000000001",
        "0.001",  # less than a cent: what games left behind can be evened out
        "1.5e1",
    ],
)
def test_an_adjustment_is_exact_to_the_last_digit_an_amount_may_have(operator, player, amount):
    preview, done = adjusted(operator, player, amount=amount)
    assert (preview.status_code, done.status_code) == (200, 303)
    after = player.balance()
    assert after - 100 == Decimal(amount)
    assert format_money(after) in preview.text, "as the preview said"
    assert [answer.status_code for answer in adjusted(operator, player, amount=amount, kind="debit")] == [200, 303]
    assert player.balance() == Decimal(100)


def test_a_currency_without_minor_units_is_adjusted_as_its_games_do(operator, new_player):
    player = new_player("10", "JPY")
    assert adjusted(operator, player, currency="JPY", amount="0.5")[1].status_code == 303
    assert player.balance("JPY") == Decimal("10.5")


def test_a_balance_beyond_what_a_wallet_holds_is_refused_at_the_form(operator, new_player):
    player = new_player("99999999999999999999")  # 20 digits
    for answer in adjusted(operator, player, amount="1"):
        assert answer.status_code == 422
        assert "No wallet can hold as much" in answer.text
    assert actions(player) == []
    assert [answer.status_code for answer in adjusted(operator, player, amount="0.999999999999999999")] == [200, 303]


@pytest.mark.parametrize(("decision", "balance"), [("refund", 100), ("leave", 105)])
def test_a_review_is_decided_once(operator, player, decision, balance):
    player.bet("10")
    player.result("15")
    player.refund()
    where = f"/decide?user={player.user_id}&round=r1&reason=refund_of_settled_round"
    form = fields(operator.get(where)) | {"decision": decision, "why": "looked at"}
    answers = [operator.post(where, data=form) for _ in range(2)]
    assert answers[0].status_code == 303
    assert answers[0].headers["location"] == answers[1].headers["location"]
    assert player.balance() == balance
    (action,) = actions(player)
    assert (action.kind, action.by_whom) == (decision, "desk:operator")
    assert "was closed" in operator.get(where).text


def test_a_decisions_page_names_the_balances_currency(operator, player, owner):
    form = fields(operator.get(in_review(player))) | {"decision": "refund", "why": "looked at"}
    entry = operator.post(DECIDE.format(player.user_id), data=form).headers["location"].removeprefix("/admin")

    def told():
        return re.findall(r"Balance:\s*(\S.*?)</div>", re.sub(r"</?span[^>]*>", "", operator.get(entry).text))

    assert told() == ["105.00&nbsp;USD", "100.00&nbsp;USD"]
    [action] = actions(player)
    assert (action.before["currency"], action.after["currency"]) == ("USD", "USD")
    with owner.begin() as connection:  # as an earlier release wrote it
        connection.exec_driver_sql("ALTER TABLE actions DISABLE TRIGGER USER")
        connection.exec_driver_sql(
            "UPDATE actions SET before = (before::jsonb - 'currency')::json, after = (after::jsonb - 'currency')::json"
            " WHERE user_id = %s",
            (player.user_id,),
        )
        connection.exec_driver_sql("ALTER TABLE actions ENABLE TRIGGER USER")
    assert told() == ["105.00&nbsp;USD", "100.00&nbsp;USD"]


DECIDE = "/decide?user={}&round=r1&reason=refund_of_settled_round"


def in_review(player):
    player.bet("10")
    player.result("15")
    player.refund()
    return DECIDE.format(player.user_id)


@pytest.mark.parametrize("decision", ["refund", "leave"])
def test_a_decision_about_other_figures_than_were_shown_decides_nothing(operator, player, decision):
    where = in_review(player)
    form = fields(operator.get(where)) | {"decision": decision, "why": "looked at"}
    player.result("7", reference="w2")
    answer = operator.post(where, data=form)
    assert answer.status_code == 409
    assert "what you saw has changed" in answer.text
    assert "22.00" in answer.text, "the new figures are there"
    assert actions(player) == []
    assert player.balance() == Decimal(112)
    again = fields(answer) | {"decision": decision, "why": "looked at again"}
    assert operator.post(where, data=again).status_code == 303


@pytest.mark.parametrize("seen", ["", "garbage", "settled 10.00 16.00", "\x00", "x" * 10_000])
def test_what_no_page_showed_decides_nothing(operator, player, seen):
    where = in_review(player)
    form = fields(operator.get(where)) | {"decision": "refund", "why": "to see", "seen": seen}
    assert operator.post(where, data=form).status_code == 409
    assert actions(player) == []


@pytest.mark.parametrize("seen", ["garbage", "00000000-0000-4000-8000-000000000000", "\x00", "x" * 10_000])
def test_what_no_page_showed_freezes_nobody(operator, player, seen):
    where = f"/freeze?user={player.user_id}"
    for _ in range(2):  # before any change, and after some
        form = fields(operator.get(where)) | {"why": "to see", "seen": seen}
        answer = operator.post(where, data=form)
        assert answer.status_code == 409
        assert "what you saw has changed" in answer.text
        assert operator.post(where, data=fields(answer) | {"why": "seen"}).status_code == 303, "the page is of now"
    assert [action.why for action in actions(player)] == ["seen", "seen"]


def test_a_script_is_told_that_somebody_was_faster(script, player):
    where = f"/freeze.json?user={player.user_id}"
    form = script.get(where).json()["form"]["fields"] | {"why": "a rule fired"}
    player.freeze()
    answer = script.post(where, data=form)
    assert answer.status_code == 409
    told = answer.json()
    assert told["text"] == "Nothing was done: test was faster."
    assert (told["state"], told["action"]["by_whom"], told["action"]["kind"]) == ("frozen", "test", "freeze")
    assert told["form"]["fields"]["seen"] == told["action"]["id"], "the form is of now"


def test_a_script_is_told_that_the_review_was_decided_or_has_changed(script, player):
    where = in_review(player).replace("/decide", "/decide.json")
    form = script.get(where).json()["form"]["fields"] | {"decision": "refund", "why": "a rule fired"}
    player.result("7", reference="w2")
    told = script.post(where, data=form)
    assert (told.status_code, told.json()["round"]["won"]) == (409, "22.00")
    form["seen"] = told.json()["form"]["fields"]["seen"]
    player.decide("leave", "refund_of_settled_round")
    told = script.post(where, data=form)
    assert told.status_code == 409
    assert told.json()["text"] == "Nothing was done: test was faster."
    assert told.json()["review"]["resolution"] == told.json()["action"]["kind"].replace("leave", "left") == "left"


def test_a_browser_is_led_to_what_somebody_faster_did(operator, player):
    where = in_review(player)
    form = fields(operator.get(where)) | {"decision": "refund", "why": "looked at"}
    player.decide("leave", "refund_of_settled_round")
    page = operator.post(where, data=form, follow_redirects=True)
    assert "Nothing was done: test was faster." in page.text
    assert player.balance() == Decimal(105)


def test_a_review_that_a_refund_closed_is_shown_closed(operator, player):
    where = in_review(player)
    form = fields(operator.get(where)) | {"decision": "leave", "why": "looked at"}
    player.reversing().refund()
    answer = operator.post(where, data=form)
    assert answer.status_code == 409
    assert "closed by a refund or a payment" in answer.text
    assert actions(player) == []


def test_a_decision_that_the_wallet_cannot_bear_is_refused_at_the_form(operator, player):
    player.bet("10")
    player.result("15")
    player.refund()
    player.transfer("withdrawal", "105")
    where = f"/decide?user={player.user_id}&round=r1&reason=refund_of_settled_round"
    answer = operator.post(where, data=fields(operator.get(where)) | {"decision": "refund", "why": "to see"})
    assert answer.status_code == 422
    assert "does not hold the wins" in answer.text


def test_a_script_acts_with_its_token_alone(script, player):
    where = f"/freeze.json?user={player.user_id}"
    form = script.get(where).json()["form"]["fields"] | {"why": "a rule fired"}
    done = script.post(where, data=form, follow_redirects=True)
    assert done.json()["action"]["by_whom"].startswith("token:script ")
    assert done.json()["action"]["kind"] == "freeze"


def test_a_freeze_that_a_script_sends_twice_is_not_lifted(script, player):
    where = f"/freeze.json?user={player.user_id}"
    for _ in range(2):
        answer = script.post(where, data={"why": "fraud"})
        assert answer.status_code == 422
        assert answer.json()["form"]["errors"].keys() == {"state", "seen"}
    form = script.get(where).json()["form"]["fields"] | {"why": "fraud"}
    assert [script.post(where, data=form).status_code for _ in range(2)] == [303, 303]
    assert script.get(where).json()["state"] == "frozen"


def test_without_what_a_form_was_made_from_nothing_is_done(script, player):
    where = in_review(player).replace("/decide", "/decide.json")
    answer = script.post(where, data={"decision": "refund", "why": "a rule fired"})
    assert (answer.status_code, answer.json()["form"]["errors"].keys()) == (422, {"seen"})
    typed = {"kind": "credit", "currency": "USD", "amount": "1", "why": "to see", "confirmed": "yes"}
    answer = script.post(f"/adjust.json?user={player.user_id}", data=typed)
    assert (answer.status_code, answer.json()["form"]["errors"].keys()) == (422, {"key"})
    assert actions(player) == []


def test_a_page_says_which_field_is_missing(operator, player):
    where = f"/freeze?user={player.user_id}"
    form = fields(operator.get(where)) | {"why": "to see"}
    del form["seen"]
    answer = operator.post(where, data=form)
    assert answer.status_code == 422
    assert "The field seen is missing" in answer.text


@pytest.mark.parametrize("page", ["/freeze", "/adjust", "/decide", "/action"])
@pytest.mark.parametrize("query", ["", "?user=nobody", "?user=%00", "?user=nobody&round=x&reason=y&id=z"])
def test_what_is_not_there_is_said(operator, page, query):
    answer = operator.get(page + query)
    assert answer.status_code == 404
