"""The wire versions: each translates Lucky Monaco's requests into calls and receipts into answers, and decides nothing."""
