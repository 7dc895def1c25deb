"""rsl_rl: many environments in one C call as its VecEnv, with a TensorDict of observations.

runner = rsl_rl.runners.OnPolicyRunner(amble.rsl_rl.VecEnv(64, "style_walk"), config)
"""

from __future__ import annotations

from typing import Any

import torch
from rsl_rl.env import VecEnv as _VecEnv
from tensordict import TensorDict

from .env import VectorEnv


class VecEnv(_VecEnv):
    """A `VectorEnv` with rsl_rl's interface. The group of observations is "policy"; tensors share memory with C.

    Args: those of `VectorEnv`, except autoreset_mode.
    """

    def __init__(self, num_envs: int = 1, motion: Any = None, *, seed: int = 0, **settings: Any):
        self.envs = VectorEnv(num_envs, motion, autoreset_mode="SameStep", **settings)
        self.num_envs = num_envs
        self.num_actions = len(self.envs.action_mean)
        self.max_episode_length = self.envs.max_episode_steps
        self.device = "cpu"
        self.cfg = dict(self.envs.settings)
        self.episode_length_buf = torch.zeros(num_envs, dtype=torch.long)
        self._observations, _ = self.envs.reset(seed=seed)
        self._finished: list[tuple[float, int]] = []

    def get_observations(self) -> TensorDict:
        return TensorDict({"policy": torch.from_dlpack(self._observations)}, batch_size=[self.num_envs])

    def step(self, actions: torch.Tensor) -> tuple[TensorDict, torch.Tensor, torch.Tensor, dict]:
        self._observations, rewards, terminated, truncated, infos = self.envs.step(actions.detach().cpu().numpy())
        dones = torch.from_numpy(terminated | truncated)
        self.episode_length_buf += 1
        self.episode_length_buf[dones] = 0
        extras: dict[str, Any] = {"time_outs": torch.from_numpy(truncated.copy())}
        if "episode_return" in infos:
            mask = infos["_episode_return"]
            extras["log"] = {
                "/episode/return": float(infos["episode_return"][mask].mean()),
                "/episode/length": float(infos["episode_length"][mask].mean()),
            }
        return self.get_observations(), torch.from_numpy(rewards).float(), dones.long(), extras

    def close(self) -> None:
        self.envs.close()
