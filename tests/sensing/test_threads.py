"""The limit of BLAS threads, where the machine has more than one."""

from threadpoolctl import threadpool_info, threadpool_limits

from lift_compare.sensing.threads import one_thread


def _counts() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_blas_has_one_thread_inside_the_block_and_as_many_as_before_outside() -> None:
    with threadpool_limits(2, user_api="blas"):
        before = _counts()
        with one_thread():
            assert _counts() == {1}
        assert _counts() == before
