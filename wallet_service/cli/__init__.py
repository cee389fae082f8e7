"""The command line: thin commands over the service's parts, a file for each subject."""

from wallet_service.cli.main import main

__all__ = ["main"]
