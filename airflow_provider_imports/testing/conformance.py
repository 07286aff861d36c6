"""The conformance suite: what every vendor is proven with."""

from __future__ import annotations

from airflow_provider_imports.testing.fault_matrix import FaultMatrix
from airflow_provider_imports.testing.hostile import Hostile
from airflow_provider_imports.testing.joining import Joining
from airflow_provider_imports.testing.late_acts import LateActs
from airflow_provider_imports.testing.single_calls import SingleCalls
from airflow_provider_imports.testing.stored_records import StoredRecords
from airflow_provider_imports.testing.ways_out import WaysOut


class Conformance(Joining, SingleCalls, StoredRecords, WaysOut, LateActs, FaultMatrix, Hostile):
    """
    Derive a class from it whose name begins with ``Test``, and say in ``starts`` how the vendor's imports are started.

    What the vendor cannot do by what it says is left out, and listed at the end of pytest's report.
    """
