"""rsl_rl's PPO on 64 humanoids, and its policy as a file for amble's programs.

    python rsl_rl_ppo.py [SECONDS] [POLICY.onnx]
"""

import sys
import time

import amble
import amble.rsl_rl
import torch
from common import finish, quality
from rsl_rl.runners import OnPolicyRunner

seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20
path = sys.argv[2] if len(sys.argv) > 2 else "rsl_rl_actor.onnx"
torch.manual_seed(1)
torch.set_num_threads(1)  # small networks are faster so
envs = amble.rsl_rl.VecEnv(64, "style_walk", episode_s=10, seed=1)
model = {"class_name": "MLPModel", "hidden_dims": [256, 128], "activation": "elu", "obs_normalization": True}
config = {
    "num_steps_per_env": 32,
    "save_interval": 10**6,
    "obs_groups": {"actor": ["policy"], "critic": ["policy"]},
    "actor": {**model, "distribution_cfg": {"class_name": "GaussianDistribution", "init_std": 0.08, "std_type": "log"}},
    "critic": dict(model),
    "algorithm": {
        "class_name": "PPO",
        "gamma": 0.95,
        "lam": 0.95,
        "learning_rate": 3e-4,
        "schedule": "fixed",
        "entropy_coef": 0.0,
        "num_learning_epochs": 4,
        "num_mini_batches": 4,
    },
}
runner = OnPolicyRunner(envs, config, log_dir=None, device="cpu")


def export():
    actor = runner.alg.actor
    norm = actor.obs_normalizer
    amble.export_actor(actor.mlp, (norm.mean.flatten(), norm.std.flatten() + norm.eps), path, env=envs.envs)


export()
before, began, iterations = quality(path), time.time(), 0
while time.time() - began < seconds:
    runner.learn(5)
    iterations += 5
export()
finish(before, quality(path), iterations * 32 * 64, time.time() - began)
