"""What column kinds change: how well a forest tells samples from the rows of mixed tables, with and without them.

    cargo build --release
    benches/quality/peers/run kinds.py

The tables are scikit-learn's: diabetes in its own units (442 rows, 11 columns), and wine (178 rows, 13 columns and the
class). A forest of 300 trees is trained on as many samples as rows, with five folds; the AUC is the mean of five draws.
0.5 is a perfect model, 1 one whose samples are always told from rows.
"""

import csv
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from sklearn.datasets import load_diabetes, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

ROOT = Path(__file__).resolve().parents[2]
FLOWLET = ROOT / "target/release/flowlet"
DRAWS = 5


def tables():
    diabetes = load_diabetes(scaled=False)
    yield (
        "diabetes",
        [*diabetes.feature_names, "target"],
        np.c_[diabetes.data, diabetes.target],
        ["--integer", "age,sex,s1,s6,target", "--positive", "bmi,bp,s2,s3,s4,s5"],
    )
    wine = load_wine()
    yield (
        "wine",
        [*wine.feature_names, "class"],
        np.c_[wine.data, wine.target],
        ["--integer", "class,magnesium,proline"],
    )


def run(*arguments):
    subprocess.run([FLOWLET, *map(str, arguments)], check=True, capture_output=True)


def write(path, names, rows):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for row in rows:
            writer.writerow([int(value) if value == int(value) else repr(float(value)) for value in row])


def auc(rows, samples):
    n, found = len(rows), []
    for draw in range(DRAWS):
        x = np.r_[rows, samples[draw * n : (draw + 1) * n]]
        y = np.r_[np.ones(n), np.zeros(n)]
        forest = RandomForestClassifier(300, random_state=draw, min_samples_leaf=2, n_jobs=-1)
        likely = cross_val_predict(forest, x, y, cv=5, method="predict_proba")[:, 1]
        found.append(roc_auc_score(y, likely))
    return np.mean(found), np.std(found) / np.sqrt(DRAWS)


def main():
    print("| table | kinds | AUC | whole numbers that are not | below the least value |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as directory:
        directory = Path(directory)
        for name, names, rows, kinds in tables():
            table = directory / f"{name}.csv"
            write(table, names, rows)
            whole = [k for k in range(rows.shape[1]) if np.all(rows[:, k] % 1 == 0)]
            for label, flags in [("none", []), (" ".join(kinds), kinds)]:
                model, out = directory / "run", directory / "samples.csv"
                run("train", table, *flags, "--out", model, "--force")
                run("sample", model, "-n", DRAWS * len(rows), "--out", out, "--force")
                samples = np.loadtxt(out, delimiter=",", skiprows=1)
                mean, error = auc(rows, samples)
                odd = np.mean(samples[:, whole] % 1 != 0)
                below = np.mean(samples < rows.min(axis=0))
                label = f"`{label}`" if flags else label
                print(f"| {name} | {label} | {mean:.3f} ± {error:.3f} | {odd:.1%} | {below:.1%} |")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
