"""Rollouts and evaluation: many characters follow a motion under a policy, as `amble rollout` and `amble eval` do."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _amble
from .clip import Clip
from .env import _settings


@dataclass(frozen=True)
class Percentiles:
    """µs"""

    p50: float
    p99: float
    p999: float
    max: float


@dataclass(frozen=True)
class RolloutResult:
    """What came of a rollout (amb_rollout_result). Times differ from run to run, the rest does not."""

    motion: str
    policy: str | None
    characters: int
    stopped: bool
    survival: float  #: fraction that never fell
    success: float  #: and were never far off the motion
    normalised_return: float
    seconds_up: float
    root_m: float
    joint_rad: float
    end_effector_m: float
    reward: dict[str, float]  #: mean of each part
    control_steps: int
    unstable: int
    physics_failures: int
    failure: str
    hash: int  #: of every character's final state
    control_dt: float
    wall_s: float
    control_steps_per_s: float
    physics_fraction: float
    step_us: Percentiles
    generate_us: Percentiles
    wakeup_us: Percentiles
    missed_deadlines: int
    clip: Clip | None  #: character 0's motion, where it was recorded


@dataclass(frozen=True)
class Evaluation:
    """Means over the seeds of an evaluation, under one strength of pushes."""

    push_speed: float | None  #: m/s; None: as the settings say
    push_period: float | None  #: s
    seeds: int
    stopped: bool
    survival: float
    worst_survival: float
    success: float
    normalised_return: float
    worst_return: float
    root_m: float
    joint_rad: float
    control_steps_per_s: float
    unstable: int


class Results(list):
    """A list of results, which pandas can have as a table."""

    def to_pandas(self) -> Any:
        """A pandas.DataFrame, a row a result; needs pandas."""
        import pandas

        return pandas.DataFrame([dataclasses.asdict(row) for row in self])


def _both(
    motion: Any, policy: Any, seconds: float | None, seed: int, settings: dict[str, Any]
) -> dict[str, Any]:
    given = {**settings, "policy": policy, "seed": seed}
    if seconds is not None:
        given["episode_s"] = seconds
    return _settings(motion, given)


def rollout(
    motion: Any = None,
    policy: Any = "auto",
    *,
    characters: int = 16,
    seconds: float | None = None,
    seed: int = 0,
    precision: str = "auto",
    record: bool = False,
    realtime: bool = False,
    threads: int = 0,
    progress: Callable[[float], Any] | None = None,
    **settings: Any,
) -> RolloutResult:
    """Simulates characters for a time and measures how they do. Equals `amble rollout` with the same settings.

    Args:
        motion: as of `Env`; None: what the policy was trained on.
        policy: an ONNX file or one of amble's models by name ("walk"). "auto": what `amble rollout` takes, the model with the
            motion's name, "locomotion" for "style:…"; no network where there is no such model. None: no network, the joints
            track the motion, and bodies soon fall. The result's `policy` is the file that was run.
        seconds: simulated time (20).
        record: keep character 0's motion.
        progress: called with a fraction now and then; return False to stop. Ctrl-C stops, too.
        settings: as of `Env`.
    """
    given = {"characters": characters, "record": record, "realtime": realtime, "threads": threads, "precision": precision}
    out = _amble.rollout(_both(motion, policy, seconds, seed, settings), given, progress)
    for key in ("step_us", "generate_us", "wakeup_us"):
        out[key] = Percentiles(**out[key])
    out["clip"] = Clip._wrap(out["clip"]) if out["clip"] is not None else None
    return RolloutResult(**out)


def evaluate(
    motion: Any = None,
    policy: Any = "auto",
    *,
    characters: int = 16,
    seconds: float | None = None,
    seed: int = 0,
    seeds: int = 3,
    protocol: str = "seconds",
    pushes: Sequence[tuple[float, float]] | None = None,
    precision: str = "auto",
    threads: int = 0,
    progress: Callable[[float], Any] | None = None,
    **settings: Any,
) -> Results:
    """The same over several seeds, counted up from `seed`, and pushes [(m/s, s between them), …]: a row of each.

    protocol: "seconds", or "own_length": once from a clip's first frame to its last.
    """
    given = {"characters": characters, "threads": threads, "precision": precision}
    table = None if pushes is None else np.ascontiguousarray(pushes, np.float64)
    if table is not None and (table.ndim != 2 or table.shape[1] != 2):
        raise ValueError(f"pushes has the shape {table.shape}, expected (n, 2): pairs of m/s and s")
    rows = _amble.evaluate(
        _both(motion, policy, seconds, seed, settings), given, {"seeds": seeds, "protocol": protocol}, table, progress
    )
    strengths = [(None, None)] if table is None else table.tolist()
    return Results(Evaluation(speed, period, **row) for (speed, period), row in zip(strengths, rows, strict=True))
