"""What Prometheus is told: every call is counted, whichever worker took it, and however it ended."""
