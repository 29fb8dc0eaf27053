"""Times training and sampling at several sizes, with flowlet and its peers in turns: two tables.

    benches/peers/run sizes.py [--tables training,sampling] [--rounds 3] [--threads 1,2]
        [--sizes 64x2,128x3,256x3,512x4] [--batches 256,1024]

W x K is W wide with K hidden layers, exact GELU, two data dimensions. Training: milliseconds an iteration, with
Adam; for PyTorch the faster of its default and its fused Adam. Sampling: seconds for 10,000 samples in 10 Euler
steps, and microseconds for one such sample. Each system runs in its own process on as many cores as it has
threads. In each round the systems take turns, and the least time of each counts. `load` is the machine's
load average, this measurement included: ratios of a busy machine are rough.
"""

import argparse
import json
import os
import subprocess
import sys
import time

import sampling
from sampling import ROOT, Problem, environment, processor

SAMPLES, STEPS = 10_000, 10
TRAINERS = ["flowlet", "torch"]
SAMPLERS = ["flowlet", "onnxruntime", "openvino", "torch", "jax"]


def train_torch(width, hidden_layers, batch, seconds, threads):
    """Returns the least milliseconds of an iteration."""
    import torch

    torch.set_num_threads(threads)

    def least(**options):
        torch.manual_seed(0)
        sizes = [3] + [width] * (hidden_layers + 1)
        layers = []
        for i, o in zip(sizes, sizes[1:]):
            layers += [torch.nn.Linear(i, o), torch.nn.GELU()]
        network = torch.nn.Sequential(*layers, torch.nn.Linear(width, 2))
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, **options)
        times, end = [], time.perf_counter() + seconds
        while len(times) < 8 or time.perf_counter() < end:
            start = time.perf_counter()
            x_0, x_1, t = torch.randn(batch, 2), torch.randn(batch, 2), torch.rand(batch, 1)
            x_t = (1 - t) * x_0 + t * x_1
            loss = torch.nn.functional.mse_loss(network(torch.cat([t, x_t], 1)), x_1 - x_0)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()
            times.append(time.perf_counter() - start)
        # The first iterations allocate memory.
        return min(times[3:]) * 1e3

    return min(least(), least(fused=True))


def train_flowlet(width, hidden_layers, batch, seconds, threads):
    """Returns the least milliseconds of an iteration."""
    command = [ROOT / "target/release/flowlet", "bench", "--training", "--json"]
    command += ["--hidden-width", str(width), "--hidden-layers", str(hidden_layers)]
    command += ["--batch-size", str(batch), "--threads", str(threads), "--seconds", str(round(2 * seconds))]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)["least_milliseconds"]


def measure_training(trainer, threads, arguments):
    command = [sys.executable, __file__, "--trainer", trainer, "--threads", str(threads)]
    command += ["--problem", json.dumps(arguments)]
    done = subprocess.run(command, env=environment(threads), check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def table(title, columns, rows, rounds, measure):
    """Prints a line for each row: the least result of each column, which take turns; and flowlet's ratio to the best."""
    print(f"\n{title}\n| size | threads | {' | '.join(columns)} | best peer ÷ flowlet | load |")
    print("|---" * (len(columns) + 4) + "|")
    for name, threads, arguments in rows:
        best, loads = {}, []
        for _ in range(rounds):
            for column in columns:
                loads.append(os.getloadavg()[0])
                found = measure(column, threads, arguments)
                found = found if isinstance(found, list) else [found]
                best[column] = [min(pair) for pair in zip(found, best.get(column, found))]
        for k, label in enumerate(["", ", one sample"][: len(best["flowlet"])]):
            numbers = [best[column][k] for column in columns]
            ratio = min(numbers[1:]) / numbers[0] if len(numbers) > 1 else float("nan")
            cells = " | ".join(f"{number:.4g}" for number in numbers)
            load = sum(loads) / len(loads)
            print(f"| {name}{label} | {threads} | {cells} | {ratio:.2f} | {load:.1f} |", flush=True)


def measure_sampling(peer, threads, arguments):
    many, one, *_ = sampling.measure(peer, threads, Problem(*arguments, SAMPLES, STEPS, STEPS))
    return [many, one * 1e6]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tables", default="training,sampling")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--sizes", default="64x2,128x3,256x3,512x4")
    parser.add_argument("--batches", default="256,1024")
    parser.add_argument("--peers", default=",".join(SAMPLERS), help="systems of the second table")
    parser.add_argument("--seconds", type=float, default=1.5, help="of each system's training in a round")
    parser.add_argument("--trainer", help=argparse.SUPPRESS)
    parser.add_argument("--problem", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.trainer:
        threads = int(arguments.threads)
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
        trainer = {"torch": train_torch, "flowlet": train_flowlet}[arguments.trainer]
        return print(json.dumps(trainer(*json.loads(arguments.problem), threads)))
    subprocess.run(["cargo", "build", "--quiet", "--release"], cwd=ROOT, check=True)
    print(processor())
    sizes = [tuple(map(int, size.split("x"))) for size in arguments.sizes.split(",")]
    threads = list(map(int, arguments.threads.split(",")))
    tables = arguments.tables.split(",")
    if "training" in tables:
        rows = [
            (f"{width} × {hidden}, batch {batch}", n, (width, hidden - 1, int(batch), arguments.seconds))
            for width, hidden in sizes
            for batch in arguments.batches.split(",")
            for n in threads
        ]
        table("Training, ms an iteration", TRAINERS, rows, arguments.rounds, measure_training)
    if "sampling" in tables:
        rows = [
            (f"{width} × {hidden}", n, (width, hidden - 1)) for width, hidden in sizes for n in threads
        ]
        title = f"Sampling, {SAMPLES:,} samples × {STEPS} steps in s; one sample in µs"
        table(title, arguments.peers.split(","), rows, arguments.rounds, measure_sampling)


if __name__ == "__main__":
    main()
