"""Every test run has an Airflow home of its own, thrown away at the end: no Airflow of the user's is read."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest

# Airflow reads these when it is first imported, so they are set before any test module is.
_home = tempfile.mkdtemp(prefix="airflow-home-of-tests-")
atexit.register(shutil.rmtree, _home, ignore_errors=True)

for _name in [name for name in os.environ if name.startswith(("AIRFLOW__", "AIRFLOW_CONN_", "AIRFLOW_VAR_"))]:
    del os.environ[_name]

os.environ["AIRFLOW_HOME"] = _home
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = os.path.join(_home, "dags")
os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{_home}/airflow.db"


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """An empty, migrated metadata database for this process, as `dag.test()` needs it."""
    from tests.system.running_airflow import copy_migrated_database

    copy_migrated_database(Path(_home) / "airflow.db")
