"""Makes integer models of float ones, and compares their distances to the data. Needs nothing but flowlet.

    python3 benches/quality/integers.py --flowlet target/release/flowlet --keep /tmp/integers

The float models are those of weights/, and two one-step models that are trained first. Each is quantized with the
command's defaults. `flowlet evaluate` compares samples in the model's own steps with as many fresh draws, from the same
starting points and with the same draws for all types of weights: W1 for one dimension, W2 squared for two (for the
models with classes, over class and data together in standard deviations). The numbers are means over `--seeds` seeds of
the evaluation. The last column says whether all are within the limits: 3 % and 0.001 above the float model's with i16,
10 % and 0.002 with i8, 20 % and 0.003 with i4.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
WEIGHTS = HERE.parent.parent / "weights"
LIMITS = {"i16": (1.03, 0.001), "i8": (1.1, 0.002), "i4": (1.2, 0.003)}
# Each model: its name, and its directory or the arguments of its training.
MODELS = {
    "mixture": WEIGHTS / "mixture",
    "moons": WEIGHTS / "moons",
    "8gaussians, by class": WEIGHTS / "8gaussians",
    "mixture, one step": WEIGHTS / "mixture-one-step",
    "8gaussians → moons, one step": [HERE / "configs" / "8gaussians-moons-1.toml"],
    "8gaussians, by class, one step": ["8gaussians", "--condition", "class", "--few-steps", "1"],
}


def run(*command):
    """Runs a command silently. Returns its output."""
    command = [str(part) for part in command]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
    return done.stdout


def distance(flowlet, model, seeds):
    """Returns the mean distance of a model's samples in its own steps."""
    facts = [line.split() for line in run(flowlet, "inspect", model).splitlines()]
    steps = next(words[1] for words in facts if words[:1] == ["flowlet.steps"])
    found = []
    for seed in range(seeds):
        text = run(flowlet, "evaluate", model, "--steps", steps, "--seed", seed, "--format", "json")
        row = json.loads(text)["rows"][0]
        one = len(row["columns"]) == 1
        found.append(row["distances"]["w1" if one else "w2_squared"])
    return statistics.mean(found), "W1" if one else "W2²"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--flowlet", required=True, type=pathlib.Path)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--keep", type=pathlib.Path, help="directory in which the models are kept")
    arguments = parser.parse_args()
    flowlet = arguments.flowlet.resolve()
    print("| model | distance | float | i16 | i8 | i4 | within the limits |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        place = arguments.keep or pathlib.Path(scratch)
        place.mkdir(parents=True, exist_ok=True)
        for number, (name, source) in enumerate(MODELS.items()):
            model = source
            if isinstance(source, list):
                model = place / f"float-{number}"
                if not model.exists():
                    run(flowlet, "train", *source, "--out", model)
            float_one, kind = distance(flowlet, model, arguments.seeds)
            cells, within = [f"{float_one:.4f}"], True
            for weights, (factor, more) in LIMITS.items():
                directory = place / f"{weights}-{number}"
                directory.mkdir(exist_ok=True)
                out = directory / "model.safetensors"
                run(flowlet, "quantize", model, "--weights", weights, "--out", out, "--force")
                found, _ = distance(flowlet, directory, arguments.seeds)
                within &= found <= float_one * factor + more
                cells.append(f"{found:.4f}")
            verdict = "yes" if within else "NO"
            print(f"| {name} | {kind} | {' | '.join(cells)} | {verdict} |", flush=True)


if __name__ == "__main__":
    main()
