"""The way in: who is let in, for how long, and what a stranger learns."""

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
