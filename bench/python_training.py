#!/usr/bin/env python3
"""stable-baselines3's PPO on amble.VectorEnv beside `amble train`: the same clip, the same processor time, one thread each.

    bench/python_training.py [--minutes M] [--motion NAME] [--plot FILE.png] [--json FILE]

Every tenth of the time the policy is exported and 32 characters follow the motion by its mean action for 10 s, which does not count. Both are
measured in the trainer's own processor time, so that a shared machine slows neither against the other.
"""

import argparse
import json
import os
import time

import amble
import numpy as np

POINTS = 10


def quality(path, motion):
    result = amble.rollout(motion, path, characters=32, seconds=10, threads=1)
    return {"seconds_up": result.seconds_up, "normalised_return": result.normalised_return}


def train_sb3(motion, minutes):
    import amble.sb3
    import torch
    from stable_baselines3 import PPO
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.vec_env import VecNormalize

    torch.set_num_threads(1)
    inner = amble.sb3.VecEnv(64, motion, episode_s=10, threads=1)
    envs = VecNormalize(inner, norm_reward=False)
    model = PPO(
        "MlpPolicy", envs, seed=1, n_steps=16, batch_size=256, n_epochs=4, gamma=0.95, learning_rate=1e-4, target_kl=0.05,
        policy_kwargs={"net_arch": {"pi": [1024, 512], "vf": [1024, 512]}, "activation_fn": torch.nn.ReLU, "log_std_init": -3.0},
    )  # fmt: skip
    points, path = [], f"/tmp/amble-sb3-{os.getpid()}.onnx"
    state = {"spent": 0.0, "from": time.process_time()}

    def look():
        spent = state["spent"] + time.process_time() - state["from"]
        if spent >= len(points) * 60 * minutes / POINTS:
            actor = torch.nn.Sequential(model.policy.mlp_extractor.policy_net, model.policy.action_net)
            rms = envs.obs_rms
            amble.export_actor(actor, (rms.mean, np.sqrt(rms.var + envs.epsilon), envs.clip_obs), path, env=inner.envs)
            points.append({"minutes": spent / 60, "samples": model.num_timesteps, **quality(path, motion)})
            print("sb3  ", points[-1], flush=True)
            state["spent"], state["from"] = spent, time.process_time()
        return len(points) <= POINTS

    class Look(BaseCallback):
        def _on_step(self):
            return look()

    envs.reset()
    model.learn(10**9, callback=Look())
    os.remove(path)
    return points


def train_amble(motion, minutes):
    """A training is resumed for each point: bit for bit what it would be in one piece."""
    import subprocess
    import tempfile

    from amble import programs

    points = []
    with tempfile.TemporaryDirectory() as work:
        folder, spent, samples = f"{work}/run", 0.0, 0
        rate = 2500 * 60 * minutes / POINTS  # samples of the next piece, corrected by what the last one took
        while len(points) <= POINTS:
            before = os.times()
            samples += int(rate) if points else 1024
            resume = [f"--resume={folder}/checkpoint.bin"] if points else []
            subprocess.run(
                [programs.find("amble"), "train", f"--motion={motion}", f"--out={folder}", f"--samples={samples}", "--threads=1",
                 "--evaluate-every=0", *resume],
                check=True, capture_output=True,
            )  # fmt: skip
            after = os.times()
            took = after.children_user + after.children_system - before.children_user - before.children_system
            spent += took
            if points:
                rate *= 60 * minutes / POINTS / took
            points.append({"minutes": spent / 60, "samples": samples, **quality(f"{folder}/actor.onnx", motion)})
            print("amble", points[-1], flush=True)
    return points


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--motion", default="style_walk")
    parser.add_argument("--plot")
    parser.add_argument("--json")
    a = parser.parse_args()
    curves = {"amble train": train_amble(a.motion, a.minutes), "stable-baselines3 PPO on VectorEnv": train_sb3(a.motion, a.minutes)}
    if a.json:
        with open(a.json, "w") as file:
            json.dump(curves, file, indent=1)
    if a.plot:
        from matplotlib import pyplot as plt

        plt.figure(figsize=(6, 3.2))
        for name, points in curves.items():
            plt.plot([p["minutes"] for p in points], [p["normalised_return"] for p in points], marker=".", label=name)
        plt.xlabel("minutes of one core")
        plt.ylabel("normalised return over 10 s")
        plt.title(f"{a.motion}: mean action, 32 characters")
        plt.legend()
        plt.tight_layout()
        plt.savefig(a.plot, dpi=100)


if __name__ == "__main__":
    main()
