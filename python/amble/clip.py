"""Motion clips: poses over time; and the humanoid's skeleton.

A pose is 43 numbers: root position (3, m), root rotation wxyz (4), then the joints: a ball joint's rotation relative to the
parent wxyz (4), a hinge's angle (1, rad). A velocity is 34: root linear (3, m/s, world), root angular (3, rad/s, its own
frame), joints (3 or 1, rad/s). `skeleton` says where each body's numbers are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from . import _amble


@dataclass(frozen=True)
class Body:
    """A body and the joint to its parent."""

    name: str
    parent: int  #: number of the parent; -1: the root
    joint: str  #: "free", "ball", "hinge" or "fixed"
    pose: slice  #: its numbers in a pose
    velocity: slice  #: its numbers in a velocity
    offset: tuple[float, float, float]  #: m, its origin (the joint) in the parent's frame
    centre: tuple[float, float, float]  #: m, its centre of mass, in its own frame
    mass: float  #: kg
    limit: tuple[float, float]  #: rad, of a hinge


@dataclass(frozen=True)
class Skeleton:
    """amble's humanoid."""

    bodies: tuple[Body, ...]
    pose_size: int
    velocity_size: int
    mass: float  #: kg

    def rest_pose(self) -> np.ndarray:
        """(pose_size,): standing at the origin, facing x, all joints at 0."""
        pose = np.empty(self.pose_size)
        _amble.rest_pose(pose)
        return pose

    def transforms(self, poses: Any) -> tuple[np.ndarray, np.ndarray]:
        """Forward kinematics: poses (…, pose_size) → positions (…, bodies, 3) m and rotations (…, bodies, 4) wxyz."""
        poses = np.ascontiguousarray(poses, np.float64)
        rows = poses.reshape(-1, poses.shape[-1])
        positions, rotations = np.empty((len(rows), len(self.bodies), 3)), np.empty((len(rows), len(self.bodies), 4))
        _amble.transforms(rows, positions, rotations)
        front = poses.shape[:-1]
        return positions.reshape(*front, -1, 3), rotations.reshape(*front, -1, 4)


_skeleton: Skeleton | None = None


def skeleton() -> Skeleton:
    """The humanoid's skeleton."""
    global _skeleton
    if _skeleton is None:
        about = _amble.skeleton()
        bodies = []
        for b in about["bodies"]:
            pose = slice(b["pose"], b["pose"] + b["pose_size"]) if b["pose_size"] else slice(0, 0)
            velocity = slice(b["velocity"], b["velocity"] + b["velocity_size"]) if b["velocity_size"] else slice(0, 0)
            bodies.append(
                Body(b["name"], b["parent"], b["joint"], pose, velocity, b["offset"], b["centre"], b["mass"], b["limit"])
            )
        _skeleton = Skeleton(tuple(bodies), about["pose_size"], about["velocity_size"], about["mass"])
    return _skeleton


class Clip:
    """A motion clip.

    clip = amble.Clip.load("walk.bvh")       # a file, or a name in the folder of clips
    poses, velocities = clip.sample([0, 0.5, 1])

    Args:
        times: (frames,) s, from 0, increasing.
        poses: (frames, 43).
        loops: the last frame is the first of the next cycle, moved on by the cycle offset.
        name: 1 to 64 bytes.
    """

    def __init__(self, times: Any, poses: Any, *, loops: bool = False, name: str = "clip"):
        self._clip = _amble.Clip.from_arrays(
            np.ascontiguousarray(times, np.float64), np.ascontiguousarray(poses, np.float64), loops, name
        )

    @classmethod
    def _wrap(cls, clip: Any) -> Clip:
        self = cls.__new__(cls)
        self._clip = clip
        return self

    @classmethod
    def load(cls, name_or_path: Any, folder: Any = None) -> Clip:
        """DeepMimic's JSON, BVH or npz: a file, or a motion's name in `folder` ($AMBLE_CLIPS, ./clips, amble's own)."""
        return cls._wrap(_amble.Clip.load(name_or_path, folder))

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> Clip:
        """The same from the bytes of a file."""
        return cls._wrap(_amble.Clip.from_bytes(data, name))

    @cached_property
    def _info(self) -> dict[str, Any]:
        return self._clip.info()

    @cached_property
    def _frames(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        n = self._info["frames"]
        arrays = (np.empty(n), np.empty((n, self._info["pose_size"])), np.empty((n, self._info["velocity_size"])))
        self._clip.frames(*arrays)
        for array in arrays:
            array.flags.writeable = False
        return arrays

    @property
    def name(self) -> str:
        return self._info["name"]

    @property
    def duration(self) -> float:
        """s, the last frame's time."""
        return self._info["duration"]

    @property
    def loops(self) -> bool:
        return self._info["loops"]

    @property
    def cycle_offset(self) -> tuple[float, float, float]:
        """m: how far a loop advances in each cycle."""
        return self._info["cycle_offset"]

    @property
    def checksum(self) -> int:
        """CRC-32C of times, poses and whether it loops."""
        return self._info["checksum"]

    @property
    def times(self) -> np.ndarray:
        """(frames,) s, read-only."""
        return self._frames[0]

    @property
    def poses(self) -> np.ndarray:
        """(frames, 43), read-only."""
        return self._frames[1]

    @property
    def velocities(self) -> np.ndarray:
        """(frames, 34), read-only."""
        return self._frames[2]

    def __len__(self) -> int:
        return self._info["frames"]

    def sample(self, time: Any) -> tuple[np.ndarray, np.ndarray]:
        """Poses and velocities at any times in s: a number → (43,), (34,); an array (…) → (…, 43), (…, 34)."""
        times = np.ascontiguousarray(time, np.float64)
        flat = times.reshape(-1)
        poses = np.empty((flat.size, self._info["pose_size"]))
        velocities = np.empty((flat.size, self._info["velocity_size"]))
        self._clip.sample(flat, poses, velocities)
        shape = np.shape(time)
        return poses.reshape(*shape, -1), velocities.reshape(*shape, -1)

    def mirror(self) -> Clip:
        """With left and right exchanged."""
        return Clip._wrap(self._clip.mirror())

    def save(self, path: Any) -> None:
        """Writes DeepMimic's JSON, or BVH or npz where the name ends so."""
        self._clip.save(path)

    def __repr__(self) -> str:
        return f"<amble.Clip {self.name!r}: {len(self)} frames, {self.duration:.3f} s{', loops' if self.loops else ''}>"

    def __reduce__(self):
        return _rebuild, (self.times, self.poses, self.loops, self.name)


def _rebuild(times: np.ndarray, poses: np.ndarray, loops: bool, name: str) -> Clip:
    return Clip(times, poses, loops=loops, name=name)
