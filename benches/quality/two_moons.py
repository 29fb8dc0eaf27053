"""Two moons, a posterior: simulation-based inference by `flowlet train` with its defaults, judged by a classifier.

    benches/quality/peers/run two_moons.py --flowlet target/release/flowlet
    benches/quality/peers/run two_moons.py --flowlet target/release/flowlet --seeds 0,1,2,3,4
    benches/quality/peers/run two_moons.py --flowlet target/release/flowlet --sbi        # the sbi package beside it

The simulator is sbibm's. Each seed has its own simulations, training run, samples, exact samples and folds. What
follows `--` goes to `flowlet train`.

C2ST is the accuracy of a classifier that tells samples from exact ones: 0.5 is perfect. It has two layers of 20
units and three folds, on 5,000 of each at the observation (0, 0).
"""

import argparse
import contextlib
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

OBSERVATION = (0.0, 0.0)
SAMPLES = 5000


def draw_noise(n, rng):
    """Returns the point [n][2] on the crescent: r (cos a, sin a) + (0.25, 0)."""
    angle = rng.uniform(-np.pi / 2, np.pi / 2, n)
    radius = rng.normal(0.1, 0.01, n)
    return np.stack([radius * np.cos(angle) + 0.25, radius * np.sin(angle)], axis=1)


def simulate(n, seed):
    """Returns n simulations [n][4]: th1, th2, x1, x2. The prior of the parameters is uniform on (-1, 1)^2."""
    rng = np.random.default_rng(seed)
    theta = rng.uniform(-1, 1, (n, 2))
    shift = np.stack([-np.abs(theta.sum(1)), theta[:, 1] - theta[:, 0]], axis=1) / np.sqrt(2)
    return np.hstack([theta, draw_noise(n, rng) + shift])


def exact(n, seed, observation=OBSERVATION):
    """Returns n exact samples [n][2] of the posterior: the simulator is inverted, and what the prior excludes is
    drawn again. The sign of th1 + th2 is random."""
    rng = np.random.default_rng(seed)
    found = np.empty((0, 2))
    while len(found) < n:
        noise = draw_noise(2 * n, rng)
        total = np.sqrt(2) * (noise[:, 0] - observation[0])
        difference = np.sqrt(2) * (observation[1] - noise[:, 1])
        # |th1 + th2| cannot be negative.
        possible = total >= 0
        total = total * rng.choice([-1, 1], len(total))
        theta = np.stack([total - difference, total + difference], axis=1) / 2
        found = np.vstack([found, theta[possible & (np.abs(theta) < 1).all(1)]])
    return found[:n]


def c2st(samples, real, seed):
    """Returns the accuracy of the classifier, by cross-validation. Both sets are scaled by those of `real`."""
    from sklearn.model_selection import KFold, cross_val_score
    from sklearn.neural_network import MLPClassifier

    mean, std = real.mean(0), real.std(0)
    rows = (np.vstack([samples, real]) - mean) / std
    labels = np.repeat([0, 1], [len(samples), len(real)])
    classifier = MLPClassifier(hidden_layer_sizes=(20, 20), max_iter=1000, random_state=seed)
    folds = KFold(n_splits=3, shuffle=True, random_state=seed)
    return cross_val_score(classifier, rows, labels, cv=folds, scoring="accuracy").mean()


def write_table(path, header, rows):
    np.savetxt(path, rows, delimiter=",", header=header, comments="", fmt="%.9g")


def timed(command):
    """Runs a command. Returns its output, wall-clock seconds and processor seconds. A model that is complete, but
    fails verification (exit code 1), is judged too."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode == 1:
        print(f"not verified: {' '.join(map(str, command))}\n{done.stdout}", file=sys.stderr, flush=True)
    elif done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout, time.time() - start, cpu


def by_flowlet(flowlet, options, seed, simulations, directory):
    table, run = directory / "tm.csv", directory / "run"
    write_table(table, "th1,th2,x1,x2", simulations)
    train = [flowlet, "train", table, "--data", "th1,th2", "--condition", "x1,x2", "--seed", seed]
    _, seconds, cpu = timed([*train, "--out", run, "--force", *options])
    # A table of one condition for each sample, so that no row of it is asked for more often.
    wanted, out = directory / "observed.csv", directory / "samples.npy"
    write_table(wanted, "x1,x2", np.tile(OBSERVATION, (SAMPLES, 1)))
    timed([flowlet, "sample", run, "--conditions", wanted, "--seed", seed + 1000, "--out", out, "--force"])
    return np.load(out).astype(np.float64), seconds, cpu


def by_sbi(kind, seed, simulations, directory):
    import torch
    from sbi import inference
    from sbi.utils import BoxUniform

    torch.manual_seed(seed)
    start, cpu = time.time(), time.process_time()
    rows = torch.tensor(simulations, dtype=torch.float32)
    # It writes its logs into the current directory, and its progress to standard output.
    with contextlib.chdir(directory), contextlib.redirect_stdout(sys.stderr):
        trainer = getattr(inference, kind)(prior=BoxUniform(-torch.ones(2), torch.ones(2)))
        trainer.append_simulations(rows[:, :2], rows[:, 2:]).train()
    seconds, cpu = time.time() - start, time.process_time() - cpu
    posterior = trainer.build_posterior()
    return posterior.sample((SAMPLES,), x=torch.tensor([OBSERVATION])).numpy(), seconds, cpu


def main():
    # Split here: argparse would drop a leading -- and parse the options after it as its own.
    ours, options = sys.argv[1:], []
    if "--" in ours:
        at = ours.index("--")
        ours, options = ours[:at], ours[at + 1 :]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flowlet", help="path of the command flowlet")
    parser.add_argument("--sbi", action="store_true", help="also FMPE and NPE of the sbi package, by their defaults")
    parser.add_argument("--seeds", default="0,1,2", help="[0,1,2]")
    parser.add_argument("--simulations", type=int, default=20_000, help="[20000]")
    arguments = parser.parse_args(ours)

    ways = {"exact": lambda seed, *_: (exact(SAMPLES, seed + 2_000_000), 0.0, 0.0)}
    if arguments.flowlet:
        ways["flowlet"] = lambda *job: by_flowlet(arguments.flowlet, options, *job)
    if arguments.sbi:
        for kind in ["FMPE", "NPE"]:
            ways[f"sbi {kind}"] = lambda *job, kind=kind: by_sbi(kind, *job)

    print("by,seed,seconds,cpu_seconds,c2st", flush=True)
    scores = {name: [] for name in ways}
    for seed in map(int, arguments.seeds.split(",")):
        simulations, real = simulate(arguments.simulations, seed), exact(SAMPLES, seed + 1_000_000)
        for name, way in ways.items():
            with tempfile.TemporaryDirectory() as directory:
                samples, seconds, cpu = way(seed, simulations, pathlib.Path(directory))
            scores[name].append(c2st(samples, real, seed))
            print(f"{name},{seed},{seconds:.1f},{cpu:.1f},{scores[name][-1]:.4f}", flush=True)
    for name, found in scores.items():
        print(f"median of {name}: {statistics.median(found):.4f}")


if __name__ == "__main__":
    main()
