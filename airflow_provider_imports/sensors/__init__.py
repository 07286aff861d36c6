"""Sensors: what waits for an import that somebody else started."""
