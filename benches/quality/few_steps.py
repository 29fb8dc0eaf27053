"""Trains flowlet's few-step models on the two-dimensional problems, and measures them by README.md's protocol.

    benches/quality/peers/run few_steps.py --flowlet target/release/flowlet --seeds 0,1,2 --out ours.csv

For each problem and seed, one command trains the configuration in configs/. For each number of steps, 5,000
samples are compared with 5,000 fresh points of the target, in `--sets` independent pairs of sets; one pair
alone varies too much, as the floors in README.md show. `w2_squared` is the mean over the pairs. `perfect` is
that mean with independent fresh draws of the target in place of the samples.

`flowlet distance` computes the distances. They are exact and much faster than with POT; score.py computes the
same with POT. With `--plain` the same network is trained without `[few_steps]`, with torchcfm's number of
iterations; `npe` is then its normalised path energy in 100 steps, from 5,000 pairs of source and target.
"""

import argparse
import csv
import json
import pathlib
import statistics
import subprocess
import tempfile
import time

import numpy as np
import problems
import score

CONFIGS = pathlib.Path(__file__).resolve().parent / "configs"
PROBLEMS = ["8gaussians-moons-1", "8gaussians-moons-2", "normal-moons", "normal-8gaussians"]
POINTS = 5000
# torchcfm's training settings, see README.md.
PLAIN = """[train]
iterations = 20000
batch_size = {batch}
learning_rate = 0.001
ema = 0.0
coupling = "transport"
transport_size = {batch}
"""
# First seed of the draws that stand for a perfect model's samples. No other set uses these seeds.
PERFECT_SEED = 5_000_000


def plain(problem):
    """Returns torchcfm's training as a configuration: its network, batches and rate, with transport."""
    settings, _ = (CONFIGS / f"{problem}.toml").read_text().split("[few_steps]")
    head, _ = settings.split("[train]")
    batch = 256 if problem.startswith("8gaussians") else 512
    return head + PLAIN.format(batch=batch)


def train(flowlet, config, seed, out):
    """Trains. Returns the command's wall-clock seconds, and (iterations, seconds) of each phase."""
    start = time.perf_counter()
    subprocess.run(
        [flowlet, "train", config, "--seed", str(seed), "--out", out, "--force"],
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


def w2_squared(flowlet, samples, target, number):
    """Returns W2² between a file's points and fresh set `number` of the target, of POINTS points."""
    fresh = samples.with_name("fresh.npy")
    np.save(fresh, problems.draw(target, POINTS, score.FRESH_SEED + number).astype(np.float32))
    found = subprocess.run(
        [flowlet, "distance", samples, fresh], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    fresh.unlink()
    return json.loads(found)["w2_squared"]


def target_of(problem):
    return problem.removesuffix("-1").removesuffix("-2").split("-")[-1]


def judge(flowlet, run, problem, steps, sets):
    """Returns W2² for each pair of sets."""
    found = []
    out = run / "samples.npy"
    for number in range(sets):
        subprocess.run(
            [flowlet, "sample", run, "-n", str(POINTS), "--steps", str(steps)]
            + ["--seed", str(1000 + number), "--out", out],
            check=True,
        )
        found.append(w2_squared(flowlet, out, target_of(problem), number))
        out.unlink()
    return found


def path_energy(flowlet, run):
    """Returns the normalised path energy of a run's model, in 100 steps, by `flowlet evaluate`."""
    found = subprocess.run(
        [flowlet, "evaluate", run, "--steps", "1", "-n", str(POINTS), "--format", "json"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    return json.loads(found)["path_energy"]


def perfect(flowlet, place, problem, sets):
    """Returns the mean W2² with independent draws of the target in place of samples."""
    target = target_of(problem)
    source = "independent-moons" if target == "moons" else target
    out = place / "perfect.npy"
    found = []
    for number in range(sets):
        np.save(out, problems.draw(source, POINTS, PERFECT_SEED + number).astype(np.float32))
        found.append(w2_squared(flowlet, out, target, number))
    out.unlink()
    return statistics.mean(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--flowlet", required=True, type=pathlib.Path)
    parser.add_argument("--problems", default=",".join(PROBLEMS))
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--steps", default="1")
    parser.add_argument("--sets", type=int, default=4)
    parser.add_argument("--plain", action="store_true", help="train as torchcfm does, without few-step training")
    parser.add_argument("--keep", type=pathlib.Path, help="directory in which the runs are kept")
    parser.add_argument("--out", type=pathlib.Path)
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        place = arguments.keep or pathlib.Path(scratch)
        place.mkdir(parents=True, exist_ok=True)
        for problem in arguments.problems.split(","):
            floor = perfect(arguments.flowlet, place, problem, arguments.sets)
            config = CONFIGS / f"{problem}.toml"
            if arguments.plain:
                config = place / f"{problem}.toml"
                config.write_text(plain(problem))
            for seed in arguments.seeds.split(","):
                run = place / f"{problem}-{seed}"
                wall, phases = train(arguments.flowlet, config, seed, run)
                npe = {"npe": round(path_energy(arguments.flowlet, run), 4)} if arguments.plain else {}
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
                        "perfect": round(floor, 4),
                        **npe,
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
