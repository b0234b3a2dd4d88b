"""`python -m tests.integration.two_nodes`: a Ray cluster of two nodes; prints its address, ends with its input.

In a process of its own, since Ray reads its environment once, at the first import.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile


def main() -> None:
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0"}
    from ray.cluster_utils import Cluster  # noqa: PLC0415 - reads the environment

    folder = tempfile.mkdtemp(prefix="nodes-")
    head = {"num_cpus": 1, "include_dashboard": False, "labels": {"aura": "a"}, "temp_dir": folder}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        cluster.add_node(num_cpus=1, labels={"aura": "b"})
        print(f"address {cluster.address}", flush=True)
        sys.stdin.read()
    finally:
        cluster.shutdown()  # type: ignore[no-untyped-call]
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
