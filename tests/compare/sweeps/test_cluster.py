"""A sweep on dask.distributed's executor (the extra `cluster`): a local cluster of two workers."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

import pytest

from lift_compare.compare.sweeps.rows import Status
from lift_compare.compare.sweeps.run import run_sweep
from lift_compare.compare.sweeps.sweep import Sweep

from .evaluations_for_tests import MOODY
from .test_run import assert_all_there, begun, squares

distributed = pytest.importorskip("distributed")


def test_two_workers_of_a_cluster_share_the_rows(tmp_path: Path) -> None:
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    )
    with cluster, distributed.Client(cluster) as client:
        executor = client.get_executor()
        sweep = squares(12, tmp_path / "log", 0.02)
        report = run_sweep(sweep, tmp_path / "s.sqlite", executor=executor, jobs=4)
        assert run_sweep(sweep, tmp_path / "s.sqlite", executor=executor).ran == 0
        moody = run_sweep(Sweep(MOODY, {"x": [0, 1, 2]}), tmp_path / "m.sqlite", executor=executor)
    assert report.ran == 12
    assert set(begun(tmp_path / "log").values()) == {1}
    assert_all_there(sweep, tmp_path / "s.sqlite")
    assert [row.status for row in moody.rows] == [Status.DONE, Status.FAILED, Status.REFUSED]


@pytest.mark.parametrize("lost", ["workers", "scheduler"])
def test_a_cluster_that_is_lost_is_reported(tmp_path: Path, monkeypatch, lost: str) -> None:
    """Without a word from dask in the first case; with the number of rows that are left."""
    monkeypatch.setattr("lift_compare.compare.sweeps.cluster.STALL_SECONDS", 2.0)
    log = tmp_path / "log"
    cluster = distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        dashboard_address=None,
        silence_logs=logging.CRITICAL,
    )

    def lose() -> None:
        while begun(log).total() < 3:
            time.sleep(0.01)
        if lost == "workers":
            cluster.scale(0)
        else:
            cluster.close()

    with cluster, distributed.Client(cluster) as client:
        threading.Thread(target=lose, daemon=True).start()
        begin = time.monotonic()
        with pytest.raises(RuntimeError, match=r"[1-9]\d? of 50 rows are left") as caught:
            run_sweep(
                squares(50, log, 0.1), tmp_path / "s.sqlite", executor=client.get_executor(), jobs=2
            )
    assert time.monotonic() - begin < 60
    said = {"workers": "the cluster is lost", "scheduler": "the executor broke"}
    assert str(caught.value).startswith(said[lost])


def test_a_row_that_takes_long_is_no_lost_cluster(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("lift_compare.compare.sweeps.cluster.STALL_SECONDS", 1.5)
    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    )
    with cluster, distributed.Client(cluster) as client:
        sweep = squares(1, tmp_path / "log", 4.0)
        report = run_sweep(sweep, tmp_path / "s.sqlite", executor=client.get_executor())
    assert report.count(Status.DONE) == 1
