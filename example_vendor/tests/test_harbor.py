from airflow_provider_harbor.operators import HarborLoadListOperator
from airflow_provider_harbor.sensors import HarborImportSensor
from airflow_provider_imports.testing import Conformance, Start, Wait


class TestHarbor(Conformance):
    starts = (Start(HarborLoadListOperator, {"name": "customers"}, "load_list", "get_import", "cancel_import"),)
    sensors = (Wait(HarborImportSensor, lambda run: {"number": run.key["id"]}, "get_import"),)
