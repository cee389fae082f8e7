"""Comparing the wallet's rounds with Lucky Monaco's. It finds what differs and moves no money."""
