"""The ledger: players' money in PostgreSQL. It knows no HTTP, Flask, marshmallow or settings."""
