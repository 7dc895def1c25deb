"""PPO in one file (PyTorch and gymnasium.vector): a humanoid learns to walk with your own algorithm.

    python ppo.py [SECONDS] [POLICY.onnx]
"""

import sys
import time

import amble
import numpy as np
import torch
from common import finish, quality
from torch import nn

seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20
path = sys.argv[2] if len(sys.argv) > 2 else "ppo_actor.onnx"
torch.manual_seed(1)
torch.set_num_threads(1)  # small networks are faster so
n, horizon, gamma, lam, noise = 64, 32, 0.95, 0.95, 0.08
envs = amble.VectorEnv(n, "style_walk", episode_s=10)
obs_size, act_size = envs.single_observation_space.shape[0], envs.single_action_space.shape[0]


def net(out, gain):
    layers = [nn.Linear(obs_size, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, out)]
    nn.init.orthogonal_(layers[-1].weight, gain)
    nn.init.zeros_(layers[-1].bias)
    return nn.Sequential(*layers)


actor, critic = net(act_size, 0.01), net(1, 1.0)
optimiser = torch.optim.Adam([*actor.parameters(), *critic.parameters()], lr=3e-4)
obs, _ = envs.reset(seed=1)
count, mean, square = 1e-4, np.zeros(obs_size), np.ones(obs_size) * 1e-4


def scale():
    return mean.astype("f"), np.sqrt(square / count - mean**2 + 1e-2).astype("f")


def prepare(x):
    m, s = scale()
    return torch.from_numpy(np.clip((x - m) / s, -5, 5).astype("f"))


amble.export_actor(actor, None, path, env=envs)
before, began, samples = quality(path), time.time(), 0
while time.time() - began < seconds:
    count += n
    mean += (obs - mean).sum(0) / count
    square += (obs.astype("d") ** 2).sum(0)
    data = []
    for _ in range(horizon):
        x = prepare(obs)
        with torch.no_grad():
            policy = torch.distributions.Normal(actor(x), noise)
            action = policy.sample()
            data_value = critic(x)[:, 0]
        obs, reward, terminated, truncated, info = envs.step(action.numpy())
        done = terminated | truncated
        bonus = np.zeros(n)  # a time-out is not an end: what would have followed still counts
        if truncated.any():
            with torch.no_grad():
                bonus = np.where(truncated, gamma * critic(prepare(envs.final_observations))[:, 0].numpy(), 0)
        data.append((x, action, policy.log_prob(action).sum(1), data_value, torch.tensor(reward * (1 - gamma) + bonus), torch.tensor(done)))
        samples += n
    x, action, log_prob, value, reward, done = (torch.stack(t) for t in zip(*data, strict=True))
    with torch.no_grad():
        following, advantage, last = critic(prepare(obs))[:, 0], torch.zeros_like(value), torch.zeros(n)
        for t in reversed(range(horizon)):
            alive = (~done[t]).float()
            delta = reward[t].float() + gamma * following * alive - value[t]
            last = delta + gamma * lam * alive * last
            advantage[t], following = last, value[t]
    target = (advantage + value).flatten()
    x, action, log_prob, advantage = x.flatten(0, 1), action.flatten(0, 1), log_prob.flatten(), advantage.flatten()
    advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
    for _ in range(4):
        for rows in torch.randperm(len(x)).split(512):
            ratio = (torch.distributions.Normal(actor(x[rows]), noise).log_prob(action[rows]).sum(1) - log_prob[rows]).exp()
            gain = torch.min(ratio * advantage[rows], ratio.clamp(0.8, 1.2) * advantage[rows]).mean()
            loss = (critic(x[rows])[:, 0] - target[rows]).square().mean() - gain
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
amble.export_actor(actor, (*scale(), 5.0), path, env=envs)
finish(before, quality(path), samples, time.time() - began)
