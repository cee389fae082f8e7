"""A message as a line on a terminal."""

from rich.text import Text

from wallet_service.sandbox.reports import Message

__all__ = ["message_line"]

ARROWS = {"to wallet": "LM → wallet", "to sandbox": "ops → LM   "}


def message_line(message: Message) -> Text:
    """Return one readable line: when, which way, which call, of which round and player, how much, and what came."""
    amount = f"{message.amount} {message.currency}" if message.amount else ""
    line = Text(
        f"{message.at.astimezone():%H:%M:%S}  {ARROWS[message.direction]}  {message.call:<11} "
        f"round {message.round_id:<18} {message.user_id}  {amount:<12}  "
    )
    line.append(message.outcome, style="green" if message.outcome.endswith("Success") else "yellow")
    if message.resend:
        line.append(f"  (resend {message.resend})")
    return line
