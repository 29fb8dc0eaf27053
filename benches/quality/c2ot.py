"""Repeats C2OT's figure 1 with one Euler step: 8gaussians -> moons with no condition, a class, or the target's x.

    benches/quality/peers/run c2ot.py --flowlet target/release/flowlet --seeds 0,1,2

For each condition the script makes the data with condition_data.py, trains a few-step model by one command, and
draws a sample under the condition of each of 10,000 target points. It prints W2² between samples and target
points.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

# For each condition its column, and the network's width. All have two hidden-to-hidden layers.
CONDITIONS = {"none": (None, 64), "class": ("moon", 96), "x": ("c", 96)}


def call(*command):
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def score(flowlet, condition, seed, place):
    column, width = CONDITIONS[condition]
    data, run = place / condition, place / f"{condition}-{seed}"
    if not data.exists():
        script = pathlib.Path(__file__).with_name("condition_data.py")
        call(sys.executable, script, data, "--condition", condition)
    given = ["--condition", column] if column else []
    call(
        *[flowlet, "train", data / "train.csv", "--data", "x,y", *given],
        *["--source", data / "source.npy", "--standardize=false", "--few-steps", 1],
        *["--hidden-width", width, "--hidden-layers", 2, "--iterations", 12000],
        *["--seed", seed, "--out", run, "--force"],
    )
    samples = place / "samples.npy"
    given = ["--conditions", data / "conditions.csv"] if column else []
    call(flowlet, "sample", run, "--x0", data / "x0.npy", *given, "--steps", 1, "--out", samples)
    found = json.loads(call(flowlet, "distance", samples, data / "target.npy"))
    samples.unlink()
    return found["w2_squared"]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--flowlet", required=True, type=pathlib.Path)
    parser.add_argument("--conditions", default=",".join(CONDITIONS))
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--keep", type=pathlib.Path, help="directory in which the data and the runs are kept")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        place = arguments.keep or pathlib.Path(scratch)
        place.mkdir(parents=True, exist_ok=True)
        print("condition,seed,w2_squared")
        for condition in arguments.conditions.split(","):
            found = []
            for seed in arguments.seeds.split(","):
                found.append(score(arguments.flowlet, condition, seed, place))
                print(f"{condition},{seed},{found[-1]:.4f}", flush=True)
            print(f"{condition},median,{statistics.median(found):.4f}", flush=True)


if __name__ == "__main__":
    main()
