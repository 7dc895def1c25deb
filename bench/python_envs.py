#!/usr/bin/env python3
"""Measures amble's Python package: environments beside C and beside other humanoids, networks beside ONNX Runtime.

    bench/python_envs.py [--seconds S] [--amble-bench FILE] [--threads 1,2] [--cpu] [--json FILE] [--only PART]

PART: vector, step, peers, model, torch. Needs the package amble; peers are measured where they are installed (envpool,
gymnasium[mujoco], onnxruntime, torch) and named where not. Ratios are medians of pairs measured alternately in this run. Exit
status 1: a bar was missed. --cpu: steps a second of processor time instead of wall time, all threads and child processes together;
for a machine that does something else meanwhile.

The tasks that are compared differ, and the table says so: amble's humanoid has 28 joints' degrees of freedom, self-collision off,
4 physics steps of 1/120 s a control step of 1/30 s, a reference to follow, 197 numbers observed. Gymnasium's Humanoid-v5 and
EnvPool's have 17 actuators, 5 physics steps of 3 ms a control step of 15 ms, 348 numbers observed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import amble
import numpy as np
from python_clock import CLOCKS, rate

ENVS = 64
failed = []
results = {}


def report(name, value, bar=None, text=""):
    results[name] = value
    good = bar is None or value >= bar
    if not good:
        failed.append(name)
    against = "" if bar is None else f"   (bar {bar:g}: {'met' if good else 'MISSED'})"
    print(f"{name:<50} {value:8.3f}{against}  {text}", flush=True)


CLOCK = "perf_counter"


def pairs(first, second, seconds, rounds=5):
    """Medians of both, and of their ratio."""
    both = [(first(seconds), second(seconds)) for _ in range(rounds)]
    return (
        statistics.median(a for a, _ in both),
        statistics.median(b for _, b in both),
        statistics.median(a / b for a, b in both),
    )


def stepper(envs, space=None):
    space = space if space is not None else envs.action_space
    table = [space.sample() for _ in range(16)]
    turn = [0]

    def step():
        turn[0] = (turn[0] + 1) % len(table)
        return envs.step(table[turn[0]])

    return step


def vector_rate(threads):
    envs = amble.VectorEnv(ENVS, "style_walk", threads=threads)
    envs.reset(seed=1)
    step = stepper(envs)
    return lambda seconds: rate(step, ENVS, seconds, CLOCKS[CLOCK])


def bench_vector(a):
    for threads in a.threads:

        def c(seconds, threads=threads):
            steps = max(640, int(seconds * 4000 * threads))
            out = subprocess.run(
                [a.amble_bench, "rollout", "--actions=random", "--motion=style_walk", f"--envs={ENVS}", f"--threads={threads}",
                 f"--steps={steps}", "--rounds=1", "--json=-"],
                check=True, capture_output=True, text=True,
            )  # fmt: skip
            return json.loads(out.stdout)["rows"][0]["steps_per_cpu_s" if a.cpu else "steps_per_s"]

        mine, theirs, ratio = pairs(vector_rate(threads), c, a.seconds)
        report(f"VectorEnv of amble-bench, {threads} thread(s)", ratio, 0.9, f"{mine:.0f} and {theirs:.0f} control steps/s")


def bench_step(a):
    """One environment through Python and the same call in C (through ctypes, whose own cost is subtracted)."""
    import ctypes

    with open("/proc/self/maps") as maps:
        lib = ctypes.CDLL(next(line.split()[-1] for line in maps if "/libamble.so" in line))
    env = amble.make("style:walk")
    handle = ctypes.c_void_p()
    assert lib.amb_env_create(None, ctypes.byref(handle)) == 0
    zeros, observation = np.zeros(36, np.float32), np.zeros(197, np.float32)
    at, to = ctypes.c_void_p(zeros.ctypes.data), ctypes.c_void_p(observation.ctypes.data)
    nothing = lib.amb_version_number

    def python():
        began = time.perf_counter()
        if env.step(zeros)[2]:
            env.reset()
        return time.perf_counter() - began

    def c():
        began = time.perf_counter()
        lib.amb_env_step(handle, at, to, None)
        took = time.perf_counter() - began
        if took < 2e-5:  # it was over
            lib.amb_env_reset(handle, None)
            return None
        return took

    def call():
        began = time.perf_counter()
        nothing()
        return time.perf_counter() - began

    env.reset(seed=0)
    n = max(300, int(a.seconds * 3000))
    times = {"python": [], "c": [], "call": []}
    for _ in range(n):
        times["python"].append(python())
        took = c()
        if took is not None:
            times["c"].append(took)
        times["call"].append(call())
    middle = {key: 1e6 * statistics.median(value) for key, value in times.items()}
    above = middle["python"] - middle["c"] + middle["call"]
    results["step above C, us"] = above
    good = above <= 15
    if not good:
        failed.append("step above C")
    print(f"{'env.step above C, µs':<50} {above:8.2f}   (bar 15: {'met' if good else 'MISSED'})  {middle['python']:.1f} µs in all")


def peer(code):
    """A peer's control steps/s in a process of its own: `code` defines step() and count."""
    program = (
        f"import os, sys\nsys.path.insert(0, {os.path.dirname(os.path.abspath(__file__))!r})\n"
        "import numpy as np\nfrom python_clock import CLOCKS, rate\nif __name__ == '__main__':\n"
        + "".join(f"    {line}\n" for line in code.strip().splitlines())
        + f"    print(rate(step, count, float(sys.argv[1]), CLOCKS[{CLOCK!r}]), flush=True)\n    os._exit(0)\n"
    )
    path = f"/tmp/amble-peer-{os.getpid()}.py"

    def measure(seconds):
        with open(path, "w") as file:
            file.write(program)
        try:
            out = subprocess.run([sys.executable, path, str(seconds)], capture_output=True, text=True, timeout=300)
        finally:
            os.remove(path)
        if out.returncode:
            raise RuntimeError(out.stderr.strip().splitlines()[-1])
        return float(out.stdout.split()[-1])

    return measure


def bench_peers(a):
    codes = {
        "EnvPool Humanoid-v5": """
import envpool
count = {envs}
envs = envpool.make("Humanoid-v5", env_type="gymnasium", num_envs=count, num_threads={threads})
envs.reset()
actions = np.random.default_rng(0).uniform(-.4, .4, (count, 17))
step = lambda: envs.step(actions)""",
        "Gymnasium AsyncVectorEnv Humanoid-v5": """
import gymnasium
count = {threads}
envs = gymnasium.make_vec("Humanoid-v5", num_envs=count, vectorization_mode="async")
envs.reset(seed=0)
actions = envs.action_space.sample()
step = lambda: envs.step(actions)""",
    }
    for threads in a.threads:
        best = None
        for name, code in codes.items():
            try:
                mine, theirs, ratio = pairs(vector_rate(threads), peer(code.format(envs=ENVS, threads=threads)), a.seconds, 3)
            except Exception as error:
                print(f"{name}: not measured: {error}")
                continue
            report(f"VectorEnv of {name}, {threads} thread(s)", ratio, None, f"{mine:.0f} and {theirs:.0f} control steps/s")
            best = ratio if best is None else min(best, ratio)
        if best is not None:
            report(f"VectorEnv of the fastest peer, {threads} thread(s)", best, 5)


def bench_model(a):
    try:
        import onnxruntime
    except ImportError as error:
        print(f"onnxruntime: not measured: {error}")
        return
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    path = amble.find_asset("models/walk.onnx")
    session, model, same = onnxruntime.InferenceSession(path, options), amble.Model(path), amble.InferenceSession(path)
    envs = amble.VectorEnv(256, "style_walk")  # observations of bodies that walk and fall
    big = envs.reset(seed=1)[0]
    for _ in range(20):
        big = envs.step(np.zeros((256, 36)))[0]
    x = big[:1].copy()
    theirs = session.run(None, {"input": big})[0]
    report("mean squared error of Model, 1e-6", 1e6 * float(np.square(model(big) - theirs).mean()))
    report("mean squared error of InferenceSession, 1e-6", 1e6 * float(np.square(same.run(None, {"input": big * 10})[0] - session.run(None, {"input": big * 10})[0]).mean()))
    if results["mean squared error of Model, 1e-6"] >= 1:
        failed.append("mean squared error")
    mine, other, ratio = pairs(
        lambda s: rate(lambda: model(x), 1, s, CLOCKS[CLOCK]), lambda s: rate(lambda: session.run(None, {"input": x}), 1, s, CLOCKS[CLOCK]), a.seconds / 2
    )
    report("Model of onnxruntime, batch 1", ratio, 4, f"{1e6 / mine:.1f} and {1e6 / other:.1f} µs a call; {model.precision}")
    mine, other, ratio = pairs(
        lambda s: rate(lambda: same.run(None, {"input": x}), 1, s, CLOCKS[CLOCK]), lambda s: rate(lambda: session.run(None, {"input": x}), 1, s, CLOCKS[CLOCK]), a.seconds / 2
    )
    report("InferenceSession (fp32) of onnxruntime, batch 1", ratio, None, f"{1e6 / mine:.1f} and {1e6 / other:.1f} µs a call")


def bench_torch(a):
    """Both in a process: torch with its own OpenMP beside VectorEnv on two threads; neither slows the other down."""
    try:
        import torch
    except ImportError as error:
        print(f"torch: not measured: {error}")
        return
    torch.set_num_threads(2)
    net = torch.nn.Sequential(torch.nn.Linear(512, 1024), torch.nn.ReLU(), torch.nn.Linear(1024, 512))
    x = torch.randn(1024, 512)

    def multiply():
        with torch.no_grad():
            net(x)

    def clock(call):
        began = time.perf_counter()
        call()
        return time.perf_counter() - began

    alone, mixed, alone_torch, mixed_torch = [], [], [], []
    envs = amble.VectorEnv(ENVS, "style_walk", threads=2)
    envs.reset(seed=1)
    step = stepper(envs)
    for _ in range(5):
        for _ in range(10):
            multiply()
        alone_torch += [clock(multiply) for _ in range(30)]
        for _ in range(10):
            step()
        alone += [clock(step) for _ in range(30)]
        for _ in range(30):
            mixed.append(clock(step))
            mixed_torch.append(clock(multiply))
    median = statistics.median
    report("VectorEnv's speed beside torch", median(alone) / median(mixed), 0.9)
    report("torch's speed beside VectorEnv", median(alone_torch) / median(mixed_torch), 0.9)


PARTS = {"vector": bench_vector, "step": bench_step, "peers": bench_peers, "model": bench_model, "torch": bench_torch}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2, help="of each measurement")
    parser.add_argument("--amble-bench", default=os.path.join(os.path.dirname(__file__), "../build/amble-bench"))
    parser.add_argument("--threads", type=lambda t: [int(n) for n in t.split(",")], default=[1, 2])
    parser.add_argument("--only", choices=sorted(PARTS))
    parser.add_argument("--cpu", action="store_true", help="by processor time")
    parser.add_argument("--json")
    a = parser.parse_args()
    global CLOCK
    CLOCK = "processor_time" if a.cpu else "perf_counter"
    for name, part in PARTS.items():
        if a.only in (None, name):
            part(a)
    if a.json:
        with open(a.json, "w") as file:
            json.dump(results, file, indent=1)
    if failed:
        print("missed: " + ", ".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
