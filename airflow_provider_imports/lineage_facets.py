"""Facets of OpenLineage; imported only when OpenLineage asks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.openlineage.facet import OutputStatisticsOutputDatasetFacet
from attrs import define, field
from openlineage.client.generated.base import OutputDatasetFacet, RunFacet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_imports.models import ImportRun

#: Placeholders of drivers, which the parser of OpenLineage takes for an error.
_PLACEHOLDER = re.compile(r"%s|%\(\w+\)s")


@define
class ImportRunFacet(RunFacet):
    """
    An import run at a vendor.

    :param vendor: the connection type
    :param run: what identifies the run at the vendor
    :param url: its page in the vendor's own UI, where the address is known
    :param state: where it stood when the task ended
    :param vendorStatus: the vendor's own word for it
    :param counts: rows as the vendor counted them
    :param rejected: rows that did not get in; None if the vendor does not say
    :param autoCreated: items that the import created by itself; None if the vendor does not say
    :param unaccounted: rows that were sent and that the vendor's counts do not explain; None if that is not known
    """

    vendor: str = field()
    run: dict[str, str] = field()
    url: str | None = field(default=None)
    state: str | None = field(default=None)
    vendorStatus: str | None = field(default=None)
    counts: dict[str, int] = field(factory=dict)
    rejected: int | None = field(default=None)
    autoCreated: int | None = field(default=None)
    unaccounted: int | None = field(default=None)

    @classmethod
    def of(cls, run: ImportRun, result: Mapping[str, Any]) -> ImportRunFacet:
        """
        Make it of a run and its manifest.

        :param result: empty if the task ended before there was one
        """
        return cls(
            vendor=run.vendor,
            run=dict(run.key),
            url=run.url,
            state=result.get("state"),
            vendorStatus=result.get("vendor_status"),
            counts={name: count for name, count in (result.get("counts") or {}).items() if count is not None},
            rejected=result.get("rejected"),
            autoCreated=result.get("auto_created"),
            unaccounted=result.get("unaccounted"),
        )


def statistics(rows: int | None, size: int | None) -> dict[str, OutputDatasetFacet]:
    """Rows and bytes of an output, as far as they are known."""
    if rows is None and size is None:
        return {}
    return {"outputStatistics": OutputStatisticsOutputDatasetFacet(rowCount=rows, size=size)}


def tables_of(sql: str, hook: Any, conn_id: str) -> list[tuple[str, str]]:
    """
    Name the tables that a query reads, without asking the database.

    :param hook: a ``DbApiHook``
    """
    from airflow.providers.openlineage.sqlparser import SQLParser

    connection = hook.get_connection(conn_id)
    database = hook.get_openlineage_database_info(connection)
    if database is None:
        return []
    parser = SQLParser(hook.get_openlineage_database_dialect(connection), hook.get_openlineage_default_schema())
    found = parser.parse(parser.split_sql_string(_PLACEHOLDER.sub("NULL", sql)))
    if found is None:
        return []
    inputs, _ = parser.get_metadata_from_parser(
        inputs=found.in_tables,
        outputs=[],
        namespace=parser.create_namespace(database),
        database=database.database,
        database_info=database,
    )
    return [(one.namespace, one.name) for one in inputs]
