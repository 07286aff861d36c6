"""Hooks: one vendor each, described once."""
