"""Computes distances between two sets of points by exact optimal transport, with POT.

    benches/quality/peers/run score.py A.npy B.npy
    benches/quality/peers/run score.py samples.npy --target moons
    benches/quality/peers/run score.py --floors

With --target, samples are compared with as many fresh points of the target. With --floors, two fresh sets of
each target are compared. A perfect model scores the floor whose first set consists of independent points.
"""

import argparse
import math

import numpy as np
import ot

import problems

# First seed of fresh points. No training here uses seeds from it on.
FRESH_SEED = 1_000_000
TARGETS = ["8gaussians", "moons", "independent-moons"]
FLOORS = [
    ("8gaussians", "8gaussians"),
    ("moons", "moons"),
    ("independent-moons", "moons"),
    ("independent-moons", "independent-moons"),
]


def _emd2(cost):
    # POT's default limit is 100,000 iterations; 10,000 points need more.
    return ot.emd2([], [], cost, numItermax=1_000_000_000)


def w1(a, b):
    """Returns the Wasserstein distance of order 1: the mean Euclidean distance under optimal transport."""
    return _emd2(ot.dist(a, b, metric="euclidean"))


def w2_squared(a, b):
    """Returns the squared Wasserstein distance of order 2: the mean squared distance under optimal transport."""
    return _emd2(ot.dist(a, b, metric="sqeuclidean"))


def read(path):
    """Returns the points [N][D] of an .npy file or of a .csv file with a header, in f64."""
    if path.endswith(".npy"):
        points = np.load(path)
    elif path.endswith(".csv"):
        points = np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)
    else:
        raise SystemExit(f"{path}: expected an .npy or .csv file")
    return np.asarray(points, dtype=np.float64)


def show(a, b):
    squared = w2_squared(a, b)
    print(f"points {len(a)} {len(b)}")
    print(f"W1 {w1(a, b):.5f}")
    print(f"W2 {math.sqrt(squared):.5f}")
    print(f"W2^2 {squared:.5f}")


def show_floors(points, sets):
    """Prints the squared W2 between two fresh sets: mean, least and greatest over `sets` pairs."""
    print("set,other,points,pairs,mean,least,greatest")
    for one, other in FLOORS:
        floors = [
            w2_squared(
                problems.draw(one, points, FRESH_SEED + 2 * k),
                problems.draw(other, points, FRESH_SEED + 2 * k + 1),
            )
            for k in range(sets)
        ]
        least, greatest = min(floors), max(floors)
        mean = f"{np.mean(floors):.4f},{least:.4f},{greatest:.4f}"
        print(f"{one},{other},{points},{sets},{mean}", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", metavar="FILE", help="points, .npy or .csv")
    parser.add_argument("--target", choices=TARGETS, help="compare with fresh points instead of a second file")
    parser.add_argument("--points", type=int, help="use the first so many points of each set [all; floors: 5000]")
    parser.add_argument("--seed", type=int, default=FRESH_SEED, help="seed of the fresh points")
    parser.add_argument("--floors", action="store_true", help="compare fresh sets of each target")
    parser.add_argument("--sets", type=int, default=8, help="number of pairs for each floor [8]")
    arguments = parser.parse_args()

    if arguments.floors:
        show_floors(arguments.points or 5_000, arguments.sets)
        return
    sets = [read(file)[: arguments.points] for file in arguments.files]
    if arguments.target and len(sets) == 1:
        sets.append(problems.draw(arguments.target, len(sets[0]), arguments.seed))
    if len(sets) != 2 or (arguments.target and len(arguments.files) == 2):
        parser.error("expected two files, or one file and --target")
    show(*sets)


if __name__ == "__main__":
    main()
