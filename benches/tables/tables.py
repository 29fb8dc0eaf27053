"""Time and memory of reading large tables of four columns: flowlet, pandas, numpy and pyarrow, in turn, in one run.

flowlet's reading is `flowlet distance FILE SMALL`, which ends after it has read both files, since their numbers of
rows differ. Its training is `flowlet train FILE --iterations 100`. The peers' time is that of the call alone, without
the start of Python. Memory is the peak of the whole process.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 3
FLOWLET = str(Path(__file__).parents[2] / "target/release/flowlet")
PEERS = {
    ".csv": ("pandas", "import pandas; read = lambda: pandas.read_csv({path!r}, dtype='float32')"),
    ".npy": ("numpy", "import numpy; read = lambda: numpy.load({path!r})"),
    ".parquet": (
        "pyarrow",
        "import pyarrow.parquet as parquet; read = lambda: parquet.read_table({path!r}, use_threads=False)",
    ),
}
TIMED = "; import time; start = time.perf_counter(); read(); print(time.perf_counter() - start)"


def run(command, codes=(0,)):
    """Returns the output, the seconds and the peak in MB of a command."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output, error = child.stdout.read(), child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status) not in codes:
        sys.exit(f"{command}: {error.decode()}")
    return output.decode(), seconds, usage.ru_maxrss / 1e3 * 1.024


def write(path, rows, kind):
    """Writes rows as an array, as Parquet, or as text with six decimals or all 17 digits of a float of 64 bits."""
    import numpy as np

    values = np.random.default_rng(0).standard_normal((rows, 4))
    if kind == "f4":
        np.save(path, values.astype("f4"))
        return
    if kind == "f8":
        import pyarrow as pa
        import pyarrow.parquet

        pyarrow.parquet.write_table(pa.table(dict(zip("abcd", values.T))), path)
        return
    form = "%.6f" if kind == "6 decimals" else "%.17g"
    with open(path, "w") as file:
        file.write("a,b,c,d\n")
        for start in range(0, len(values), 100_000):
            part = values[start : start + 100_000]
            file.write((",".join([form] * 4) + "\n") * len(part) % tuple(part.ravel()))


def measure(path, small, directory):
    peer, code = PEERS[path.suffix]
    reads, peers = [], []
    for _ in range(ROUNDS):
        reads.append(run([FLOWLET, "distance", path, small], (1, 2))[1:])
        output, _, peak = run([sys.executable, "-c", code.format(path=str(path)) + TIMED])
        peers.append((float(output), peak))
    command = [FLOWLET, "train", path, "--iterations", "100", "--force", "--out", directory / "run"]
    _, seconds, peak = run(command)
    least = lambda pairs: tuple(min(column) for column in zip(*pairs))
    return least(reads), peer, least(peers), (seconds, peak)


def main():
    sizes = [int(size) for size in sys.argv[1:]] or [10**6, 10**7]
    print("| rows | file | rows as f32 | flowlet reads | peer reads | flowlet trains |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as directory:
        directory = Path(directory)
        small = directory / "small.csv"
        small.write_text("a,b,c,d\n1,2,3,4\n5,6,7,8\n")
        for rows in sizes:
            for kind in ["6 decimals", "17 digits", "f4", "f8"]:
                path = directory / ("table" + {"f4": ".npy", "f8": ".parquet"}.get(kind, ".csv"))
                # In a process of its own: a child's peak is at least what its parent has when it starts.
                subprocess.run([sys.executable, __file__, "--write", path, str(rows), kind], check=True)
                read, peer, theirs, train = measure(path, small, directory)
                megabytes = path.stat().st_size / 1e6
                cell = lambda pair: f"{pair[0]:.2f} s, {pair[1]:.0f} MB"
                print(
                    f"| {rows:,} | {path.suffix}, {kind}, {megabytes:.0f} MB | {rows * 16 / 1e6:.0f} MB "
                    f"| {cell(read)} | {peer} {cell(theirs)} | {cell(train)} |",
                    flush=True,
                )
                path.unlink()


if sys.argv[1:2] == ["--write"]:
    write(sys.argv[2], int(sys.argv[3]), sys.argv[4])
else:
    main()
