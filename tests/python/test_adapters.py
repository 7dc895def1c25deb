"""amble's adapters against the packages that they are for (scripts/check-python.sh installs them); PufferLib's against its protocol."""

import sys

import amble
import numpy as np
import pytest
from conftest import ROOT


def rows(steps, n, scale=0.3):
    return np.random.default_rng(0).normal(0, scale, (steps, n, 36)).astype(np.float32)


@pytest.mark.needs("stable_baselines3")
def test_sb3():
    from amble import sb3
    from stable_baselines3.common.env_checker import check_env
    from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor

    check_env(amble.make(), skip_render_check=True)
    settings = {"motion": "style_walk", "episode_s": 1}
    mine, theirs = sb3.VecEnv(3, **settings), VecMonitor(DummyVecEnv([lambda: amble.make(**settings)] * 3))
    mine.seed(5), theirs.seed(5)
    assert np.array_equal(mine.reset(), theirs.reset())
    ends = 0
    for row in rows(60, 3):
        a, b = mine.step(row), theirs.step(row)
        for x, y in zip(a[:3], b[:3], strict=True):
            assert np.array_equal(x, y)
        for x, y in zip(a[3], b[3], strict=True):
            assert ("terminal_observation" in x) == ("terminal_observation" in y)
            if "terminal_observation" in x:
                ends += 1
                assert np.array_equal(x["terminal_observation"], y["terminal_observation"])
                assert x["TimeLimit.truncated"] == y["TimeLimit.truncated"] and x["end"] == y["end"]
                assert x["episode"]["l"] == y["episode"]["l"]
                assert x["episode"]["r"] == pytest.approx(y["episode"]["r"], rel=1e-5)
    assert ends > 0
    assert mine.get_attr("motion") == ["style_walk"] * 3 and len(mine.env_method("body", indices=[0, 2])) == 2
    with pytest.raises(NotImplementedError):
        mine.set_attr("motion", "x")
    with pytest.raises(TypeError, match="autoreset_mode"):  # which it needs itself
        sb3.VecEnv(3, autoreset_mode="NextStep")
    mine.close()


@pytest.mark.needs("rsl_rl")
def test_rsl_rl():
    import torch
    from amble import rsl_rl
    from rsl_rl.env import VecEnv

    env = rsl_rl.VecEnv(3, "style_walk", episode_s=1, seed=2)
    plain = amble.VectorEnv(3, "style_walk", episode_s=1)
    assert isinstance(env, VecEnv) and env.num_actions == 36 and env.max_episode_length == 30
    assert np.array_equal(env.get_observations()["policy"].numpy(), plain.reset(seed=2)[0])
    time_outs = 0
    for row in rows(60, 3, 0.02):
        observations, rewards, dones, extras = env.step(torch.from_numpy(row))
        o, r, te, tr, _ = plain.step(row)
        assert np.array_equal(observations["policy"].numpy(), o) and np.array_equal(rewards.numpy(), r.astype("f"))
        assert np.array_equal(dones.numpy(), te | tr) and np.array_equal(extras["time_outs"].numpy(), tr)
        assert dones.dtype == torch.long and rewards.shape == (3,)
        time_outs += int(tr.sum())
        assert (env.episode_length_buf[dones.bool()] == 0).all()
    assert observations["policy"].data_ptr() == env.envs._sets[env.envs._turn]["observations"].ctypes.data


@pytest.mark.needs("torch")
def test_torch_shares_memory():
    import torch

    envs = amble.VectorEnv(2, "style_walk")
    observations, _ = envs.reset(seed=1)
    tensor = torch.from_dlpack(observations)
    assert tensor.data_ptr() == observations.ctypes.data and torch.from_dlpack(envs.step(rows(1, 2)[0])[2]).dtype == torch.bool


@pytest.mark.needs("torch")
def test_export_from_torch(tmp_path):
    import torch

    nn = torch.nn
    net = nn.Sequential(nn.Linear(197, 32), nn.ELU(0.5), nn.Sequential(nn.Linear(32, 16), nn.LeakyReLU(0.1)), nn.Linear(16, 36))
    amble.export_actor(net, None, tmp_path / "a.onnx", env=amble.VectorEnv(2, "style_walk"))
    x = torch.randn(5, 197)
    y = amble.Model(tmp_path / "a.onnx", precision="fp32")(x)
    assert np.allclose(y, net(x).detach().numpy(), atol=1e-5)
    for bad in (nn.Sequential(nn.Conv1d(1, 1, 1)), nn.Sequential(nn.ReLU()), nn.Identity()):
        with pytest.raises(TypeError):
            amble.export_actor(bad, None, tmp_path / "b.onnx", motion="style_walk")


@pytest.mark.needs("onnxruntime")
def test_model_equals_onnxruntime():
    import onnxruntime

    paths = [ROOT / "assets/models/walk.onnx", ROOT / "assets/models/stylevae_encoder.onnx"]
    paths += sorted((ROOT / "tests/data/graph/exports").glob("*.onnx"))
    compared = 0
    rng = np.random.default_rng(3)
    for path in paths:
        try:
            mine, theirs = amble.InferenceSession(path), onnxruntime.InferenceSession(str(path))
        except Exception:  # one of the two does not support it
            continue
        feed = {}
        for node in mine._model.inputs:
            shape = [(5 if path.parent.name == "models" else 1) if n == -1 else n for n in node.shape]
            values = rng.normal(size=shape) * 20 if path.parent.name == "models" else rng.uniform(size=shape)
            feed[node.name] = values.astype(node.dtype) if node.dtype.kind == "f" else np.zeros(shape, node.dtype)
        assert [(n.name, n.type) for n in mine.get_inputs()] == [(n.name, n.type) for n in theirs.get_inputs()]
        try:
            expected = theirs.run(None, feed)
        except Exception:  # a file that fixes the number of rows, which amble leaves free
            continue
        for a, b in zip(mine.run(None, feed), expected, strict=True):
            assert a.dtype == b.dtype and a.shape == b.shape, path
            assert np.square((a - b).astype(np.float64)).mean() < 1e-6 * max(1, np.square(b.astype(np.float64)).mean()), path
        compared += 1
    assert compared >= 5


def test_pufferlib_protocol():
    """PufferLib's own build downloads; these are the rules of its native environments."""
    from amble.puffer import PufferEnv

    n = 4
    buf = {
        "observations": np.zeros((n, 197), np.float32), "rewards": np.zeros(n, np.float32), "terminals": np.zeros(n, bool),
        "truncations": np.zeros(n, bool), "masks": np.zeros(n, bool), "actions": np.zeros((n, 36), np.float32),
    }  # fmt: skip
    env, plain = PufferEnv(n, "style_walk", episode_s=1, buf=buf, seed=9), amble.VectorEnv(n, "style_walk", episode_s=1)
    assert env.num_agents == n and env.single_observation_space.shape == (197,) and env.single_action_space.shape == (36,)
    observations, infos = env.reset()
    assert observations is buf["observations"] and infos == [] and np.array_equal(observations, plain.reset(seed=9)[0])
    seen = 0
    for row in rows(40, n):
        out, expected = env.step(row), plain.step(row)
        for a, name, b in zip(out[:4], ("observations", "rewards", "terminals", "truncations"), expected[:4], strict=True):
            assert a is buf[name] and np.array_equal(a, b.astype(a.dtype))
        seen += len(out[4])
    assert seen > 0 and buf["masks"].all()
    with pytest.raises(ValueError, match="buf.rewards"):
        PufferEnv(2, "style_walk", buf={**buf, "observations": np.zeros((2, 197), np.float32)})


@pytest.mark.needs("pandas")
def test_pandas():
    table = amble.evaluate("style_walk", seconds=0.2, characters=2, seeds=1, pushes=[(0, 1), (1, 1)]).to_pandas()
    assert list(table["push_speed"]) == [0, 1] and "survival" in table


def test_human_needs_pygame(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygame", None)
    env = amble.make(render_mode="human")
    try:
        env.reset(seed=0)
    except amble.UnsupportedError as error:
        assert "pygame" in str(error) or "display" in str(error)
    else:
        pytest.fail("no error")


@pytest.mark.needs("pygame")
def test_human(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    env = amble.make(render_mode="human", width=64, height=48)
    env.reset(seed=0)
    env.step(np.zeros(36))
    assert env.render() is None
    env.close()
