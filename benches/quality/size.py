"""Trains networks of several sizes on ten tables, and two of them again with fewer rows. The rule of `--size auto`
rests on the result.

    benches/quality/peers/run size.py --flowlet target/release/flowlet --out size.csv
    benches/quality/peers/run size.py --flowlet target/release/flowlet --tables iris,wine --candidates before,auto

A candidate is WIDTHxLAYERS@ITERATIONS, or WIDTHxLAYERS@ITERATIONS@RATE; `auto` is what the command chooses by itself,
and `before` what it did before there was a choice: 64x1@10000, a constant rate, no averaged weights, the last ones.
With both in the file of `--out`, the differences of their energies are printed at the end, with standard errors over
the splits. A number after the name of a drawn table is its rows, as in robot_900.

For each table, split and candidate: the lowest held-out loss and its iteration, the last one, the energy distance to
rows that the command never saw, and the processor seconds of training with all that `flowlet train` does.

The energy distance is without bias: between the test rows and samples with the same conditions, with the
conditions as further columns, scaled by the training rows. So it can be below 0.
"""

import argparse
import csv
import os
import pathlib
import sys
import tempfile

import numpy as np

import problems
import two_moons

SMALL = ["32x1@2000", "64x1@2000", "64x1@10000", "128x2@2000", "128x2@6000"]
LARGE = ["64x1@10000", "128x2@10000", "128x3@10000", "128x3@20000"]
# Rows that the command never sees: of a table of scikit-learn, and drawn.
SHARE, FRESH = 0.2, 2000
BEFORE = (
    "--hidden-width 64 --hidden-layers 1 --iterations 10000 --learning-rate 0.001 "
    "--schedule constant --ema 0 --keep last"
)


def sklearn_table(load, conditional):
    """Returns a drawer of a table of scikit-learn: its target is a class, a data column, or several of them."""

    def draw(split):
        from sklearn.model_selection import train_test_split

        table = load()
        x, target = np.asarray(table.data, dtype=float), np.asarray(table.target, dtype=float)
        if conditional:
            rows, classes = x, [f"k{int(k)}" for k in target]
        else:
            rows, classes = np.hstack([x, target.reshape(len(x), -1)]), None
        train, test = train_test_split(np.arange(len(x)), test_size=SHARE, random_state=split, stratify=classes)
        return rows, classes, 0, train, test

    return draw


def fresh(draw, n, conditions=0):
    """Returns a drawer of a known distribution: n rows, and the test rows."""

    def of(split):
        rows = draw(n + FRESH, np.random.default_rng(split))
        return rows, None, conditions, np.arange(n), np.arange(n, n + FRESH)

    return of


def drawn(name):
    """Returns the drawer of a drawn table, such as moons, or of one with fewer rows, such as moons_2000."""
    kind, _, rows = name.rpartition("_")
    if not rows.isdigit():
        kind, rows = name, 0
    draw, conditions, usual = DRAWN[kind]
    return fresh(draw, int(rows) or usual, conditions)


def checkerboard(n, rng):
    """Returns points [n][2], uniform on the black squares of a board of 4 by 4."""
    column, row = rng.integers(4, size=n), rng.integers(2, size=n)
    return np.stack([column, 2 * row + column % 2], axis=1) - 2 + rng.random((n, 2))


def robot(n, rng):
    """Returns actions and observations [n][20]: eight waypoints of a path to a goal that passes an obstacle on the
    left or on the right, then the goal and the obstacle, which are conditions."""
    goal = np.stack([rng.uniform(2, 3, n), rng.uniform(-1, 1, n)], axis=1)
    along = rng.uniform(0.3, 0.7, (n, 1))
    across = np.stack([-goal[:, 1], goal[:, 0]], axis=1) / np.linalg.norm(goal, axis=1, keepdims=True)
    side = rng.choice([-1.0, 1.0], (n, 1)) * rng.normal(0.6, 0.05, (n, 1))
    at = np.linspace(0.125, 1, 8)[None, :]
    bump = np.exp(-((at - along) ** 2) / 0.03) * np.where(at < 1, 1, 0)
    path = at[..., None] * goal[:, None] + (side * bump)[..., None] * across[:, None]
    path += rng.normal(0, 0.02, path.shape)
    return np.hstack([path.reshape(n, 16), goal, along * goal])


# The tables that are drawn, their condition columns and rows.
DRAWN = {
    "moons": (problems.independent_moons, 0, 10_000),
    "checkerboard": (checkerboard, 0, 10_000),
    "robot": (robot, 4, 10_000),
    "two_moons": (lambda n, rng: two_moons.simulate(n, rng), 2, 20_000),
}


def tables():
    from sklearn import datasets

    known = {
        name: sklearn_table(getattr(datasets, f"load_{name}"), conditional)
        for name, conditional in [
            ("iris", True),
            ("wine", True),
            ("breast_cancer", True),
            ("diabetes", False),
            ("digits", True),
            ("linnerud", False),
        ]
    }
    # Fewer rows of two, to see from which number on a large network is better.
    for name in [*DRAWN, "moons_2000", "robot_2000"]:
        known[name] = drawn(name)
    return known


def write(path, rows, classes, which):
    names = [f"x{k}" for k in range(rows.shape[1])]
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names + (["class"] if classes else []))
        for k in which:
            writer.writerow([*map(repr, map(float, rows[k]))] + ([classes[k]] if classes else []))


def mean_distance(a, b):
    total = 0.0
    for part in np.array_split(a, max(1, len(a) // 256)):
        square = (part**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * part @ b.T
        total += np.sqrt(np.maximum(square, 0)).sum()
    return total


def energy(a, b):
    n, m = len(a), len(b)
    within = mean_distance(a, a) / (n * (n - 1)) + mean_distance(b, b) / (m * (m - 1))
    return 2 * mean_distance(a, b) / (n * m) - within


def attempt(flowlet, table, split, candidate, directory):
    rows, classes, conditions, train, test = table(split)
    data = rows.shape[1] - conditions
    write(directory / "train.csv", rows, classes, train)
    names = ["class"] if classes else [f"x{k}" for k in range(data, rows.shape[1])]
    options = ["--condition", ",".join(names)] if names else []
    if candidate == "before":
        options += BEFORE.split()
    elif candidate != "auto":
        shape, iterations, *rate = candidate.split("@")
        width, layers = shape.split("x")
        options += ["--hidden-width", width, "--hidden-layers", layers, "--iterations", iterations]
        options += ["--learning-rate", *rate] if rate else []
    command = [flowlet, "train", "train.csv", "--seed", split, "--out", "run", "--force", *options]
    os.chdir(directory)
    _, _, cpu = two_moons.timed(command)

    # Each test row's condition equally often.
    repeated = np.tile(test, -(-2000 // len(test)))
    sample = [flowlet, "sample", "run", "--seed", split + 1000, "--out", "samples.npy", "--force"]
    if names:
        write(directory / "all.csv", rows, classes, repeated)
        with open("all.csv") as file, open("conditions.csv", "w", newline="") as out:
            writer = csv.DictWriter(out, names, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(csv.DictReader(file))
        sample += ["--conditions", "conditions.csv"]
    else:
        sample += ["-n", len(repeated)]
    two_moons.timed(sample)
    made = np.load("samples.npy").astype(np.float64)
    mean, std = rows[train].mean(0), rows[train].std(0)
    std[std < 1e-6] = 1.0

    def scaled(x, which):
        columns = [x, rows[which, data:]] if conditions else [x]
        columns = (np.hstack(columns) - mean) / std
        if classes:
            kinds = sorted(set(classes))
            columns = np.hstack([columns, np.eye(len(kinds))[[kinds.index(classes[k]) for k in which]]])
        return columns

    distance = energy(scaled(rows[test][:, :data], test), scaled(made, repeated))
    with open("run/metrics.csv") as file:
        rows = [row for row in csv.DictReader(file) if row["held_out_loss"]]
    losses = [(float(row["held_out_loss"]), int(row["iteration"])) for row in rows]
    best, at = min(losses)
    return best, at, losses[-1][0], distance, cpu


def show_differences(rows):
    """Prints what `auto` changes beside `before`: means over the splits, with standard errors."""
    energies = {(row["table"], row["candidate"], row["split"]): float(row["energy"]) for row in rows}
    print("\n| table | splits | before | auto | difference |\n|---|---|---|---|---|")
    for name in dict.fromkeys(row["table"] for row in rows):
        splits = [
            split for table, by, split in energies if (table, by) == (name, "auto") and (name, "before", split) in energies
        ]
        if len(splits) < 2:
            continue
        before, auto = (np.array([energies[name, by, split] for split in splits]) for by in ["before", "auto"])
        means = [
            f"{values.mean():{sign}.4f} ± {values.std(ddof=1) / np.sqrt(len(splits)):.4f}"
            for values, sign in [(before, ""), (auto, ""), (auto - before, "+")]
        ]
        print(f"| {name.replace('_', ' ')} | {len(splits)} | {' | '.join(means)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flowlet", required=True, help="path of the command flowlet")
    parser.add_argument("--tables", help="names, separated by commas [all]")
    parser.add_argument("--splits", default="0", help="seeds of splits, draws and training [0]")
    parser.add_argument("--candidates", help="such as 64x1@2000,128x2@10000,auto [by the number of rows]")
    parser.add_argument("--out", help="CSV to append to, with what it has already left out [only print]")
    arguments = parser.parse_args()

    flowlet = pathlib.Path(arguments.flowlet).resolve()
    path = arguments.out and pathlib.Path(arguments.out).resolve()
    done = set()
    if path and path.exists():
        with open(path) as file:
            done = {tuple(row[:3]) for row in csv.reader(file)}
    header = "table,split,candidate,lowest,at,last,energy,cpu_seconds"
    file = open(path, "a") if path else sys.stdout
    if not done:
        print(header, file=file, flush=True)
    known = tables()
    for name in arguments.tables.split(",") if arguments.tables else known:
        table = known.get(name) or drawn(name)
        small = len(table(0)[3]) < 2000
        candidates = arguments.candidates.split(",") if arguments.candidates else SMALL if small else LARGE
        for split in map(int, arguments.splits.split(",")):
            for candidate in candidates:
                if (name, str(split), candidate) in done:
                    continue
                with tempfile.TemporaryDirectory() as directory:
                    best, at, last, distance, cpu = attempt(
                        flowlet, table, split, candidate, pathlib.Path(directory)
                    )
                    os.chdir("/")
                text = f"{best:.4f},{at},{last:.4f},{distance:.5f},{cpu:.1f}"
                print(f"{name},{split},{candidate},{text}", file=file, flush=True)
    if path:
        file.close()
        with open(path) as file:
            show_differences(list(csv.DictReader(file)))


if __name__ == "__main__":
    main()
