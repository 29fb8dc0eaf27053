"""Trains with torchcfm's couplings on the two-dimensional problems, and prints CSV rows.

    benches/quality/peers/run peers/torchcfm_2d.py --problems 8gaussians-moons-1 --seeds 0,1

The couplings are torchcfm's ConditionalFlowMatcher and ExactOptimalTransportConditionalFlowMatcher, with sigma
0, their default. The networks, Adam at 1e-3 and 20,000 iterations are those of torchcfm's examples. The draws
are those of problems.py.

`seconds` is the wall-clock time of the training alone: draws, coupling, gradients, Adam. `cpu_seconds` is its
processor time, which is less where other programs use the processor, too. `w2sq_K` is the squared W2 between
5,000 samples in K Euler steps and 5,000 fresh points of the target. `w2` is the root of `w2sq_100`, and `npe`
the normalised path energy in 100 steps.
"""

import argparse
import math
import sys
import time
from dataclasses import dataclass

import numpy as np
import torch
from torchcfm.conditional_flow_matching import (
    ConditionalFlowMatcher,
    ExactOptimalTransportConditionalFlowMatcher,
)

import problems
import score

STEPS = [1, 2, 4, 8, 50, 100]
COUPLINGS = {
    "independent": ConditionalFlowMatcher,
    "transport": ExactOptimalTransportConditionalFlowMatcher,
}


@dataclass(frozen=True)
class Problem:
    source: str
    target: str
    hidden_layers: int  # Hidden-to-hidden layers, L
    activation: type
    batch_size: int


PROBLEMS = {
    "8gaussians-moons-1": Problem("8gaussians", "moons", 1, torch.nn.GELU, 256),
    "8gaussians-moons-2": Problem("8gaussians", "moons", 2, torch.nn.GELU, 256),
    # torchcfm's own network, three hidden layers with SELU: two hidden-to-hidden layers.
    "normal-moons": Problem("normal", "moons", 2, torch.nn.SELU, 512),
    "normal-8gaussians": Problem("normal", "8gaussians", 2, torch.nn.SELU, 512),
}


def network(problem, width=64):
    """Returns a network from [B][3], the point and then the time, to [B][2]."""
    layers = [torch.nn.Linear(3, width), problem.activation()]
    for _ in range(problem.hidden_layers):
        layers += [torch.nn.Linear(width, width), problem.activation()]
    return torch.nn.Sequential(*layers, torch.nn.Linear(width, 2))


def train(problem, coupling, seed, iterations, batch_size, sigma=0.0):
    """Returns a trained network, the wall-clock and processor seconds of its iterations, and the mean of
    the last 100 losses."""
    # torchcfm draws times from torch's generator, and pairs from NumPy's global one.
    torch.manual_seed(seed)
    np.random.seed(seed)
    rng = np.random.default_rng(seed)
    draw_source = problems.DISTRIBUTIONS[problem.source]
    draw_target = problems.DISTRIBUTIONS[problem.target]
    matcher = COUPLINGS[coupling](sigma=sigma)
    model = network(problem)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    losses = []
    start, cpu_start = time.perf_counter(), time.process_time()
    for _ in range(iterations):
        x0 = torch.from_numpy(draw_source(batch_size, rng)).float()
        x1 = torch.from_numpy(draw_target(batch_size, rng)).float()
        t, xt, ut = matcher.sample_location_and_conditional_flow(x0, x1)
        optimiser.zero_grad()
        loss = torch.mean((model(torch.cat([xt, t[:, None]], dim=1)) - ut) ** 2)
        loss.backward()
        optimiser.step()
        losses.append(loss.detach())
    seconds = (time.perf_counter() - start, time.process_time() - cpu_start)
    return model, seconds, torch.stack(losses[-100:]).mean().item()


@torch.no_grad()
def sample(model, x0, steps):
    """Returns samples [N][2] in Euler steps from `x0` [N][2], and the energy of their paths.

    The energy is the mean over the paths of the integral of the velocity's squared norm.
    """
    x, energy = x0.clone(), 0.0
    for k in range(steps):
        time_column = torch.full((len(x), 1), k / steps)
        velocity = model(torch.cat([x, time_column], dim=1))
        energy += velocity.double().square().sum(1).mean().item() / steps
        x += velocity / steps
    return x.double().numpy(), energy


def judge(model, problem, points):
    """Returns the squared W2 for each number of steps, and the normalised path energy |energy - W2^2| / W2^2,
    with the W2 between source and target. All models are compared with the same fresh points."""
    source = problems.draw(problem.source, points, score.FRESH_SEED)
    target = problems.draw(problem.target, points, score.FRESH_SEED + 1)
    x0 = torch.from_numpy(source).float()
    distances = {}
    for steps in STEPS:
        samples, energy = sample(model, x0, steps)
        distances[steps] = score.w2_squared(samples, target)
    least = score.w2_squared(source, target)
    return distances, abs(energy - least) / least


def names(choices):
    def parse(text):
        chosen = text.split(",")
        for name in chosen:
            if name not in choices:
                raise argparse.ArgumentTypeError(f"unknown name {name}: expected {', '.join(choices)}")
        return chosen

    return parse


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--problems", type=names(PROBLEMS), default=list(PROBLEMS))
    parser.add_argument("--couplings", type=names(COUPLINGS), default=list(COUPLINGS))
    parser.add_argument("--seeds", type=lambda text: [int(k) for k in text.split(",")], default=[0])
    parser.add_argument("--iterations", type=int, default=20_000)
    parser.add_argument("--batch-size", type=int, help="[256; 512 for the problems from N(0, I)]")
    parser.add_argument("--sigma", type=float, default=0.0, help="width of the paths [0]")
    parser.add_argument("--points", type=int, default=5_000, help="samples for each distance [5000]")
    parser.add_argument("--threads", type=int, default=1, help="torch's threads [1]")
    parser.add_argument("--out", help="CSV file to append the rows to")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    outputs = [sys.stdout]
    if arguments.out:
        outputs.append(open(arguments.out, "a"))

    def write(cells, outputs=outputs):
        for output in outputs:
            print(",".join(map(str, cells)), file=output, flush=True)

    header = ["problem", "weights", "coupling", "seed", "iterations", "batch_size"]
    header += ["seconds", "cpu_seconds", "loss", *(f"w2sq_{steps}" for steps in STEPS), "w2", "npe"]
    write(header, [output for output in outputs if output is sys.stdout or output.tell() == 0])
    for name in arguments.problems:
        problem = PROBLEMS[name]
        batch_size = arguments.batch_size or problem.batch_size
        for coupling in arguments.couplings:
            for seed in arguments.seeds:
                model, seconds, loss = train(
                    problem, coupling, seed, arguments.iterations, batch_size, arguments.sigma
                )
                distances, npe = judge(model, problem, arguments.points)
                weights = sum(p.numel() for p in model.parameters())
                row = [name, weights, coupling, seed, arguments.iterations, batch_size]
                row += [*(f"{s:.1f}" for s in seconds), f"{loss:.4f}"]
                row += [f"{d:.4f}" for d in distances.values()]
                write(row + [f"{math.sqrt(distances[STEPS[-1]]):.4f}", f"{npe:.4f}"])


if __name__ == "__main__":
    main()
