"""Writes the Parquet files of the tests: python make.py (needs numpy, pandas and pyarrow)."""

from pathlib import Path

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


def lerobot(episodes):
    """The frames of LeRobot's data set: `episodes` are the lengths of its episodes by their numbers."""
    columns = {"observation.state": [], "action": [], "timestamp": [], "frame_index": []}
    columns |= {"episode_index": [], "index": [], "task_index": [], "next.done": []}
    for episode, length in episodes.items():
        for frame in range(length):
            k = episode * 100 + frame
            columns["observation.state"].append([k % 13 / 4, k % 7 / 8])
            columns["action"].append([k % 5 / 2, k % 11 / 8, frame / 4])
            columns["timestamp"].append(frame / 10)
            columns["frame_index"].append(frame)
            columns["episode_index"].append(episode)
            columns["index"].append(k)
            columns["task_index"].append(0)
            columns["next.done"].append(frame == length - 1)
    table = pa.table(columns)
    for name, length in [("observation.state", 2), ("action", 3)]:
        fixed = table[name].cast(pa.list_(pa.float32(), length))
        table = table.set_column(table.schema.get_field_index(name), name, fixed)
    return table.set_column(2, "timestamp", table["timestamp"].cast(pa.float32()))


EPISODES = {0: 12, 1: 3, 2: 9, 3: 10}
folder = Path("lerobot-v2/data/chunk-000")
folder.mkdir(parents=True, exist_ok=True)
for episode, length in EPISODES.items():
    pq.write_table(lerobot({episode: length}), folder / f"episode_{episode:06}.parquet")
folder = Path("lerobot-v3/data/chunk-000")
folder.mkdir(parents=True, exist_ok=True)
for file, own in enumerate([[0, 1], [2, 3]]):
    frames = lerobot({episode: EPISODES[episode] for episode in own})
    pq.write_table(frames, folder / f"file-{file:03}.parquet")
whole = lerobot(EPISODES)
pq.write_table(whole, "lerobot.parquet")
# A frame of an episode is lost.
pq.write_table(pa.concat_tables([whole.slice(0, 5), whole.slice(6)]), "lerobot-gap.parquet")
