"""Makes the files in conventions/: networks as libraries of the field save them, and what the libraries compute.

    python -m venv venv && venv/bin/pip install -r tests/pytorch/conventions-requirements.txt
    KERAS_BACKEND=jax venv/bin/python tests/pytorch/conventions.py
    KERAS_BACKEND=jax venv/bin/python tests/pytorch/conventions.py --large FOLDER

The second form writes the networks in their real widths (4 layers of 512), which are too large to commit. The networks
have the random weights of their library: what is compared is what they compute. `tests/networks.rs` imports each.

Each network has a file `NAME.outputs.safetensors`: `t` [64, 1], `x` [64, D] and, with conditions, `c` [64, C], in flowlet's
convention (t from 0, noise, to 1, data), and the `velocity` [64, D] that the library gives there. One-step networks
have the `sample` [64, D] that they map x to.
"""

import argparse
import copy
import warnings
from pathlib import Path

import equinox as eqx
import flax.linen
import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytorch_lightning
import torch
from flow_matching.solver import ODESolver
from flow_matching.utils import ModelWrapper
from safetensors.numpy import save_file
from torch import nn
from torchcfm.models.models import MLP as TorchcfmMlp

PLACES = 64
STEPS = 15


def places(data_dim, conditions=0, seed=0):
    """Times, states and conditions, `[PLACES, …]`."""
    rng = np.random.default_rng(seed)
    t = rng.random((PLACES, 1), dtype=np.float32)
    x = 1.5 * rng.standard_normal((PLACES, data_dim), dtype=np.float32)
    found = {"t": t, "x": x}
    if conditions:
        found["c"] = rng.standard_normal((PLACES, conditions), dtype=np.float32)
    return found


def write_outputs(folder, name, inputs, **outputs):
    """Writes what a network computes."""
    arrays = inputs | {key: np.asarray(value, dtype=np.float32) for key, value in outputs.items()}
    save_file({key: np.ascontiguousarray(value) for key, value in arrays.items()}, folder / f"{name}.outputs.safetensors")


@torch.no_grad()
def run_torch(net, *columns):
    """What a network of PyTorch gives for columns side by side."""
    return net(torch.cat([torch.from_numpy(column) for column in columns], dim=-1)).numpy()


def torchcfm(folder, width=64):
    """torchcfm's own MLP: x before t, SELU, saved with torch.save."""
    net = TorchcfmMlp(dim=2, w=width, time_varying=True)
    torch.save(net.state_dict(), folder / "torchcfm.pt")
    inputs = places(2)
    write_outputs(folder, "torchcfm", inputs, velocity=run_torch(net, inputs["x"], inputs["t"]))


class Swish(nn.Module):
    def forward(self, x):
        return torch.sigmoid(x) * x


class Notebook(nn.Module):
    """The layers of the 2-D example of Meta's flow_matching: x before t, Swish, under `main`."""

    def __init__(self, width):
        super().__init__()
        layers = [nn.Linear(3, width), Swish()]
        for _ in range(3):
            layers += [nn.Linear(width, width), Swish()]
        self.main = nn.Sequential(*layers, nn.Linear(width, 2))

    def forward(self, x, t):
        return self.main(torch.cat([x, t.reshape(-1, 1).expand(len(x), 1)], dim=-1))


class Wrapped(ModelWrapper):
    def forward(self, x, t, **extras):
        return self.model(x, t)


def notebook(folder, width=56):
    """Meta's flow_matching: the notebook's network; the paths are by the library's own solver."""
    net = Notebook(width)
    torch.save(net.state_dict(), folder / "notebook.pth")
    inputs = places(2)
    with torch.no_grad():
        velocity = net(torch.from_numpy(inputs["x"]), torch.from_numpy(inputs["t"]))
        solver = ODESolver(velocity_model=Wrapped(net))
        grid = torch.linspace(0, 1, STEPS + 1)
        x_0 = torch.from_numpy(inputs["x"])
        path = solver.sample(x_0, step_size=None, method="euler", time_grid=grid, return_intermediates=True)
    write_outputs(folder, "notebook", inputs, velocity=velocity.numpy(), ends=path[-1].numpy())


class LightningFlow(pytorch_lightning.LightningModule):
    """t first, conditions last, ELU; an average of the weights and the data's units are in the checkpoint, too."""

    def __init__(self, width=24, note="settings of a run"):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Linear(1 + 3 + 2, width), nn.ELU(), nn.Linear(width, width), nn.ELU(), nn.Linear(width, 3))
        self.register_buffer("mean", torch.tensor([10.0, -2.0, 0.5]))
        self.register_buffer("std", torch.tensor([3.0, 0.25, 1.0]))

    def training_step(self, batch, _):
        x, c = batch
        return self.net(torch.cat([torch.rand(len(x), 1), x, c], dim=-1)).square().mean()

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-3)


def lightning(folder):
    """A checkpoint that a Trainer of Lightning wrote."""
    module = LightningFlow()
    data = torch.utils.data.TensorDataset(torch.randn(64, 3), torch.randn(64, 2))
    trainer = pytorch_lightning.Trainer(
        max_steps=5, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, torch.utils.data.DataLoader(data, batch_size=16))
    trainer.save_checkpoint(folder / "lightning.ckpt")
    inputs = places(3, 2)
    module = module.cpu().eval()
    velocity = run_torch(module.net, inputs["t"], inputs["x"], inputs["c"])
    write_outputs(folder, "lightning", inputs, velocity=velocity, mean=module.mean.numpy(), scale=module.std.numpy())


def average(folder):
    """A trainer's own dictionary: the network, PyTorch's average of its weights with a counter, and the optimiser."""
    net = nn.Sequential(nn.Linear(3, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 2))
    mean = torch.optim.swa_utils.AveragedModel(net)
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(5):
        net(torch.randn(16, 3)).square().mean().backward()
        optimiser.step()
        mean.update_parameters(net)
    checkpoint = {"step": 5, "model": net.state_dict(), "ema": {"shadow": mean.state_dict(), "decay": 0.99}}
    torch.save(checkpoint | {"optimizer": optimiser.state_dict()}, folder / "average.pt")
    inputs = places(2)
    write_outputs(folder, "average", inputs, velocity=run_torch(mean.module, inputs["t"], inputs["x"]))


def reversed_time(folder):
    """Noise at 1000 and data at 0, as in diffusion and in FPO: the network is given 1000·(1 − t), and its velocity leads
    to noise."""
    net = nn.Sequential(nn.Linear(3, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU(), nn.Linear(48, 2))
    with torch.no_grad():
        # As training makes them: a time of 1000 is of no more weight than one of 1.
        net[0].weight[:, 2] /= 1000
    torch.save(net.state_dict(), folder / "reversed.pt")
    inputs = places(2)
    time = (1000 * (1 - inputs["t"].astype(np.float64))).astype(np.float32)
    write_outputs(folder, "reversed", inputs, velocity=-run_torch(net, inputs["x"], time))


def unequal(folder):
    """Hidden layers of 40, 48 and 44 units, named by words, in bfloat16; Mish."""
    layers = [nn.Linear(3, 40), nn.Linear(40, 48), nn.Linear(48, 44), nn.Linear(44, 2)]
    net = nn.Module()
    for name, layer in zip(["enter", "first", "second", "leave"], layers):
        net.add_module(name, layer)
    net = net.bfloat16().float()
    inputs = places(2)
    sequential = nn.Sequential(layers[0], nn.Mish(), layers[1], nn.Mish(), layers[2], nn.Mish(), layers[3])
    velocity = run_torch(sequential, inputs["t"], inputs["x"])
    torch.save(copy.deepcopy(net).bfloat16().state_dict(), folder / "unequal.bin")
    write_outputs(folder, "unequal", inputs, velocity=velocity)


class FqlMlp(flax.linen.Module):
    """The actor of FQL: hidden layers `Dense_i` with GELU (its tanh form), no normalisation."""

    hidden: tuple
    outputs: int

    @flax.linen.compact
    def __call__(self, x):
        for width in self.hidden:
            x = flax.linen.gelu(flax.linen.Dense(width)(x))
        return flax.linen.Dense(self.outputs)(x)


def flat(tree):
    """The arrays of a tree of JAX, by their paths: `params/Dense_0/kernel`."""
    leaves = jax.tree_util.tree_flatten_with_path(tree)[0]
    return {"/".join(str(getattr(k, "key", k)) for k in path): np.asarray(leaf) for path, leaf in leaves}


def fql(folder, width=40):
    """FQL's actor: observations, actions, time; and its twin of one step, which maps noise to an action without t."""
    inputs = places(2, 5)
    for name, columns in [("fql", ["c", "x", "t"]), ("fql_one_step", ["c", "x"])]:
        net = FqlMlp((width,) * 4, 2)
        x = jnp.concatenate([inputs[column] for column in columns], axis=-1)
        params = net.init(jax.random.PRNGKey(len(columns)), x)
        np.savez_compressed(folder / f"{name}.npz", **flat(params))
        output = {"sample" if name == "fql_one_step" else "velocity": net.apply(params, x)}
        write_outputs(folder, name, inputs, **output)


def equinox(folder):
    """Equinox's MLP, with the paths of the tree as names."""
    net = eqx.nn.MLP(in_size=4, out_size=3, width_size=32, depth=3, activation=jax.nn.relu, key=jax.random.PRNGKey(1))
    leaves = jax.tree_util.tree_flatten_with_path(eqx.filter(net, eqx.is_array))[0]
    arrays = {jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in leaves}
    save_file(arrays, folder / "equinox.safetensors")
    inputs = places(3)
    velocity = jax.vmap(net)(jnp.concatenate([inputs["t"], inputs["x"]], axis=-1))
    write_outputs(folder, "equinox", inputs, velocity=velocity)


def keras_mlp(folder):
    """A Sequential of Keras, by the paths of its variables; its second layer is square."""
    layers = [keras.layers.Dense(32, activation="gelu") for _ in range(12)]
    net = keras.Sequential([keras.Input((3,)), *layers[:11], keras.layers.Dense(2)])
    np.savez(folder / "keras.npz", **{variable.path: variable.numpy() for variable in net.variables})
    inputs = places(2)
    velocity = net(np.concatenate([inputs["x"], inputs["t"]], axis=-1))
    write_outputs(folder, "keras", inputs, velocity=velocity)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--large", type=Path)
    large = parser.parse_args().large
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    torch.manual_seed(7)
    keras.utils.set_random_seed(7)
    if large:
        large.mkdir(exist_ok=True)
        notebook(large, 512)
        fql(large, 512)
    else:
        here = Path(__file__).parent / "conventions"
        here.mkdir(exist_ok=True)
        for make in [torchcfm, notebook, lightning, average, reversed_time, unequal, fql, equinox, keras_mlp]:
            make(here)
