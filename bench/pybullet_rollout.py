#!/usr/bin/env python3
"""Control steps a second, side by side on one core: PyBullet's deep_mimic environment and `amble rollout`.

    pip install pybullet numpy
    bench/pybullet_rollout.py --amble build/amble --clips clips
    bench/pybullet_rollout.py --amble build/amble --clips clips -- --no-policy

Both follow humanoid3d_walk at 30 control steps a second, bound to the same core, in turns within one run, because machines are shared and
their speed drifts. Each side is measured for --seconds a turn. PyBullet's environment (PyBulletDeepMimicEnv, default settings, its own walk arguments and clip) runs its 8 updates of
1/240 s a control step. Its action is zero in the policy's units, so no network's time counts; when the character falls the environment is
reset, and the reset's time counts. It is driven in two ways:

  testrl   as its testrl.py does, without drawing and waiting: reward and end of episode after every update
  gym      as its own Gym environment does: reward and end of episode once a control step (the faster one, for comparison)

amble runs `rollout --motion walk --envs N --threads 1` with seed after seed, its actor network included unless --no-policy says otherwise;
what follows -- goes to it. Its physics takes 4 steps of 1/120 s a control step: same control, not the same simulator. Does not compare across runs or machines: it prints this run's measurements and the CPU's name.
"""

import argparse
import contextlib
import importlib.machinery
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import time
import types

UPDATES = 8  # a control step
UPDATE_S = 1.0 / (30.0 * UPDATES)
ARGUMENTS = "run_humanoid3d_walk_args.txt"


def cpu_name():
    with contextlib.suppress(OSError):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def import_environment():
    """PyBulletDeepMimicEnv, without the package's __init__: that one registers Gym environments and requires a Gym of 2021."""
    spec = importlib.machinery.PathFinder.find_spec("pybullet_envs")
    package = types.ModuleType("pybullet_envs")
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules["pybullet_envs"] = package
    from pybullet_envs.deep_mimic.env import pybullet_deep_mimic_env

    return pybullet_deep_mimic_env


class Peer:
    """One PyBullet environment and the loop around it."""

    def __init__(self):
        import numpy
        import pybullet_data
        from pybullet_utils.arg_parser import ArgParser

        module = import_environment()
        arguments = ArgParser()
        path = os.path.join(pybullet_data.getDataPath(), "args", ARGUMENTS)
        if not arguments.load_file(path):
            sys.exit(f"pybullet_rollout.py: {path} cannot be read")
        self.env = module.PyBulletDeepMimicEnv(arguments, False)
        offset = numpy.array(self.env.build_action_offset(0))
        self.action = -offset  # zero in the policy's units

    def ended(self):
        if self.env.is_episode_end():
            self.env.reset()
            return True
        return False

    def step_testrl(self):
        """One control step as testrl.py spreads it over its updates. Returns the updates made and whether the episode ended."""
        self.env.record_state(0)
        self.env.set_action(0, self.action)
        for update in range(UPDATES):
            self.env.update(UPDATE_S)
            self.env.calc_reward(0)
            if self.ended():
                return update + 1, True
        return UPDATES, False

    def step_gym(self):
        self.env.calc_reward(0)
        self.env.set_action(0, self.action)
        for _ in range(UPDATES):
            self.env.update(UPDATE_S)
        self.env.record_state(0)
        return UPDATES, self.ended()

    def measure(self, step, seconds):
        """(control steps a second, episodes ended). A step cut short by a fall counts as its fraction."""
        self.env.reset()
        updates, episodes, start = 0, 0, time.perf_counter()
        while True:
            made, ended = step()
            updates += made
            episodes += ended
            wall = time.perf_counter() - start
            if wall >= seconds:
                return updates / UPDATES / wall, episodes


@contextlib.contextmanager
def quiet():
    """Discards standard output and error, also of native code."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(1), os.dup(2)]
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
        sys.stdout.flush()
    finally:
        for fd, old in zip((1, 2), kept):
            os.dup2(old, fd)
            os.close(old)


def amble(options):
    """Rollouts with seeds 1, 2, … until they took --seconds together: their steps over their time, and the last one's report."""
    steps, wall, seed = 0, 0.0, 0
    while wall < options.seconds and seed < 200:
        seed += 1
        command = [options.amble, "rollout", "--motion", "walk", "--envs", str(options.envs), "--threads", "1", "--seed", str(seed),
                   "--json", "-"]
        if options.clips:
            command += ["--clips", options.clips]
        command += options.more
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"pybullet_rollout.py: {' '.join(command)} failed with {done.returncode}: {done.stderr.strip()}")
        report = json.loads(done.stdout)
        steps += report["control_steps"]
        wall += report["control_steps"] / report["control_steps_per_s"]
    return steps / wall, report


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--amble", metavar="PATH", help="the amble program; without it PyBullet is measured alone")
    parser.add_argument("--clips", metavar="DIR", help="folder of motion clips, for amble")
    parser.add_argument("--envs", type=int, default=32, help="amble's characters (default 32)")
    parser.add_argument("--rounds", type=int, default=5, help="alternations (default 5)")
    parser.add_argument("--seconds", type=float, default=4.0, help="wall time of each measurement (default 4)")
    parser.add_argument("--json", metavar="FILE", help="write the results as JSON; - is standard output, instead of the table")
    parser.add_argument("more", nargs="*", metavar="-- OPTION", help="further options for amble rollout")
    options = parser.parse_args()
    if options.rounds < 1 or options.envs < 1 or not options.seconds > 0:
        parser.error("--rounds, --envs and --seconds must be positive")
    return options


def main():
    options = parse()
    core = min(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})  # amble inherits it
    if importlib.util.find_spec("pybullet") is None:
        sys.exit("pybullet_rollout.py: pybullet is not installed; pip install pybullet numpy")
    with quiet():
        peer = Peer()
        peer.measure(peer.step_gym, 0.5)  # warm
    speed = {"testrl": [], "gym": [], "amble": []}
    episodes, last = {"testrl": 0, "gym": 0}, None
    for turn in range(options.rounds):
        for name, step in (("testrl", peer.step_testrl), ("gym", peer.step_gym)):
            rate, ended = peer.measure(step, options.seconds)
            speed[name].append(rate)
            episodes[name] += ended
        if options.amble:
            rate, last = amble(options)
            speed["amble"].append(rate)
        print(f"round {turn + 1} of {options.rounds}: " + ", ".join(f"{n} {r[-1]:.0f}" for n, r in speed.items() if r), file=sys.stderr)

    median = {name: statistics.median(rates) for name, rates in speed.items() if rates}
    ratio = {name: median["amble"] / median[name] for name in ("testrl", "gym")} if options.amble else {}
    if options.json:
        text = json.dumps({"cpu": cpu_name(), "core": core, "rounds": options.rounds, "control_steps_per_s": speed, "median": median,
                           "ratio": ratio, "pybullet_episodes": episodes, "amble": last}, indent=2)
        if options.json == "-":
            print(text)
            return
        with open(options.json, "w", encoding="utf-8") as file:
            file.write(text + "\n")
    print(f"{cpu_name()}, core {core}, {options.rounds} alternations; control steps a second")
    print(f"{'':22}{'median':>10}{'min':>10}{'max':>10}")
    for name, title in (("testrl", "PyBullet as testrl"), ("gym", "PyBullet as its Gym"), ("amble", "amble rollout")):
        if speed[name]:
            print(f"{title:22}{median[name]:10.0f}{min(speed[name]):10.0f}{max(speed[name]):10.0f}")
    print(f"PyBullet's action is zero; its episodes ended {episodes['gym']} times (Gym), {episodes['testrl']} times (testrl)")
    if options.amble:
        print(f"amble: {options.envs} characters, " + (f"network {last['policy']}" if last.get("policy") else "no network"))
        print(f"amble / PyBullet: {ratio['gym']:.1f} (Gym), {ratio['testrl']:.1f} (testrl)")


if __name__ == "__main__":
    main()
