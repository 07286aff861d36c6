"""Imports into Quarry."""
