"""Times sampling with flowlet and with the systems that a user might choose instead, in turns.

    benches/peers/run sampling.py

The network is weights/mixture (2 -> 64 -> 64 -> 1, exact GELU), sampled with Euler's method. `many` is the
seconds for 100,000 samples in 50 steps, `one` the microseconds for one sample in 15 steps. Each system runs in
its own process, on as many cores as it has threads. In each of `--rounds` rounds the systems take turns; the
least time of each counts. If a system can work in several ways (all samples at once or in chunks, one call
per step or the whole loop compiled), its fastest way counts. sizes.py measures other networks with the same
functions.

flowlet-i16 is weights/mixture-i16. onnxruntime-int8 and openvino-int8 are the same network with weights and
activations of 8 bits, quantized by the tools of those systems (quantize_static, and nncf) on starting points of
the same kind.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "weights/mixture/model.safetensors"
OWN = ["flowlet", "flowlet-i16"]
FLOATS = ["torch", "onnxruntime", "jax", "openvino", "candle"]
INTEGERS = ["onnxruntime-int8", "openvino-int8"]
PEERS = OWN + FLOATS + INTEGERS


class Problem(NamedTuple):
    """A network, and what is sampled from it."""

    width: int  # 0: the network is weights/mixture
    hidden_layers: int
    samples: int
    steps: int
    one_steps: int

    def chunks(self):
        return sorted({min(chunk, self.samples) for chunk in (1024, 4096, self.samples)})

    def weights(self):
        """Returns (weight [outputs][inputs], bias) of each layer; random ones with two data dimensions."""
        import numpy as np
        from safetensors.numpy import load_file

        if not self.width:
            tensors = load_file(MODEL)
            return [(tensors[f"net.{k}.weight"], tensors[f"net.{k}.bias"]) for k in (0, 2, 4)]
        rng = np.random.default_rng(1)
        sizes = [3] + [self.width] * (self.hidden_layers + 1) + [2]
        uniform = lambda n, *shape: (rng.uniform(-1, 1, shape) / n**0.5).astype(np.float32)
        return [(uniform(i, o, i), uniform(i, o)) for i, o in zip(sizes, sizes[1:])]

    def noise(self):
        import numpy as np

        shape = self.samples, 2 if self.width else 1
        return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


MIXTURE = Problem(0, 1, 100_000, 50, 15)


def least(run, seconds=1.5):
    """Calls `run` for `seconds`, at least three times after one to warm up. Returns the least time."""
    run()
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def chunked(sample, x, chunk):
    for at in range(0, len(x), chunk):
        sample(x[at : at + chunk])


def torch_(problem, threads):
    import torch

    torch.set_num_threads(threads)
    layers = []
    for weight, bias in problem.weights():
        linear = torch.nn.Linear(*reversed(weight.shape))
        linear.weight.data, linear.bias.data = torch.from_numpy(weight), torch.from_numpy(bias)
        layers += [linear, torch.nn.GELU()]
    network = torch.nn.Sequential(*layers[:-1])

    def sample(x, steps=problem.steps):
        for i in range(steps):
            t = torch.full((len(x), 1), i / steps)
            x = x + network(torch.cat([t, x], 1)) / steps
        return x

    x = torch.from_numpy(problem.noise())
    with torch.inference_mode():
        many = min(least(lambda: chunked(sample, x, chunk)) for chunk in problem.chunks())
        return many, least(lambda: sample(x[:1], problem.one_steps))


def onnx_network(layers, steps):
    """Builds an ONNX graph of the whole path: `steps` Euler steps from `x` [B][D]."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    nodes, constants = [], []

    def constant(name, value):
        constants.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    for k, (weight, bias) in enumerate(layers):
        constant(f"w{k}", weight[:, 1:].T if k == 0 else weight.T)
        constant(f"b{k}", bias)
    constant("dt", 1 / steps)
    x = "x"
    for i in range(steps):
        # The time is constant within a step, so its column becomes a part of the step's bias.
        first, bias = layers[0]
        constant(f"b0.{i}", bias + first[:, 0] * np.float32(i / steps))
        h = x
        for k in range(len(layers)):
            begin = f"b0.{i}" if k == 0 else f"b{k}"
            nodes.append(helper.make_node("Gemm", [h, f"w{k}", begin], [f"z{i}.{k}"]))
            h = f"z{i}.{k}"
            if k < len(layers) - 1:
                nodes.append(helper.make_node("Gelu", [h], [f"h{i}.{k}"], approximate="none"))
                h = f"h{i}.{k}"
        nodes.append(helper.make_node("Mul", [h, "dt"], [f"d{i}"]))
        following = "y" if i == steps - 1 else f"x{i}"
        nodes.append(helper.make_node("Add", [x, f"d{i}"], [following]))
        x = following
    shape = ["rows", len(layers[-1][1])]
    graph = helper.make_graph(
        nodes,
        "path",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    return model.SerializeToString()


def calibration(problem, rows=1024):
    """Starting points to quantize with: other ones than those that are sampled."""
    import numpy as np

    rng = np.random.default_rng(1)
    return [rng.standard_normal((rows, problem.noise().shape[1])).astype(np.float32) for _ in range(4)]


def onnx_quantized(problem, network):
    """Quantizes an ONNX graph to 8 bits by ONNX Runtime's own tool."""
    import tempfile

    from onnxruntime import quantization

    class Reader(quantization.CalibrationDataReader):
        def __init__(self):
            self.left = iter(calibration(problem))

        def get_next(self):
            x = next(self.left, None)
            return None if x is None else {"x": x}

    with tempfile.TemporaryDirectory() as folder:
        before, after = (os.path.join(folder, name) for name in ("before.onnx", "after.onnx"))
        pathlib.Path(before).write_bytes(network)
        quantization.quantize_static(before, after, Reader(), per_channel=True)
        return pathlib.Path(after).read_bytes()


def onnxruntime(problem, threads, quantized=False):
    import onnxruntime as ort

    layers = problem.weights()

    def open_(steps):
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        network = onnx_network(layers, steps)
        if quantized:
            network = onnx_quantized(problem, network)
        session = ort.InferenceSession(network, options, ["CPUExecutionProvider"])
        return lambda x: session.run(None, {"x": x})[0]

    whole, step, short = open_(problem.steps), open_(1), open_(problem.one_steps)

    def by_step(x):
        # Each call uses the first step's time. That gives wrong samples, but takes the same time.
        for _ in range(problem.steps):
            x = step(x)

    x = problem.noise()
    ways = [(sample, chunk) for sample in (whole, by_step) for chunk in problem.chunks()]
    many = min(least(lambda: chunked(sample, x, chunk)) for sample, chunk in ways)
    return many, least(lambda: short(x[:1]))


def jax(problem, threads):
    # JAX has no option for it: it uses as many threads as the process has cores.
    import jax
    import jax.numpy as jnp

    layers = [(jnp.asarray(weight.T), jnp.asarray(bias)) for weight, bias in problem.weights()]

    def compiled(steps):
        def step(i, x):
            h = jnp.concatenate([jnp.full_like(x[:, :1], i / steps), x], 1)
            for k, (weight, bias) in enumerate(layers):
                h = h @ weight + bias
                h = jax.nn.gelu(h, approximate=False) if k < len(layers) - 1 else h
            return x + h / steps

        return jax.jit(lambda x: jax.lax.fori_loop(0, steps, step, x))

    sample, short = compiled(problem.steps), compiled(problem.one_steps)
    x = problem.noise()

    def many(chunk):
        parts = [jnp.asarray(x[at : at + chunk]) for at in range(0, len(x), chunk)]
        return least(lambda: jax.block_until_ready([sample(part) for part in parts]))

    first = jnp.asarray(x[:1])
    return min(map(many, problem.chunks())), least(lambda: short(first).block_until_ready())


def onnxruntime_int8(problem, threads):
    return onnxruntime(problem, threads, quantized=True)


def openvino(problem, threads, quantized=False):
    import openvino as ov

    core, layers = ov.Core(), problem.weights()

    def open_(steps):
        model = core.read_model(onnx_network(layers, steps))
        if quantized:
            import nncf

            model = nncf.quantize(model, nncf.Dataset(calibration(problem)), subset_size=4)
        options = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
        network = core.compile_model(model, "CPU", options)
        return lambda x: network(x)[0]

    sample, short = open_(problem.steps), open_(problem.one_steps)
    x = problem.noise()
    many = min(least(lambda: chunked(sample, x, chunk)) for chunk in problem.chunks())
    return many, least(lambda: short(x[:1]))


def openvino_int8(problem, threads):
    return openvino(problem, threads, quantized=True)


def speed(*arguments):
    """Runs benches/speed.rs and returns its line of JSON."""
    command = ["cargo", "bench", "--quiet", "--bench", "speed", "--", *arguments]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def flowlet(problem, threads):
    if not problem.width:
        found = speed("flowlet", str(threads))
        return found["many"], found["one"], found["peak"]
    command = [ROOT / "target/release/flowlet", "bench", "--json", "--seconds", "3"]
    command += ["--threads", str(threads), "-n", str(problem.samples), "--steps", str(problem.steps)]
    command += ["--hidden-width", str(problem.width), "--hidden-layers", str(problem.hidden_layers)]
    found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return found["least_batch_seconds"], found["least_single_microseconds"] / 1e6, found["peak"]


def flowlet_i16(_, threads):
    found = speed("flowlet-i16", str(threads))
    return found["many"], found["one"]


def candle(_, threads):
    found = speed("candle", str(threads))
    return found["many"], found["one"]


def worker(peer, threads, problem):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    named = {"torch": torch_}.get(peer) or globals()[peer.replace("-", "_")]
    print(json.dumps(named(problem, threads)))


def environment(threads):
    """The environment of a peer with as many threads."""
    variables = dict(os.environ)
    for name in ["OMP", "OPENBLAS", "MKL", "RAYON"]:
        variables[f"{name}_NUM_THREADS"] = str(threads)
    variables["XLA_FLAGS"] = f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}"
    return variables


def processor():
    """The processor's name, and whether it has AVX-512."""
    lines = open("/proc/cpuinfo").read()
    model = next(line for line in lines.splitlines() if line.startswith("model name"))
    return f"processor: {model.split(':')[1].strip()}, AVX-512: {'avx512f' in lines}"


def measure(peer, threads, problem=MIXTURE):
    command = [sys.executable, ROOT / "benches/peers/sampling.py", "--peer", peer]
    command += ["--threads", str(threads), "--problem", json.dumps(problem)]
    done = subprocess.run(
        command, env=environment(threads), check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def compare(own, others, peers, best):
    """Prints how many times as fast `own` is as the fastest of `others`."""
    others = [peer for peer in others if peer in peers]
    if own not in peers or not others:
        return
    for threads, name in [(1, "1 thread"), (2, "2 threads")]:
        fastest = min(others, key=lambda peer: best[peer, threads][0])
        ratio = best[fastest, threads][0] / best[own, threads][0]
        print(f"{own}, many, {name}: {ratio:.2f} times as fast as {fastest}")
    one = lambda peer: min(best[peer, threads][1] for threads in (1, 2))
    fastest = min(others, key=one)
    print(f"{own}, one sample: {one(fastest) / one(own):.2f} times as fast as {fastest}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--problem", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peer:
        return worker(arguments.peer, arguments.threads, Problem(*json.loads(arguments.problem)))
    subprocess.run(["cargo", "bench", "--quiet", "--bench", "speed", "--no-run"], cwd=ROOT, check=True)
    peers = arguments.peers.split(",")
    best = {}
    for round_ in range(arguments.rounds):
        for threads in (1, 2):
            for peer in peers:
                many, one, *peak = measure(peer, threads)
                least_many, least_one, *least_peak = best.get((peer, threads), (many, one, *peak))
                highest = [max(peak + least_peak)] if peak else []
                best[peer, threads] = min(many, least_many), min(one, least_one), *highest
                print(f"round {round_ + 1}: {peer}, {threads} threads", file=sys.stderr, flush=True)
    print(processor())
    print("system,many_1_thread_s,many_2_threads_s,one_sample_us")
    for peer in peers:
        (many, one, *_), (many_2, one_2, *_) = best[peer, 1], best[peer, 2]
        print(f"{peer},{many:.3f},{many_2:.3f},{min(one, one_2) * 1e6:.2f}")
    compare("flowlet", FLOATS, peers, best)
    compare("flowlet-i16", ["flowlet"], peers, best)
    compare("flowlet-i16", FLOATS, peers, best)
    compare("flowlet-i16", INTEGERS, peers, best)
    if "flowlet" in peers:
        own = [best["flowlet", threads] for threads in (1, 2)]
        print(f"two threads: {own[0][0] / own[1][0]:.2f} times as fast as one")
        one = min(own[0][1], own[1][1])
        operations = 2 * sum(weight.size for weight, _ in MIXTURE.weights()) * MIXTURE.one_steps
        peak = max(own[0][2], own[1][2])
        print(f"peak of a core: {peak / 1e9:.1f} GFLOP/s; one sample's network: {operations / one / peak:.2f} of it")


if __name__ == "__main__":
    main()
