"""Each end of a foreign import starts a DAG once, while the triggerer that watches is killed, or frozen for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.system.watched import Watched

pytest.importorskip("airflow.providers.celery", reason="the cluster's packages are not installed: make cluster-test")

if TYPE_CHECKING:
    from airflow_provider_imports.sandbox import Sandbox
    from tests.cluster.cluster import Cluster

pytestmark = pytest.mark.system

TRIGGERERS = ("triggerer-1", "triggerer-2")  # one of them watches; whichever it is, it is lost


def test_each_end_fires_once_over_two_triggerers(
    cluster: Cluster, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(cluster, sandbox, monkeypatch)
    watched.import_by_somebody()  # had ended before the first look
    watched.begin()
    runs, watchers = [watched.import_by_somebody()], {cluster.watching_triggerer()}
    watched.wait_for_manifests(1)

    for lose, bring_back in ((cluster.kill, cluster.start), (cluster.pause, cluster.resume)):
        for triggerer in TRIGGERERS:
            lose(triggerer)
            runs.append(watched.import_by_somebody())
            watched.wait_for_manifests(len(runs))
            watchers.add(cluster.watching_triggerer())
            bring_back(triggerer)
            runs.append(watched.import_by_somebody())
            watched.wait_for_manifests(len(runs))
            cluster.wait_until_ready()

    watched.wait_for_looks()
    assert [manifest["run"] for manifest in watched.manifests()] == [dict(run.key) for run in runs]
    assert len(watchers) >= len(TRIGGERERS)
    watched.pause()
