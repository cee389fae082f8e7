"""The wire versions: each translates requests into calls and receipts into answers, and decides nothing."""
