"""amble.Env and amble.VectorEnv: Gymnasium's rules, equality with C, bad input."""

import copy
import ctypes
import importlib.util
import math
import pickle
import warnings
from pathlib import Path

import amble
import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv


def actions(steps, n, scale=0.3, seed=0):
    return np.random.default_rng(seed).normal(0, scale, (steps, n, 36)).astype(np.float32)


def test_check_env():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # observations have no limits
        check_env(amble.make(), skip_render_check=True)
        check_env(gymnasium.make("amble/Styles-v0").unwrapped, skip_render_check=True)


def test_check_env_with_pictures(monkeypatch):
    """Only what can be rendered here is declared; check_env makes a picture in each of these modes."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    modes = amble.Env.metadata["render_modes"]
    assert ("human" in modes) == (importlib.util.find_spec("pygame") is not None)
    assert "human" not in amble.VectorEnv.metadata["render_modes"]
    small = gymnasium.make("amble/Walk-v0", width=64, height=48)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            check_env(small.unwrapped)
        except amble.UnsupportedError as error:
            pytest.skip(str(error))


@pytest.mark.parametrize("name", ["Walk", "Jog", "Run", "Zombie", "Backflip", "GetUp", "Styles"])
def test_registered(name):
    env = gymnasium.make(f"amble/{name}-v0")
    observation, info = env.reset(seed=1)
    assert env.observation_space.contains(observation) and info == {}
    observation, reward, terminated, truncated, info = env.step(np.zeros(36, np.float32))
    assert 0 < reward <= 1 and not terminated and not truncated
    assert info["end"] == "goes on"
    weights = env.unwrapped.reward_weights
    assert sum(weights[k] * info["reward_" + k] for k in weights) == pytest.approx(reward, abs=1e-6)
    env.close()


def test_episode_ends():
    env = amble.make(episode_s=0.5, start_phase=0)
    env.reset(seed=0)
    ends = []
    for _ in range(15):
        *_, terminated, truncated, info = env.step(np.zeros(36))
        ends.append((terminated, truncated, info["end"]))
    assert ends[-1] == (False, True, "time-out") and all(e == (False, False, "goes on") for e in ends[:-1])
    assert info["episode_length"] == 15 and 10 < info["episode_return"] <= 15
    fell = False
    env = amble.make(start_phase=0)
    env.reset(seed=0)
    for row in actions(200, 1, 1)[:, 0]:
        *_, terminated, _, info = env.step(row)
        if terminated:
            fell = info["end"]
            break
    assert fell == "fell"
    lost = amble.make(max_root_m=1e-4)
    lost.reset(seed=0)
    assert lost.step(np.full(36, 0.5))[4]["end"] == "lost"


def test_observations_are_the_callers():
    env = amble.make()
    first, _ = env.reset(seed=0)
    kept = first.copy()
    env.step(np.zeros(36))
    assert np.array_equal(first, kept)


def test_layout():
    env = amble.make("style:walk", goal=True)
    assert list(env.observation_blocks) == [
        "phase", "root_height", "bodies", "velocities", "goal_place", "goal_velocity", "goal_rotation", "goal_spin", "goal_joints",
    ]  # fmt: skip
    assert env.observation_space.shape == (246,) and env.action_space.shape == (36,)
    assert env.action_blocks["right_knee"] == slice(12, 13)
    assert math.isnan(env.clip_s) and env.control_dt == pytest.approx(1 / 30)


class Arrays(ctypes.Structure):
    """amb_envs_arrays"""

    _fields_ = [("size", ctypes.c_size_t)] + [
        (name, ctypes.c_void_p)
        for name in (
            "observations rewards rewards_f32 terminated truncated ends reward_parts tracking final_observations episode_returns "
            "episode_lengths"
        ).split()
    ]


def library():
    """libamble itself, which the extension has loaded."""
    with open("/proc/self/maps") as maps:
        path = next(line.split()[-1] for line in maps if "/libamble.so" in line)
    assert Path(path).exists()
    return ctypes.CDLL(path)


@pytest.mark.parametrize("threads", [1, 2])
def test_equals_c_to_the_bit(threads):
    """The default environment through ctypes, without the extension, and through VectorEnv."""
    n, steps, lib, envs = 5, 80, library(), ctypes.c_void_p()
    assert lib.amb_envs_create(None, n, ctypes.byref(envs)) == 0
    mine = amble.VectorEnv(n, "style:walk", threads=threads)
    observations, final = np.zeros((n, 197), np.float32), np.zeros((n, 197), np.float32)
    rewards, terminated, truncated = np.zeros(n), np.zeros(n, bool), np.zeros(n, bool)
    out = Arrays(ctypes.sizeof(Arrays))
    for name, array in [
        ("observations", observations), ("rewards", rewards), ("terminated", terminated), ("truncated", truncated),
        ("final_observations", final),
    ]:  # fmt: skip
        setattr(out, name, array.ctypes.data)
    assert lib.amb_envs_reset(envs, None, ctypes.c_void_p(observations.ctypes.data)) == 0
    assert np.array_equal(mine.reset()[0], observations)
    ended = 0
    for row in actions(steps, n, 0.4):
        assert lib.amb_envs_step(envs, ctypes.c_void_p(row.ctypes.data), ctypes.byref(out)) == 0
        o, r, te, tr, infos = mine.step(row)
        assert o.tobytes() == observations.tobytes() and r.tobytes() == rewards.tobytes()
        assert np.array_equal(te, terminated) and np.array_equal(tr, truncated)
        for i in np.flatnonzero(te | tr):
            ended += 1
            assert np.array_equal(infos["final_obs"][i], final[i])
    assert ended > 0
    lib.amb_envs_destroy(envs)


@pytest.mark.parametrize("mode", [AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP])
def test_equals_single_environments(mode):
    """With the same seeds, what Gymnasium makes of single environments, infos included."""
    n, settings = 3, {"motion": "style_walk", "episode_s": 1}
    mine = amble.VectorEnv(n, autoreset_mode=mode, threads=2, **settings)
    theirs = SyncVectorEnv([lambda: amble.make(**settings)] * n, autoreset_mode=mode)
    assert np.array_equal(mine.reset(seed=7)[0], theirs.reset(seed=7)[0])
    ends = 0
    for row in actions(60, n, 0.35):
        a, b = mine.step(row), theirs.step(row)
        resets = mode == AutoresetMode.NEXT_STEP and (b[1] == 0).any()
        for x, y in zip(a[:4], b[:4], strict=True):
            assert np.array_equal(x, y)
        for key in ("final_obs", "_final_obs", "_final_info"):
            assert (key in a[4]) == (key in b[4])
            if key in a[4]:
                for x, y in zip(a[4][key], b[4][key], strict=True):
                    assert np.array_equal(x, y)
        if "final_info" in a[4]:
            ends += 1
            for key in ("root_m", "_root_m", "reward_pose", "episode_return", "episode_length"):
                assert np.array_equal(a[4]["final_info"][key], b[4]["final_info"][key])
        if mode == AutoresetMode.NEXT_STEP and not resets and "root_m" in b[4]:
            assert np.array_equal(a[4]["root_m"], b[4]["root_m"])
    assert ends > 0 or mode == AutoresetMode.NEXT_STEP


def test_next_step_autoreset_and_gymnasiums_wrappers():
    """Where an episode ended, the next step begins one: no action, no reward, no end. The wrappers count on it."""
    n, wrappers = 4, gymnasium.wrappers.vector
    envs = gymnasium.make_vec("amble/Walk-v0", num_envs=n, autoreset_mode="NextStep", episode_s=0.4, copy=True)
    assert envs.metadata["autoreset_mode"] == AutoresetMode.NEXT_STEP
    counted = wrappers.RecordEpisodeStatistics(envs)
    wrapped = wrappers.NormalizeReward(wrappers.NormalizeObservation(wrappers.ClipAction(counted)))
    plain = amble.VectorEnv(n, autoreset_mode="next_step", episode_s=0.4, copy=True)
    rms = gymnasium.wrappers.utils.RunningMeanStd(shape=(197,), dtype=np.float32)
    observation = plain.reset(seed=2)[0]
    rms.update(observation)
    assert np.allclose(wrapped.reset(seed=2)[0], (observation - rms.mean) / np.sqrt(rms.var + 1e-8), atol=1e-4)
    ended, lengths, length = np.zeros(n, bool), [], np.zeros(n, int)
    for row in actions(40, n, 0.2):
        o, r, te, tr, infos = plain.step(np.clip(row, plain.action_space.low, plain.action_space.high))
        assert not (te | tr)[ended].any() and not r[ended].any() and (r[~ended] > 0).all()
        length = np.where(ended, 0, length + 1)
        x, _, a, b, seen = wrapped.step(row)
        rms.update(o)
        assert np.allclose(x, (o - rms.mean) / np.sqrt(rms.var + 1e-8), atol=1e-3)
        assert np.array_equal(te, a) and np.array_equal(tr, b) and "final_obs" not in infos
        ended = te | tr
        if ended.any():
            assert np.array_equal(infos["_episode_length"], ended) and np.array_equal(infos["episode_length"], length * ended)
            assert np.array_equal(seen["episode"]["l"], length * ended) and np.allclose(seen["episode"]["r"], infos["episode_return"])
            lengths += length[ended].tolist()
    assert len(lengths) >= 3 * n and max(lengths) == 12
    with pytest.raises(ValueError, match="NEXT_STEP"):
        wrappers.NormalizeObservation(amble.VectorEnv(n))


def test_vector_infos_and_returns():
    envs = amble.VectorEnv(4, "style_walk", episode_s=0.5)
    envs.reset(seed=1)
    total = np.zeros(4)
    for row in actions(15, 4, 0.05):
        _, rewards, _, truncated, infos = envs.step(row)
        total += rewards
    assert truncated.all() and np.allclose(infos["episode_return"], total) and (infos["episode_length"] == 15).all()
    assert [envs.END_NAMES[e] for e in infos["end"]] == ["time-out"] * 4
    assert np.array_equal(np.stack(list(infos["final_obs"])), envs.final_observations)


def test_disabled_autoreset_and_masks():
    envs = amble.VectorEnv(3, "style_walk", autoreset_mode=AutoresetMode.DISABLED, episode_s=0.1)
    envs.reset(seed=1)
    for row in actions(3, 3, 0.01):
        observations, _, _, truncated, infos = envs.step(row)
    assert truncated.all() and "final_obs" not in infos
    stopped = observations.copy()
    fresh, _ = envs.reset(options={"reset_mask": np.array([True, False, False])})
    assert not np.array_equal(fresh[0], stopped[0]) and np.array_equal(fresh[1:], stopped[1:])
    with pytest.raises(TypeError, match="reset_mask"):
        envs.reset(options={"reset_mask": [True, False, False]})
    with pytest.raises(ValueError, match=r"mask: the array has the shape \(2,\), expected \(3,\)"):
        envs.reset(options={"reset_mask": np.zeros(2, bool)})


def test_arrays_last_for_two_steps():
    envs = amble.VectorEnv(2, "style_walk")
    envs.reset(seed=0)
    rows = actions(3, 2)
    first = envs.step(rows[0])[0]
    kept = first.copy()
    second = envs.step(rows[1])[0]
    assert np.array_equal(first, kept) and not np.shares_memory(first, second)
    assert np.shares_memory(first, envs.step(rows[2])[0])
    copies = amble.VectorEnv(2, "style_walk", copy=True)
    a = copies.reset(seed=0)[0]
    assert not any(np.shares_memory(a, copies.step(row)[0]) for row in rows)


def test_seeds():
    envs = amble.VectorEnv(3, "style_walk")
    a = envs.reset(seed=[5, 6, 5])[0].copy()
    assert np.array_equal(a[0], a[2]) and not np.array_equal(a[0], a[1])
    assert np.array_equal(a[:2], envs.reset(seed=5)[0][:2])
    assert np.array_equal(a[0], amble.make("style_walk").reset(seed=5)[0])
    assert np.array_equal(a, envs.reset(seed=np.array([5, 6, 5]))[0])
    assert np.array_equal(a[1], envs.reset(seed=(None, np.uint64(6), None))[0][1])
    before = envs._envs.save(0)
    single = amble.make("style_walk")
    for seed, kind, sentence in [
        ([1, 2], ValueError, "2 seeds, expected one for each of 3"),
        ([1.5, 2, 3], TypeError, "seed is 1.5, expected an integer"),
        ([1, -1, 3], ValueError, "seed is -1, expected an integer from 0"),
        (1.5, TypeError, "seed is 1.5, expected an integer"),
        (np.float64(2), TypeError, "expected an integer"),
        ("1", TypeError, "seed is '1'"),
        (-1, ValueError, "seed is -1"),
        (2**64 - 2, ValueError, f"seed is {2**64}, expected"),  # the third environment's
        (2**64, ValueError, f"seed is {2**64}, expected"),
    ]:
        with pytest.raises(kind, match=sentence):
            envs.reset(seed=seed)
        if not isinstance(seed, list) and seed != 2**64 - 2:
            with pytest.raises(kind, match=sentence):
                single.reset(seed=seed)
    assert envs._envs.save(0) == before  # none of them began an episode
    for wrong in (1.5, -1, 2**64):
        with pytest.raises((TypeError, ValueError), match="seed is "):
            envs._envs.seed_one(0, wrong, 0, np.zeros(197, np.float32))


def test_make_vec():
    envs = gymnasium.make_vec("amble/Walk-v0", num_envs=4, episode_s=1.0)
    assert isinstance(envs.unwrapped, amble.VectorEnv) and envs.max_episode_steps == 30
    wrapped = gymnasium.wrappers.vector.RecordEpisodeStatistics(envs)
    wrapped.reset(seed=1)
    ends = 0
    for row in actions(30, 4, 0.01):
        *_, infos = wrapped.step(row)
        if "episode" in infos:
            ends += infos["_episode"].sum()
            assert np.allclose(infos["episode"]["r"], infos["episode_return"], rtol=1e-5)
            assert np.array_equal(infos["episode"]["l"], infos["episode_length"])
    assert ends >= 4


def test_start_phase():
    env = amble.make("style_walk")
    observation, _ = env.reset(seed=1, options={"phase": 0.25})
    assert observation[0] == pytest.approx(0.25, abs=1e-6)
    with pytest.raises(ValueError, match="phase 1"):
        env.reset(options={"phase": 1})


def test_save_restore_copy_and_pickle():
    for motion in ("style_walk", "style:random"):
        env = amble.make(motion, push_speed=0.5)
        env.reset(seed=3)
        rows = actions(30, 1, 0.1)[:, 0]
        for row in rows[:10]:
            env.step(row)
        state = env.save()
        twins = [pickle.loads(pickle.dumps(env)), copy.deepcopy(env)]
        expected = [env.step(row)[0] for row in rows[10:]]
        env.restore(state)
        for other in (env, *twins):
            assert all(np.array_equal(other.step(row)[0], o) for row, o in zip(rows[10:], expected, strict=True))
    with pytest.raises(ValueError, match="bytes for a state"):
        env.restore(b"123")
    with pytest.raises(ValueError):
        env.restore(b"\0" * len(state))
    envs = amble.VectorEnv(3, "style_walk", episode_s=2, copy=True)
    envs.reset(seed=1)
    other = pickle.loads(pickle.dumps(envs))
    for row in actions(20, 3):
        assert np.array_equal(envs.step(row)[0], other.step(row)[0])


def test_body():
    env = amble.make("style_walk", start_phase=0)
    env.reset(seed=0)
    pose, velocity = env.body()
    assert pose.shape == (43,) and velocity.shape == (34,)
    assert np.allclose(pose, env.reference()[0], atol=0.1)
    pose[2] += 0.5
    env.set_body(pose, np.zeros(34))
    assert np.allclose(env.body()[0], pose, atol=1e-9)
    with pytest.raises(ValueError, match="pose"):
        env.set_body(np.zeros(42), np.zeros(34))
    with pytest.raises(IndexError):
        amble.VectorEnv(2, "style_walk").body(2)


def test_own_clip():
    clip = amble.Clip.load("style_run")
    a, b = amble.make(clip=clip), amble.make("style_run")
    assert np.array_equal(a.reset(seed=2)[0], b.reset(seed=2)[0])
    a.step(np.zeros(36))
    twin = pickle.loads(pickle.dumps(a))  # its clip is the same to the bit, or the state would be refused
    assert np.array_equal(twin.step(np.zeros(36))[0], a.step(np.zeros(36))[0])
    with pytest.raises(ValueError, match="expected one of them"):
        amble.make("style_walk", clip=clip)


@pytest.mark.parametrize(
    ("settings", "kind", "sentence"),
    [
        ({"motion": "nope"}, FileNotFoundError, 'there is no motion "nope"'),
        ({"motion": "style:nope"}, FileNotFoundError, 'there is no style "nope"'),
        ({"motion": 3}, TypeError, "motion is 3, expected a string or a path"),
        ({"motion": "a\0b"}, ValueError, "motion contains a NUL character"),
        ({"episode_s": "x"}, TypeError, "episode_s is 'x', expected a number"),
        ({"episode_s": -1}, ValueError, "episode_s is -1, expected 1e-06 to 1e+06"),
        ({"episode_s": math.nan}, ValueError, "episode_s is nan"),
        ({"episode_s": 10**400}, ValueError, "episode_s"),
        ({"substeps": 1.5}, TypeError, "substeps is 1.5, expected an integer"),
        ({"substeps": 2**40}, ValueError, "an integer of 32 bits"),
        ({"seed": -1}, ValueError, "seed is -1, expected an integer from 0"),
        ({"hold_s": 1}, TypeError, "hold_s is 1, expected two numbers"),
        ({"hold_s": (1, 2, 3)}, TypeError, "expected two numbers"),
        ({"delay": (1, 2, 3)}, ValueError, "delay is (1, 2, 3), expected a whole number, or two"),
        ({"delay": 1.5}, TypeError, "delay is 1.5, expected an integer"),
        ({"delay": 9}, amble.ArgumentError, "delay"),
        ({"friction": (1, 0.5)}, amble.ArgumentError, "friction"),
        ({"goal": "yes"}, TypeError, "goal is 'yes', expected True or False"),
        ({"action_mode": "torque"}, ValueError, "action_mode is 'torque', expected one of 'residual', 'absolute'"),
        ({"clip": "walk"}, TypeError, "clip is 'walk', expected an amble.Clip"),
        ({"policy": "nope"}, FileNotFoundError, "nope"),
        ({"may_touch": "tail"}, ValueError, "tail"),
        ({"wings": 2}, TypeError, "'wings' is no setting of an environment; there are motion, "),
        ({"threads": 2}, TypeError, "'threads' is a setting of VectorEnv"),
        ({"autoreset": "none"}, TypeError, "'autoreset' is no setting"),
        ({"render_mode": "ansi"}, ValueError, "render_mode is 'ansi'"),
    ],
)
def test_bad_settings(settings, kind, sentence):
    with pytest.raises(kind) as caught:
        amble.make(**settings)
    assert sentence in str(caught.value)


def test_bad_calls():
    env, envs = amble.make(), amble.VectorEnv(2, "style_walk")
    env.reset(), envs.reset()
    with pytest.raises(ValueError, match=r"an action of the shape \(35,\), expected \(36,\)"):
        env.step(np.zeros(35))
    with pytest.raises(ValueError, match=r"actions: the array has the shape \(3, 36\), expected \(2, 36\)"):
        envs.step(np.zeros((3, 36)))
    with pytest.raises(amble.ArgumentError, match=r"action \(1, 3\) is nan"):
        envs.step(np.where(np.arange(72).reshape(2, 36) == 39, np.nan, 0))
    with pytest.raises(ValueError):
        envs.step("walk")
    for count in (0, 65537, -1):
        with pytest.raises(ValueError, match="environments, expected 1 to 65536"):
            amble.VectorEnv(count, "style_walk")
    with pytest.raises(TypeError):
        amble.VectorEnv("many")
    with pytest.raises(ValueError, match="autoreset_mode is 'never', expected one of 'NextStep', 'SameStep', 'Disabled'"):
        amble.VectorEnv(2, "style_walk", autoreset_mode="never")
    with pytest.raises(ValueError, match="autoreset_mode is None"):
        amble.VectorEnv(2, "style_walk", autoreset_mode=None)
    env.close(), envs.close(), env.close()
    for call in (lambda: env.step(np.zeros(36)), env.reset, env.save, env.body):
        with pytest.raises(ValueError, match="is closed"):
            call()
    with pytest.raises(ValueError, match="is closed"):
        envs.step(np.zeros((2, 36)))
    assert issubclass(amble.ArgumentError, ValueError) and issubclass(amble.ArgumentError, amble.Error)
    assert issubclass(amble.NotFoundError, FileNotFoundError) and issubclass(amble.OutOfMemoryError, MemoryError)


def test_extension_refuses_wrong_arrays():
    """What the package's own code never passes."""
    envs = amble.VectorEnv(2, "style_walk")._envs
    zeros = np.zeros((2, 36), np.float32)
    for wrong, sentence in [
        (zeros.astype(np.float64), "actions: the array's numbers are float64, expected float32"),
        (np.zeros((36, 2), np.float32).T, "not C-contiguous"),
        (zeros[0], r"the shape \(36,\), expected \(2, 36\)"),
        ([0.0] * 72, "an array of float32 is expected"),
    ]:
        with pytest.raises((TypeError, ValueError), match=sentence):
            envs.step(wrong, 0)
    for slot in (-1, 2, "a"):
        with pytest.raises((TypeError, ValueError)):
            envs.step(zeros, slot)
    with pytest.raises(TypeError):
        envs.step(zeros)
    read_only = np.zeros((2, 197), np.float32)
    read_only.flags.writeable = False
    with pytest.raises(ValueError, match="writable"):
        envs.bind(0, {"observations": read_only})
    with pytest.raises(ValueError, match="bind takes"):
        envs.bind(5, {})


def test_render():
    env = amble.make(render_mode="rgb_array", width=160, height=96)
    env.reset(seed=0)
    try:
        picture = env.render()
    except amble.UnsupportedError as error:
        pytest.skip(str(error))
    assert picture.shape == (96, 160, 3) and picture.dtype == np.uint8 and picture.std() > 10
    for _ in range(5):
        env.step(np.zeros(36))
    assert (env.render() != picture).any()
    envs = amble.VectorEnv(2, "style_walk", render_mode="rgb_array", width=64, height=48)
    envs.reset(seed=0)
    frames = envs.render()
    assert len(frames) == 2 and frames[0].shape == (48, 64, 3)
    assert amble.VectorEnv(1, "style_walk").render() is None
