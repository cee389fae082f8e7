"""README's table of commands: each is one, has the options that are told, and needs no other; and none is left out."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.commands import subcommand
from wallet_service.cli.main import cli

README = (Path(__file__).parent.parent / "README.md").read_text()
TABLE = README.partition("\n## Commands\n")[2].partition("\n## ")[0]
TOLD = [told for cell in re.findall(r"^\| (`.*?) \| ", TABLE, re.MULTILINE) for told in re.findall(r"`([^`]+)`", cell)]


def path_of(told: str) -> tuple[str, ...]:
    """Return the words that name a command, without what is said to it."""
    command: click.Command = cli
    path: list[str] = []
    for word in told.split():
        if not isinstance(command, click.Group):
            break
        command = subcommand(command, word)
        path.append(word)
    return tuple(path)


def commands(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command that is no group, by the words that name it."""
    for name in group.list_commands(click.Context(group)):
        command = subcommand(group, name)
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield (*path, name), command


COMMANDS = dict(commands(cli))


@pytest.mark.parametrize("told", TOLD)
def test_a_command_has_the_options_that_are_told_and_needs_no_other(told):
    options = [option for option in COMMANDS[path_of(told)].params if isinstance(option, click.Option)]
    said = set(re.findall(r"--[\w-]+", told))
    assert said <= {name for option in options for name in option.opts}
    assert {option.opts[0] for option in options if option.required} <= said


def test_every_command_is_told_once():
    assert sorted(map(path_of, TOLD)) == sorted(COMMANDS)
