"""Draws samples of a flowlet model on all machines of a Ray cluster and joins them into one file.

    python sample.py weights/mixture -n 1000000000 --shards 1000 --out big.npy
    python sample.py runs/points -n 1000000000 --shards 1000 --out big.csv -- --condition cat --seed 7

Every machine needs the command flowlet, the model and the directory of OUT under the same paths. If a
machine, worker or process is lost, its shard is run again and resumes where it stopped (`flowlet sample
--resume`). If this script itself is lost, start it again with the same command. The file has the same bytes
as from `flowlet sample` without shards. It gets its name only when it is complete.
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
    """A shard's process was killed, or an earlier process of the shard still runs."""


def die_with_the_worker():
    """Has Linux kill this process when its worker dies: otherwise it would continue to write."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


@ray.remote(max_retries=-1, retry_exceptions=[Lost])
def shard(command, out, threads):
    """Writes the file of one shard."""
    if os.path.exists(out):
        return
    done = subprocess.run(
        [*command, "--out", out, "--resume"],
        env={**os.environ, "RAYON_NUM_THREADS": str(threads)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=die_with_the_worker,
    )
    if done.returncode < 0 or "another process" in done.stderr:
        time.sleep(1)
        raise Lost(f"{out}: {done.stderr.strip() or done.returncode}")
    if done.returncode > 0:
        raise RuntimeError(done.stderr.strip())


def head(file, rows):
    """Reads the header of a shard's file, and returns the header for a file of `rows` rows."""
    if Path(file.name).suffix == ".csv":
        return file.readline()
    start = file.read(10)
    header = file.read(int.from_bytes(start[8:10], "little"))
    before, shape = header.split(b"'shape': (")
    _, columns = shape.rstrip().split(b",", 1)
    header = b"%s'shape': (%d,%s" % (before, rows, columns)
    return start + header.ljust(int.from_bytes(start[8:10], "little") - 1) + b"\n"


def join(parts, rows, out):
    """Writes the rows of all parts, in order, to one file."""
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
    """Refuses a directory that holds the shards of a run with other settings."""
    directory.mkdir(exist_ok=True)
    file = directory / "run.json"
    if file.exists() and json.loads(file.read_text()) != settings:
        sys.exit(
            f"{directory} holds shards of a run with other settings: repeat that run's command (its settings "
            f"are in {file}), or remove the directory"
        )
    file.write_text(json.dumps(settings, indent=1))


def main():
    parser = argparse.ArgumentParser(
        usage="%(prog)s MODEL -n N --shards K --out FILE [-- OPTIONS OF flowlet sample]",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", type=Path, help="a model file or a run's directory")
    parser.add_argument("-n", type=int, required=True, help="number of samples")
    parser.add_argument("--shards", type=int, required=True, help="number of shards: about ten per core")
    parser.add_argument("--out", type=Path, required=True, help="output file, .npy or .csv")
    parser.add_argument("--threads", type=int, default=1, help="cores per shard [default: 1]")
    parser.add_argument(
        "--flowlet", default=shutil.which("flowlet") or "flowlet", help="path of the command flowlet"
    )
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

    # Joins the cluster at RAY_ADDRESS or the one that runs on this machine; otherwise starts one here.
    ray.init()
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
