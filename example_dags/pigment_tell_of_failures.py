"""Push a CSV file into Pigment, and send an e-mail with the counts and the rejected rows if the import fails.

Needs the connections ``pigment_default`` and ``smtp_default`` (*from_email* among its fields), and the SMTP provider.
Look at the e-mail when a row has too few columns: it says how many rows got in, and which did not.
"""

from __future__ import annotations

from datetime import datetime

from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.sdk import DAG, Param

from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator
from airflow_provider_imports.retry_policy import import_retry_policy

# [START howto_tell_of_failures]
# An error about an import carries its manifest; one that comes before there is an import has none.
SUBJECT = "{{ dag.dag_id }}.{{ ti.task_id }} failed: {{ exception.manifest.rejected }} rows rejected"
TEXT = """
<p>{{ exception | e }}</p>
{% if exception.manifest %}
<p>{{ exception.manifest.vendor }} {{ exception.manifest.run }}: {{ exception.manifest.counts }}</p>
<ul>{% for line in exception.manifest.errors %}<li>{{ line | e }}</li>{% endfor %}</ul>
{% endif %}
"""

with DAG(
    dag_id="pigment_tell_of_failures",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    params={
        "configuration_id": Param("33d0d7d0-6125-47c4-b36a-882f4ed53b33", type="string", format="uuid"),
        "file_path": Param("/data/plan.csv", type="string", description="Local path, s3://, gs://, ..."),
    },
    tags=["example", "pigment"],
    doc_md=__doc__,
) as dag:
    PigmentPushCsvOperator(
        task_id="push_csv",
        configuration_id="{{ params.configuration_id }}",
        file_path="{{ params.file_path }}",
        max_rejected=0,
        min_rows=1,
        deferrable=True,
        poll_interval=5,
        retries=3,
        retry_policy=import_retry_policy(),  # rejected rows fail at once; what passes by itself is tried again
        on_failure_callback=[SmtpNotifier(to="plan-owners@example.com", subject=SUBJECT, html_content=TEXT)],
    )
# [END howto_tell_of_failures]
