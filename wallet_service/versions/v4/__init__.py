"""V4, the first published version: path ``/V4``, a hash in every body."""
