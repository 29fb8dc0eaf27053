"""Makes the files in this directory: PyTorch's results, which flowlet is compared with.

    python -m venv venv && venv/bin/pip install -r tests/pytorch/requirements.txt
    venv/bin/python tests/pytorch/make.py

Everything is seeded and runs on one CPU thread. The same versions on the same CPU give the same files.
"""

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

HERE = Path(__file__).parent
STEPS = 15


class ArticleModel(nn.Module):
    """The article's model: t before x, exact GELU, 64 wide, one hidden-to-hidden layer."""

    def __init__(self, data_dim=1, hidden_dim=64):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(1 + data_dim, hidden_dim),
            nn.GELU(),
            nn.Linear(hidden_dim, hidden_dim),
            nn.GELU(),
            nn.Linear(hidden_dim, data_dim),
        )

    def forward(self, t, x, c=None):
        return self.net(torch.cat([t, x], dim=-1))


class TorchcfmLayout(nn.Module):
    """The layout of torchcfm's MLP: x before t, SELU, three hidden layers of 64 under `net`."""

    def __init__(self, dim=2, width=64):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(dim + 1, width),
            nn.SELU(),
            nn.Linear(width, width),
            nn.SELU(),
            nn.Linear(width, width),
            nn.SELU(),
            nn.Linear(width, dim),
        )

    def forward(self, t, x, c=None):
        return self.net(torch.cat([x, t], dim=-1))


class MetaLayout(nn.Module):
    """The layout of the 2-D notebook of Meta's flow_matching: x before t, Swish, under `main`."""

    def __init__(self, dim=2, width=32):
        super().__init__()
        layers = [nn.Linear(dim + 1, width)]
        for _ in range(3):
            layers += [nn.SiLU(), nn.Linear(width, width)]
        self.main = nn.Sequential(*layers, nn.SiLU(), nn.Linear(width, dim))

    def forward(self, t, x, c=None):
        return self.main(torch.cat([x, t], dim=-1))


class ConditionalLayout(nn.Module):
    """A layout of no known library: x, then c, then t; tanh; under a nested prefix."""

    def __init__(self, dim=2, conditions=3, width=24):
        super().__init__()
        self.model = nn.Module()
        self.model.velocity = nn.Sequential(
            nn.Linear(dim + conditions + 1, width),
            nn.Tanh(),
            nn.Linear(width, width),
            nn.Tanh(),
            nn.Linear(width, dim),
        )

    def forward(self, t, x, c=None):
        return self.model.velocity(torch.cat([x, c, t], dim=-1))


def mixture(n):
    """The article's two Gaussians."""
    component = torch.multinomial(torch.tensor([0.55, 0.45]), n, replacement=True)
    mean, std = torch.tensor([-0.85, 1.5]), torch.tensor([0.65, 0.25])
    return (mean[component] + std[component] * torch.randn(n)).unsqueeze(-1)


def ring(n):
    """Points around a circle; the condition is one-hot over the circle's thirds."""
    angle = 2 * torch.pi * torch.rand(n)
    x = 1.5 * torch.stack([angle.cos(), angle.sin()], dim=-1) + 0.1 * torch.randn(n, 2)
    c = nn.functional.one_hot((angle / (2 * torch.pi) * 3).long().clamp(max=2), 3).float()
    return x, c


def train(model, draw, iterations, batch=256):
    """The article's training loop. Returns the loss of each iteration and the batches."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    losses, batches = [], []
    for _ in range(iterations):
        x_1, c = draw(batch)
        x_0, t = torch.randn_like(x_1), torch.rand(batch, 1)
        x_t = (1 - t) * x_0 + t * x_1
        loss = nn.functional.mse_loss(model(t, x_t, c), x_1 - x_0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        batches.append((x_0, x_1, t))
    return losses, batches


def state(model, prefix=""):
    return {prefix + name: value.detach().clone() for name, value in model.state_dict().items()}


@torch.no_grad()
def path(model, x_0, c=None):
    """All points of the paths from x_0 by Euler's method: [n, STEPS + 1, D]."""
    t = np.arange(STEPS + 1, dtype=np.float32) / np.float32(STEPS)
    x, points = x_0, [x_0]
    for now, after in zip(t[:-1], t[1:]):
        v = model(torch.full((len(x), 1), float(now)), x, c)
        x = x + v * float(after - now)
        points.append(x)
    return torch.stack(points, dim=1)


@torch.no_grad()
def outputs(model, data_dim, conditions=0):
    """Velocities at random points, and paths from noise."""
    t, x = torch.rand(64, 1), 1.5 * torch.randn(64, data_dim)
    x_0 = torch.randn(8, data_dim)
    result = {"t": t, "x": x, "x_0": x_0}
    c = c_0 = None
    if conditions:
        c = result["c"] = torch.randn(64, conditions)
        c_0 = result["c_0"] = torch.randn(8, conditions)
    result["velocity"] = model(t, x, c)
    result["path"] = path(model, x_0, c_0)
    return result


def write(name, tensors):
    save_file({key: value.contiguous() for key, value in tensors.items()}, HERE / f"{name}.safetensors")


def make_parity():
    """Fifty steps of Adam: the weights before and after, the batches and the losses."""
    torch.manual_seed(1)
    model = ArticleModel()
    tensors = state(model, "initial.")
    losses, batches = train(model, lambda n: (mixture(n), None), 50)
    tensors |= state(model, "final.")
    for name, parts in zip(("x_0", "x_1", "t"), zip(*batches)):
        tensors[name] = torch.stack(parts)
    tensors["losses"] = torch.tensor(losses)
    write("parity", tensors)


def make_article():
    """The article's class, trained. The first path starts at 0.85."""
    torch.manual_seed(2)
    model = ArticleModel()
    train(model, lambda n: (mixture(n), None), 3000)
    write("article", state(model))
    x_0 = torch.cat([torch.tensor([[0.85]]), torch.randn(15, 1)])
    t, x = torch.meshgrid(torch.linspace(0, 1, 11), torch.linspace(-3, 3, 13), indexing="ij")
    t, x = t.reshape(-1, 1), x.reshape(-1, 1)
    with torch.no_grad():
        velocity = model(t, x)
    write("article_outputs", {"x_0": x_0, "path": path(model, x_0), "t": t, "x": x, "velocity": velocity})


def make_layouts():
    """State dicts of other conventions."""
    layouts = [
        ("torchcfm_mlp", TorchcfmLayout, 0),
        ("meta_mlp", MetaLayout, 0),
        ("conditional_mlp", ConditionalLayout, 3),
    ]
    for seed, (name, layout, conditions) in enumerate(layouts, start=3):
        torch.manual_seed(seed)
        model = layout()
        train(model, ring, 500)
        write(name, state(model))
        write(f"{name}_outputs", outputs(model, 2, conditions))
        if name == "meta_mlp":
            torch.save(model.state_dict(), HERE / f"{name}.pt")


def make_strided():
    """The network of meta_mlp.pt, whose tensors are views: transposed, expanded, interleaved; one is a parameter."""
    tensors = torch.load(HERE / "meta_mlp.pt")
    tensors["main.0.bias"] = torch.full((1,), 0.25).expand(32)
    tensors["main.2.weight"] = tensors["main.2.weight"].T.contiguous().T
    both = torch.stack([tensors["main.4.weight"], tensors["main.6.weight"]], dim=2)
    tensors["main.4.weight"], tensors["main.6.weight"] = both[:, :, 0], both[:, :, 1]
    tensors["main.8.weight"] = torch.nn.Parameter(tensors["main.8.weight"].double())
    torch.save(tensors, HERE / "strided.pt")
    write("strided", tensors)


def make_activations():
    """Activations of f32 inputs, computed in f64."""
    tiny = torch.tensor([0.0, -0.0, 1e-30, -1e-30, 1e-8, -1e-8, 20.0, -20.0, 100.0, -100.0])
    x = torch.cat([torch.linspace(-12, 12, 1990), tiny]).to(torch.float32)
    functions = {
        "gelu": nn.GELU(),
        "gelu_tanh": nn.GELU(approximate="tanh"),
        "silu": nn.SiLU(),
        "selu": nn.SELU(),
        "tanh": nn.Tanh(),
        "relu": nn.ReLU(),
        "elu": nn.ELU(),
        "mish": nn.Mish(),
    }
    write("activations", {"x": x} | {name: f(x.double()) for name, f in functions.items()})


if __name__ == "__main__":
    torch.set_num_threads(1)
    make_parity()
    make_article()
    make_layouts()
    make_strided()
    make_activations()
