"""Harbor's hook."""

from airflow_provider_harbor.in_data.entry import HARBOR_IN_DATA, SERVICE
from airflow_provider_imports.hooks.service import hook_of

HarborHook = hook_of(HARBOR_IN_DATA, SERVICE)
