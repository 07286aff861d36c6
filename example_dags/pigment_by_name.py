"""Run an import of Pigment by the name of its configuration, and fail if a typo created items of a dimension.

Needs two connections: ``pigment_default`` with a key of the type *Import*, and ``pigment_metadata`` with one of type
*Modeling Metadata*, which finds the configuration. The default names are the sandbox's.

Look at the log: it names the id that was found; change the name to see what a wrong one lists.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, Param

from airflow_provider_imports.operators.pigment import PigmentTriggerImportOperator

with DAG(
    dag_id="pigment_by_name",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    default_args={"retries": 2},
    params={"configuration": Param("Sales plan", type="string")},
    tags=["example", "pigment"],
    doc_md=__doc__,
):
    # [START howto_operator_pigment_by_name]
    PigmentTriggerImportOperator(
        task_id="trigger_import",
        configuration="{{ params.configuration }}",
        application="Workforce",
        metadata_conn_id="pigment_metadata",
        max_auto_created=0,
        deferrable=True,
    )
    # [END howto_operator_pigment_by_name]
