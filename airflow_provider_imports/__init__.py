"""Airflow provider that gets data *into* business software: never twice, never lost, and told truthfully."""

__version__ = "0.1.0"
