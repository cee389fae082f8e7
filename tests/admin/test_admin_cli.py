"""Accounts and tokens from the command line, which is how the first admin comes to be."""

import json
import subprocess

import pytest

from tests.admin.conftest import PASSWORD
from tests.conftest import ENVIRONMENT, WALLET_SERVICE, database_settings
from wallet_service.admin.roles import Role


@pytest.fixture
def admin(database_url):
    def run(*arguments, typed=""):
        return subprocess.run(
            [WALLET_SERVICE, "admin", *arguments],
            env={**ENVIRONMENT, **database_settings(database_url)},
            input=typed,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


def test_an_account_is_opened_given_another_password_and_disabled(admin, visitor):
    name = "first admin"
    made = admin("create", name, "--role", "admin", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert (made.returncode, PASSWORD in made.stdout + made.stderr) == (0, False)
    assert visitor.log_in(name).status_code == 302
    assert "already" in admin("create", name, "--password", PASSWORD).stderr
    assert admin("password", name, "--password", "another good one").returncode == 0
    assert visitor.get("/").status_code == 302, "the session has ended"
    assert visitor.log_in(name, "another good one").status_code == 302
    assert admin("disable", name, "--reason", "has left").returncode == 0
    assert visitor.get("/").status_code == 302
    (row,) = [row for row in json.loads(admin("list", "--json").stdout) if row["name"] == name]
    assert (row["role"], row["disabled_at"] is not None) == ("admin", True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "short", "--password", "short"), "12 to 256 characters"),
        (("create", "a:b", "--password", PASSWORD), "no colon"),
        (("create", " blank", "--password", PASSWORD), "no blank"),
        (("token", "create", "blank "), "no blank"),
        (("password", "nobody", "--password", PASSWORD), "no account 'nobody'"),
        (("disable", "nobody", "--reason", "gone"), "no account 'nobody'"),
        (("token", "revoke", "00000000-0000-4000-8000-000000000000", "--reason", "gone"), "no such token"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(admin, arguments, said):
    answer = admin(*arguments)
    assert answer.returncode == 1
    assert said in answer.stderr
    assert PASSWORD not in answer.stdout + answer.stderr


@pytest.mark.parametrize("keep", [["--keep-tokens"], []], ids=["kept", "revoked"])
def test_disabling_somebody_revokes_their_tokens_unless_told_otherwise(admin, accounts, tokens, keep):
    name = f"leaver by command {len(keep)}"
    accounts.create(name, PASSWORD, Role.OPERATOR, by_whom="test", why="to test")
    tokens.create(f"of {name}", Role.VIEWER, by_whom=f"desk:{name}", why="to test")
    said = admin("disable", name, "--reason", "has left", *keep).stdout
    assert (f"The token of {name} is revoked." in said) == (not keep)
    (token,) = [row for row in tokens.all() if row.name == f"of {name}"]
    assert (token.revoked_at is None) == bool(keep)


def test_the_command_line_may_disable_the_last_admin_and_says_so(new_database):
    environment = {**ENVIRONMENT, **database_settings(new_database())}

    def run(*arguments):
        return subprocess.run([WALLET_SERVICE, *arguments], env=environment, check=True, capture_output=True, text=True)

    run("migrate")
    run("admin", "create", "ann", "--role", "admin", "--password", PASSWORD)
    assert "There is no admin now." in run("admin", "disable", "ann", "--reason", "has left").stdout


def test_a_token_s_name_is_one_token_s(admin):
    assert admin("token", "create", "made twice").returncode == 0
    again = admin("token", "create", "made twice")
    assert again.returncode == 1
    assert "there is a token 'made twice' already" in again.stderr


def test_a_token_is_made_used_and_revoked(admin, visitor):
    token = admin("token", "create", "from the command line").stdout.strip()
    visitor.headers.update({"Authorization": f"Bearer {token}", "Accept": "application/json"})
    assert visitor.get("/").status_code == 200
    listed = admin("token", "list", "--json").stdout
    assert token not in listed
    (row,) = [row for row in json.loads(listed) if row["name"] == "from the command line"]
    assert admin("token", "revoke", row["id"], "--reason", "seen").returncode == 0
    assert visitor.get("/").status_code == 401
