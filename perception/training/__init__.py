"""Trains the two networks of `perception` on rendered sets; see README.md."""
