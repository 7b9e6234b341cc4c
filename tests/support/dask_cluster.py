"""`python dask_cluster.py N`: a LocalCluster of N worker processes, one task at a time each; prints its address."""

from __future__ import annotations

import sys
import time

from distributed import LocalCluster

if __name__ == "__main__":
    cluster = LocalCluster(
        n_workers=int(sys.argv[1]), threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    )
    print(cluster.scheduler_address, flush=True)
    while sys.stdin.read(1):
        time.sleep(0.1)
    cluster.close()
