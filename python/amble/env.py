"""DeepMimic's environment for Gymnasium: one humanoid (`Env`) or many in one C call (`VectorEnv`) that imitate a motion.

Both take the fields of C's ``amb_env_def`` as keyword arguments (docs/python.md lists them):

    env = amble.make("style:walk", episode_s=10, push_speed=0.5)
    envs = amble.VectorEnv(64, "style_walk", threads=0)
"""

from __future__ import annotations

import importlib.util
import operator
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from . import _amble

DEFAULT_MOTION = "style_walk"
"""The motion that is followed unless another is given: the clip of a walk that comes with amble."""

#: Gymnasium's ids and the settings that they stand for. Backflip and GetUp are recordings of amble's own policies in
#: simulation. Other motions may be read from the folder of clips (``clips=`` or ``$AMBLE_CLIPS``).
ENVIRONMENTS: dict[str, dict[str, Any]] = {
    "amble/Walk-v0": {"motion": "style_walk"},
    "amble/Jog-v0": {"motion": "style_jog"},
    "amble/Run-v0": {"motion": "style_run"},
    "amble/Zombie-v0": {"motion": "style_zombie"},
    "amble/Backflip-v0": {"motion": "sim_backflip"},
    "amble/GetUp-v0": {"motion": "sim_getup_facedown"},
    "amble/Styles-v0": {"motion": "style:random", "goal": True},
}

_AUTORESET = {
    AutoresetMode.NEXT_STEP: "next_step",
    AutoresetMode.SAME_STEP: "same_step",
    AutoresetMode.DISABLED: "none",
}
_FPS = 30
_RENDER_MODES = ("rgb_array", "human")


def _render_modes() -> list[str]:
    """What this installation can do: "rgb_array" needs libamble-render, "human" pygame, too."""
    if _amble.Renderer is None:
        return []
    return list(_RENDER_MODES) if importlib.util.find_spec("pygame") else ["rgb_array"]


def _seed(value: Any) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"seed is {value!r}, expected an integer") from None
    if not 0 <= number < 2**64:
        raise ValueError(f"seed is {number}, expected an integer from 0 to 2**64 - 1")
    return number


def _autoreset(mode: Any) -> AutoresetMode:
    """Of a mode, its value ("SameStep") or its name in any case ("same_step")."""
    for known in AutoresetMode:
        if mode is known or (isinstance(mode, str) and mode.lower() in (known.value.lower(), known.name.lower())):
            return known
    raise ValueError(f"autoreset_mode is {mode!r}, expected one of {', '.join(repr(m.value) for m in AutoresetMode)}")


def _settings(motion: Any, settings: dict[str, Any]) -> dict[str, Any]:
    given = dict(settings)
    if motion is not None:
        given["motion"] = motion
    elif given.get("clip") is None and given.get("policy") is None:
        given["motion"] = DEFAULT_MOTION
    for own in ("autoreset", "stream"):
        if own in given:
            raise TypeError(f"{own!r} is no setting of an environment in Python")
    return given


class _Layout:
    """Sizes, spaces and names that one environment and many share."""

    _envs: _amble.Envs
    render_width: int
    render_height: int

    def _describe(self, settings: dict[str, Any]) -> None:
        info = self._envs.info()
        self.settings = settings
        self.motion: str = info["motion"]
        self.control_dt: float = info["control_dt"]
        self.max_episode_steps: int = info["max_episode_steps"]
        self.clip_s: float = info["clip_s"]
        self.clip_loops: bool = info["clip_loops"]
        self.pose_size: int = info["pose_size"]
        self.velocity_size: int = info["velocity_size"]
        self.reward_weights: dict[str, float] = dict(zip(info["reward_names"], info["reward_weights"], strict=True))
        self.observation_blocks: dict[str, slice] = {n: slice(f, f + c) for n, f, c, _ in info["observation_blocks"]}
        self.action_blocks: dict[str, slice] = {n: slice(f, f + c) for n, f, c, _ in info["action_blocks"]}
        self._reward_keys = ["reward_" + name for name in info["reward_names"]]
        self._tracking_keys = list(info["tracking_names"])
        self.action_mean = np.empty(info["action_size"], np.float32)
        self.action_std = np.empty(info["action_size"], np.float32)
        self._envs.action_scale(self.action_mean, self.action_std)
        # What exploration needs; actions beyond are neither clipped nor refused.
        reach = self.action_std * (3 if settings.get("action_mode") == "absolute" else 1)
        self._observation_box = Box(-np.inf, np.inf, (info["observation_size"],), np.float32)
        self._action_box = Box(self.action_mean - reach, self.action_mean + reach, dtype=np.float32)
        self._sizes = info

    def _arrays(self, count: int) -> dict[str, np.ndarray]:
        observation, parts, tracking = (
            self._sizes["observation_size"],
            len(self._reward_keys),
            len(self._tracking_keys),
        )
        return {
            "observations": np.zeros((count, observation), np.float32),
            "rewards": np.zeros(count, np.float64),
            "terminated": np.zeros(count, np.bool_),
            "truncated": np.zeros(count, np.bool_),
            "ends": np.zeros(count, np.uint8),
            "reward_parts": np.zeros((count, parts), np.float64),
            "tracking": np.zeros((count, tracking), np.float64),
        }

    def save(self, index: int = 0) -> bytes:
        """The whole state of an environment (number `index` of many) as bytes."""
        return self._envs.save(index)

    def restore(self, state: bytes, index: int = 0) -> np.ndarray:
        """Returns to a state of `save`; goes on from there to the bit. Returns the observation (O,)."""
        observation = np.empty(self._sizes["observation_size"], np.float32)
        self._envs.restore(index, state, observation)
        return observation

    def body(self, index: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """The body's pose (pose_size,) and velocity (velocity_size,), float64: see `Clip`."""
        pose, velocity = np.empty(self.pose_size), np.empty(self.velocity_size)
        self._envs.body(index, pose, velocity)
        return pose, velocity

    def reference(self, index: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """The motion's pose and velocity at the same time."""
        pose, velocity = np.empty(self.pose_size), np.empty(self.velocity_size)
        self._envs.reference(index, pose, velocity)
        return pose, velocity

    def set_body(self, pose: Any, velocity: Any, index: int = 0) -> None:
        """Puts the body into a pose (pose_size,) with a velocity (velocity_size,)."""
        self._envs.set_body(
            index, np.ascontiguousarray(pose, np.float64), np.ascontiguousarray(velocity, np.float64)
        )

    def failure(self, index: int = 0) -> str:
        """The first error of MuJoCo's that ended an episode as "unstable"; empty: there was none."""
        return self._envs.failure(index)

    def _frame(self, index: int) -> np.ndarray:
        from .render import frame

        pose, _ = self._envs_pose(index)
        return frame(pose[np.newaxis], self.render_width, self.render_height)

    def _envs_pose(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return _Layout.body(self, index)


class Env(_Layout, gymnasium.Env):
    """One humanoid that imitates a motion; a `gymnasium.Env`.

    Args:
        motion: a clip's name or file, or "style:" and a style, a mixture ("style:walk:0.7,zombie:0.3") or "style:random";
            None: the policy's, else "style_walk".
        render_mode: None, "rgb_array" (needs EGL or OSMesa) or "human" (needs pygame). `metadata["render_modes"]` lists those
            that this installation can do.
        width, height: pixels of a picture.
        settings: fields of C's amb_env_def: episode_s, goal, push_speed, start_noise, max_root_m, seed, …

    Observations are float32 (O,), actions float32 (A,); zeros track the motion. `info` of a step has the reward's parts
    ("reward_pose", …, each 0 to 1), tracking errors ("root_m", "joint_rad", …) and "end": "goes on", "fell", "lost",
    "unstable" or "time-out". The first three ends are `terminated`, the last `truncated`; at an end `info` has
    "episode_return" and "episode_length", too.
    """

    metadata = {"render_modes": _render_modes(), "render_fps": _FPS}

    def __init__(
        self,
        motion: Any = None,
        *,
        render_mode: str | None = None,
        width: int = 480,
        height: int = 360,
        **settings: Any,
    ):
        if render_mode is not None and render_mode not in _RENDER_MODES:
            raise ValueError(f"render_mode is {render_mode!r}, expected None, 'rgb_array' or 'human'")
        if "threads" in settings:
            raise TypeError("'threads' is a setting of VectorEnv: one environment is stepped on the calling thread")
        given = _settings(motion, settings)
        self._envs = _amble.Envs({**given, "autoreset": "none"}, 1)
        self._describe(given)
        self.observation_space = self._observation_box
        self.action_space = self._action_box
        self.render_mode = render_mode
        self.render_width, self.render_height = width, height
        self._window: Any = None
        out = self._arrays(1)
        self._envs.bind(0, out)
        self._out = out
        self._observations = out["observations"]
        self._observation = out["observations"][0]
        self._rewards, self._terminated, self._truncated = out["rewards"], out["terminated"], out["truncated"]
        self._ends, self._parts, self._tracking = out["ends"], out["reward_parts"][0], out["tracking"][0]
        self._action_shape = (1, len(self.action_mean))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        """Begins an episode. options: {"phase": 0 up to, not 1}: where in the motion. Returns (observation, {})."""
        if seed is not None:
            seed = _seed(seed)
        super().reset(seed=seed)
        phase = (options or {}).get("phase")
        if seed is not None:
            self._envs.seed_one(0, seed, 0, self._observation)
        if phase is not None:
            self._envs.reset_at(0, phase, self._observation)
        else:
            self._envs.reset(self._observations)
        if self.render_mode == "human":
            self.render()
        return self._observation.copy(), {}

    def step(self, action: Any):
        """One control step (`control_dt` s). Returns (observation, reward, terminated, truncated, info)."""
        actions = np.ascontiguousarray(action, np.float32)
        if actions.size != self._action_shape[1]:
            raise ValueError(f"an action of the shape {actions.shape}, expected {self._action_shape[1:]}")
        ended = self._envs.step(actions.reshape(self._action_shape), 0)
        info = dict(zip(self._reward_keys, self._parts.tolist(), strict=True))
        info.update(zip(self._tracking_keys, self._tracking.tolist(), strict=True))
        if ended:
            info.update(self._envs.last_step(0))
        else:
            info["end"] = "goes on"
        if self.render_mode == "human":
            self.render()
        return (
            self._observation.copy(),
            self._rewards.item(),
            self._terminated.item(),
            self._truncated.item(),
            info,
        )

    def render(self) -> np.ndarray | None:
        """The picture (height, width, 3), uint8, where render_mode is "rgb_array"."""
        if self.render_mode is None:
            gymnasium.logger.warn("render() without a render_mode: give render_mode='rgb_array' to amble.make")
            return None
        picture = self._frame(0)
        if self.render_mode == "rgb_array":
            return picture
        if self._window is None:
            from .render import Window

            self._window = Window(self.render_width, self.render_height, f"amble: {self.motion}")
        self._window.show(picture, 1 / self.control_dt)
        return None

    def close(self) -> None:
        if self._window is not None:
            self._window.close()
            self._window = None
        self._envs.close()

    def __reduce__(self):
        state = {"saved": self.save(), "observation": self._observation.copy(), "spec": self.spec}
        arguments = {"render_mode": self.render_mode, "width": self.render_width, "height": self.render_height}
        return _rebuild, (type(self), (), {**arguments, **self.settings}), state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.restore(state["saved"])
        self._observation[:] = state["observation"]
        self.spec = state["spec"]


class VectorEnv(_Layout, gymnasium.vector.VectorEnv):
    """Many humanoids that imitate a motion, stepped in one C call; a `gymnasium.vector.VectorEnv`.

    Args:
        num_envs: 1 to 65536.
        motion: as of `Env`.
        threads: 0: one for each core; results do not depend on it.
        autoreset_mode: SAME_STEP (default), NEXT_STEP or DISABLED, or their names. Gymnasium's NormalizeObservation wants
            NEXT_STEP: an environment whose episode ended begins its next one in the next step, whose action it does not use and
            whose reward is 0.
        copy: False: the arrays that a step returns are reused by the step after the next, without copying. True: they are
            the caller's.
        settings: as of `Env`.

    With the same seeds environment i does what `Env` with seed i does, to the bit. Observations are float32 (n, O), rewards
    float64 (n,), ends bool (n,). Arrays can be handed to torch without copying: ``torch.from_dlpack(observations)``.

    `infos` of a step has the keys of `Env`'s info as arrays (n,), "end" as uint8 (`END_NAMES`). Where episodes end, it also has
    "episode_return" (n,), "episode_length" (n,) and their masks; in SAME_STEP mode "final_obs" (n,) of arrays (O,), "final_info"
    and their masks, as Gymnasium's own vector environments do.
    """

    metadata = {"render_modes": _render_modes()[:1], "render_fps": _FPS, "autoreset_mode": AutoresetMode.SAME_STEP}
    END_NAMES = _amble.end_names

    def __init__(
        self,
        num_envs: int = 1,
        motion: Any = None,
        *,
        threads: int = 0,
        autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
        copy: bool = False,
        render_mode: str | None = None,
        width: int = 480,
        height: int = 360,
        **settings: Any,
    ):
        mode = _autoreset(autoreset_mode)
        if render_mode not in (None, "rgb_array"):
            raise ValueError(f"render_mode is {render_mode!r}, expected None or 'rgb_array'")
        given = _settings(motion, settings)
        self._envs = _amble.Envs({**given, "threads": threads, "autoreset": _AUTORESET[mode]}, num_envs)
        self._describe(given)
        self.num_envs = num_envs
        self.threads, self.copy, self.autoreset_mode = threads, copy, mode
        self.metadata = {**self.metadata, "autoreset_mode": mode}
        self.render_mode = render_mode
        self.render_width, self.render_height = width, height
        self.single_observation_space, self.single_action_space = self._observation_box, self._action_box
        self.observation_space = batch_space(self._observation_box, num_envs)
        self.action_space = batch_space(self._action_box, num_envs)
        final = {
            "final_observations": np.zeros((num_envs, self._sizes["observation_size"]), np.float32),
            "episode_returns": np.zeros(num_envs, np.float64),
            "episode_lengths": np.zeros(num_envs, np.int64),
        }
        self._final = final
        self._all = np.ones(num_envs, np.bool_)
        self._sets = [self._arrays(num_envs) for _ in range(2)]
        self._infos = []
        for slot, out in enumerate(self._sets):
            self._envs.bind(slot, {**out, **final})
            columns = {key: out["reward_parts"][:, i] for i, key in enumerate(self._reward_keys)}
            columns.update({key: out["tracking"][:, i] for i, key in enumerate(self._tracking_keys)})
            columns["end"] = out["ends"]
            self._infos.append({**columns, **{"_" + key: self._all for key in columns}})
        self._turn = 0

    def reset(self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None):
        """Begins episodes. seed: of the first environment, counted up; or one each. options: {"reset_mask": bool (n,)}.

        Returns (observations, {}).
        """
        n = self.num_envs
        seeds: list[int | None] = [None] * n
        if isinstance(seed, list | tuple | np.ndarray):
            seeds = [None if s is None else _seed(s) for s in seed]
        elif seed is not None:
            first = _seed(seed)
            _seed(first + n - 1)
            seeds = [first + i for i in range(n)]
        if len(seeds) != n:
            raise ValueError(f"{len(seeds)} seeds, expected one for each of {n} environments")
        super().reset(seed=None if isinstance(seed, list | tuple | np.ndarray) else seeds[0])
        mask = (options or {}).get("reset_mask")
        if mask is not None and (not isinstance(mask, np.ndarray) or mask.dtype != np.bool_):
            raise TypeError("options['reset_mask'] must be a numpy array of bool")
        self._turn ^= 1
        observations = self._sets[self._turn]["observations"]
        if mask is not None:
            observations[:] = self._sets[self._turn ^ 1]["observations"]
        for i, number in enumerate(seeds):
            if number is not None and (mask is None or mask[i]):
                self._envs.seed_one(i, number, 0, observations[i])
        self._envs.reset(observations, mask)
        return self._given(observations), {}

    def step(self, actions: Any):
        """One control step of all. actions (n, A). Returns (observations, rewards, terminated, truncated, infos)."""
        if type(actions) is not np.ndarray or actions.dtype != np.float32 or not actions.flags.c_contiguous:
            actions = np.ascontiguousarray(actions, np.float32)
        self._turn = turn = self._turn ^ 1
        out = self._sets[turn]
        ended = self._envs.step(actions, turn)
        infos = dict(self._infos[turn])
        if self.copy:
            infos = {key: value if key.startswith("_") else value.copy() for key, value in infos.items()}
        if ended:
            self._add_ends(infos, out)
        return (
            self._given(out["observations"]),
            self._given(out["rewards"]),
            self._given(out["terminated"]),
            self._given(out["truncated"]),
            infos,
        )

    def _given(self, array: np.ndarray) -> np.ndarray:
        return array.copy() if self.copy else array

    def _add_ends(self, infos: dict[str, Any], out: dict[str, np.ndarray]) -> None:
        mask = out["terminated"] | out["truncated"]
        episodes = {
            "episode_return": np.where(mask, self._final["episode_returns"], 0),
            "_episode_return": mask,
            "episode_length": np.where(mask, self._final["episode_lengths"], 0),
            "_episode_length": mask,
        }
        if self.autoreset_mode == AutoresetMode.SAME_STEP:
            final = np.full(self.num_envs, None, dtype=object)
            for i in np.flatnonzero(mask):
                final[i] = self._final["final_observations"][i].copy()
            last = {}
            for key in (*self._reward_keys, *self._tracking_keys, "end"):
                last[key] = np.where(mask, infos[key], 0)
                last["_" + key] = mask
            infos.update(final_obs=final, _final_obs=mask, final_info={**last, **episodes}, _final_info=mask)
        infos.update(episodes)

    @property
    def final_observations(self) -> np.ndarray:
        """(n, O): the last observation of each environment's last ended episode, a view that steps write to."""
        return self._final["final_observations"]

    def render(self) -> tuple[np.ndarray, ...] | None:
        """A picture (height, width, 3) of each, where render_mode is "rgb_array"."""
        if self.render_mode is None:
            return None
        return tuple(self._frame(i) for i in range(self.num_envs))

    def close_extras(self, **kwargs: Any) -> None:
        self._envs.close()

    def __reduce__(self):
        arguments = {
            "num_envs": self.num_envs,
            "threads": self.threads,
            "autoreset_mode": self.autoreset_mode,
            "copy": self.copy,
            "render_mode": self.render_mode,
            "width": self.render_width,
            "height": self.render_height,
        }
        state = {
            "saved": [self.save(i) for i in range(self.num_envs)],
            "observations": self._sets[self._turn]["observations"].copy(),
            "spec": self.spec,
        }
        return _rebuild, (type(self), (), {**arguments, **self.settings}), state

    def __setstate__(self, state: dict[str, Any]) -> None:
        for i, saved in enumerate(state["saved"]):
            self.restore(saved, i)
        self._sets[self._turn]["observations"][:] = state["observations"]
        self.spec = state["spec"]


def _rebuild(kind: type, args: tuple, kwargs: dict[str, Any]) -> Any:
    return kind(*args, **kwargs)


def make(motion: Any = None, **settings: Any) -> Env:
    """An `Env` without Gymnasium's wrappers; see there."""
    return Env(motion, **settings)


def register_envs() -> None:
    """Registers `ENVIRONMENTS` with Gymnasium; importing amble does it."""
    for name, settings in ENVIRONMENTS.items():
        if name not in gymnasium.registry:
            gymnasium.register(
                id=name,
                entry_point="amble.env:Env",
                vector_entry_point="amble.env:VectorEnv",
                kwargs=settings,
                nondeterministic=False,
            )
