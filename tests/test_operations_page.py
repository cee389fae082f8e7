"""The commands of docs/operations.md are ones: the program knows their options, and the compose file their names."""

import re
import shlex
from math import ceil
from pathlib import Path

import click
import pytest
import yaml

from tests.commands import subcommand
from wallet_service.cli.main import cli

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "operations.md").read_text()
FIGURES = (ROOT / "docs" / "performance.md").read_text()
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
PROFILES = {profile for service in SERVICES.values() for profile in service.get("profiles", [])}
WITH_VALUE = {"--scale", "-s", "--since"}
"""Options of docker compose that take a value, on this page."""
OTHER_PROGRAMS = {"python", "pg_dump"}
"""What else is in the images, and run there."""


def commands(start):
    """Return the page's commands that start so, in its blocks and in its text."""
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL))
    found = [line.strip() for line in blocks.splitlines()] + re.findall(r"`([^`\n]+(?:\n[^`\n]+)?)`", PAGE)
    return [shlex.split(line, comments=True) for line in found if line.startswith(start)]


def check_program(arguments):
    """Let the program read the arguments; it ends with an error where they are wrong."""
    command: click.Command = cli
    rest = list(arguments)
    while isinstance(command, click.Group):
        command = subcommand(command, rest.pop(0))
    if any(getattr(option, "prompt", None) for option in command.params):
        rest += ["--password", "would-be-asked-for"]
    command.make_context(arguments[0], rest)


@pytest.mark.parametrize("words", commands("docker compose"), ids=" ".join)
def test_docker_compose_commands_name_what_there_is(words):
    rest = words[2:]
    while rest[0] == "--profile":
        assert rest[1] in PROFILES
        rest = rest[2:]
    command, *rest = rest
    assert command in {"build", "exec", "kill", "logs", "ps", "restart", "rm", "run", "start", "stop", "up"}
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option in WITH_VALUE:
            value = rest.pop(0)
            assert option != "--scale" or value.partition("=")[0] in SERVICES
    if command in {"exec", "run"}:
        name, *rest = rest
        assert name in SERVICES
        program = rest.pop(0) if command == "exec" else "wallet-service"
        assert program in {"wallet-service", *OTHER_PROGRAMS}
        if rest and program == "wallet-service":
            check_program(rest)
    else:
        assert set(rest) <= set(SERVICES), rest


@pytest.mark.parametrize("words", commands("wallet-service "), ids=" ".join)
def test_the_program_s_commands_are_ones(words):
    check_program(words[1:])


def test_every_file_that_is_named_is_there():
    for name in re.findall(r"`((?:deploy|tests|docs)/[\w./-]+)`", PAGE):
        assert (ROOT / name).exists() or "REVISION" in name, name
    for target in re.findall(r"\]\(([^)#]+)(?:#[\w-]+)?\)", PAGE):
        assert (ROOT / "docs" / target).exists(), target
    headings = {
        re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-")
        for line in re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([\w-]+)\)", PAGE)) <= headings


def test_the_variables_to_choose_are_those_of_the_compose_file():
    text = (ROOT / "docker-compose.yml").read_text()
    [block] = re.findall(r"```ini\n(.*?)```", PAGE, re.DOTALL)
    chosen = [line.strip().partition("=")[0] for line in block.strip().splitlines()]
    assert all(f"${{{name}:" in text for name in chosen)
    needed = set(re.findall(r"\$\{(\w+):\?", text))
    assert needed <= set(chosen)


def test_the_sizes_follow_from_the_page_of_figures():
    [measured] = re.findall(r"^\| wallet: bet \| .* \| ([\d.]+) \| ([\d.]+) \|$", FIGURES, re.MULTILINE)
    [told] = re.findall(r"a bet costs (\S+) ms of the\s+wallet's CPU and (\S+) ms of the database's", PAGE)
    assert told == measured
    wallet, database = map(float, measured)
    sizes = re.findall(r"^\| ([\d,]+) \| (\d+)[^|]* \| (\d+) \|", PAGE.partition("\n## Sizing\n")[2], re.MULTILINE)
    assert len(sizes) == 5
    for calls, workers, cores in sizes:
        planned = 4 * int(calls.replace(",", ""))
        assert (int(workers), int(cores)) == (ceil(planned * wallet / 1000), ceil(planned * database / 1000)), calls
