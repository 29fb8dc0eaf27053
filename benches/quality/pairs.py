"""Teaches flowlet networks that `flowlet import` refuses: two residual networks of PyTorch, by pairs in a file.

    benches/quality/peers/run pairs.py --flowlet target/release/flowlet

`moons` learns two moons, without conditions. `posterior` learns the posterior of two_moons.py, under the condition of
the observation, and runs from noise at t = 1 to data at t = 0 as sbi's networks do. Both have residual blocks with
LayerNorm and features of the time; the blocks of `posterior` are modulated by time and condition (FiLM). Each is
trained for about a minute. It writes pairs of its starting points and samples, from which `flowlet train --pairs`
trains students of 1 and 4 steps.

W2² is between 5,000 samples and 5,000 points of the data: for `posterior`, exact samples at the observation (0, 0).
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np
import torch
from torch import nn

import problems
import two_moons

SAMPLES = 5000
STEPS = 50


class Block(nn.Module):
    """x + W2 silu(W1 norm(x)), where a FiLM layer scales and shifts the norm by the context."""

    def __init__(self, width, context):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.film = nn.Linear(context, 2 * width)
        self.layers = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, x, context):
        scale, shift = self.film(context).chunk(2, dim=1)
        return x + self.layers(self.norm(x) * (1 + scale) + shift)


class Residual(nn.Module):
    """A velocity field of `data` columns under `conditions`, with sines and cosines of the time."""

    def __init__(self, data, conditions, width=96, blocks=3):
        super().__init__()
        self.register_buffer("frequencies", 2 * torch.pi * torch.arange(1, 9) / 2)
        self.enter = nn.Linear(data, width)
        self.blocks = nn.ModuleList(Block(width, 16 + conditions) for _ in range(blocks))
        self.leave = nn.Linear(width, data)

    def forward(self, t, x, c):
        angles = t[:, None] * self.frequencies
        context = torch.cat([angles.sin(), angles.cos(), c], dim=1)
        x = self.enter(x)
        for block in self.blocks:
            x = block(x, context)
        return self.leave(x)


def train(network, data, c, reverse, iterations):
    """Flow matching on standardised rows; with `reverse`, the noise is at t = 1."""
    optimiser = torch.optim.Adam(network.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, iterations)
    for _ in range(iterations):
        rows = torch.randint(len(data), (512,))
        noise, t = torch.randn(512, data.shape[1]), torch.rand(512)
        start, end = (data[rows], noise) if reverse else (noise, data[rows])
        x = start + t[:, None] * (end - start)
        loss = (network(t, x, c[rows]) - (end - start)).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()


@torch.no_grad()
def sample(network, noise, c, reverse):
    """Integrates from noise to data by the midpoint method."""
    dt = (-1 if reverse else 1) / STEPS
    x = noise
    for step in range(STEPS):
        t = torch.full((len(x),), (1 if reverse else 0) + step * dt)
        middle = x + dt / 2 * network(t, x, c)
        x = x + dt * network(t + dt / 2, middle, c)
    return x


def call(*command):
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def problem(name, rng):
    """Returns rows, their conditions, fresh points to compare with, and their condition."""
    if name == "moons":
        return problems.moons(20_000, rng), np.zeros((20_000, 0)), problems.moons(SAMPLES, rng), []
    rows = two_moons.simulate(50_000, 1)
    return rows[:, :2], rows[:, 2:], two_moons.exact(SAMPLES, 2), [0.0, 0.0]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--flowlet", required=True, type=pathlib.Path)
    parser.add_argument("--problems", default="moons,posterior")
    parser.add_argument("--teacher-iterations", type=int, default=5000)
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--iterations", type=int, default=12_000, help="of the students")
    parser.add_argument("--keep", type=pathlib.Path, help="directory in which the pairs and the runs are kept")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        place = arguments.keep or pathlib.Path(scratch)
        place.mkdir(parents=True, exist_ok=True)
        print("problem,model,steps,weights,error,w2_squared")
        for name in arguments.problems.split(","):
            compare(name, arguments, place)


def compare(name, arguments, place):
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    rows, conditions, fresh, at = problem(name, rng)
    mean, scale = rows.mean(0), rows.std(0)
    centre, spread = conditions.mean(0), conditions.std(0)
    tensor = lambda values: torch.tensor(np.asarray(values), dtype=torch.float32)
    reverse = name == "posterior"
    teacher = Residual(rows.shape[1], conditions.shape[1])
    data, c = tensor((rows - mean) / scale), tensor((conditions - centre) / spread)
    train(teacher, data, c, reverse, arguments.teacher_iterations)

    target = place / f"{name}-target.npy"
    np.save(target, fresh.astype(np.float32))

    def distance(samples):
        return json.loads(call(arguments.flowlet, "distance", samples, target))["w2_squared"]

    noise = torch.randn(SAMPLES, rows.shape[1])
    given = tensor((np.array(at) - centre) / spread).expand(SAMPLES, -1)
    drawn = sample(teacher, noise, given, reverse).numpy() * scale + mean
    samples = place / f"{name}-samples.npy"
    np.save(samples, drawn.astype(np.float32))
    weights = sum(p.numel() for p in teacher.parameters())
    print(f"{name},teacher,{2 * STEPS},{weights},,{distance(samples):.4f}", flush=True)

    # Conditions as the data have them.
    chosen = rng.integers(0, len(rows), arguments.pairs)
    noise = torch.randn(arguments.pairs, rows.shape[1])
    made = sample(teacher, noise, c[chosen], reverse).numpy() * scale + mean
    pairs = {"x_0": noise.numpy(), "x_1": made.astype(np.float32)}
    if conditions.shape[1]:
        pairs["c"] = conditions[chosen].astype(np.float32)
    file = place / f"{name}-pairs.npz"
    np.savez(file, **pairs)
    for steps in (1, 4):
        run = place / f"{name}-{steps}"
        said = call(
            *[arguments.flowlet, "train", "--pairs", file, "--few-steps", steps],
            *["--iterations", arguments.iterations, "--out", run, "--force"],
        )
        error = re.search(r"teacher +([0-9.]+)", said)[1]
        weights = re.search(r"model +([0-9,]+) weights", said)[1].replace(",", "")
        condition = ["--condition", ",".join(map(str, at))] if at else []
        call(
            *[arguments.flowlet, "sample", run, "-n", SAMPLES, "--seed", 1, *condition],
            *["--out", samples, "--force"],
        )
        print(f"{name},student,{steps},{weights},{error},{distance(samples):.4f}", flush=True)


if __name__ == "__main__":
    main()
