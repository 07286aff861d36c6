"""Airflow on more than one machine, as far as one machine can show it: two Celery workers, two triggerers."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any, Self

from tests.cluster.servers import Postgres, Redis
from tests.system.running_airflow import AirflowComponentError, RunningAirflow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer-1", "triggerer-2", "worker-1", "worker-2")
#: Task processes at a time on each worker.
WORKER_CONCURRENCY = 4


class Cluster(RunningAirflow):
    """Context manager around CeleryExecutor's Airflow, its database and its broker.

    :param dags_folder: folder with the DAG files
    :param connections: `AIRFLOW_CONN_*` variables for all components
    :param environment: further environment variables for all components
    :param home: a folder to use as AIRFLOW_HOME and to keep; if None, a temporary one, removed at the end
    """

    def __init__(
        self,
        dags_folder: Path,
        connections: Mapping[str, str],
        environment: Mapping[str, str],
        home: Path | None = None,
    ) -> None:
        self._servers = ExitStack()
        self.postgres, self.redis = Postgres(), Redis()
        super().__init__(
            dags_folder,
            connections,
            environment=environment,
            components=COMPONENTS,
            home=home,
            config={
                "core.executor": "CeleryExecutor",
                "core.parallelism": str(4 * WORKER_CONCURRENCY),
                "core.max_active_tasks_per_dag": "500",
                "database.sql_alchemy_conn": f"postgresql+psycopg2{self.postgres.url}",
                "celery.broker_url": self.redis.url,
                "celery.result_backend": f"db+postgresql+psycopg2{self.postgres.url}",
                "celery.worker_concurrency": str(WORKER_CONCURRENCY),
                # What a killed worker had taken from the queue, but not begun, is queued again after this many seconds.
                "scheduler.task_queued_timeout": "90",
                "scheduler.task_queued_timeout_check_interval": "5",
                "scheduler.task_instance_heartbeat_timeout": "30",
                "scheduler.task_instance_heartbeat_timeout_detection_interval": "5",
                "scheduler.max_tis_per_query": "64",
                "scheduler.enable_health_check": "False",
            },
        )

    def __enter__(self) -> Self:
        try:
            self._servers.enter_context(self.postgres)
            self._servers.enter_context(self.redis)
            return super().__enter__()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End every process, Airflow's first."""
        super().close()
        self._servers.close()

    def wait_until_ready(self, timeout: float = 180) -> None:
        """Wait until every component reports itself healthy, both triggerers too."""
        super().wait_until_ready(timeout)
        self.wait_for(lambda: len(self.triggerer_jobs()) == 2 or None, timeout, "both triggerers")

    def triggerer_jobs(self) -> set[int]:
        """Ids of the triggerers that are alive."""
        jobs = self.api("GET", "jobs", params={"job_type": "TriggererJob", "is_alive": "true"})["jobs"]
        return {job["id"] for job in jobs}

    def triggers_by_triggerer(self, dag_id: str, run_id: str) -> Counter[int | None]:
        """
        How many of a run's deferred tasks each triggerer waits for; None for those that nobody does.

        Asked of the database: the API server's time is for the workers.
        """
        rows = self._select(
            "SELECT trigger.triggerer_id, count(*)"
            " FROM task_instance LEFT JOIN trigger ON trigger.id = task_instance.trigger_id"
            " WHERE task_instance.dag_id = %s AND task_instance.run_id = %s AND task_instance.state = 'deferred'"
            " GROUP BY trigger.triggerer_id",
            dag_id,
            run_id,
        )
        return Counter(dict(rows))

    def watching_triggerer(self) -> int | None:
        """Id of the triggerer that has the one event trigger; None if nobody has."""
        ((triggerer,),) = self._select(
            "SELECT triggerer_id FROM trigger WHERE classpath LIKE %s", "%.ImportEndedTrigger"
        )
        return None if triggerer is None else int(triggerer)

    def _select(self, sql: str, *parameters: str) -> list[tuple[Any, ...]]:
        import psycopg2  # only where the cluster's packages are installed

        with closing(psycopg2.connect(f"postgresql{self.postgres.url}")) as connection, connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return list(cursor.fetchall())

    def component_of(self, pid: int) -> str:
        """Which component a process belongs to."""
        for name in self.components:
            if pid in {process.pid for process in self.processes(name)}:
                return name
        raise LookupError(f"process {pid} belongs to no component")

    def restart_broker(self) -> None:
        """Restart Redis, as an update of it would."""
        self.redis.stop()
        self.redis.start()

    def _migrate_database(self) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "airflow", "db", "migrate"],
            env=self._component_environment(),
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise AirflowComponentError(f"airflow db migrate failed:\n{done.stdout}{done.stderr}")
