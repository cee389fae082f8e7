"""Accounts and tokens from the command line, which is how the first admin comes to be."""

import json
import subprocess

import pytest

from tests.admin.conftest import PASSWORD
from tests.conftest import ENVIRONMENT, WALLET_SERVICE


@pytest.fixture
def admin(database_url):
    def run(*arguments, typed=""):
        return subprocess.run(
            [WALLET_SERVICE, "admin", *arguments],
            env={**ENVIRONMENT, "WALLET_DATABASE_URL": database_url},
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


def test_a_token_is_made_used_and_revoked(admin, visitor):
    token = admin("token", "create", "from the command line").stdout.strip()
    visitor.headers.update({"Authorization": f"Bearer {token}", "Accept": "application/json"})
    assert visitor.get("/").status_code == 200
    listed = admin("token", "list", "--json").stdout
    assert token not in listed
    (row,) = [row for row in json.loads(listed) if row["name"] == "from the command line"]
    assert admin("token", "revoke", row["id"], "--reason", "seen").returncode == 0
    assert visitor.get("/").status_code == 401
