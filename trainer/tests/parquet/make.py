"""Writes the Parquet files of the tests: python make.py (needs numpy, pandas and pyarrow)."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 24
k = np.arange(ROWS)
frame = pd.DataFrame(
    {
        "x": (k * 37 % 101) / 8.0,
        "y": (k * 53 % 97).astype(np.float32) / 16,
        "small": (k * 7 % 11).astype(np.uint8),
        "half": (k % 5 / 4).astype(np.float16),
        "ok": k % 3 == 0,
        "kind": np.array(["a", "b"])[k % 2],
    }
)
frame.to_csv("mixed.csv", index=False)
for codec in ["snappy", "zstd", "gzip", None]:
    frame.to_parquet(f"mixed-{codec or 'plain'}.parquet", compression=codec)
frame[["x", "y"]].sample(frac=1, random_state=0).to_parquet("index.parquet")

lists = pd.DataFrame(
    {
        "episode_index": k // 6,
        "observation.state": list(np.stack([k, k * 2, k % 4], 1).astype(np.float32)),
        "action": list(np.stack([k % 7, k % 3], 1).astype(np.float64)),
    }
)
lists.to_parquet("lists.parquet")
actions = [list(row) for row in lists["action"]]
for name, wrong in [("ragged", [1.0]), ("empty", []), ("missing", [1.0, None])]:
    rows = [*actions[:17], wrong, *actions[18:]]
    pq.write_table(pa.table({"action": rows}), f"{name}.parquet")
pq.write_table(pa.table({"a": [[[1.0, 2.0]]] * ROWS, "x": frame["x"]}), "nested.parquet")
fixed = pa.FixedSizeListArray.from_arrays(pa.array(np.concatenate(actions)), 2)
pq.write_table(pa.table({"action": fixed}), "fixed.parquet", row_group_size=7)
