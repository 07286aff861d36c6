from airflow_provider_harbor.in_data.operators import HarborLoadListOperator
from airflow_provider_harbor.in_data.sensors import HarborImportSensor
from airflow_provider_imports.testing import Conformance, Start, Wait


class TestHarborInData(Conformance):
    starts = (Start(HarborLoadListOperator, {"name": "customers"}, "load_list", "get_import", "cancel_import"),)
    sensors = (Wait(HarborImportSensor, lambda run: {"import_id": run.key["id"]}, "get_import"),)
