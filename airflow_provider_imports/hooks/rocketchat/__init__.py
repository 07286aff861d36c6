"""Rocket.Chat's import API."""

from airflow_provider_imports.hooks.rocketchat.hook import RocketChatHook

__all__ = ["RocketChatHook"]
