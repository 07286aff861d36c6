"""
Local stand-ins for the vendors, for rehearsals, tests and demonstrations.

``python -m airflow_provider_imports.sandbox`` serves them all on one loopback port, each under its own path
(``/pigment``, ``/websale``, ...). They are written from the vendors' documents alone. Of the rest of the package
they import only the registry of vendors, for their names, so that they can disagree with it.
"""

from airflow_provider_imports.sandbox.app import Sandbox
from airflow_provider_imports.sandbox.faults import FAULTS, Fault
from airflow_provider_imports.sandbox.journal import Entry

__all__ = ["FAULTS", "Entry", "Fault", "Sandbox"]
