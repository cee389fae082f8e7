"""The house's own rules: which way imports point, who writes the tables, what every table of answers covers."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from wallet_service.ledger.outcomes import Outcome
from wallet_service.ledger.statements import STATEMENTS
from wallet_service.versions.v4 import answers as v4
from wallet_service.versions.v4_02 import answers as v4_02

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "wallet_service"
MODULES = sorted(PACKAGE.rglob("*.py"))
FUNCTIONS = sorted((PACKAGE / "ledger" / "functions").glob("*.sql"))
WRITES = re.compile(r"\b(INSERT INTO|UPDATE|DELETE FROM|TRUNCATE|MERGE INTO)\b")


def test_imports_point_one_way():
    lint = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_is_imported_inside_a_function(path):
    for function in ast.walk(ast.parse(path.read_text())):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            assert not [node for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_sql_functions_write_the_ledger(path):
    allowed = {
        PACKAGE / "ledger" / "functions" / "__init__.py",  # records the functions' contract number
        PACKAGE / "ledger" / "grants.py",  # these two name privileges
        PACKAGE / "ledger" / "powers.py",
    }
    docstrings = (ast.Module, ast.ClassDef, ast.FunctionDef)
    tree = ast.parse(path.read_text())
    told = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, docstrings)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in told:
            assert path in allowed or not WRITES.search(node.value), node.value


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_settings_read_the_environment(path):
    if path.name not in {"settings.py", "metrics.py"}:  # Prometheus' client library is told of its folder so
        assert not re.search(r"\bos\.environ|\bimport environ|\bgetenv\b", path.read_text())


@pytest.mark.parametrize("path", FUNCTIONS, ids=lambda path: path.stem)
def test_a_function_is_documented_named_as_its_file_and_keeps_to_its_player(path):
    sql = path.read_text()
    assert sql.startswith(f"-- {path.stem}: ")
    assert f"CREATE OR REPLACE FUNCTION {path.stem}(" in sql
    if path.stem == "apply_calls":
        return  # for many players at once; a database spread over machines does without it (WALLET_CALLS_TOGETHER=1)
    for table in ("players", "wallets", "rounds", "transactions", "refusals", "reviews", "cancellations"):
        reads = len(re.findall(rf"\b(?:FROM|UPDATE) {table}\b", sql))
        filters = len(re.findall(r"\buser_id = p_user_id\b", sql))
        assert reads <= filters, f"a statement on {table} is not filtered by the player"


@pytest.mark.parametrize("path", FUNCTIONS, ids=lambda path: path.stem)
def test_a_wallet_is_never_locked_for_update(path):
    code = re.sub(r"--.*", "", path.read_text())
    assert not re.search(r"FOR UPDATE\b", code)


@pytest.mark.parametrize("answers", [v4.ANSWERS, v4_02.ANSWERS], ids=["v4", "v4_02"])
def test_every_outcome_has_an_answer(answers):
    assert list(answers) == list(Outcome), "one answer for each outcome, in the order of precedence"


def test_every_outcome_of_the_functions_is_known():
    written = set()
    for path in FUNCTIONS:
        written |= set(re.findall(r"(?:ROW\(|v_refusal := )'([a-z_]+)'", path.read_text()))
    assert written <= {outcome.value for outcome in Outcome}
    assert {"applied", "replayed", "round_refunded", "insufficient_balance"} <= written


def test_every_statement_is_one_function_call():
    for statement in STATEMENTS.values():
        call = r"[a-z_]+\((\s*CAST\(:[a-z_]+ AS [a-z]+\),?)+\)"
        assert re.fullmatch(rf"\s*SELECT outcome, transaction_id, currency, balance FROM {call}\s*", str(statement))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_names_say_what_a_file_is_about(path):
    assert path.stem not in {"utils", "helpers", "common", "base", "misc", "services"}
