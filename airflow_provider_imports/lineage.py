"""
What OpenLineage is told of an import: where the data came from, what was written at the vendor, and how much.

OpenLineage asks in a forked process, where a question to Airflow may hang until it gives up, so everything is read from
the task itself. Nothing of OpenLineage is imported unless it asks.

Names of files follow the naming document of OpenLineage. No vendor has a registered name, so theirs are
``<connection type>://<host>`` and the ``dataset`` of the vendor's entry.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple
from urllib.parse import urlsplit

from airflow_provider_imports.counts import Counts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow.providers.openlineage.extractors import OperatorLineage

    from airflow_provider_imports.models import ImportRun
    from airflow_provider_imports.vendors import VendorEntry

log = logging.getLogger(__name__)

#: What OpenLineage calls the object stores that have several names.
_STORES = {"s3a": "s3", "s3n": "s3", "gcs": "gs"}
#: Stores whose names of objects begin without a slash.
_OBJECT_STORES = ("s3", "gs", "abfs", "abfss", "wasb", "wasbs", "adl", "az")


class Dataset(NamedTuple):
    """A dataset by its two names in OpenLineage."""

    namespace: str
    name: str


class LineageOfImport:
    """The part of an operator or sensor that OpenLineage asks."""

    #: The vendor's entry; it names the hook, which is imported only when the task runs.
    entry: ClassVar[VendorEntry]
    #: The name at the vendor of what the task writes, if it is not what the vendor's entry says.
    lineage_dataset: ClassVar[str | None] = None

    if TYPE_CHECKING:
        _run: ImportRun | None
        _manifest: dict[str, Any] | None

    #: Address of the vendor that the trigger has used.
    _base_url: str | None = None
    #: Tables that the query of the process has read that deferred.
    _tables: Sequence[Sequence[str]] = ()

    def get_openlineage_facets_on_start(self) -> OperatorLineage[Any, Any] | None:
        """Say what is read; what is written is not known yet."""
        from airflow.providers.common.compat.openlineage.facet import InputDataset
        from airflow.providers.openlineage.extractors import OperatorLineage

        return OperatorLineage(inputs=[InputDataset(*one) for one in self._inputs()])

    def get_openlineage_facets_on_complete(self, task_instance: object) -> OperatorLineage[Any, Any] | None:
        """Say what was read and written, in a success and in a failure; nothing if no import was started."""
        run = self._run
        if run is None:
            return None
        from airflow.providers.common.compat.openlineage.facet import ExternalQueryRunFacet, InputDataset, OutputDataset
        from airflow.providers.openlineage.extractors import OperatorLineage

        from airflow_provider_imports.lineage_facets import ImportRunFacet, statistics

        result = self._manifest or {}
        return OperatorLineage(
            inputs=[InputDataset(*one) for one in self._inputs()],
            outputs=[
                OutputDataset(*dataset, outputFacets=statistics(rows, size))
                for dataset, rows, size in self._outputs(run, result)
            ],
            run_facets={
                "externalQuery": ExternalQueryRunFacet(externalQueryId=str(run), source=run.vendor),
                "airflowProviderImports_import": ImportRunFacet.of(run, result),
            },
        )

    def _inputs(self) -> Iterator[Dataset]:
        path = getattr(self, "file_path", None)
        if path is not None and (dataset := file_dataset(path)) is not None:
            yield dataset
        yield from (Dataset(*one) for one in self.tables_to_json())

    def tables_to_json(self) -> list[list[str]]:
        """Namespace and name of each table that the query of the task has read, here or before it deferred."""
        query = vars(self).get("_query")
        return [list(one) for one in (getattr(query, "tables", None) or self._tables)]

    def _outputs(self, run: ImportRun, result: Mapping[str, Any]) -> Iterator[tuple[Dataset, int | None, int | None]]:
        """What was written, with rows and bytes: the vendor's object, and those within it that the vendor names."""
        base_url = self._base_url or self._known_base_url()
        if base_url is None:
            return
        address = urlsplit(base_url)
        namespace = f"{run.vendor}://{address.netloc.rpartition('@')[2]}{address.path.rstrip('/')}"
        name = self.lineage_dataset or self._dataset_of_vendor()
        if name is not None:
            counts = Counts.from_json(result["counts"]) if "counts" in result else Counts()
            yield Dataset(namespace, name), counts.arrived, (result.get("sent") or {}).get("bytes")
        for part, rows in (result.get("written") or {}).items():
            yield Dataset(namespace, part), rows, None

    def _dataset_of_vendor(self) -> str | None:
        """The first of the entry's names whose parameters the task has."""
        for template in self.entry.datasets:
            try:
                name = template.format_map(_Given(vars(self)))
            except KeyError:
                continue
            return name
        return None

    def _known_base_url(self) -> str | None:
        """The address of the hook of this process, if it has looked its connection up."""
        known: str | None = getattr(vars(self).get("hook"), "known_base_url", None)
        return known


class _Given(dict[str, Any]):
    """A task's parameters, without those that are not set."""

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        if value is None:
            raise KeyError(name)
        return value


def file_dataset(path: object) -> Dataset | None:
    """
    Name a file as OpenLineage does; None if the path was not rendered, as in a task whose template failed.

    What stands before an ``@`` is an Airflow connection, which is no part of the name.
    """
    is_object = hasattr(path, "protocol")  # os.fspath() of an ObjectStoragePath is deprecated
    text = os.fspath(path) if isinstance(path, os.PathLike) and not is_object else str(path)
    if "{{" in text or "{%" in text:
        return None
    parts = urlsplit(text) if "://" in text else None
    if parts is None:
        return Dataset("file", os.path.abspath(text))
    if parts.scheme == "file":
        return Dataset("file", parts.path)
    scheme = _STORES.get(parts.scheme, parts.scheme)
    name = text.partition("://")[2].partition("/")[2]
    prefix = "" if scheme in _OBJECT_STORES else "/"
    return Dataset(f"{scheme}://{parts.netloc.rpartition('@')[2]}", prefix + name)


def tables_read(sql: str, hook: Any, conn_id: str) -> list[Dataset]:
    """
    Find out which tables a query reads, while the task may still ask for its connection.

    :param hook: a ``DbApiHook``
    :return: nothing without OpenLineage, and for a database that does not tell how it is named there
    """
    try:
        from airflow.providers.openlineage.conf import is_disabled
    except ImportError:
        return []
    if is_disabled():
        return []
    from airflow_provider_imports.lineage_facets import tables_of

    try:
        return [Dataset(*one) for one in tables_of(sql, hook, conn_id)]
    except Exception:  # whatever a database's hook or the parser raises: no reason not to import
        log.warning("The tables that the query reads are not known to OpenLineage", exc_info=True)
        return []
