"""robomimic's HDF5: what its behaviour cloning and offline RL read. See docs/export.md.

The format is that of docs/datasets/overview.md in github.com/ARISE-Initiative/robomimic; what that
page leaves open (`dones` of a last step, types of the masks) is as scripts/conversion/convert_d4rl
and utils/file_utils have it.
"""

from __future__ import annotations

import json
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from simenv.dataset.demo import Episode
from simenv.dataset.hdf5 import FORMAT_RANGE, write_frames
from simenv.dataset.sink import Sink
from simenv.export.demos import DemoSource, env_kwargs
from simenv.export.folder import Folder

__all__ = ["FILE", "write"]

FILE = "demo.hdf5"
GYM_TYPE = 2  # robomimic.envs.env_base.EnvType
VALID_EVERY = 10  # one demo of so many is for validation, as in scripts/split_train_val.py


def write(source: DemoSource, folder: Folder) -> int:
    """Write the episodes; how many steps they have."""
    with Sink(folder.part / FILE) as sink:
        with h5py.File(sink, "w", libver=FORMAT_RANGE) as file:
            steps = _write(source, file)
        sink.commit()
    return steps


def _write(source: DemoSource, file: h5py.File) -> int:
    data, lengths, reached = file.create_group("data"), [], []
    for number, episode in enumerate(source):
        _write_demo(data.create_group(f"demo_{number}"), episode)
        lengths.append(len(episode))
        reached.append(episode.success)
    data.attrs["total"] = sum(lengths)
    data.attrs["env_args"] = json.dumps(_env_args(source.first), indent=4)
    valid = _valid(len(lengths))
    _write_mask(file, "train", ~valid)
    _write_mask(file, "valid", valid)
    _write_mask(file, "success", np.array(reached))
    return sum(lengths)


def _write_demo(group: h5py.Group, episode: Episode) -> None:
    """Row t is one transition: obs, action, reward, done, next_obs."""
    group.attrs["num_samples"] = len(episode)
    group.attrs["seed"], group.attrs["scene"] = episode.seed, episode.scene
    group.create_dataset("actions", data=episode.actions)
    group.create_dataset("rewards", data=episode.rewards)
    group.create_dataset("dones", data=_dones(episode))
    for name, values in episode.observations.items():
        _write_steps(group, f"obs/{name}", values[:-1])
        _write_steps(group, f"next_obs/{name}", values[1:])


def _write_steps(group: h5py.Group, name: str, values: NDArray[Any]) -> None:
    if values.ndim > 3:
        write_frames(group, name, values)
    else:
        group.create_dataset(name, data=values)


def _dones(episode: Episode) -> NDArray[np.int32]:
    """1 where the episode ends, for whatever reason, and so in its last row."""
    dones = (episode.terminations | episode.truncations).astype(np.int32)
    dones[-1] = 1
    return dones


def _valid(count: int) -> NDArray[np.bool_]:
    """Every tenth demo; the last of fewer, and none of a single one."""
    valid: NDArray[np.bool_] = np.arange(count) % VALID_EVERY == VALID_EVERY - 1
    if 1 < count < VALID_EVERY:
        valid[-1] = True
    return valid


def _write_mask(file: h5py.File, name: str, chosen: NDArray[np.bool_]) -> None:
    """A list of demos under a filter key; an empty one would be no bytes of no length."""
    if chosen.any():
        file[f"mask/{name}"] = np.array([f"demo_{i}" for i in np.flatnonzero(chosen)], dtype="S")


def _env_args(episode: Episode) -> dict[str, Any]:
    return {
        "env_name": episode.env_id,
        "env_version": episode.version,
        "type": GYM_TYPE,
        "env_kwargs": env_kwargs(episode),
    }
