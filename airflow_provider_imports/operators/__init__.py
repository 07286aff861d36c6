"""Operators: what starts an import."""
