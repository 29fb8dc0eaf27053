"""Judges flowlet on three small tables, beside other ways to make rows of the same kind.

    benches/quality/peers/run small_tables.py --flowlet target/release/flowlet --out small_tables.csv
    benches/quality/peers/run small_tables.py --flowlet target/release/flowlet --out wide.csv --wide

The tables are scikit-learn's wine, breast cancer and diabetes; the classes of the first two are conditions. For each
split, a fifth of the rows are test rows, which nothing here learns from. The ways:

- `Gaussian`: the mean and covariance of each class.
- `kernel density`: a Gaussian kernel at the training rows of the class. Its width is the likeliest by five folds.
- `bootstrap`: training rows of the class, drawn again.
- `flowlet`: `flowlet train` with its defaults; it holds out a tenth of the training rows and keeps the best weights.
- `PyTorch`: the same network, trained in the same way on nine tenths of the training rows; the last weights.
- `flowlet, all rows` and `PyTorch, all rows`: the same with all training rows, so that both have the last weights.

Each makes rows with the test rows' classes. README.md defines the measures. At the end, medians over the runs with the
least and the greatest, and the differences of flowlet to PyTorch, with standard errors over the runs.

With `--wide`, the ways are networks of 256 hidden units, which learn so few rows by heart: once with the defaults, once
with the last weights, no average and a constant rate, as they were trained before these were the defaults.
"""

import argparse
import csv
import itertools
import pathlib
import statistics
import sys
import tempfile
import time
import tomllib

import numpy as np

import size
import two_moons

TABLES = ["wine", "breast_cancer", "diabetes"]
# The energy takes about as many samples as this; the classifier takes so many sets, each as large as the test rows.
SAMPLES, SETS, FOLDS = 2000, 5, 5


def gaussian(rows, classes, wanted, rng):
    made = np.empty((len(wanted), rows.shape[1]))
    for k in np.unique(wanted):
        own, places = rows[classes == k], np.flatnonzero(wanted == k)
        made[places] = rng.multivariate_normal(own.mean(0), np.cov(own.T), len(places), method="svd")
    return made


def bootstrap(rows, classes, wanted, rng):
    made = np.empty((len(wanted), rows.shape[1]))
    for k in np.unique(wanted):
        own, places = rows[classes == k], np.flatnonzero(wanted == k)
        made[places] = own[rng.integers(len(own), size=len(places))]
    return made


def kernel_density(rows, classes, wanted, rng):
    from sklearn.model_selection import KFold, cross_val_score
    from sklearn.neighbors import KernelDensity

    std = rows.std(0)
    folds = KFold(FOLDS, shuffle=True, random_state=0)

    def likelihood(width):
        kernel = KernelDensity(bandwidth=width)
        own = [rows[classes == k] / std for k in np.unique(classes)]
        return sum(len(part) * cross_val_score(kernel, part, cv=folds).mean() for part in own)

    width = max(np.geomspace(0.05, 2, 30), key=likelihood)
    return bootstrap(rows, classes, wanted, rng) + width * std * rng.standard_normal((len(wanted), rows.shape[1]))


def train(job, options=()):
    """Trains in `job.directory`, which keeps the run."""
    table = job.directory / "train.csv"
    size.write(table, job.rows, job.names, job.train)
    command = [job.flowlet, "train", table, "--seed", job.seed, "--out", job.directory / "run", "--force", *options]
    two_moons.timed([*command, *(["--condition", "class"] if job.conditional else [])])


def sample(job, options=()):
    """Returns samples [m][D] of the run in `job.directory` for the wanted classes."""
    out, conditions = job.directory / "samples.npy", job.directory / "conditions.csv"
    command = [job.flowlet, "sample", job.directory / "run", "--seed", job.seed + 1000, "--out", out, "--force"]
    if job.conditional:
        conditions.write_text("\n".join(["class", *(job.names[k] for k in job.repeated)]) + "\n")
        two_moons.timed([*command, *options, "--conditions", conditions])
    else:
        two_moons.timed([*command, *options, "-n", len(job.repeated)])
    return np.load(out).astype(np.float64)


def by_flowlet(options):
    def make(job):
        train(job, options)
        return sample(job)

    return make


def by_pytorch(share, job):
    """Returns samples [m][D] of the network that flowlet's last run in `job.directory` had, trained in PyTorch on
    this share of the training rows."""
    import torch

    with open(job.directory / "run/config.toml", "rb") as file:
        config = tomllib.load(file)
    model, settings = config["model"], config["train"]
    rng = np.random.default_rng(job.seed)
    chosen = rng.permutation(job.train)[: round(share * len(job.train))]
    rows, classes = job.rows[chosen], job.classes[chosen]
    mean, std = rows.mean(0), rows.std(0)
    count = job.classes.max() + 1 if job.conditional else 0

    def one_hot(classes):
        return torch.tensor(np.eye(count)[classes] if count else np.empty((len(classes), 0)), dtype=torch.float32)

    torch.manual_seed(job.seed)
    data, condition = torch.tensor((rows - mean) / std, dtype=torch.float32), one_hot(classes)
    width, columns = model["hidden_width"], data.shape[1]
    layers = [torch.nn.Linear(columns + count + 1, width), torch.nn.GELU()]
    for _ in range(model["hidden_layers"]):
        layers += [torch.nn.Linear(width, width), torch.nn.GELU()]
    network = torch.nn.Sequential(*layers, torch.nn.Linear(width, columns))
    averages = [weights.detach().clone() for weights in network.parameters()]
    adam = torch.optim.Adam(network.parameters(), lr=settings["learning_rate"])
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(adam, settings["iterations"])
    batch, order = settings["batch_size"], torch.empty(0, dtype=torch.long)
    for k in range(1, settings["iterations"] + 1):
        # Each row is drawn once before any is drawn again.
        while len(order) < batch:
            order = torch.cat([order, torch.randperm(len(data))])
        picked, order = order[:batch], order[batch:]
        x_1, c = data[picked], condition[picked]
        x_0, t = torch.randn_like(x_1), torch.rand(batch, 1)
        velocity = network(torch.cat([(1 - t) * x_0 + t * x_1, t, c], 1))
        adam.zero_grad()
        (velocity - (x_1 - x_0)).square().mean().backward()
        adam.step()
        cosine.step()
        # The average forgets the first weights quickly, as flowlet's does.
        decay = min(settings["ema"], (1 + k) / (10 + k))
        torch._foreach_lerp_(averages, [weights.detach() for weights in network.parameters()], 1 - decay)
    with torch.no_grad():
        for weights, average in zip(network.parameters(), averages):
            weights.copy_(average)
        c = one_hot(job.classes[job.repeated])
        x, steps = torch.randn(len(c), columns), 50
        for k in range(steps):
            x += network(torch.cat([x, torch.full((len(c), 1), k / steps), c], 1)) / steps
    return x.numpy().astype(np.float64) * std + mean


class Job:
    """A table, its split, a seed, and where files go."""

    def __init__(self, flowlet, table, split, seed, directory):
        self.flowlet, self.directory = flowlet, directory
        # Of training and of everything that is drawn.
        self.seed = split + 100 * seed
        self.rows, self.names, _, self.train, self.test = table(split)
        self.conditional = self.names is not None
        kinds = sorted(set(self.names)) if self.conditional else [None]
        self.classes = np.array([kinds.index(k) for k in self.names] if self.conditional else [0] * len(self.rows))
        # Each test row's class equally often.
        self.repeated = np.tile(self.test, -(-SAMPLES // len(self.test)))

    def scaled(self, rows, classes):
        """Returns rows in standard deviations of the training rows, with the classes as further columns."""
        own = self.rows[self.train]
        columns = (rows - own.mean(0)) / own.std(0)
        return np.hstack([columns, np.eye(self.classes.max() + 1)[classes]]) if self.conditional else columns


def told_apart(real, samples, seed):
    """Returns the area under the ROC curve of a forest that tells samples from as many real rows, by five folds.
    Sample i has the class of real row i, and is in its fold."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import KFold

    areas = []
    for learned, judged in KFold(FOLDS, shuffle=True, random_state=seed).split(real):
        forest = RandomForestClassifier(100, random_state=seed)
        forest.fit(np.vstack([real[learned], samples[learned]]), np.repeat([1, 0], len(learned)))
        found = forest.predict_proba(np.vstack([real[judged], samples[judged]]))[:, 1]
        areas.append(roc_auc_score(np.repeat([1, 0], len(judged)), found))
    return statistics.mean(areas)


def nearest(points, rows, itself=False):
    """Returns the distance of each point to the nearest row, and which row that is."""
    square = ((points[:, None] - rows[None]) ** 2).sum(2)
    if itself:
        np.fill_diagonal(square, np.inf)
    return np.sqrt(square.min(1)), square.argmin(1)


def memory(samples, train, test):
    """Returns the nearest-row ratio, as `flowlet evaluate` defines it: the distance of a sample to the nearest
    training row, in units of that row's distance to another training row, beside the same for the test rows."""
    apart, _ = nearest(train, train, itself=True)

    def mean(points):
        distance, row = nearest(points, train)
        return np.log(np.clip(distance / apart[row], 1e-3, 1e3)).mean()

    return np.exp(mean(samples) - mean(test))


def judge(job, made):
    """Returns energy, AUC and nearest-row ratio of samples [m][D] of the wanted classes."""
    real = job.scaled(job.rows[job.test], job.classes[job.test])
    samples = job.scaled(made, job.classes[job.repeated])
    n, columns = len(real), job.rows.shape[1]
    areas = [told_apart(real, samples[k * n : (k + 1) * n], k) for k in range(SETS)]
    train = job.scaled(job.rows[job.train], job.classes[job.train])
    ratio = memory(samples[:, :columns], train[:, :columns], real[:, :columns])
    return size.energy(real, samples), statistics.mean(areas), ratio


def simple(way):
    def make(job):
        own = job.rows[job.train], job.classes[job.train]
        return way(*own, job.classes[job.repeated], np.random.default_rng(job.seed))

    return make


# PyTorch's networks are those of the run of flowlet before them.
WAYS = {
    "Gaussian": simple(gaussian),
    "kernel density": simple(kernel_density),
    "bootstrap": simple(bootstrap),
    "flowlet": by_flowlet([]),
    "PyTorch": lambda job: by_pytorch(0.9, job),
    "flowlet, all rows": by_flowlet(["--holdout", 0]),
    "PyTorch, all rows": lambda job: by_pytorch(1.0, job),
}
WIDE = {
    "last weights": by_flowlet("--hidden-width 256 --keep last --ema 0 --schedule constant".split()),
    "defaults": by_flowlet(["--hidden-width", 256]),
}


def show(rows):
    """Prints the table of README.md, and the differences of flowlet to PyTorch."""
    found = {}
    for row in rows:
        found.setdefault((row["table"], row["by"]), []).append([float(row[key]) for key in ["energy", "auc", "ratio"]])
    print("\n| table | by | energy | AUC | nearest-row ratio |\n|---|---|---|---|---|")
    for (table, by), values in found.items():
        cells = [
            f"{np.median(column):.{digits}f} ({min(column):.{digits}f} to {max(column):.{digits}f})"
            for column, digits in zip(zip(*values), [4, 3, 2])
        ]
        print(f"| {table} | {by} | {' | '.join(cells)} |")
    print("\n| table | difference | energy | AUC |\n|---|---|---|---|")
    for table, by in found:
        theirs = by.replace("flowlet", "PyTorch")
        if by == theirs or (table, theirs) not in found:
            continue
        ours, theirs = np.array(found[table, by]), np.array(found[table, theirs])
        if len(ours) != len(theirs) or len(ours) < 2:
            continue
        difference = ours - theirs
        mean, error = difference.mean(0), difference.std(0, ddof=1) / np.sqrt(len(ours))
        print(
            f"| {table} | {by.replace('flowlet', 'flowlet − PyTorch')} "
            f"| {mean[0]:+.4f} ± {error[0]:.4f} | {mean[1]:+.3f} ± {error[1]:.3f} |"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flowlet", required=True, help="path of the command flowlet")
    parser.add_argument("--tables", default=",".join(TABLES), help="names, separated by commas [all three]")
    parser.add_argument("--wide", action="store_true", help="flowlet's networks of 256 hidden units, in two ways")
    parser.add_argument("--splits", default="0,1,2,3,4", help="seeds of splits [0,1,2,3,4]")
    parser.add_argument("--seeds", default="0", help="seeds of training in each split [0]")
    parser.add_argument("--out", required=True, help="CSV to append to; splits that it has are not run again")
    arguments = parser.parse_args()

    path, columns = pathlib.Path(arguments.out), ["table", "split", "seed", "by", "energy", "auc", "ratio", "seconds"]
    done = list(csv.DictReader(path.open())) if path.exists() else []
    known = size.tables()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        if not done:
            writer.writeheader()
        for table in arguments.tables.split(","):
            for split, seed in itertools.product(arguments.splits.split(","), arguments.seeds.split(",")):
                if any((row["table"], row["split"], row["seed"]) == (table, split, seed) for row in done):
                    continue
                with tempfile.TemporaryDirectory() as directory:
                    flowlet = pathlib.Path(arguments.flowlet).resolve()
                    job = Job(flowlet, known[table], int(split), int(seed), pathlib.Path(directory))
                    rows = []
                    for by, way in (WIDE if arguments.wide else WAYS).items():
                        start = time.time()
                        made = way(job)
                        seconds = time.time() - start
                        energy, auc, ratio = judge(job, made)
                        values = [f"{energy:.5f}", f"{auc:.4f}", f"{ratio:.4f}", f"{seconds:.1f}"]
                        rows.append(dict(zip(columns, [table, split, seed, by, *values])))
                        print(" ".join(rows[-1].values()), file=sys.stderr, flush=True)
                writer.writerows(rows)
                file.flush()
                done += rows
    show(done)


if __name__ == "__main__":
    main()
