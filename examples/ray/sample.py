"""Samples a flowlet model on all machines of a Ray cluster, and joins the samples into one file.

    python sample.py weights/mixture -n 1000000000 --shards 1000 --out big.npy
    python sample.py runs/points -n 1000000000 --shards 1000 --out big.csv -- --condition cat --seed 7

Every machine needs the command flowlet, the model, and the directory of OUT, at the same paths. When a
machine, worker or process is lost, its shard runs again on another one and continues where it was
(`flowlet sample --resume`). When the driver is lost, run the same command again. The file has the bytes of
`flowlet sample` without shards. It gets its name when it is whole.
"""

import argparse
import ctypes
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import ray


class Lost(Exception):
    """The process of a shard was killed, or an earlier process still writes its file."""


def die_with_the_worker():
    """Kills this process when its worker dies, so that it does not keep writing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


@ray.remote(max_retries=-1, retry_exceptions=[Lost])
def shard(command, out, threads):
    """Writes the file of one shard. With `--resume`, a complete file is left as it is."""
    done = subprocess.run(
        [*command, "--out", out, "--resume"],
        env={**os.environ, "RAYON_NUM_THREADS": str(threads)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=die_with_the_worker,
    )
    # Stopped by SIGINT, SIGTERM or SIGHUP, which a machine sends when it shuts down, or killed.
    interrupted = done.returncode < 0 or done.returncode in (129, 130, 143)
    if interrupted or "another process" in done.stderr:
        time.sleep(1)
        raise Lost(f"{out}: {done.stderr.strip() or done.returncode}")
    if done.returncode > 0:
        raise RuntimeError(done.stderr.strip())


def head(file, rows):
    """Reads the header of a shard's file, and returns the header of a file of `rows` rows."""
    if Path(file.name).suffix == ".csv":
        return file.readline()
    start = file.read(10)
    header = file.read(int.from_bytes(start[8:10], "little"))
    before, shape = header.split(b"'shape': (")
    _, columns = shape.rstrip().split(b",", 1)
    header = b"%s'shape': (%d,%s" % (before, rows, columns)
    return start + header.ljust(int.from_bytes(start[8:10], "little") - 1) + b"\n"


def join(parts, rows, out):
    """Joins the rows of all parts into one file."""
    unfinished = out.with_name(out.name + ".part")
    with open(unfinished, "wb") as file:
        for part in parts:
            with open(part, "rb") as source:
                begin = head(source, rows)
                if file.tell() == 0:
                    file.write(begin)
                shutil.copyfileobj(source, file, 1 << 24)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, out)


def claim(directory, settings):
    """Creates the directory for shards; exits if it holds shards of another run."""
    directory.mkdir(exist_ok=True)
    file = directory / "run.json"
    if file.exists() and json.loads(file.read_text()) != settings:
        sys.exit(f"{directory} holds shards of another run, described in {file}: remove it, or choose another --out")
    file.write_text(json.dumps(settings, indent=1))


def main():
    parser = argparse.ArgumentParser(
        usage="%(prog)s MODEL -n N --shards K --out FILE [-- OPTIONS OF flowlet sample]",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", type=Path, help="model file, or directory of a run")
    parser.add_argument("-n", type=int, required=True, help="number of samples")
    parser.add_argument("--shards", type=int, required=True, help="number of parts; about ten for each core")
    parser.add_argument("--out", type=Path, required=True, help="output file: .npy or .csv")
    parser.add_argument("--threads", type=int, default=1, help="threads for each shard [default: 1]")
    parser.add_argument("--flowlet", default=shutil.which("flowlet") or "flowlet", help="path of the command flowlet")
    own, options = sys.argv[1:], []
    if "--" in own:
        own, options = own[: own.index("--")], own[own.index("--") + 1 :]
    args = parser.parse_args(own)
    if args.out.suffix not in (".npy", ".csv"):
        parser.error(f"--out {args.out}: expected a name that ends in .npy or .csv")

    model = args.model / "model.safetensors" if args.model.is_dir() else args.model
    out = args.out.absolute()
    directory = out.with_name(out.name + ".shards")
    command = [args.flowlet, "sample", str(args.model.absolute()), "-n", str(args.n), *options]
    settings = {
        "model": hashlib.sha256(model.read_bytes()).hexdigest(),
        "samples": args.n,
        "shards": args.shards,
        "options": options,
    }
    claim(directory, settings)

    ray.init()  # Joins the cluster at RAY_ADDRESS or on this machine, or starts one here.
    task = shard.options(num_cpus=args.threads)
    width = len(str(args.shards - 1))
    parts = [directory / f"{index:0{width}}{out.suffix}" for index in range(args.shards)]
    waiting = [
        task.remote([*command, "--shard", f"{index}/{args.shards}"], str(part), args.threads)
        for index, part in enumerate(parts)
    ]
    while waiting:
        done, waiting = ray.wait(waiting)
        ray.get(done)
        print(f"{args.shards - len(waiting)}/{args.shards} shards", file=sys.stderr)
    join(parts, args.n, out)
    shutil.rmtree(directory)


if __name__ == "__main__":
    main()
