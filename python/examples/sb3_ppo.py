"""stable-baselines3's PPO on 64 humanoids, and its policy as a file for amble's programs.

    python sb3_ppo.py [SECONDS] [POLICY.onnx]
"""

import sys
import time

import amble
import amble.sb3
import numpy as np
import torch
from common import finish, quality
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecNormalize
from torch import nn

seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20
path = sys.argv[2] if len(sys.argv) > 2 else "sb3_actor.onnx"

torch.set_num_threads(1)  # small networks are faster so


class Stop(BaseCallback):
    def _on_step(self):
        return time.time() - began < seconds


def export():
    policy, rms = model.policy, envs.obs_rms
    actor = nn.Sequential(policy.mlp_extractor.policy_net, policy.action_net)
    amble.export_actor(actor, (rms.mean, np.sqrt(rms.var + envs.epsilon), envs.clip_obs), path, env=inner.envs)


inner = amble.sb3.VecEnv(64, "style_walk", episode_s=10)
envs = VecNormalize(inner, norm_reward=False)
model = PPO(
    "MlpPolicy",
    envs,
    seed=1,
    n_steps=32,
    batch_size=512,
    n_epochs=4,
    gamma=0.95,
    learning_rate=3e-4,
    policy_kwargs={"net_arch": [256, 128], "activation_fn": nn.ReLU, "log_std_init": -2.5},
)
envs.reset()
export()
before, began = quality(path), time.time()
model.learn(10**9, callback=Stop())
export()
finish(before, quality(path), model.num_timesteps, time.time() - began)
