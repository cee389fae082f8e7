"""Acceptance: whether a deployed wallet keeps the contract, seen from outside, with a report to hand over."""
