"""Push a CSV file into Pigment; if the import fails, send the counts and the rejected rows by e-mail and to Slack.

Needs the connections ``pigment_default``, ``smtp_default`` (*from_email* among its fields) and ``slack_api_default``,
and the providers of SMTP and Slack; leave out what you do not use.

Look at the message when a row has too few columns: it says how many rows got in, and which did not.
"""

from __future__ import annotations

from datetime import datetime

from airflow.providers.slack.notifications.slack import SlackNotifier
from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.sdk import DAG, Param

from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator
from airflow_provider_imports.retry_policy import import_retry_policy

# [START howto_tell_of_failures]
# An error has a manifest if there was an import. A task whose worker was lost has no exception. Both send a message.
NAMES = (
    "{% set error = exception | default('The worker was lost.', true) | string %}"
    "{% set manifest = (exception | default(none)).manifest | default(none) %}"
)
SUBJECT = NAMES + (
    "{{ dag.dag_id }}.{{ ti.task_id }} failed"
    "{% if manifest and manifest.rejected %}: {{ manifest.rejected }} rejected{% endif %}"
)
# `e`: what looks like HTML in a vendor's text is text.
MAIL = (
    NAMES
    + """
<p>{{ error | e }}</p>
{% if manifest %}
<p>{{ manifest.vendor }} {{ manifest.run | e }}: {{ manifest.counts | e }}</p>
<ul>{% for line in manifest.errors %}<li>{{ line | e }}</li>{% endfor %}</ul>
{% endif %}
"""
)
# `replace`: a "<" would begin a link, or call for everybody's attention.
SLACK = (
    NAMES
    + """
*{{ dag.dag_id }}.{{ ti.task_id }}* {{ error | replace("<", "&lt;") }}
{% if manifest %}
{{ manifest.vendor }} {{ manifest.run }}: {{ manifest.counts }}
{% for line in manifest.errors %}• {{ line | replace("<", "&lt;") }}
{% endfor %}{% endif %}
"""
)
# [END howto_tell_of_failures]

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
    # [START howto_tell_of_failures_task]
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
        on_failure_callback=[
            SmtpNotifier(to="plan-owners@example.com", subject=SUBJECT, html_content=MAIL),
            SlackNotifier(channel="#plans", text=SLACK),
        ],
    )
    # [END howto_tell_of_failures_task]
