"""The program's commands, by name."""

import click


def subcommand(group: click.Group, name: str) -> click.Command:
    """Return a group's command of that name; groups import theirs when they are asked for."""
    command = group.get_command(click.Context(group), name)
    assert command, f"there is no command {name!r}"
    return command
