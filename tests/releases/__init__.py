"""What each release asks of the database, recorded when it was made: what an upgrade must leave working."""
