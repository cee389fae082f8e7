"""Looks at a deployment, changes nothing, and says what to mend."""
