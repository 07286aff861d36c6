"""WEBSALE's import API."""

from airflow_provider_imports.hooks.websale.hook import WebsaleHook

__all__ = ["WebsaleHook"]
