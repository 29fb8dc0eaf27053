"""Tests sample.py on a local cluster: kills the driver, a worker, a process and a node while it runs, and
compares the file with that of `flowlet sample`.

    python -m venv target/ray/venv && target/ray/venv/bin/pip install -r examples/ray/requirements.txt
    cargo build --release
    target/ray/venv/bin/python examples/ray/try.py
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ray.cluster_utils import Cluster

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
FLOWLET = ROOT / "target/release/flowlet"
MODEL = ROOT / "weights/moons"
N, SHARDS = 400_003, 16


def processes():
    """The command line of every process, by process id."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            pass  # The process has ended.
    return found


def kill(what, directory):
    """Kills one process of the run: a `flowlet`, or with "worker" the Ray worker that started it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for pid, arguments in processes().items():
            if arguments.startswith(str(FLOWLET)) and str(directory) in arguments:
                if what == "worker":
                    status = Path(f"/proc/{pid}/status").read_text()
                    pid = int(status.split("PPid:")[1].split()[0])
                os.kill(pid, signal.SIGKILL)
                print(f"killed a {what}: {pid}", flush=True)
                return
        time.sleep(0.05)
    sys.exit(f"FAILED: found no {what} to kill")


def start(cluster, out):
    """Starts the driver."""
    return subprocess.Popen(
        [sys.executable, str(HERE / "sample.py"), str(MODEL), "-n", str(N)]
        + ["--shards", str(SHARDS), "--out", str(out), "--flowlet", str(FLOWLET)]
        + ["--", "--seed", "3"],
        env={**os.environ, "RAY_ADDRESS": cluster.address},
    )


def wait(driver, shards, count):
    """Waits until `count` shards are whole."""
    while len(list(shards.glob("*.npy"))) < count:
        time.sleep(0.1)
        if driver.poll() is not None:
            sys.exit("FAILED: the driver ended too early")


def lose_some(cluster, nodes, out):
    """Runs sample.py, and kills its driver, a worker, a process and a node one after the other."""
    driver = start(cluster, out)
    try:
        shards = out.with_name(out.name + ".shards")
        wait(driver, shards, 2)
        driver.kill()
        driver.wait()
        print("killed the driver", flush=True)
        driver = start(cluster, out)
        wait(driver, shards, 4)
        kill("worker", shards)
        time.sleep(1)
        kill("process", shards)
        time.sleep(1)
        cluster.remove_node(nodes[0], allow_graceful=False)
        print("killed a node", flush=True)
        if driver.wait(timeout=300) != 0:
            sys.exit("FAILED: the driver gave up")
    finally:
        driver.kill()


def main():
    with tempfile.TemporaryDirectory() as place:
        whole, out = Path(place) / "whole.npy", Path(place) / "out.npy"
        sample = [str(FLOWLET), "sample", str(MODEL), "-n", str(N), "--seed", "3"]
        subprocess.run([*sample, "--out", str(whole)], check=True)

        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
        try:
            lose_some(cluster, [cluster.add_node(num_cpus=1) for _ in range(2)], out)
        finally:
            cluster.shutdown()
        same = whole.read_bytes() == out.read_bytes()
        print(f"{N} samples in {SHARDS} shards:", "the same bytes" if same else "FAILED: other bytes")
        sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
