"""Writes the data for C2OT's figure 1: 8gaussians -> moons with a condition.

    benches/quality/peers/run condition_data.py runs/c2ot-x --condition x

Training reads train.csv (x, y and the condition) and source.npy. The figure's measure reads x0.npy,
conditions.csv and target.npy: sample i starts at row i of x0, under the condition of row i of target, and
the set of samples is compared with target. The starting points are in data units, so train with
--standardize=false.
"""

import argparse
import csv
import pathlib

import numpy as np

import problems

MOONS = ["upper", "lower"]


def conditions(kind, points, labels):
    """Returns the condition's column names and its values: the moon's name, the target's x or none."""
    if kind == "class":
        return ["moon"], [[MOONS[label]] for label in labels]
    if kind == "x":
        return ["c"], [[repr(float(x))] for x in points[:, 0].astype(np.float32)]
    return [], [[] for _ in points]


def write(path, header, rows):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--condition", choices=["none", "class", "x"], default="none")
    parser.add_argument("--rows", type=int, default=200_000, help="rows in train.csv and source.npy [200000]")
    parser.add_argument("--points", type=int, default=10_000, help="points in target.npy and x0.npy [10000]")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    directory = arguments.directory
    directory.mkdir(parents=True, exist_ok=True)

    # Separate random streams, so that the number of training rows does not change the test points.
    training, judging = (np.random.default_rng([arguments.seed, k]) for k in range(2))
    points, labels = problems.moons_with_labels(arguments.rows, training)
    # Shuffled: otherwise a trainer that holds out the last rows would hold out one moon only.
    order = training.permutation(arguments.rows)
    points, labels = points[order], labels[order]
    names, values = conditions(arguments.condition, points, labels)
    rows = [
        [*map(repr, map(float, point)), *value]
        for point, value in zip(points.astype(np.float32), values)
    ]
    write(directory / "train.csv", ["x", "y", *names], rows)
    source = problems.eight_gaussians(arguments.rows, training)
    np.save(directory / "source.npy", source.astype(np.float32))

    x0 = problems.eight_gaussians(arguments.points, judging)
    target, labels = problems.moons_with_labels(arguments.points, judging)
    np.save(directory / "x0.npy", x0.astype(np.float32))
    np.save(directory / "target.npy", target.astype(np.float32))
    if arguments.condition != "none":
        names, values = conditions(arguments.condition, target, labels)
        write(directory / "conditions.csv", names, values)


if __name__ == "__main__":
    main()
