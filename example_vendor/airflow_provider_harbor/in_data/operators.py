"""Start imports at Harbor."""

from airflow_provider_harbor.in_data.entry import HARBOR_IN_DATA, SERVICE
from airflow_provider_imports.operators.service import operator_of

HarborLoadListOperator = operator_of("HarborLoadListOperator", HARBOR_IN_DATA, SERVICE)
