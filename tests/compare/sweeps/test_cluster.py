"""A sweep on dask.distributed's executor (the extra `cluster`): a local cluster of two workers."""

from __future__ import annotations

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
