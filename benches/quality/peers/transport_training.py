"""Times training with optimal transport, by flowlet and then by torchcfm.

    benches/quality/peers/run peers/transport_training.py --flowlet target/release/flowlet

Both train 8gaussians -> moons with the same network and batch size, and pair one batch at a time. flowlet's time
is the time of the command minus the time of the same command with one iteration, so that reading, export and
verification are not counted. On a machine that also does other work, quote the ratio of processor times. The
ratio of wall-clock times favours the trainer with more threads.
"""

import argparse
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import torch
import torchcfm_2d

CONFIG = """\
seed = {seed}

[data]
source = "moons"
standardize = false

[source]
distribution = "8gaussians"

[model]
hidden_width = 64
hidden_layers = {hidden_layers}
activation = "gelu"

[train]
iterations = {iterations}
batch_size = {batch_size}
learning_rate = 0.001
coupling = "transport"
transport_size = {transport_size}
device = "cpu"
"""


def child_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def flowlet(binary, directory, threads, **settings):
    """Returns the wall-clock and processor seconds of one `flowlet train`."""
    config = pathlib.Path(directory, "config.toml")
    config.write_text(CONFIG.format(**settings))
    command = [binary, "train", config, "--out", pathlib.Path(directory, "run"), "--force"]
    environment = dict(os.environ, RAYON_NUM_THREADS=str(threads))
    start, cpu_start = time.perf_counter(), child_seconds()
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )
    if done.returncode != 0:
        sys.exit(f"{binary}: exit code {done.returncode}\n{done.stdout}")
    return time.perf_counter() - start, child_seconds() - cpu_start


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--flowlet", required=True, help="path of the command flowlet")
    parser.add_argument("--iterations", type=int, default=2_000)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--transport-size", type=int, help="pairs that flowlet assigns at a time [batch size]")
    parser.add_argument("--hidden-layers", type=int, choices=[1, 2], default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1, help="threads of each trainer [1]")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    problem = torchcfm_2d.PROBLEMS[f"8gaussians-moons-{arguments.hidden_layers}"]
    settings = {
        "seed": arguments.seed,
        "hidden_layers": arguments.hidden_layers,
        "batch_size": arguments.batch_size,
        "transport_size": arguments.transport_size or arguments.batch_size,
    }
    # Warms up: torch loads its kernels in its first iterations.
    torchcfm_2d.train(problem, "transport", arguments.seed, 10, arguments.batch_size)
    with tempfile.TemporaryDirectory() as directory:
        run = (arguments.flowlet, directory, arguments.threads)
        fixed = flowlet(*run, iterations=1, **settings)
        whole = flowlet(*run, iterations=arguments.iterations, **settings)
    ours = [max(w - f, 0.0) for w, f in zip(whole, fixed)]
    _, theirs, _ = torchcfm_2d.train(
        problem, "transport", arguments.seed, arguments.iterations, arguments.batch_size
    )

    print(f"{arguments.iterations} iterations, batches of {arguments.batch_size}")
    print("trainer,seconds,cpu_seconds,ms_per_iteration")
    for name, (seconds, cpu) in [("torchcfm", theirs), ("flowlet", ours)]:
        print(f"{name},{seconds:.2f},{cpu:.2f},{1000 * seconds / arguments.iterations:.3f}")
    print(f"flowlet with 1 iteration (subtracted),{fixed[0]:.2f},{fixed[1]:.2f},")
    ratios = [t / o if o > 0 else float("nan") for t, o in zip(theirs, ours)]
    print("ratio,{:.1f},{:.1f},".format(*ratios))


if __name__ == "__main__":
    main()
