"""Times POT's network simplex on the problems that `cargo bench --bench assignment` wrote.

    python -m venv venv && venv/bin/pip install -r benches/transport/requirements.txt
    venv/bin/python benches/transport/compare.py [MOST_POINTS]

All times are on one core. `emd` is POT's time for given costs, `all` also includes the computation of the costs.
flowlet's time includes it, too. `ratio` is `emd` over flowlet's time, so it favours POT.
"""

import csv
import sys
import time
from pathlib import Path

import numpy as np
import ot

HERE = Path(__file__).parents[2] / "target/transport"
MOST = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000


def timed(f, repeats):
    least = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        result = f()
        least = min(least, time.perf_counter() - start)
    return least, result


print(f"{'problem':24} {'points':>6} {'flowlet':>9} {'emd':>9} {'all':>9} {'ratio':>7} {'costs agree to':>15}")
for row in csv.DictReader((HERE / "flowlet.csv").open()):
    name, n, d = row["problem"], int(row["points"]), int(row["dimensions"])
    if n > MOST:
        continue
    a, b = (
        np.fromfile(HERE / f"{name}-{n}-{side}.f32", "<f4").reshape(n, d).astype(float) for side in "ab"
    )
    repeats = 3 if n <= 2048 else 1
    w = np.full(n, 1 / n)
    t_costs, costs = timed(lambda: ot.dist(a, b), repeats)
    t_emd, plan = timed(lambda: ot.emd(w, w, costs, numItermax=10**8), repeats)
    i, j = np.nonzero(plan)
    total = ((a[i] - b[j]) ** 2).sum(1) @ plan[i, j]
    seconds, mean = float(row["seconds"]), float(row["mean_cost"])
    print(
        f"{name:24} {n:6} {seconds * 1e3:6.1f} ms {t_emd * 1e3:6.0f} ms {(t_emd + t_costs) * 1e3:6.0f} ms "
        f"{t_emd / seconds:6.1f}x {abs(mean / total - 1):15.1e}",
        flush=True,
    )
