"""No secret is kept in the repository: every file of it is looked through for what looks like one."""

import subprocess

from detect_secrets.core.scan import scan_file
from detect_secrets.settings import default_settings

THROW_AWAY = {"Secret Keyword", "Basic Auth Credentials", "Hex High Entropy String"}
"""What tests and benchmarks may hold: passwords of a run's database, published vectors. Private keys are made anew."""
NO_SECRETS = {
    ("README.md", "Basic Auth Credentials"): "the form of a database URL",
    ("wallet_service/settings.py", "Basic Auth Credentials"): "the same",
    ("wallet_service/settings.py", "Secret Keyword"): "the settings that are secrets, by their names",
    ("wallet_service/openapi/examples.py", "Hex High Entropy String"): "the id of a session in an example",
    ("wallet_service/openapi/examples.py", "Secret Keyword"): "the key of the contract's published examples",
    ("wallet_service/admin/accounts.py", "Secret Keyword"): "the action log's word for a change",
    ("wallet_service/demo.py", "Secret Keyword"): "the name that the demo's password is kept under",
}
HASHES_OF_FILES = ("requirements/", "wallet_service/admin/static/vendor/")


def found_in(names):
    with default_settings():
        return {(name, secret.type) for name in names for secret in scan_file(str(name))}


def test_no_file_of_the_repository_holds_a_secret():
    names = subprocess.run(["git", "ls-files"], check=True, capture_output=True, text=True).stdout.splitlines()
    found = found_in(name for name in names if not name.startswith(HASHES_OF_FILES))
    assert {
        (name, kind) for name, kind in found if not (name.startswith(("tests/", "benchmarks/")) and kind in THROW_AWAY)
    } == set(NO_SECRETS)


def test_a_lost_key_would_be_found(tmp_path):
    key = tmp_path / "key.pem"
    key.write_text("-----BEGIN PRIVATE" + " KEY-----\n")
    token = tmp_path / "settings.py"
    token.write_text('WALLET_HASH_SECRET = "q8Zr2LkX0v"\n')
    assert {kind for _, kind in found_in([key, token])} == {"Private Key", "Secret Keyword"}
