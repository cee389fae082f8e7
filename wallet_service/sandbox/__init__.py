"""A stand-in for Lucky Monaco over real HTTP: for demos, tests, and an operator's own trials against any wallet."""

from wallet_service.sandbox.misbehaviour import Misbehaviour
from wallet_service.sandbox.reports import Message
from wallet_service.sandbox.rounds import Round
from wallet_service.sandbox.server import Sandbox, sandbox_for
from wallet_service.sandbox.terminal import message_line
from wallet_service.sandbox.wallet import Keys, Wallet

__all__ = ["Keys", "Message", "Misbehaviour", "Round", "Sandbox", "Wallet", "message_line", "sandbox_for"]
