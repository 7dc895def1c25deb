"""CleanRL's own ppo_continuous_action.py, unchanged, on 64 humanoids, and its policy as a file for amble's programs.

    pip install --no-deps --ignore-requires-python cleanrl; pip install tensorboard tyro setuptools torch
    python cleanrl_ppo.py [SECONDS] [POLICY.onnx] [ppo_continuous_action.py]

The file makes a `gymnasium.vector.SyncVectorEnv` of single environments, each in six wrappers. Here that name makes one
`amble.VectorEnv` in the same wrappers for vectors. In your copy of the file, write `envs = make_envs(args.num_envs, args.gamma)`.
"""

import copy
import importlib.util
import os
import sys
import tempfile
import time

import amble
import gymnasium
import numpy as np
import torch
from common import finish, quality
from gymnasium.wrappers import vector

SCALE = 10  # CleanRL begins with a standard deviation of 1, which is a tenth of the range here


class Stop(Exception):
    pass


class StopAfter(gymnasium.vector.VectorWrapper):
    def step(self, actions):
        if time.time() - began > seconds:
            raise Stop
        self.steps = getattr(self, "steps", 0) + self.num_envs
        return super().step(actions)


def make_envs(num_envs, gamma):
    # NormalizeObservation wants environments that begin their next episode in the next step.
    envs = amble.VectorEnv(num_envs, "style_walk", episode_s=10, autoreset_mode="NextStep")
    envs = vector.RecordEpisodeStatistics(envs)
    envs = vector.RescaleAction(envs, np.float32(-SCALE), np.float32(SCALE))
    envs = vector.ClipAction(envs)
    envs = vector.NormalizeObservation(envs)
    envs = vector.TransformObservation(envs, lambda obs: np.clip(obs, -10, 10))
    envs = vector.NormalizeReward(envs, gamma=gamma)
    return vector.TransformReward(envs, lambda reward: np.clip(reward, -10, 10))


def the_file():
    if len(sys.argv) > 3:
        return os.path.abspath(sys.argv[3])
    found = importlib.util.find_spec("cleanrl")
    if not found:
        sys.exit("CleanRL is not installed: see the top of this file")
    return os.path.join(list(found.submodule_search_locations)[0], "ppo_continuous_action.py")


def export(agent, envs):
    while not isinstance(envs, vector.NormalizeObservation):
        envs = envs.env
    actor = copy.deepcopy(agent.actor_mean)
    with torch.no_grad():  # what RescaleAction does
        actor[-1].weight /= SCALE
        actor[-1].bias /= SCALE
    norm = envs.obs_rms
    amble.export_actor(actor, (norm.mean, np.sqrt(norm.var + envs.epsilon), 10.0), path, env=envs.unwrapped)


seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20
path = os.path.abspath(sys.argv[2] if len(sys.argv) > 2 else "cleanrl_actor.onnx")
file = the_file()
torch.set_num_threads(1)  # small networks are faster so
gamma = 0.95
gymnasium.vector.SyncVectorEnv = lambda thunks: StopAfter(make_envs(len(thunks), gamma))
options = {
    "env-id": "amble/Walk-v0", "seed": 1, "total-timesteps": 10**8, "num-envs": 64, "num-steps": 32, "gamma": gamma,
    "num-minibatches": 4, "update-epochs": 4, "learning-rate": 1e-3,
}  # fmt: skip
sys.argv = [file, *(f"--{name}={value}" for name, value in options.items())]
names = {"__name__": "__main__", "__file__": file}
before, began = quality(None), time.time()
with tempfile.TemporaryDirectory() as folder:  # where it writes its logs
    os.chdir(folder)
    try:
        with open(file) as source:
            exec(compile(source.read(), file, "exec"), names)
    except Stop:
        names["writer"].close()
    os.chdir("/")
export(names["agent"], names["envs"])
finish(before, quality(path), names["envs"].steps, time.time() - began)
