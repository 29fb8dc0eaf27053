"""Measures flowlet on Iris by ForestDiffusion's protocol: the L1 Wasserstein distance of generated to real rows.

    benches/quality/peers/run iris.py --flowlet target/release/flowlet -- --iterations 10000

For each split, a model of the measurements given the species is trained on four fifths of the rows. The model
generates as many rows; their species are drawn with the training rows' frequencies. The generated rows are
compared with the training rows and with the test rows. README.md names the protocol's source. Options after --
are passed to `flowlet train`.
"""

import argparse
import csv
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import ot
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split

MEASUREMENTS = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
SPECIES = ["setosa", "versicolor", "virginica"]
# W1 to the training and to the test rows, from the results that ForestDiffusion's authors publish with its code.
PUBLISHED = [
    ("ForestDiffusion, flow", 0.1966, 0.3282),
    ("ForestDiffusion, diffusion", 0.2374, 0.3326),
    ("TabDDPM", 0.1932, 0.3286),
    ("TVAE", 0.4477, 0.4850),
    ("STaSy", 0.5466, 0.5813),
    ("training rows", 0.0, 0.2361),
]


def split(seed):
    """Returns (x, species) of the training rows and of the test rows, a stratified fifth."""
    iris = load_iris()
    x_train, x_test, y_train, y_test = train_test_split(
        iris.data, iris.target, test_size=0.2, random_state=seed, stratify=iris.target
    )
    return (x_train, y_train), (x_test, y_test)


def gower(rows, train):
    """Returns rows whose L1 distance is Gower's distance, summed over the columns.

    Measurements are scaled by the training rows' minimum and maximum, without clipping. The species is one-hot
    with the value 0.5, so that the distance between two species is 1.
    """
    (x, species), (x_train, _) = rows, train
    least, greatest = x_train.min(0), x_train.max(0)
    return np.hstack([(x - least) / (greatest - least), 0.5 * np.eye(len(SPECIES))[species]])


def w1(a, b, train):
    a, b = gower(a, train), gower(b, train)
    return ot.emd2([], [], ot.dist(a, b, metric="cityblock"))


def write_rows(path, x, species):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*MEASUREMENTS, "species"])
        writer.writerows([*map(repr, map(float, row)), SPECIES[k]] for row, k in zip(x, species))


def call(*command):
    done = subprocess.run(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout}")


def generate(flowlet, model, species, seed, steps, directory):
    """Returns measurements [N][4], one row for each element of `species`."""
    conditions = directory / "conditions.csv"
    conditions.write_text("\n".join(["species", *(SPECIES[k] for k in species)]) + "\n")
    out = directory / "samples.npy"
    options = [] if steps is None else ["--steps", steps]
    call(
        *[flowlet, "sample", model, "--conditions", conditions, "--seed", seed, "--out", out, "--force"],
        *options,
    )
    return np.load(out).astype(np.float64)


def main():
    # Split here: argparse would drop a leading -- and parse the options after it as its own.
    ours, separator, theirs = sys.argv[1:], "--", []
    if separator in ours:
        at = ours.index(separator)
        ours, theirs = ours[:at], ours[at + 1 :]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--flowlet", help="path of the command flowlet [none: only the real data's floor]")
    parser.add_argument("--splits", type=int, default=3, help="number of splits, with seeds 0, 1, ... [3]")
    parser.add_argument("--generations", type=int, default=5, help="sets of rows from each model [5]")
    parser.add_argument("--steps", type=int, help="solver steps [the model's own]")
    parser.add_argument("--clip", action="store_true", help="clip generated rows to the training rows' range")
    parser.add_argument("--keep", help="directory in which the rows and the runs are kept")
    arguments = parser.parse_args(ours)

    temporary = None if arguments.keep else tempfile.TemporaryDirectory()
    root = pathlib.Path(arguments.keep or temporary.name)
    scores, floors = [], []
    print("split,W1_train,W1_test,floor_test")
    for seed in range(arguments.splits):
        train, test = split(seed)
        directory = root / f"split-{seed}"
        directory.mkdir(parents=True, exist_ok=True)
        write_rows(directory / "train.csv", *train)
        write_rows(directory / "test.csv", *test)
        floors.append(w1(test, train, train))
        if arguments.flowlet is None:
            print(f"{seed},,,{floors[-1]:.4f}")
            continue

        model = directory / "run"
        call(
            *[arguments.flowlet, "train", directory / "train.csv", "--condition", "species"],
            *["--seed", seed, "--out", model, "--force", *theirs],
        )
        rng = np.random.default_rng(seed)
        frequencies = np.bincount(train[1], minlength=len(SPECIES)) / len(train[1])
        distances = []
        for k in range(arguments.generations):
            species = rng.choice(len(SPECIES), size=len(train[1]), p=frequencies)
            x = generate(arguments.flowlet, model, species, k, arguments.steps, directory)
            if arguments.clip:
                x = x.clip(train[0].min(0), train[0].max(0))
            distances.append([w1(real, (x, species), train) for real in (train, test)])
        scores.append(np.mean(distances, axis=0))
        print(f"{seed},{scores[-1][0]:.4f},{scores[-1][1]:.4f},{floors[-1]:.4f}", flush=True)

    print("\nrows,W1_train,W1_test")
    if scores:
        to_train, to_test = np.mean(scores, axis=0)
        print(f"flowlet,{to_train:.4f},{to_test:.4f}")
    print(f"training rows (floor),0.0000,{np.mean(floors):.4f}")
    for name, to_train, to_test in PUBLISHED:
        print(f"published: {name},{to_train:.4f},{to_test:.4f}")


if __name__ == "__main__":
    main()
