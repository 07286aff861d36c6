"""Pigment's import API."""

from airflow_provider_imports.hooks.pigment.hook import PigmentHook

__all__ = ["PigmentHook"]
