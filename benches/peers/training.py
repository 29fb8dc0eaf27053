"""Times the article's training with PyTorch and flowlet, in turns.

    benches/peers/run training.py

`mixture`: 2 -> 64 -> 64 -> 1 with exact GELU, 10,000 iterations of Adam at 1e-3 in batches of 256 fresh
draws. Each trainer has as many cores as threads. The trainers take turns, seed by seed. The seconds are those
of the training alone: for flowlet from its metrics, for PyTorch those of its loop. The loss is the mean of the
last 1,000 iterations.
"""

import argparse
import csv
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
ITERATIONS, BATCH, LAST = 10_000, 256, 1000


def torch_(seed, threads):
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    gelu = torch.nn.GELU
    network = torch.nn.Sequential(
        torch.nn.Linear(2, 64), gelu(), torch.nn.Linear(64, 64), gelu(), torch.nn.Linear(64, 1)
    )
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    weights = torch.tensor([0.55, 0.45])
    means, deviations = torch.tensor([-0.85, 1.5]), torch.tensor([0.65, 0.25])
    losses = []
    start = time.perf_counter()
    for _ in range(ITERATIONS):
        which = torch.multinomial(weights, BATCH, replacement=True)
        x_1 = (means[which] + deviations[which] * torch.randn(BATCH)).unsqueeze(1)
        x_0, t = torch.randn(BATCH, 1), torch.rand(BATCH, 1)
        x_t = (1 - t) * x_0 + t * x_1
        loss = torch.nn.functional.mse_loss(network(torch.cat([t, x_t], 1)), x_1 - x_0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    seconds = time.perf_counter() - start
    return seconds, torch.stack(losses[-LAST:]).mean().item()


def flowlet(seed, threads):
    with tempfile.TemporaryDirectory() as scratch:
        run = pathlib.Path(scratch, "run")
        subprocess.run(
            [ROOT / "target/release/flowlet", "train", "mixture", "--seed", str(seed), "--out", run],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        with open(run / "metrics.csv", newline="") as file:
            rows = list(csv.DictReader(file))
    recent = [float(row["loss"]) for row in rows if int(row["iteration"]) > ITERATIONS - LAST]
    return float(rows[-1]["seconds"]), statistics.mean(recent)


def measure(trainer, seed, threads):
    environment = dict(os.environ)
    for name in ["OMP", "OPENBLAS", "MKL", "RAYON"]:
        environment[f"{name}_NUM_THREADS"] = str(threads)
    command = [sys.executable, __file__, "--trainer", trainer]
    command += ["--seed", str(seed), "--threads", str(threads)]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument("--trainer", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.trainer:
        cores = sorted(os.sched_getaffinity(0))[: arguments.threads]
        os.sched_setaffinity(0, cores)
        trainer = {"torch": torch_, "flowlet": flowlet}[arguments.trainer]
        print(json.dumps(trainer(arguments.seed, arguments.threads)))
        return
    subprocess.run(["cargo", "build", "--quiet", "--release"], cwd=ROOT, check=True)
    print("threads,trainer,median_seconds,least_seconds,median_loss")
    for threads in (1, 2):
        found = {"torch": [], "flowlet": []}
        for seed in arguments.seeds.split(","):
            for trainer, runs in found.items():
                runs.append(measure(trainer, int(seed), threads))
        seconds = {}
        for trainer, runs in found.items():
            times, losses = zip(*runs)
            seconds[trainer] = statistics.median(times)
            losses = statistics.median(losses)
            print(f"{threads},{trainer},{seconds[trainer]:.2f},{min(times):.2f},{losses:.4f}", flush=True)
        print(f"{threads} threads: {seconds['torch'] / seconds['flowlet']:.2f} times as fast", flush=True)


if __name__ == "__main__":
    main()
