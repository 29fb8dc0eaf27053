"""Trains on one NVIDIA GPU with flowlet and PyTorch in turns, and prints seconds, ratios and losses.

    python3 benches/gpu/training.py [--problems small,large] [--seeds 0,1,2]

small: the article's problem, 2 -> 64 -> 64 -> 1, 10,000 iterations in batches of 256.
large: moons, 512 wide with 4 hidden-to-hidden layers, 1,000 iterations in batches of 65,536.

PyTorch draws its batches on the card. It trains eagerly with fused Adam, which is its fastest way without
compilation, and with torch.compile and CUDA graphs where these work. The seconds are those of the iterations
alone, without the start of the program. For flowlet they are taken from the first row of its metrics to the
last, and scaled to all iterations. The loss is the mean of the last tenth of the iterations.
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
PROBLEMS = {
    "small": dict(target="mixture", width=64, layers=1, batch=256, iterations=10_000),
    "large": dict(target="moons", width=512, layers=4, batch=65_536, iterations=1_000),
}


def mixture(torch, n, device):
    which = (torch.rand(n, device=device) >= 0.55).long()
    means = torch.tensor([-0.85, 1.5], device=device)
    deviations = torch.tensor([0.65, 0.25], device=device)
    return (means[which] + deviations[which] * torch.randn(n, device=device)).unsqueeze(1)


def moons(torch, n, device):
    """flowlet's moons, in data units."""
    upper = torch.rand(n, device=device) < 0.5
    angle = math.pi * torch.rand(n, device=device)
    shift = 0.2 * torch.rand(n, device=device)
    x = torch.where(upper, angle.cos(), 1 - angle.cos()) + shift
    y = torch.where(upper, angle.sin(), 0.5 - angle.sin()) + shift
    return 3 * torch.stack([x, y], 1) - 1


def torch_(problem, seed, compiled):
    import torch

    device = torch.device("cuda")
    torch.manual_seed(seed)
    draw = {"mixture": mixture, "moons": moons}[problem["target"]]
    mean, scale = 0.0, 1.0
    if problem["target"] == "moons":
        many = draw(torch, 1_000_000, device)
        mean, scale = many.mean(0), many.std(0)
    dim = draw(torch, 1, device).shape[1]
    width = problem["width"]
    layers = [torch.nn.Linear(1 + dim, width)]
    for _ in range(problem["layers"]):
        layers += [torch.nn.GELU(), torch.nn.Linear(width, width)]
    layers += [torch.nn.GELU(), torch.nn.Linear(width, dim)]
    network = torch.nn.Sequential(*layers).to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)

    def loss_of():
        x_1 = (draw(torch, problem["batch"], device) - mean) / scale
        x_0, t = torch.randn_like(x_1), torch.rand(len(x_1), 1, device=device)
        x_t = (1 - t) * x_0 + t * x_1
        return torch.nn.functional.mse_loss(network(torch.cat([t, x_t], 1)), x_1 - x_0)

    if compiled:
        loss_of = torch.compile(loss_of, mode="reduce-overhead")

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of()
        loss.backward()
        optimizer.step()
        return loss.detach().clone()

    state = {k: v.clone() for k, v in network.state_dict().items()}
    for _ in range(10):
        step()
    network.load_state_dict(state)
    optimizer.state.clear()
    torch.cuda.synchronize()
    start = time.perf_counter()
    losses = [step() for _ in range(problem["iterations"])]
    torch.cuda.synchronize()
    seconds = time.perf_counter() - start
    return seconds, torch.stack(losses[-problem["iterations"] // 10 :]).mean().item()


def libraries():
    """The directories of torch's CUDA libraries, which flowlet uses, too."""
    found = []
    for packages in map(pathlib.Path, [*site.getsitepackages(), site.getusersitepackages(), *sys.path]):
        found += sorted(packages.glob("nvidia/*/lib")) + sorted(packages.glob("torch/lib"))
    return ":".join(dict.fromkeys(map(str, found)))


def flowlet(problem, seed):
    environment = dict(os.environ)
    environment["LD_LIBRARY_PATH"] = libraries() + ":" + environment.get("LD_LIBRARY_PATH", "")
    with tempfile.TemporaryDirectory() as scratch:
        run = pathlib.Path(scratch, "run")
        command = [BINARY, "train", problem["target"], "--device", "cuda", "--seed", seed, "--out", run]
        for flag, key in [("hidden-width", "width"), ("hidden-layers", "layers"), ("batch-size", "batch")]:
            command += [f"--{flag}", problem[key]]
        command += ["--iterations", problem["iterations"]]
        done = subprocess.run([str(c) for c in command], env=environment, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(map(str, command))}\n{done.stderr}")
        with open(run / "metrics.csv", newline="") as file:
            rows = list(csv.DictReader(file))
    since = problem["iterations"] * 9 // 10
    recent = [float(row["loss"]) for row in rows if int(row["iteration"]) > since]
    first, last = rows[0], rows[-1]
    # The first row's time includes the start of the device, so the time counts from that row on.
    share = (int(last["iteration"]) - int(first["iteration"])) / problem["iterations"]
    return (float(last["seconds"]) - float(first["seconds"])) / share, statistics.mean(recent)


def attempt(trainer, *arguments):
    """Trains, or prints the error: torch.compile needs a C compiler, which not every machine has."""
    try:
        return trainer(*arguments)
    except Exception as error:
        reason = f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"
        print(f"torch.compile does not work here and is left out: {reason}", file=sys.stderr)
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--problems", default="small,large")
    parser.add_argument("--seeds", default="0,1,2")
    arguments = parser.parse_args()
    try:
        import torch
    except ImportError:
        sys.exit("torch is not installed: install a CUDA build of torch, then run `benches/gpu.sh measure`")
    if not torch.cuda.is_available():
        sys.exit("torch finds no GPU: run `benches/gpu.sh measure` on a machine with one")
    if not BINARY.exists():
        sys.exit(f"{BINARY} is missing: run `benches/gpu.sh build`, here or on another machine")
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}")
    print(f"{'problem':8}{'trainer':18}{'median s':>10}{'least s':>10}{'loss':>10}")
    for name in arguments.problems.split(","):
        problem = PROBLEMS[name]
        trainers = {
            "flowlet": lambda seed: flowlet(problem, seed),
            "torch": lambda seed: torch_(problem, seed, False),
            "torch, compiled": lambda seed: attempt(torch_, problem, seed, True),
        }
        runs = {trainer: [] for trainer in trainers}
        for seed in map(int, arguments.seeds.split(",")):
            for trainer, train in trainers.items():
                if (found := train(seed)) is not None:
                    runs[trainer].append(found)
        medians = {}
        for trainer, found in runs.items():
            if not found:
                continue
            seconds, losses = zip(*found)
            medians[trainer] = statistics.median(seconds), statistics.median(losses)
            row = f"{medians[trainer][0]:10.3f}{min(seconds):10.3f}{medians[trainer][1]:10.4f}"
            print(f"{name:8}{trainer:18}{row}", flush=True)
        own, own_loss = medians.pop("flowlet")
        for trainer, (seconds, loss) in medians.items():
            ratio, apart = seconds / own, abs(loss - own_loss)
            same = "the same loss" if apart < 0.02 else f"ANOTHER LOSS, {apart:.3f} apart"
            print(f"{name}: {ratio:.2f} times as fast as {trainer}, to {same}", flush=True)


if __name__ == "__main__":
    main()
