"""The way in: who is let in, for how long, and what a stranger learns."""

import pytest

from wallet_service.admin.roles import Role


def test_a_stranger_is_sent_to_the_login_and_back(visitor, accounts):
    sent = visitor.get("/")
    assert (sent.status_code, sent.headers["location"]) == (302, "/admin/login?next=/")
    assert visitor.log_in("viewer").headers["location"] == "/admin/"
    assert "viewer · viewer" in visitor.get("/").text


def test_wrong_names_and_passwords_are_told_alike(visitor, accounts):
    answers = [visitor.log_in("viewer", "wrong password"), visitor.log_in("nobody at all")]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert all("Name or password is wrong." in answer.text for answer in answers)


def test_logged_out_is_out(logged_in):
    visitor = logged_in(Role.VIEWER)
    assert visitor.submit("/logout", on="/").status_code == 302
    assert visitor.get("/").status_code == 302


HOSTILE = ["//[", "//\u2100", "http://[", "//evil.example", "/\\evil.example", "\\\\evil.example", "https:evil.example"]
HOSTILE += [
    "///evil.example",
    "https://evil.example/",
    "javascript:alert(1)",
    "evil",
    "/../../evil",
    "/..//evil.example",
]
HOSTILE += [
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/\r\nSet-Cookie: a=b",
    "/\0",
]


@pytest.mark.parametrize("wanted", [*HOSTILE, "", "/[", "/rounds?player=a[b", "/players/a\u202eb"])
def test_wherever_the_login_is_to_lead_it_leads_into_the_desk(logged_in, wanted):
    answer = logged_in(Role.VIEWER).get("/login", params={"next": wanted})
    assert answer.status_code == 302
    assert answer.headers["location"].startswith("/admin/")
    assert answer.headers["set-cookie"].count("desk=") <= 1
