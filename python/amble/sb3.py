"""stable-baselines3: many environments in one C call as its VecEnv.

envs = amble.sb3.VecEnv(64, "style_walk")
model = stable_baselines3.PPO("MlpPolicy", envs)
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv as _VecEnv

from .env import VectorEnv


class VecEnv(_VecEnv):
    """A `VectorEnv` with stable-baselines3's interface: at an end, the step's info has "terminal_observation",
    "TimeLimit.truncated" and "episode" (r, l, t), as its Monitor gives them.

    Args: those of `VectorEnv`, except autoreset_mode.
    """

    def __init__(self, num_envs: int = 1, motion: Any = None, **settings: Any):
        self.envs = VectorEnv(num_envs, motion, autoreset_mode="SameStep", **settings)
        self.render_mode = self.envs.render_mode
        super().__init__(num_envs, self.envs.single_observation_space, self.envs.single_action_space)
        self._began = time.time()
        self._actions: Any = None

    def reset(self) -> np.ndarray:
        numbers = self._seeds if any(s is not None for s in self._seeds) else None
        observations, _ = self.envs.reset(seed=numbers)
        self._reset_seeds()
        self._reset_options()
        return observations

    def step_async(self, actions: np.ndarray) -> None:
        self._actions = actions

    def step_wait(self):
        observations, rewards, terminated, truncated, infos = self.envs.step(self._actions)
        rows: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        dones = terminated | truncated
        for i in np.flatnonzero(dones):
            rows[i] = {
                "terminal_observation": infos["final_obs"][i],
                "TimeLimit.truncated": bool(truncated[i]),
                "end": self.envs.END_NAMES[infos["end"][i]],
                "episode": {
                    "r": float(infos["episode_return"][i]),
                    "l": int(infos["episode_length"][i]),
                    "t": round(time.time() - self._began, 6),
                },
            }
        return observations, rewards.astype(np.float32), dones, rows

    def close(self) -> None:
        self.envs.close()

    def get_images(self) -> Sequence[np.ndarray | None]:
        return self.envs.render() or [None] * self.num_envs

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [getattr(self.envs, attr_name)] * len(self._indices(indices))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        raise NotImplementedError("amble's environments have one definition: make new ones with other settings")

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """Calls a method of `VectorEnv` that takes index=, such as "body" or "save", for each environment."""
        return [getattr(self.envs, method_name)(*args, index=int(i), **kwargs) for i in self._indices(indices)]

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        from stable_baselines3.common.monitor import Monitor

        return [wrapper_class is Monitor] * len(self._indices(indices))

    def _indices(self, indices: Any) -> list[int]:
        return list(self._get_indices(indices))
