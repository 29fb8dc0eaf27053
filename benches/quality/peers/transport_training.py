"""Times training with transport: torchcfm's, and flowlet's, one after the other.

    benches/quality/peers/run peers/transport_training.py --flowlet target/release/flowlet

Both train 8gaussians -> moons with the same network and batch, and transport one batch at a time.
flowlet's time is that of the command less that of the same command with one iteration, so that
reading, export and verification are not counted. The ratio of processor times is the one to quote
from a machine that does something else too; the clock's favours whoever uses more threads.
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
    """Seconds of one `flowlet train`, by the clock and of the processor."""
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
    parser.add_argument("--flowlet", required=True, help="the binary")
    parser.add_argument("--iterations", type=int, default=2_000)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--transport-size", type=int, help="flowlet's pairs at once [the batch's]")
    parser.add_argument("--hidden-layers", type=int, choices=[1, 2], default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1, help="[1]")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    problem = torchcfm_2d.PROBLEMS[f"8gaussians-moons-{arguments.hidden_layers}"]
    settings = {
        "seed": arguments.seed,
        "hidden_layers": arguments.hidden_layers,
        "batch_size": arguments.batch_size,
        "transport_size": arguments.transport_size or arguments.batch_size,
    }
    # Both warm up first: torch loads its kernels in its first iterations.
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
    print(f"flowlet's fixed part,{fixed[0]:.2f},{fixed[1]:.2f},")
    ratios = [t / o if o > 0 else float("nan") for t, o in zip(theirs, ours)]
    print("ratio,{:.1f},{:.1f},".format(*ratios))


if __name__ == "__main__":
    main()
