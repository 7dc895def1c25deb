"""Clips, the skeleton, DeepPhase, StyleVAE, characters, rollouts."""

import copy
import json
import pickle
import subprocess

import amble
import numpy as np
import pytest


@pytest.fixture(scope="module")
def walk():
    return amble.Clip.load("style_walk")


# ---- clips ----


def test_clip(walk, tmp_path):
    assert walk.name == "style_walk" and walk.loops and len(walk) == len(walk.times) == 39
    assert walk.poses.shape == (39, 43) and walk.velocities.shape == (39, 34)
    assert walk.duration == walk.times[-1] and walk.cycle_offset[0] > 0.5
    with pytest.raises(ValueError, match="read-only"):
        walk.poses[0, 0] = 1
    pose, velocity = walk.sample(walk.times[5])
    assert np.allclose(pose, walk.poses[5]) and velocity.shape == (34,)
    poses, velocities = walk.sample(np.linspace(0, 9, 12).reshape(3, 4))
    assert poses.shape == (3, 4, 43) and velocities.shape == (3, 4, 34)
    for ending in ("txt", "bvh", "npz"):
        path = tmp_path / f"copy.{ending}"
        try:
            walk.save(path)
        except amble.UnsupportedError:
            continue
        again = amble.Clip.load(path)
        assert again.duration == pytest.approx(walk.duration, abs=0.05)
    assert amble.Clip.from_bytes((tmp_path / "copy.txt").read_bytes(), "mine").name == "mine"
    twice = walk.mirror().mirror()
    assert np.allclose(twice.poses, walk.poses, atol=1e-9)
    for other in (pickle.loads(pickle.dumps(walk)), copy.deepcopy(walk)):
        assert other.checksum == walk.checksum
    assert "39 frames" in repr(walk)


def test_clip_refuses(walk, tmp_path):
    with pytest.raises(FileNotFoundError):
        amble.Clip.load("moonwalk")
    (tmp_path / "bad.txt").write_text('{"Loop": "wrap", "Frames": [[1]]}')
    with pytest.raises(amble.FileError, match="bad.txt"):
        amble.Clip.load(tmp_path / "bad.txt")
    with pytest.raises(ValueError, match="quaternion"):
        amble.Clip([0, 1], np.zeros((2, 43)))
    with pytest.raises(ValueError, match="poses"):
        amble.Clip(walk.times, walk.poses[:5])
    with pytest.raises(ValueError):
        amble.Clip(walk.times, walk.poses[:, :5])
    with pytest.raises(ValueError):
        walk.sample(np.nan)
    with pytest.raises(OSError):
        walk.save("/nowhere/a.txt")
    with pytest.raises(TypeError):
        amble._amble.Clip()


def test_skeleton(walk):
    s = amble.skeleton()
    assert len(s.bodies) == 15 and s.bodies[0].parent == -1 and s.mass == pytest.approx(45, abs=1)
    positions, rotations = s.transforms(walk.poses)
    assert positions.shape == (39, 15, 3) and rotations.shape == (39, 15, 4)
    assert np.allclose(positions[:, 0], walk.poses[:, :3])
    assert np.allclose(np.linalg.norm(rotations, axis=-1), 1)
    assert s.transforms(s.rest_pose())[0].shape == (15, 3)
    knee = next(b for b in s.bodies if b.name == "right_knee")
    assert knee.joint == "hinge" and walk.poses[0][knee.pose].shape == (1,)
    with pytest.raises(ValueError):
        s.transforms(np.full(43, np.nan))


# ---- phase and style ----


def test_deepphase(walk):
    net = amble.DeepPhase()
    features = amble.phase_features(*walk.sample(np.arange(0, 5, 1 / 30)))
    sequence, batch = net.encode_sequence(features), net.encode_batch(features)
    assert np.array_equal(sequence.phase, batch.phase) and batch.unwrapped is None
    one = net.encode(features[7])
    assert one.phase == batch.phase[7] and one.amplitude == pytest.approx(np.hypot(one.x, one.y))
    period = net.periodicity(sequence, 30)
    assert period.period == pytest.approx(walk.duration, rel=0.02) and not period.short_of_two_cycles
    assert np.allclose(net.velocity(sequence, 30)[5:-5], 1 / walk.duration, rtol=0.2)
    a, b = amble.Phase.at(0.9), amble.Phase.at(0.1)
    assert net.interpolate(a, b, 0.5).phase == pytest.approx(0, abs=1e-9) or net.interpolate(a, b, 0.5).phase > 0.999
    with pytest.raises(ValueError, match="encode_sequence"):
        net.velocity(batch, 30)
    with pytest.raises(ValueError):
        net.encode(features)
    with pytest.raises(ValueError):
        net.encode_batch(features[:, :5])
    with pytest.raises(ValueError, match="finite"):
        net.encode_batch(np.full((2, 132), np.nan))
    with pytest.raises(ValueError):
        net.velocity(sequence, -1)
    assert net.point_names[0] == "root" and len(net.point_names) == 22
    assert pickle.loads(pickle.dumps(net)).encode(features[7]) == one


def test_stylevae(walk):
    vae = amble.StyleVAE()
    assert {"walk", "run", "zombie"} <= set(vae.styles) and vae.latent_size == 256
    clip, report = vae.to_clip("walk", "again")
    assert clip.name == "again" and report.speed == pytest.approx(vae.styles["walk"].speed, abs=0.2)
    a, b = vae.parse("walk"), vae.parse("zombie")
    assert np.array_equal(vae.blend(a, b, 0).z, a.z) and np.array_equal(vae.blend(a, b, 1).z, b.z)
    assert np.allclose(vae.blend(a, b, 0.5).z, vae.parse("walk:1,zombie:1").z, atol=1e-6)
    found = vae.of_clip(walk)
    assert np.linalg.norm(found.z - a.z) < np.linalg.norm(b.z - a.z)
    window = vae.window(walk, 0)
    mean, log_variance = vae.encode(np.stack([window, window]))
    assert mean.shape == (2, 256) and np.array_equal(mean[0], mean[1]) and log_variance.shape == (2, 256)
    assert vae.decode(mean[0]).shape == (60, 73) and vae.decode(mean).shape == (2, 60, 73)
    assert np.array_equal(vae.encode(window)[0], mean[0])
    with pytest.raises(LookupError, match="known styles"):
        vae.parse("moonwalk")
    with pytest.raises(ValueError):
        vae.parse("walk:x")
    with pytest.raises(ValueError):
        vae.decode(np.zeros((1, 5)))
    with pytest.raises(amble.UnsupportedError):
        amble.StyleVAE(without_encoder=True).encode(window)
    with pytest.raises(TypeError, match="no setting of a StyleVAE"):
        amble.StyleVAE(colour="red")


# ---- characters ----


def test_character(models):
    hero = amble.Character(models, seed=3, space="unity", position=(1, 0, 2))
    assert hero.bodies[0] == "root" and hero.parents[0] == -1
    assert hero.pose().positions[0] == pytest.approx([1, 0.9, 2], abs=0.2)
    hero.request(style="zombie", heading=1.0)
    events = [e for _ in range(180) for e in hero.advance(1 / 60)]
    assert any(e.type == "reached" for e in events)
    assert hero.state.style == "zombie" and hero.state.time == pytest.approx(3)
    world, local = hero.pose(), hero.pose(local=True)
    assert world.positions.shape == (15, 3) and np.allclose(np.linalg.norm(local.rotations, axis=1), 1)
    assert np.allclose(hero.rest().rotations, [1, 0, 0, 0], atol=1e-9)
    saved = hero.save()
    hero.advance(1)
    there = hero.hash()
    hero.restore(saved)
    hero.advance(1)
    assert hero.hash() == there
    hero.push([0, 0, 8])
    assert any(e.type == "fell" for _ in range(60) for e in hero.advance(1 / 30))
    hero.lift()
    hero.pull("chest", (0, 0, 0), (0, 5, 0))
    hero.release()


def test_characters_together(models):
    many = [amble.Character(models, seed=i) for i in range(4)]
    alone = [amble.Character(models, seed=i) for i in range(4)]
    amble.advance(many, 1.0, threads=2)
    for c in alone:
        c.advance(1.0)
    assert [c.hash() for c in many] == [c.hash() for c in alone]
    with pytest.raises(ValueError, match="characters 1 and 3 of the list are the same one"):
        amble.advance([many[0], many[1], many[2], many[1]], 0.1)
    many[0].advance(0.1)  # and none is left behind as in use
    many[1].advance(0.1)
    with pytest.raises(TypeError, match="expected, found 1"):
        amble.advance([many[0], 1], 0.1)
    with pytest.raises(TypeError):
        amble._amble.advance_characters([1], 0.1, 1)


def test_character_refuses(models):
    hero = amble.Character(models)
    with pytest.raises(LookupError, match="no style"):
        hero.request(style="moonwalk")
    for nothing in (lambda: hero.request(style="walk:0"), lambda: amble.Character(models, style="walk:0,run:0")):
        with pytest.raises(amble.ArgumentError, match="whose weights are all 0"):
            nothing()
    for call, kind in [
        (lambda: hero.request(heading=1, turn=1), ValueError),
        (lambda: hero.request(wings=1), TypeError),
        (lambda: hero.advance(-1), ValueError),
        (lambda: hero.advance("x"), TypeError),
        (lambda: hero.push((1, 2)), TypeError),
        (lambda: hero.restore(b"x"), ValueError),
        (lambda: amble.Character(models, space="mars"), ValueError),
        (lambda: amble.Character(models, position=(1, 2)), TypeError),
        (lambda: amble.Character(models, seed=-1), ValueError),
        (lambda: amble._amble.Character(None, {}), TypeError),
        (lambda: amble.ModelSet(skills="walk"), TypeError),
        (lambda: amble.ModelSet(skills=["nope"]), FileNotFoundError),
    ]:
        with pytest.raises(kind):
            call()


def test_renderer(models):
    try:
        renderer = amble.Renderer(96, 64)
    except amble.UnsupportedError as error:
        pytest.skip(str(error))
    with renderer:
        hero = amble.Character(models)
        picture = renderer.draw(hero, distance=3, azimuth=0.5)
        assert picture.shape == (64, 96, 3) and picture.std() > 10 and renderer.backend
        pose = amble.skeleton().rest_pose()
        standing = renderer.draw_poses(pose)
        assert (renderer.draw_poses(pose, [True]) != standing).any()
        for call in (
            lambda: renderer.draw_poses(pose[:5]),
            lambda: renderer.draw_poses(np.full(43, np.nan)),
            lambda: renderer.draw(hero, follow=3),
            lambda: renderer.draw([hero, hero]),
            lambda: renderer.draw(hero, distance=-1),
        ):
            with pytest.raises(ValueError):
                call()
        with pytest.raises(TypeError):
            renderer.draw(hero, colour=1)
        with pytest.raises(amble.UnsupportedError, match="one at a time"):
            amble.Renderer(64, 64)
    with pytest.raises(ValueError, match="closed"):
        renderer.draw(hero)


# ---- rollouts ----


def test_rollout_equals_the_program(program, tmp_path):
    settings = {"characters": 6, "seconds": 2, "seed": 5}
    mine = amble.rollout("style:walk", "locomotion", push_speed=1.0, threads=2, record=True, **settings)
    subprocess.run(
        [program, "rollout", "--style=walk", "--policy=locomotion", "--envs=6", "--seconds=2", "--seed=5", "--push=1,2",
         f"--json={tmp_path}/out.json", "--threads=1"],
        check=True, capture_output=True,
    )  # fmt: skip
    theirs = json.loads((tmp_path / "out.json").read_text())
    assert f"{mine.hash:016x}" == theirs["hash"]
    assert mine.survival == 1 and mine.clip.duration == pytest.approx(2) and mine.policy.endswith("locomotion.onnx")
    assert set(mine.reward) == {"pose", "velocity", "end_effectors", "root", "com"} and mine.step_us.p50 > 0
    assert amble.rollout("style:walk", "locomotion", push_speed=1.0, threads=1, **settings).clip is None


def test_rollout_chooses_the_policy():
    """As `amble rollout`: the motion's own model, "locomotion" for styles; none where there is no such model, or None is given."""
    short = {"characters": 2, "seconds": 1}
    for given, policy in [({"motion": "style:walk"}, "locomotion.onnx"), ({}, "locomotion.onnx"), ({"motion": "style_walk"}, None)]:
        result = amble.rollout(**given, **short)
        assert (result.policy and result.policy.rsplit("/", 1)[-1]) == policy
    amble.Clip.load("style_run").save("run.txt")
    assert amble.rollout("run.txt", **short).policy.endswith("/run.onnx")
    assert amble.rollout("style:walk", None, **short).policy is None
    long = {"characters": 8, "seconds": 8}
    assert amble.rollout("style:walk", **long).survival == 1 > amble.rollout("style:walk", None, **long).survival


def test_rollout_stops_and_passes_exceptions():
    seen = []
    result = amble.rollout("style:walk", seconds=20, characters=64, progress=lambda f: seen.append(f) or len(seen) < 2)
    assert result.stopped and len(seen) == 2

    def fail(fraction):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        amble.rollout("style:walk", seconds=20, characters=64, progress=fail)
    with pytest.raises(TypeError, match="progress"):
        amble.rollout(progress=3)
    with pytest.raises(ValueError, match="characters"):
        amble.rollout(characters=0)


def test_evaluate():
    rows = amble.evaluate("style:walk", "locomotion", seconds=1, characters=4, seeds=2, pushes=[(0, 1), (3, 0.5)])
    assert [r.push_speed for r in rows] == [0, 3] and rows[0].seeds == 2
    assert rows[1].normalised_return < rows[0].normalised_return
    assert amble.evaluate("style_walk", seconds=0.5, characters=2, seeds=1)[0].push_speed is None
    with pytest.raises(ValueError, match="protocol"):
        amble.evaluate(protocol="forever")
    with pytest.raises(ValueError):
        amble.evaluate(pushes=[(1, 2, 3)])


def test_export_actor(tmp_path):
    """A policy of plain arrays gives the actions that numpy computes, in amble.Model and in a rollout."""
    rng = np.random.default_rng(1)
    sizes, kinds = [197, 20, 16, 36], ["elu", "tanh", "none"]
    layers = [
        (rng.normal(0, 0.1, (o, i)).astype("f"), rng.normal(0, 0.1, o).astype("f"), k, 0.7)
        for i, o, k in zip(sizes, sizes[1:], kinds, strict=False)
    ]
    mean, std = rng.normal(size=197).astype("f"), rng.uniform(0.5, 2, 197).astype("f")
    path = tmp_path / "actor.onnx"
    env = amble.make("style:walk", physics_hz=240, substeps=8, look_ahead=0.05)
    amble.export_actor(layers, (mean, std, 4), path, env=env)
    x = rng.normal(size=(3, 197)).astype("f") * 3
    h = np.clip((x - mean) / std, -4, 4).astype("d")
    for w, b, kind, alpha in layers:
        h = h @ w.T + b
        h = np.tanh(h) if kind == "tanh" else np.where(h < 0, alpha * np.expm1(h), h) if kind == "elu" else h
    model = amble.Model(path, precision="fp32")
    assert np.allclose(model(x), h, atol=1e-4)
    about = model.metadata
    assert about["motion"] == "style:walk" and about["physics_hz"] == "240" and about["look_ahead"] == "0.05"
    assert amble.rollout(policy=path, characters=2, seconds=1).motion == "style walk"
    clip_env = amble.make("style_walk")
    amble.export_actor([(np.zeros((36, 197), "f"), None, "none", 0)], None, path, env=clip_env, half=True)
    assert not amble.Model(path)(x).any() and amble.Model(path).metadata["motion"] == "style_walk"
    good = [(np.zeros((36, 197), "f"), None, "none", 0)]
    for layers, norm, kind, sentence in [
        ([(np.zeros((36, 196), "f"), None, "none", 0)], None, ValueError, "layer 0 takes 196 numbers, expected 197"),
        ([(np.zeros((35, 197), "f"), None, "none", 0)], None, ValueError, "the last layer gives 35 numbers"),
        ([(np.full((36, 197), np.nan, "f"), None, "none", 0)], None, ValueError, "is nan"),
        ([(np.zeros((36, 197), "f"), None, "swish", 0)], None, ValueError, "swish"),
        ([], None, ValueError, "0 layers"),
        (good, (mean, 0 * std), ValueError, "std"),
        (good, (mean[:4], std[:4]), ValueError, "shape"),
        (good, (mean, std, -1), ValueError, "clip"),
    ]:
        before = path.read_bytes()
        with pytest.raises(kind, match=sentence):
            amble.export_actor(layers, norm, path, env=clip_env)
        assert path.read_bytes() == before
    with pytest.raises(OSError):
        amble.export_actor(good, None, "/nowhere/a.onnx", env=clip_env)
