"""Distances between two sets of points, by exact transport.

    benches/quality/peers/run score.py A.npy B.npy
    benches/quality/peers/run score.py samples.npy --target moons
    benches/quality/peers/run score.py --floors

With --target, samples are held against as many fresh points of the target. --floors holds two
fresh sets of a target against each other; what a perfect model would score is the floor whose
first set is of independent points.
"""

import argparse
import math

import numpy as np
import ot

import problems

# Fresh targets are drawn from seeds that no training here uses.
FRESH_SEED = 1_000_000
TARGETS = ["8gaussians", "moons", "independent-moons"]
FLOORS = [
    ("8gaussians", "8gaussians"),
    ("moons", "moons"),
    ("independent-moons", "moons"),
    ("independent-moons", "independent-moons"),
]


def _emd2(cost):
    # POT gives up after 100,000 iterations unless told otherwise, and 10,000 points need more.
    return ot.emd2([], [], cost, numItermax=1_000_000_000)


def w1(a, b):
    """The Wasserstein distance of order 1: the mean Euclidean distance, transported best."""
    return _emd2(ot.dist(a, b, metric="euclidean"))


def w2_squared(a, b):
    """The squared Wasserstein distance of order 2: the mean squared distance, transported best."""
    return _emd2(ot.dist(a, b, metric="sqeuclidean"))


def read(path):
    """[N][D] points in f64, of an .npy file or of a .csv file with a header."""
    if path.endswith(".npy"):
        points = np.load(path)
    elif path.endswith(".csv"):
        points = np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)
    else:
        raise SystemExit(f"{path}: scores read .npy and .csv files")
    return np.asarray(points, dtype=np.float64)


def show(a, b):
    squared = w2_squared(a, b)
    print(f"points {len(a)} {len(b)}")
    print(f"W1 {w1(a, b):.5f}")
    print(f"W2 {math.sqrt(squared):.5f}")
    print(f"W2^2 {squared:.5f}")


def show_floors(points, sets):
    """Squared W2 between two fresh sets: its mean over some pairs, the least and the greatest."""
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
    parser.add_argument("--target", choices=TARGETS, help="fresh points instead of a second file")
    parser.add_argument("--points", type=int, help="of each set, the first [all; floors: 5000]")
    parser.add_argument("--seed", type=int, default=FRESH_SEED, help="of the fresh points")
    parser.add_argument("--floors", action="store_true", help="between two fresh sets")
    parser.add_argument("--sets", type=int, default=8, help="pairs that a floor is the mean of [8]")
    arguments = parser.parse_args()

    if arguments.floors:
        show_floors(arguments.points or 5_000, arguments.sets)
        return
    sets = [read(file)[: arguments.points] for file in arguments.files]
    if arguments.target and len(sets) == 1:
        sets.append(problems.draw(arguments.target, len(sets[0]), arguments.seed))
    if len(sets) != 2 or (arguments.target and len(arguments.files) == 2):
        parser.error("scores hold two files, or one file and --target, against each other")
    show(*sets)


if __name__ == "__main__":
    main()
