"""Trains flowlet's few-step models on the two-dimensional problems, and judges them by the protocol.

    benches/quality/peers/run few_steps.py --flowlet target/release/flowlet --seeds 0,1,2 --out ours.csv

For each problem its configuration in configs/ is trained, under each seed, by one command. 5,000
samples in each number of steps are held against 5,000 fresh points of the target, in `--sets`
independent pairs of sets: one pair says little, see the floors in README.md. `w2_squared` is the mean
over the pairs.
"""

import argparse
import csv
import pathlib
import statistics
import subprocess
import tempfile
import time

import problems
import score

CONFIGS = pathlib.Path(__file__).resolve().parent / "configs"
PROBLEMS = ["8gaussians-moons-1", "8gaussians-moons-2", "normal-moons", "normal-8gaussians"]
POINTS = 5000


def train(flowlet, problem, seed, out):
    """Trains, and gives the wall seconds of the command and (iterations, seconds) of each phase."""
    start = time.perf_counter()
    subprocess.run(
        [flowlet, "train", CONFIGS / f"{problem}.toml", "--seed", str(seed), "--out", out, "--force"],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wall = time.perf_counter() - start
    phases = {}
    with open(out / "metrics.csv", newline="") as file:
        for row in csv.DictReader(file):
            phases[int(row["phase"])] = int(row["iteration"]), float(row["seconds"])
    return wall, phases


def judge(flowlet, run, problem, steps, sets):
    """W2² of each pair of sets."""
    target = problem.removesuffix("-1").removesuffix("-2").split("-")[-1]
    found = []
    for number in range(sets):
        out = run / f"samples-{number}.npy"
        subprocess.run(
            [flowlet, "sample", run, "-n", str(POINTS), "--steps", str(steps)]
            + ["--seed", str(1000 + number), "--out", out],
            check=True,
        )
        fresh = problems.draw(target, POINTS, score.FRESH_SEED + number)
        found.append(score.w2_squared(score.read(str(out)), fresh))
        out.unlink()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--flowlet", required=True, type=pathlib.Path)
    parser.add_argument("--problems", default=",".join(PROBLEMS))
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--steps", default="1")
    parser.add_argument("--sets", type=int, default=3)
    parser.add_argument("--keep", type=pathlib.Path, help="where the runs stay")
    parser.add_argument("--out", type=pathlib.Path)
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        place = arguments.keep or pathlib.Path(scratch)
        place.mkdir(parents=True, exist_ok=True)
        for problem in arguments.problems.split(","):
            for seed in arguments.seeds.split(","):
                run = place / f"{problem}-{seed}"
                wall, phases = train(arguments.flowlet, problem, seed, run)
                for steps in arguments.steps.split(","):
                    found = judge(arguments.flowlet, run, problem, steps, arguments.sets)
                    row = {
                        "problem": problem,
                        "seed": seed,
                        "iterations": sum(iterations for iterations, _ in phases.values()),
                        "seconds": round(wall, 1),
                        "steps": steps,
                        "w2_squared": round(statistics.mean(found), 4),
                        "least": round(min(found), 4),
                        "greatest": round(max(found), 4),
                    }
                    print(" ".join(f"{key}={value}" for key, value in row.items()), flush=True)
                    rows.append(row)
    if arguments.out:
        with open(arguments.out, "w", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
