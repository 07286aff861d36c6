from airflow_provider_imports.testing import Conformance, Start, Wait
from airflow_provider_quarry.operators import QuarryDigOperator
from airflow_provider_quarry.sensors import QuarryDigSensor

CALLS = ("dig", "show", "stop")


class TestQuarry(Conformance):
    starts = (
        Start(
            QuarryDigOperator,
            {"pit": "granite"},
            *CALLS,
            first=("get_token", "dig", "show"),
            again=("get_token", "show"),
            without_body=("dig",),
        ),
        Start(
            QuarryDigOperator,
            {"pit": "gravel"},
            *CALLS,
            first=("get_token", "dig", "show"),
            again=("get_token", "show"),
            at_end=("errors",),
            without_body=("dig",),
            name="with errors",
        ),
    )
    sensors = (Wait(QuarryDigSensor, lambda run: {"dig": run.key["dig"]}, "show", first=("get_token", "show")),)
