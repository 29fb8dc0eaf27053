"""The two-dimensional problems, as torchcfm and torchdyn define them.

The draws need neither library. Run as a program without a name, this script compares its draws with theirs.

    benches/quality/peers/run problems.py
    benches/quality/peers/run problems.py moons -n 100000 --seed 1 --out moons.npy
"""

import argparse
import math

import numpy as np

# torchcfm's eight_normal_sample(n, 2, scale=5, var=0.1). Its covariance is sqrt(var) times the identity, so the
# variance of a coordinate is sqrt(0.1), not 0.1.
RADIUS = 5.0
VARIANCE = math.sqrt(0.1)
_DIAGONAL = 1 / math.sqrt(2)
CENTRES = RADIUS * np.array(
    [
        (1, 0),
        (-1, 0),
        (0, 1),
        (0, -1),
        (_DIAGONAL, _DIAGONAL),
        (_DIAGONAL, -_DIAGONAL),
        (-_DIAGONAL, _DIAGONAL),
        (-_DIAGONAL, -_DIAGONAL),
    ]
)

# torchcfm's sample_moons: torchdyn's generate_moons with noise 0.2, times 3, minus 1.
NOISE = 0.2
SCALE, SHIFT = 3.0, -1.0


def normal(n, rng):
    """Returns points [n][2] of N(0, I)."""
    return rng.standard_normal((n, 2))


def eight_gaussians(n, rng):
    """Returns points [n][2] of eight equally likely Gaussians, 5 away from the origin."""
    noise = math.sqrt(VARIANCE) * rng.standard_normal((n, 2))
    return CENTRES[rng.integers(len(CENTRES), size=n)] + noise


def moons_with_labels(n, rng, independent=False):
    """Returns points [n][2] and the moon [n] of each: 0 for the upper moon, which comes first, 1 for the lower.

    torchdyn spaces the angles evenly from 0 to pi, with both ends. Its noise is uniform in [0, 0.2), with one
    number for both coordinates of a point. With `independent`, angles and moons are drawn at random instead:
    the same distribution except for the ends, but not evenly spaced. Two evenly spaced sets are nearer to each
    other than two sets of independent points.
    """
    if independent:
        labels = rng.integers(2, size=n)
        angles = np.pi * rng.random(n)
    else:
        upper = n // 2
        labels = np.repeat([0, 1], [upper, n - upper])
        angles = np.concatenate([np.linspace(0, np.pi, upper), np.linspace(0, np.pi, n - upper)])
    x = np.where(labels == 0, np.cos(angles), 1 - np.cos(angles))
    y = np.where(labels == 0, np.sin(angles), 0.5 - np.sin(angles))
    points = np.stack([x, y], axis=1) + NOISE * rng.random((n, 1))
    return SCALE * points + SHIFT, labels


def moons(n, rng):
    """Returns points [n][2] of torchdyn's moons, evenly spaced."""
    return moons_with_labels(n, rng)[0]


def independent_moons(n, rng):
    """Returns independent points [n][2] of the moons."""
    return moons_with_labels(n, rng, independent=True)[0]


DISTRIBUTIONS = {
    "normal": normal,
    "8gaussians": eight_gaussians,
    "moons": moons,
    "independent-moons": independent_moons,
}


def draw(name, n, seed):
    """Returns points [n][2] of a distribution, the same for the same seed."""
    return DISTRIBUTIONS[name](n, np.random.default_rng(seed))


def _original(package, path):
    """Loads one module of an installed package without importing the package."""
    import importlib.util
    import pathlib

    package = importlib.util.find_spec(package)
    if package is None:
        raise ImportError("not installed")
    path = pathlib.Path(package.submodule_search_locations[0]) / path
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _check_moons(n):
    """Compares the moons with torchdyn's from the same uniform numbers: at most 2e-6 apart, as in f32."""
    theirs = _original("torchdyn", "datasets/static_datasets.py")
    np.random.seed(0)
    points, labels = theirs.generate_moons(n, noise=NOISE)
    ours, our_labels = moons_with_labels(n, np.random.RandomState(0))
    worst = np.abs(ours - (points * SCALE + SHIFT).numpy()).max()
    assert worst < 2e-6 and (our_labels == labels.numpy()).all(), worst
    return f"the same points (worst difference {worst:.1e}) and labels"


def _check_eight_gaussians(n):
    """Compares variance and weights of the modes with torchcfm's, since the generators differ."""
    import sys
    import types

    import torch

    # torchcfm's module imports libraries for plots and data sets, which are not needed here: empty modules
    # stand in for them.
    for name in ["matplotlib", "matplotlib.pyplot", "torchdyn", "torchdyn.datasets"]:
        sys.modules.setdefault(name, types.ModuleType(name))
    sys.modules["torchdyn.datasets"].generate_moons = None
    torch.manual_seed(0)
    theirs = _original("torchcfm", "utils.py").sample_8gaussians(n).numpy()
    ours = draw("8gaussians", n, 0)
    facts = []
    for points in [theirs, ours]:
        nearest = ((points[:, None] - CENTRES) ** 2).sum(-1).argmin(1)
        residual = points - CENTRES[nearest]
        weights = np.bincount(nearest, minlength=8) / n
        assert np.abs(weights - 1 / 8).max() < 5 * math.sqrt(1 / 8 * 7 / 8 / n), weights
        assert np.abs(residual.var(0) - VARIANCE).max() < 0.02, residual.var(0)
        facts.append(residual.var())
    return "variance {:.4f} against {:.4f} here, of {:.4f}".format(*facts, VARIANCE)


def check():
    """Compares the draws with torchdyn's and torchcfm's, if those are installed."""
    for name, test in [("moons", _check_moons), ("8gaussians", _check_eight_gaussians)]:
        try:
            print(f"{name}: {test(20_001)}")
        except ImportError as error:
            print(f"{name}: not checked ({error})")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="?", choices=DISTRIBUTIONS, help="what to draw [compare with the libraries]")
    parser.add_argument("-n", type=int, default=10_000, help="number of points [10000]")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", help="output file, .npy in f32")
    arguments = parser.parse_args()
    if arguments.name is None:
        check()
    elif arguments.out is None:
        parser.error(f"{arguments.name}: add --out FILE.npy")
    else:
        points = draw(arguments.name, arguments.n, arguments.seed)
        np.save(arguments.out, points.astype(np.float32))


if __name__ == "__main__":
    main()
