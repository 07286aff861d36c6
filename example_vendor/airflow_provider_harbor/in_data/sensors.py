"""Wait for imports at Harbor."""

from airflow_provider_harbor.in_data.entry import HARBOR_IN_DATA
from airflow_provider_imports.sensors.service import sensor_of

HarborImportSensor = sensor_of("HarborImportSensor", HARBOR_IN_DATA)
