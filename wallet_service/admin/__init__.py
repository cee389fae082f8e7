"""The desk at ``/admin``: where the operator's people see rounds and money, and act. Pages, and the same as JSON."""
