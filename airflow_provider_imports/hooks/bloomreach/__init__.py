"""Bloomreach Engagement's import APIs."""

from airflow_provider_imports.hooks.bloomreach.hook import BloomreachHook

__all__ = ["BloomreachHook"]
