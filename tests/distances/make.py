"""Makes distances.json: distances by SciPy and POT, which flowlet's distances are compared with.

    python -m venv venv && venv/bin/pip install -r benches/transport/requirements.txt
    venv/bin/python tests/distances/make.py [FLOWLET]

The points come from an integer formula that is easily repeated in any language. With the path of the
command `flowlet` as an argument, the script also compares larger sets of random points with that command and
prints the worst relative differences.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import ot
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from scipy.stats import energy_distance, wasserstein_distance

HERE = Path(__file__).parent


def points(n, d, seed):
    """Numbers from -4 to 4, exact in 32 bits: (k·40503 + k²·31 + seed·7919) mod 65536 / 8192 - 4."""
    k = np.arange(n * d, dtype=np.uint64)
    values = (k * np.uint64(40503) + k * k * np.uint64(31) + np.uint64(seed * 7919)) % np.uint64(65536)
    return (values.astype(np.float64) / 8192 - 4).reshape(n, d)


def distances(a, b):
    """Distances by SciPy. POT's emd2 must agree with them, and scipy.stats in one dimension."""
    n, d = a.shape
    found = {}
    for name, metric in [("w1", "euclidean"), ("w1_cityblock", "cityblock"), ("w2_squared", "sqeuclidean")]:
        costs = cdist(a, b, metric)
        rows, columns = linear_sum_assignment(costs)
        found[name] = costs[rows, columns].mean()
        by_pot = ot.emd2([], [], costs, numItermax=10**8)
        assert abs(by_pot / found[name] - 1) < 1e-9, (name, by_pot, found[name])
    if d == 1:
        assert abs(wasserstein_distance(a[:, 0], b[:, 0]) / found["w1"] - 1) < 1e-9
        found["energy"] = energy_distance(a[:, 0], b[:, 0])
    else:
        found["energy"] = np.sqrt(2 * cdist(a, b).mean() - cdist(a, a).mean() - cdist(b, b).mean())
    return {name: float(value) for name, value in found.items()}


def compare(command):
    """Compares the command with SciPy and POT on sets of random points."""
    rng = np.random.default_rng(0)
    worst = {}
    with tempfile.TemporaryDirectory() as folder:
        for n, d in [(1000, 1), (1000, 2), (1500, 5), (500, 40), (2500, 2)]:
            a = rng.normal(size=(n, d)).astype(np.float32)
            b = (rng.normal(size=(n, d)) * 1.5 + 0.5).astype(np.float32)
            paths = [f"{folder}/a.npy", f"{folder}/b.npy"]
            for path, set_ in zip(paths, [a, b]):
                np.save(path, set_)
            found = json.loads(subprocess.check_output([command, "distance", "--cityblock", *paths]))
            for name, expected in distances(a.astype(float), b.astype(float)).items():
                worst[name] = max(worst.get(name, 0), abs(found[name] / expected - 1))
    for name, difference in worst.items():
        print(f"{name:14} {difference:.1e}")
    assert max(worst.values()) < 1e-6


cases = []
for n, d in [(7, 1), (60, 1), (64, 2), (150, 2), (100, 3), (50, 20)]:
    cases.append({"n": n, "d": d, **distances(points(n, d, 1), points(n, d, 2))})
lines = ",\n".join("  " + json.dumps(case) for case in cases)
(HERE / "distances.json").write_text("[\n" + lines + "\n]\n")
if len(sys.argv) > 1:
    compare(sys.argv[1])
