"""Judges what `flowlet evaluate` advises: its sampler beside one of 50 steps, for four small tables.

    benches/quality/peers/run advice.py --flowlet target/release/flowlet

The tables are scikit-learn's wine, breast cancer and diabetes, and `points`: 400 rows of two Gaussians, a class each.
Each is trained as a whole with the defaults, `flowlet evaluate` advises, and its classifier (AUC), the least and the
greatest deviation of a column beside the real one, and the energy distance with its standard error are its own. The
forest is scikit-learn's, which sees all rows of the table beside as many samples of the same classes, in five sets.
"""

import argparse
import json
import pathlib
import statistics
import tempfile

import numpy as np

import size
import small_tables
import two_moons


def points(split):
    rng = np.random.default_rng(split)
    rows = rng.standard_normal((400, 2))
    cat = np.arange(400) % 2 == 0
    rows = np.where(cat[:, None], rows + [-2, 0], rows * [1, 0.5] + [2, 1])
    return rows, ["cat" if k else "dog" for k in cat], 0, np.arange(400), None


def whole(table):
    """Returns the table with all rows for training, and all as real rows."""

    def draw(split):
        rows, classes, conditions, _, _ = table(split)
        return rows, classes, conditions, np.arange(len(rows)), np.arange(len(rows))

    return draw


def forest(job, row):
    made = job.scaled(
        small_tables.sample(job, ["--solver", row["solver"], "--steps", row["steps"]]), job.classes[job.repeated]
    )
    real = job.scaled(job.rows, job.classes)
    sets = np.array_split(made, len(made) // len(real))[: small_tables.SETS]
    return statistics.mean(small_tables.told_apart(real, samples, k) for k, samples in enumerate(sets))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flowlet", required=True, help="path of the command flowlet")
    parser.add_argument("--seed", type=int, default=0, help="of training [0]")
    arguments = parser.parse_args()
    known = {name: size.tables()[name] for name in small_tables.TABLES} | {"points": points}
    print("| table | sampler | steps | AUC | forest's AUC | deviations | energy |\n|---|---|---|---|---|---|---|")
    for name, table in known.items():
        with tempfile.TemporaryDirectory() as directory:
            flowlet = pathlib.Path(arguments.flowlet).resolve()
            job = small_tables.Job(flowlet, whole(table), 0, arguments.seed, pathlib.Path(directory))
            small_tables.train(job)
            said, _, _ = two_moons.timed([flowlet, "evaluate", job.directory / "run", "--format", "json"])
            said = json.loads(said)
            advised = said["rows"][said["advice"]["row"]]
            (most,) = [row for row in said["rows"] if row["steps"] == 50]
            for kind, row in [("advised", advised), ("50 steps", most)]:
                (low, high), energy, apart = row["deviation"], row["energy"], row["told_apart"]
                print(
                    f"| {name} | {kind} | {row['steps']} | {apart['auc']:.3f} ± {apart['error']:.3f} "
                    f"| {forest(job, row):.3f} | {low:.2f} to {high:.2f} "
                    f"| {energy['value']:.3f} ± {energy['error']:.3f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
