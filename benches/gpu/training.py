"""Trains on one NVIDIA GPU with flowlet and PyTorch in turns, and prints times, ratios and losses.

    python3 benches/gpu/training.py [--sizes 64x2,256x3,512x4] [--batches 256,4096,65536]
                                    [--trainers flowlet,torch,compiled,cpu] [--seeds 0]

A size is the hidden width and the number of hidden layers. 64x2 learns the article's mixture, in one dimension; the
others learn moons, in two. Batches are drawn on the card by both.

torch      PyTorch, eager, with fused Adam: its fastest way without compilation.
compiled   the same after torch.compile, and the whole iteration in one CUDA graph, with Adam in it.
cpu        flowlet on this machine's processor.

The time is that of an iteration, without the start of the program. For flowlet it is taken from a row of its
metrics to the last. The loss is the mean of the last tenth of the iterations.
"""

import argparse
import csv
import math
import os
import pathlib
import site
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = ROOT / "target/gpu/flowlet"
# Iterations at each batch: enough that a run takes about a second, or that the loss is known well enough.
ITERATIONS = {256: 4000, 4096: 2000, 65_536: 300}
CPU_ITERATIONS = {256: 1000, 4096: 100, 65_536: 10}


def mixture(torch, n, device):
    which = torch.rand(n, device=device) >= 0.55
    mean = torch.where(which, 1.5, -0.85)
    deviation = torch.where(which, 0.25, 0.65)
    return (mean + deviation * torch.randn(n, device=device)).unsqueeze(1)


def moons(torch, n, device):
    """flowlet's moons, in data units."""
    upper = torch.rand(n, device=device) < 0.5
    angle = math.pi * torch.rand(n, device=device)
    shift = 0.2 * torch.rand(n, device=device)
    x = torch.where(upper, angle.cos(), 1 - angle.cos()) + shift
    y = torch.where(upper, angle.sin(), 0.5 - angle.sin()) + shift
    return 3 * torch.stack([x, y], 1) - 1


class Problem:
    def __init__(self, size, batch):
        self.size, self.batch = size, batch
        self.width, self.hidden = map(int, size.split("x"))
        self.target = "mixture" if self.width == 64 else "moons"
        self.iterations = ITERATIONS.get(batch, 1000)


def torch_(problem, seed, compiled):
    import torch

    device = torch.device("cuda")
    torch.manual_seed(seed)
    draw = {"mixture": mixture, "moons": moons}[problem.target]
    mean, scale = 0.0, 1.0
    if problem.target == "moons":
        many = draw(torch, 1_000_000, device)
        mean, scale = many.mean(0), many.std(0)
    dim = draw(torch, 1, device).shape[1]
    layers, inputs = [], 1 + dim
    for _ in range(problem.hidden):
        layers += [torch.nn.Linear(inputs, problem.width), torch.nn.GELU()]
        inputs = problem.width
    layers.append(torch.nn.Linear(inputs, dim))
    network = torch.nn.Sequential(*layers).to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True, capturable=compiled)
    size, losses = problem.batch, torch.zeros(problem.iterations, device=device)
    place = torch.zeros(1, dtype=torch.int64, device=device)

    def loss_of():
        x_1 = (draw(torch, size, device) - mean) / scale
        x_0, t = torch.randn_like(x_1), torch.rand(len(x_1), 1, device=device)
        x_t = (1 - t) * x_0 + t * x_1
        return torch.nn.functional.mse_loss(network(torch.cat([t, x_t], 1)), x_1 - x_0)

    if compiled:
        torch._dynamo.reset()
        loss_of = torch.compile(loss_of, dynamic=False)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of()
        loss.backward()
        optimizer.step()
        losses.index_copy_(0, place, loss.detach().reshape(1))
        place.add_(1)

    state = {k: v.clone() for k, v in network.state_dict().items()}
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(10):
            step()
    torch.cuda.current_stream().wait_stream(side)
    run = step
    if compiled:
        graph = torch.cuda.CUDAGraph()
        optimizer.zero_grad(set_to_none=True)
        with torch.cuda.graph(graph):
            step()
        run = graph.replay
    network.load_state_dict(state)
    for moments in optimizer.state.values():
        for value in moments.values():
            value.zero_()
    place.zero_()
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(problem.iterations):
        run()
    torch.cuda.synchronize()
    seconds = time.perf_counter() - start
    return seconds / problem.iterations, losses[-(problem.iterations // 10) :].mean().item()


def libraries():
    """The directories of torch's CUDA libraries, which flowlet uses, too."""
    found = []
    for packages in map(pathlib.Path, [*site.getsitepackages(), site.getusersitepackages(), *sys.path]):
        found += sorted(packages.glob("nvidia/*/lib")) + sorted(packages.glob("torch/lib"))
    return ":".join(dict.fromkeys(map(str, found)))


def flowlet(problem, seed, device):
    environment = dict(os.environ)
    environment["LD_LIBRARY_PATH"] = libraries() + ":" + environment.get("LD_LIBRARY_PATH", "")
    iterations = problem.iterations if device == "cuda" else CPU_ITERATIONS.get(problem.batch, 100)
    with tempfile.TemporaryDirectory() as scratch:
        run = pathlib.Path(scratch, "run")
        command = [BINARY, "train", problem.target, "--device", device, "--seed", seed, "--out", run]
        command += ["--hidden-width", problem.width, "--hidden-layers", problem.hidden - 1]
        command += ["--batch-size", problem.batch, "--iterations", iterations]
        rows = rows_of([str(c) for c in command], environment, run / "metrics.csv", iterations)
    recent = [float(row["loss"]) for row in rows if int(row["iteration"]) > iterations * 9 // 10]
    # From the first held-out loss on, which waits for the card: what is before it includes the card's start.
    first, last = next(row for row in rows if row["held_out_loss"]), rows[-1]
    between = int(last["iteration"]) - int(first["iteration"])
    return (float(last["seconds"]) - float(first["seconds"])) / between, statistics.mean(recent)


def rows_of(command, environment, metrics, iterations):
    """Trains until the last row of metrics is written, and returns all of them. What comes after training takes
    longer than training itself, so it is left out."""
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        while True:
            ended = process.poll() is not None
            if metrics.exists():
                with open(metrics, newline="") as file:
                    rows = list(csv.DictReader(file))
                if rows and rows[-1]["seconds"] and int(rows[-1]["iteration"]) == iterations:
                    process.terminate()
                    return rows
            if ended:
                sys.exit(f"{' '.join(command)}\n{process.stderr.read().decode()}")
            time.sleep(0.05)


TRAINERS = {
    "flowlet": lambda problem, seed: flowlet(problem, seed, "cuda"),
    "torch": lambda problem, seed: torch_(problem, seed, False),
    "compiled": lambda problem, seed: torch_(problem, seed, True),
    "cpu": lambda problem, seed: flowlet(problem, seed, "cpu"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sizes", default="64x2,256x3,512x4")
    parser.add_argument("--batches", default="256,4096,65536")
    parser.add_argument("--trainers", default="flowlet,torch,compiled,cpu")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--compile-only", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--libraries", action="store_true", help="print the directories of torch's libraries")
    arguments = parser.parse_args()
    if arguments.libraries:
        print(libraries())
        return
    try:
        import torch
    except ImportError:
        sys.exit("torch is not installed: install a CUDA build of torch, then run `benches/gpu.sh measure`")
    if not torch.cuda.is_available():
        sys.exit("torch finds no GPU: run `benches/gpu.sh measure` on a machine with one")
    if not BINARY.exists():
        sys.exit(f"{BINARY} is missing: run `benches/gpu.sh build`, here or on another machine")
    sizes, trainers = arguments.sizes.split(","), arguments.trainers.split(",")
    batches = [int(batch) for batch in arguments.batches.split(",")]
    if arguments.compile_only:
        for problem in [Problem(size, batch) for size in sizes for batch in batches]:
            problem.iterations = 10
            torch_(problem, 0, True)
        return
    if "compiled" in trainers:
        # The compiler's results are cached, so all problems are compiled beforehand, side by side.
        command = [sys.executable, __file__, "--compile-only"]
        begun = [
            subprocess.Popen(
                [*command, "--sizes", size, "--batches", str(batch)], stderr=subprocess.DEVNULL
            )
            for size in sizes
            for batch in batches
        ]
        for process in begun:
            process.wait()
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}")
    print(f"{'size':6}{'batch':>7}  {'trainer':9}{'us an iteration':>16}{'to flowlet':>11}{'loss':>9}")
    for size in sizes:
        for batch in batches:
            problem, own = Problem(size, batch), None
            for trainer in trainers:
                try:
                    found = [TRAINERS[trainer](problem, int(seed)) for seed in arguments.seeds.split(",")]
                except Exception as error:  # torch.compile needs a C compiler, which not every machine has
                    print(f"{trainer} does not work here: {type(error).__name__}: {str(error)[:300]}")
                    continue
                seconds = statistics.median(seconds for seconds, _ in found)
                loss = statistics.mean(loss for _, loss in found)
                own = seconds if trainer == "flowlet" else own
                ratio = f"{seconds / own:10.2f}x" if own else " " * 11
                print(f"{size:6}{batch:7}  {trainer:9}{seconds * 1e6:16.1f}{ratio}{loss:9.4f}", flush=True)


if __name__ == "__main__":
    main()
