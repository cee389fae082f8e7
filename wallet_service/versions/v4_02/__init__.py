"""v4.02, the current version: path ``/v4`` by default, a uuid in every body."""
