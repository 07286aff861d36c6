"""Make an import at Bloomreach Engagement if it is not there yet, and run it.

Needs the connection ``bloomreach_default``, whose key may list, create and trigger imports. With the trigger ``now``
the import also runs when it is made, so give it a schedule of its own where that matters.

Look at the first task's XCom in a second run: ``created`` is false, since the definition is there.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG

from airflow_provider_imports.operators.bloomreach import (
    BloomreachCreateImportDefinitionOperator,
    BloomreachStartImportOperator,
)

with DAG(
    dag_id="bloomreach_define_and_run",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    default_args={"retries": 2},
    tags=["example", "bloomreach"],
    doc_md=__doc__,
):
    # [START howto_operator_bloomreach_create_import_definition]
    define = BloomreachCreateImportDefinitionOperator(
        task_id="define_import",
        definition={
            "name": "Customers from Airflow",
            "trigger": {"trigger_type": "now"},
            "active": True,
            "source": {"source_type": "url", "import_url": "https://files.example.com/customers.csv", "auth": None},
            "destination": {"customer_destination": {}},
            "mapping": {
                "tz_info": "UTC",
                "column_mapping": {
                    "id_mappings": [{"from_column": "email", "to_id": "registered"}],
                    "property_mappings": [],
                    "timestamp_column": None,
                },
            },
        },
    )
    # [END howto_operator_bloomreach_create_import_definition]

    run = BloomreachStartImportOperator(
        task_id="run_import",
        import_id="{{ ti.xcom_pull(task_ids='define_import')['import_id'] }}",
        managed_by_api=True,
    )

    define >> run
