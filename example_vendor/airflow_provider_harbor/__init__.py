"""Imports into Harbor."""
