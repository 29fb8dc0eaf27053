"""Writes the data of C2OT's figure 1: 8gaussians -> moons with a condition.

    benches/quality/peers/run condition_data.py runs/c2ot-x --condition x

The directory gets train.csv (x, y and the condition) and source.npy to train from, and for the
figure's own measure x0.npy, conditions.csv and target.npy: the i-th sample starts at the i-th row
of x0 with the condition of the i-th row of target, and the samples together are held against
target. All are in the units of the data, so that training wants --standardize=false.
"""

import argparse
import csv
import pathlib

import numpy as np

import problems

MOONS = ["upper", "lower"]


def conditions(kind, points, labels):
    """The condition's column name, and its values: the moon's name or the target's x."""
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
    parser.add_argument("--rows", type=int, default=200_000, help="to train from [200000]")
    parser.add_argument("--points", type=int, default=10_000, help="to judge by [10000]")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    directory = arguments.directory
    directory.mkdir(parents=True, exist_ok=True)

    # Streams of their own: more rows to train from leave the points to judge by as they were.
    training, judging = (np.random.default_rng([arguments.seed, k]) for k in range(2))
    points, labels = problems.moons_with_labels(arguments.rows, training)
    # A trainer that holds out the last rows, or reads in order, must not meet one moon only.
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
