"""Checks the way out of flowlet, with ONNX Runtime and PyTorch: `out.py FLOWLET`, the path of the command.

For each model: the graphs of `flowlet export --to onnx` pass ONNX's checker, and sampler.onnx gives the samples of `flowlet
sample` from the same starting points. velocity.onnx gives them with a loop of Euler's steps, and so do the lines of
Python in README.md. Prints the worst differences, relative to the largest sample.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from safetensors import safe_open

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
STEPS = 20
ROWS = 200
# Rounding of some hundred operations a step, each in another order.
ALLOWED = 2e-5

# A weight of guidance.
GUIDANCE = 1.5


def flowlet(*arguments):
    subprocess.run([FLOWLET, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


def worst(found, expected):
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def session(path):
    onnx.checker.check_model(onnx.load(path), full_check=True)
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def units(model):
    """The mean and the scale of the data, and those that a file without them means."""
    with safe_open(model, framework="np") as file:
        named = {name: file.get_tensor(name) for name in file.keys()}
        metadata = file.metadata()
    return named.get("data.mean", 0.0), named.get("data.scale", 1.0), metadata


def euler(velocity, x):
    times = np.arange(STEPS + 1, dtype=np.float32) / np.float32(STEPS)
    for now, after in zip(times[:-1], times[1:]):
        x = x + velocity(np.full((len(x), 1), now, dtype=np.float32), x) * (after - now)
    return x


def check(folder, name, model, solver):
    mean, scale, metadata = units(model)
    data, conditions = int(metadata["flowlet.data_dim"]), int(metadata["flowlet.condition_dim"])
    rng = np.random.default_rng(1)
    x_0 = rng.standard_normal((ROWS, data)).astype(np.float32)
    c = rng.standard_normal((ROWS, conditions)).astype(np.float32)
    given = {"c": c} if conditions else {}
    np.save(folder / "x_0.npy", x_0)
    np.save(folder / "c.npy", c)
    inputs = ["--x0", folder / "x_0.npy"] + (["--conditions", folder / "c.npy"] if conditions else [])

    def samples(*how):
        flowlet("sample", model, *inputs, *how, "--out", folder / "s.npy", "--force")
        return np.load(folder / "s.npy").reshape(ROWS, data)

    graphs = folder / "graphs"
    flowlet("export", model, "--to", "onnx", "--solver", solver, "--steps", STEPS, "--out", graphs, "--force")
    sampler = session(graphs / "sampler.onnx")
    found = sampler.run(None, {"x_0": x_0} | given)[0]
    errors = {f"sampler.onnx, {solver}": worst(found, samples("--solver", solver, "--steps", STEPS))}
    if conditions:
        guided = session(graphs / "sampler_guided.onnx")
        weight = np.full((ROWS, 1), GUIDANCE, dtype=np.float32)
        found = guided.run(None, {"x_0": x_0, "guidance": weight} | given)[0]
        expected = samples("--solver", solver, "--steps", STEPS, "--guidance", GUIDANCE)
        errors["sampler_guided.onnx"] = worst(found, expected)
    field = session(graphs / "velocity.onnx")
    ends = euler(lambda t, x: field.run(None, {"t": t, "x": x} | given)[0], x_0)
    expected = samples("--solver", "euler", "--steps", STEPS)
    errors["velocity.onnx"] = worst(ends * scale + mean, expected)
    if metadata["flowlet.activation"] == "gelu" and not conditions:
        code = re.search(r"```python\n(import torch\n.*?)```", (ROOT / "README.md").read_text(), re.DOTALL).group(1)
        lines = {}
        exec(code.replace("model.safetensors", str(model)), lines)
        wrapped = lambda t, x: lines["velocity"](torch.from_numpy(t), torch.from_numpy(x)).numpy()
        with torch.no_grad():
            errors["README's lines"] = worst(np.asarray(lines["data_units"](torch.from_numpy(euler(wrapped, x_0)))), expected)
    print(name, json.dumps(errors))
    assert all(error <= ALLOWED for error in errors.values()), errors


if __name__ == "__main__":
    FLOWLET = Path(sys.argv[1]).resolve()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for name, solver in [("mixture", "euler"), ("moons", "rk4"), ("8gaussians", "ab2")]:
            check(folder, name, ROOT / "weights" / name / "model.safetensors", solver)
        imports = [
            ("torchcfm.pt", "x,t", "selu", "heun"),
            ("notebook.pth", "x,t", "silu", "midpoint"),
            ("fql.npz", "c,x,t", "gelu_tanh", "euler"),
            ("equinox.safetensors", "t,x", "relu", "heun"),
        ]
        for name, columns, activation, solver in imports:
            model = folder / "imported.safetensors"
            source = HERE / "conventions" / name
            flowlet("import", source, "--columns", columns, "--activation", activation, "--out", model, "--force")
            check(folder, name, model, solver)
        for name, activation, more in [
            ("lightning.ckpt", "elu", ["--mean", "mean", "--scale", "std"]),
            ("average.pt", "tanh", ["--entry", "ema.shadow"]),
            ("unequal.bin", "mish", ["--layers", "enter,first,second,leave"]),
        ]:
            model = folder / "imported.safetensors"
            source = HERE / "conventions" / name
            flowlet("import", source, "--activation", activation, *more, "--out", model, "--force")
            check(folder, name, model, "euler")
