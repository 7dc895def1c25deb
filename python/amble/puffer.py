"""PufferLib: many environments in one C call with the interface of its native PufferEnv.

Vectorised trainers of PufferLib take it as an environment of `num_envs` agents. It follows the protocol (attributes, buffers,
return values) and needs no PufferLib; where that is installed, `PufferEnv` is derived from its class.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .env import VectorEnv

try:
    from pufferlib import PufferEnv as _Base
except ImportError:
    _Base = object


class PufferEnv(_Base):
    """A `VectorEnv` as a PufferEnv: `observations`, `rewards`, `terminals`, `truncations` and `masks` are arrays that each step
    fills in place; with `buf` they are PufferLib's own.

    Args: those of `VectorEnv`, except autoreset_mode, and buf: None, or an object or dictionary with these arrays and `actions`.
    """

    def __init__(self, num_envs: int = 1, motion: Any = None, *, buf: Any = None, seed: int = 0, **settings: Any):
        self.envs = VectorEnv(num_envs, motion, autoreset_mode="SameStep", **settings)
        self.num_agents = num_envs
        self.single_observation_space = self.envs.single_observation_space
        self.single_action_space = self.envs.single_action_space
        self.observation_space = self.envs.observation_space
        self.action_space = self.envs.action_space
        self.render_mode = self.envs.render_mode
        self.emulated = None
        self.done = False
        self.agent_ids = np.arange(num_envs)
        self._seed = seed
        n = num_envs
        self.observations = self._take(buf, "observations", (n, self.envs.final_observations.shape[1]), np.float32)
        self.rewards = self._take(buf, "rewards", (n,), np.float32)
        self.terminals = self._take(buf, "terminals", (n,), np.bool_)
        self.truncations = self._take(buf, "truncations", (n,), np.bool_)
        self.masks = self._take(buf, "masks", (n,), np.bool_)
        self.actions = self._take(buf, "actions", (n, len(self.envs.action_mean)), np.float32)
        self.masks[:] = True

    @property
    def num_envs(self) -> int:
        return self.num_agents

    @staticmethod
    def _take(buf: Any, name: str, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        if buf is None:
            return np.zeros(shape, dtype)
        given = buf[name] if isinstance(buf, dict) else getattr(buf, name)
        if tuple(given.shape) != shape:
            raise ValueError(f"buf.{name} has the shape {tuple(given.shape)}, expected {shape}")
        return given

    def reset(self, seed: int | None = None) -> tuple[np.ndarray, list[dict[str, Any]]]:
        observations, _ = self.envs.reset(seed=self._seed if seed is None else seed)
        self.observations[:] = observations
        self.rewards[:] = 0
        self.terminals[:] = self.truncations[:] = False
        return self.observations, []

    def step(self, actions: Any):
        """(observations, rewards, terminals, truncations, infos); infos: one dictionary of means where episodes ended."""
        observations, rewards, terminated, truncated, infos = self.envs.step(actions)
        self.observations[:] = observations
        self.rewards[:] = rewards
        self.terminals[:] = terminated
        self.truncations[:] = truncated
        rows = []
        if "episode_return" in infos:
            mask = infos["_episode_return"]
            rows.append(
                {
                    "episode_return": float(infos["episode_return"][mask].mean()),
                    "episode_length": float(infos["episode_length"][mask].mean()),
                }
            )
        return self.observations, self.rewards, self.terminals, self.truncations, rows

    def render(self) -> Any:
        return self.envs.render()

    def close(self) -> None:
        self.envs.close()
