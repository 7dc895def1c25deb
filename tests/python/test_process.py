"""Threads, processes, signals, locales, memory, the trainer."""

import gc
import multiprocessing
import os
import signal
import threading
import time

import amble
import gymnasium
import numpy as np
import pytest


def test_one_thread_at_a_time():
    envs = amble.VectorEnv(256, "style_walk", threads=1)
    envs.reset(seed=0)
    zeros = np.zeros((256, 36), np.float32)
    outcomes = []

    def work():
        for _ in range(4):
            try:
                envs._envs.step(zeros, 0)
                outcomes.append("done")
            except RuntimeError as error:
                outcomes.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert "done" in outcomes and set(outcomes) <= {"done", "another thread is using this environment"}
    assert "another thread is using this environment" in outcomes  # so the GIL was released
    assert envs.step(zeros)[0].shape == (256, 197)


def test_close_while_stepping():
    envs = amble.VectorEnv(256, "style_walk", threads=1)
    envs.reset(seed=0)
    thread = threading.Thread(target=lambda: envs._envs.step(np.zeros((256, 36), np.float32), 0))
    thread.start()
    refused = False
    while thread.is_alive() and not refused:
        try:
            envs._envs.body(0, np.empty(43), np.empty(34))
            time.sleep(0.001)
        except RuntimeError:
            with pytest.raises(RuntimeError, match="another thread"):
                envs._envs.close()
            refused = True
    thread.join()
    assert refused
    envs.close()


def episode(seed):
    env = amble.make("style_walk")
    env.reset(seed=seed)
    return np.stack([env.step(np.full(36, 0.02))[0] for _ in range(20)])


def vector_episode(seed):
    envs = amble.VectorEnv(2, "style_walk", threads=2, copy=True)
    envs.reset(seed=seed)
    return np.stack([envs.step(np.full((2, 36), 0.02))[0] for _ in range(20)])[:, 0]


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_processes(method):
    """Children give the same bits; forked ones as long as they need no threads."""
    amble.VectorEnv(4, "style_walk", threads=2).reset()
    with multiprocessing.get_context(method).Pool(2) as pool:
        for seed, rows in zip((1, 2), pool.map(episode, (1, 2)), strict=True):
            assert np.array_equal(rows, episode(seed))
        if method == "spawn":
            assert np.array_equal(pool.apply(vector_episode, (1,)), episode(1))
        else:
            with pytest.raises(RuntimeError, match='multiprocessing\'s "spawn"'):
                pool.apply(vector_episode, (1,))


def test_async_vector_env():
    """Gymnasium's own processes, which fork."""
    envs = gymnasium.vector.AsyncVectorEnv([lambda: gymnasium.make("amble/Walk-v0")] * 2)
    observations, _ = envs.reset(seed=3)
    assert np.array_equal(observations[1], amble.make("style_walk").reset(seed=4)[0])
    envs.close()


def test_forked_child_refuses_the_parents_threads():
    envs, alone = amble.VectorEnv(2, "style_walk", threads=2), amble.make("style_walk")
    envs.reset(seed=0)
    alone.reset(seed=0)
    envs.step(np.zeros((2, 36)))
    expected = pid = None
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            try:
                envs.step(np.zeros((2, 36)))
                text = "no error"
            except RuntimeError as error:
                text = str(error)
            text += "|" + repr(float(alone.step(np.zeros(36))[1]))
            os.write(write, text.encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    os.waitpid(pid, 0)
    expected = alone.step(np.zeros(36))[1]
    assert "made in the process that forked this one" in text and text.endswith(repr(float(expected)))


def test_exit_does_not_hang(run_python):
    run_python(
        "import amble, threading, numpy as np\n"
        "envs = amble.VectorEnv(8, 'style_walk', threads=2); envs.reset()\n"
        "def work():\n"
        "    while True: envs.step(np.zeros((8, 36)))\n"
        "threading.Thread(target=work, daemon=True).start()\n"
        "import time; time.sleep(.3)\n"
    )


def test_comma_locale(run_python):
    code = (
        "import amble, locale\n"
        "for name in ('de_DE.UTF-8', 'de_DE.utf8'):\n"
        "    try: locale.setlocale(locale.LC_ALL, name); break\n"
        "    except locale.Error: pass\n"
        "print(locale.localeconv()['decimal_point'])\n"
        "env = amble.make('style_walk'); env.reset(seed=1); print(env.step([.1]*36)[1])\n"
        "print(amble.rollout('style_walk', seconds=.5, characters=2).hash)\n"
        "try: amble.make(episode_s=-1.5)\n"
        "except ValueError as e: print(e)\n"
        "print(locale.localeconv()['decimal_point'])\n"
    )
    plain = run_python(code, LC_ALL="C", LOCPATH="/nowhere").split("\n", 1)
    german = run_python(code).split("\n", 1)
    if german[0] != ",":
        pytest.skip("no German locale here (LOCPATH)")
    assert german[1].rsplit("\n", 2)[0] == plain[1].rsplit("\n", 2)[0] and german[1].strip().endswith(",")


def test_ctrl_c_stops_a_rollout(run_python):
    out = run_python(
        "import amble, os, signal, threading, time\n"
        "threading.Timer(.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()\n"
        "began = time.time()\n"
        "try: amble.rollout('style:walk', 'locomotion', seconds=10000, characters=64, threads=2)\n"
        "except KeyboardInterrupt: print('stopped', time.time() - began < 20)\n"
    )
    assert out.strip() == "stopped True"


def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


LEAK_TRIES = int(os.environ.get("AMBLE_LEAK_TRIES", "60"))


def one_env(clip):
    env = amble.make(clip=clip, episode_s=1)
    env.reset(seed=1)
    env.step(np.zeros(36, np.float32))
    if np.random.rand() < 0.5:  # else it is freed with its last reference
        env.close()
    with pytest.raises(ValueError):
        amble.make(clip=clip, episode_s=-1)


def many_envs(clip):
    envs = amble.VectorEnv(3, clip=clip, threads=2, episode_s=1 / 30)
    envs.reset(seed=1)
    infos = envs.step(np.zeros((3, 36)))[4]
    assert infos["_final_obs"].all()
    with pytest.raises(ValueError):
        envs.step(np.zeros((2, 36)))


def a_character(clip):
    hero = amble.Character()
    hero.request(style="zombie")
    hero.advance(0.1)
    hero.restore(hero.save())
    hero.pose(), hero.state, hero.events()
    for refused in ({"style": "walk:0"}, {"wings": 1}):
        with pytest.raises((ValueError, TypeError)):
            hero.request(**refused)
    with pytest.raises(ValueError):
        amble.advance([hero, hero], 0.1)


def a_network(clip):
    model = amble.Model("deepphase", precision="fp32")
    model(np.zeros((2, 132)))
    with pytest.raises(ValueError):
        model(np.zeros((2, 131)))
    with pytest.raises(FileNotFoundError):
        amble.Model("nope")


def a_clip(clip):
    other = amble.Clip(clip.times, clip.poses, loops=True)
    other.mirror().sample(np.linspace(0, 2, 5))
    amble.skeleton().transforms(other.poses[:3])
    amble.phase_features(*other.sample([0, 1]))
    with pytest.raises(ValueError):
        amble.Clip(clip.times, clip.poses[:, :42])


@pytest.mark.parametrize(("work", "tries"), [(one_env, LEAK_TRIES), *((w, max(60, LEAK_TRIES // 20)) for w in (many_envs, a_character, a_network, a_clip))])
def test_no_leak(work, tries):
    """Create, use, destroy: memory stays where it is. scripts/check-python.sh does it 100,000 times."""
    if "asan" in os.environ.get("LD_PRELOAD", ""):
        pytest.skip("AddressSanitizer keeps what is freed")
    clip, sizes = amble.Clip.load("style_walk"), []
    for done in range(tries):
        work(clip)
        if (done + 1) * 10 % tries < 10:
            sizes.append(resident())
            print(f"{work.__name__}: after {done + 1}: {sizes[-1] / 2**20:.2f} MB", flush=True)
    # Fragments of the heap come and go; the first fifth is the warm-up.
    assert min(sizes[6:]) - min(sizes[2:6]) < 2 << 20, sizes


def test_references_are_counted():
    """Arrays that were bound outlive the environment, and are released with it."""
    import sys

    envs = amble.VectorEnv(2, "style_walk")
    array = envs._sets[0]["observations"]
    before = sys.getrefcount(array)
    observations = envs.step(np.zeros((2, 36)))[0]
    envs.close()
    assert sys.getrefcount(array) < before + 2 and observations.shape == (2, 197)
    del envs
    gc.collect()
    assert np.isfinite(observations).all()


# ---- the trainer ----


def test_train(program, tmp_path):
    seen = []
    result = amble.train("style_walk", out=tmp_path / "run", samples=3000, seed=4, threads=1, callback=seen.append)
    assert [s.samples for s in seen] == [1024, 2048, 3072] == [s.samples for s in result.history]
    assert not result.stopped and result.actor.exists() and result.critic.exists() and result.checkpoint.exists()
    assert 0 < result.normalised_return < 1
    assert amble.rollout(policy=result.actor, characters=2, seconds=1, clips=str(result.folder)).characters == 2
    again = amble.train(resume=result.checkpoint, out=tmp_path / "run", samples=4000)
    assert again.history[0].samples == 4096


def test_train_stops(program, tmp_path):
    result = amble.train(clip=amble.Clip.load("style_run"), out=tmp_path / "run", samples=1e8, callback=lambda p: p.samples < 2000)
    assert result.stopped and result.history[-1].samples >= 2048 and result.actor.exists()

    def interrupt(progress):
        if progress.samples == 1024:
            os.kill(os.getpid(), signal.SIGINT)

    result = amble.train("style_walk", out=tmp_path / "other", samples=1e8, callback=interrupt)
    assert result.stopped and result.checkpoint.exists()

    def fail(progress):
        raise KeyError("mine")

    with pytest.raises(KeyError):
        amble.train("style_walk", out=tmp_path / "third", samples=1e8, callback=fail)


def test_train_refuses(program):
    with pytest.raises(amble.TrainingError, match='there is no motion "nope"'):
        amble.train("nope")
    with pytest.raises(amble.TrainingError, match="wings"):
        amble.train("style_walk", wings=2)


def test_spinning_is_limited(run_python):
    """Only while the runtime is loaded, and not where the user decided."""
    code = "import amble, os; print(os.environ.get('GOMP_SPINCOUNT'), amble._limited)"
    assert run_python(code, GOMP_SPINCOUNT="77").split() == ["77", "False"]
    assert run_python(code, OMP_WAIT_POLICY="passive").split() == ["None", "False"]
    clean = "import os\nfor n in ('GOMP_SPINCOUNT', 'OMP_WAIT_POLICY'): os.environ.pop(n, None)\n" + code
    assert run_python(clean).split() == ["None", "True"]
