"""Latency of one row through policies that are no chain of dense layers, amble beside ONNX Runtime, on one thread, turn by turn.

    python3 bench/compare_graphs.py AMBLE-BENCH [FILE.onnx ...] [--seconds S] [--rounds N] [--json FILE]

Without files it makes three policies of usual sizes (weights random): a SiLU MLP 48-256-256-128-12, a GRU policy (GRU 64, MLP 128-64), and
a history encoder (Conv1D over 50 observations of 30, MLP). Needs numpy, onnx and onnxruntime.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

rng = np.random.default_rng(1)


def weights(name, *shape):
    fan = shape[-1] if len(shape) < 3 else int(np.prod(shape[1:]))
    return numpy_helper.from_array((rng.normal(size=shape) / np.sqrt(fan)).astype(np.float32), name)


def info(name, *shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def dense(nodes, inits, x, name, inputs, outputs, act):
    inits += [weights(name + ".w", outputs, inputs), weights(name + ".b", outputs)]
    nodes.append(helper.make_node("Gemm", [x, name + ".w", name + ".b"], [name], name=name, transB=1))
    if act == "SiLU":
        nodes += [helper.make_node("Sigmoid", [name], [name + ".s"]), helper.make_node("Mul", [name, name + ".s"], [name + ".a"])]
        return name + ".a"
    if act:
        nodes.append(helper.make_node(act, [name], [name + ".a"]))
        return name + ".a"
    return name


def model(name, nodes, inits, inputs, outputs):
    graph = helper.make_graph(nodes, name, inputs, outputs, inits)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def silu():
    nodes, inits, x = [], [], "obs"
    for i, (a, b) in enumerate(((48, 256), (256, 256), (256, 128))):
        x = dense(nodes, inits, x, f"l{i}", a, b, "SiLU")
    x = dense(nodes, inits, x, "out", 128, 12, None)
    return model("silu", nodes, inits, [info("obs", "batch", 48)], [info(x, "batch", 12)])


def gru():
    inits = [weights("W", 1, 192, 48), weights("R", 1, 192, 64), weights("B", 1, 384), numpy_helper.from_array(np.array([0]), "zero"),
             numpy_helper.from_array(np.array([1]), "one")]
    nodes = [
        helper.make_node("Unsqueeze", ["obs", "zero"], ["x"]),
        helper.make_node("GRU", ["x", "W", "R", "B", "", "h_in"], ["y", "h_out"], hidden_size=64, linear_before_reset=1),
        helper.make_node("Squeeze", ["y", "one"], ["y3"]),
        helper.make_node("Squeeze", ["y3", "zero"], ["z"]),
    ]
    x = dense(nodes, inits, "z", "l0", 64, 128, "Elu")
    x = dense(nodes, inits, x, "l1", 128, 64, "Elu")
    x = dense(nodes, inits, x, "out", 64, 12, None)
    return model("gru", nodes, inits, [info("obs", "batch", 48), info("h_in", 1, "batch", 64)], [info(x, "batch", 12), info("h_out", 1, "batch", 64)])


def conv():
    inits = [weights("k0", 32, 30, 8), weights("kb0", 32), weights("k1", 32, 32, 5), weights("kb1", 32), numpy_helper.from_array(np.array(49), "last")]
    nodes = [
        helper.make_node("Transpose", ["history"], ["t"], perm=[0, 2, 1]),
        helper.make_node("Conv", ["t", "k0", "kb0"], ["c0"], strides=[4], kernel_shape=[8]),
        helper.make_node("Elu", ["c0"], ["e0"]),
        helper.make_node("Conv", ["e0", "k1", "kb1"], ["c1"], kernel_shape=[5]),
        helper.make_node("Elu", ["c1"], ["e1"]),
        helper.make_node("Flatten", ["e1"], ["f"]),
        helper.make_node("Gather", ["history", "last"], ["now"], axis=1),
        helper.make_node("Concat", ["f", "now"], ["x"], axis=1),
    ]
    x = dense(nodes, inits, "x", "l0", 32 * 7 + 30, 256, "Elu")
    x = dense(nodes, inits, x, "l1", 256, 128, "Elu")
    x = dense(nodes, inits, x, "out", 128, 12, None)
    return model("conv", nodes, inits, [info("history", "batch", 50, 30)], [info(x, "batch", 12)])


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    s = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    # Inputs and outputs are bound once, which leaves only the run itself in the loop.
    binding = s.io_binding()
    types = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(bool)": np.bool_, "tensor(double)": np.float64}
    for i in s.get_inputs():
        shape = [d if isinstance(d, int) else 1 for d in i.shape]
        x = rng.normal(size=shape).astype(types[i.type]) if "float" in i.type else np.zeros(shape, types[i.type])
        binding.bind_ortvalue_input(i.name, onnxruntime.OrtValue.ortvalue_from_numpy(x))
    for o in s.get_outputs():
        binding.bind_output(o.name)
    return s, binding


def time_runtime(path, seconds):
    s, binding = session(path)
    times, end = [], time.perf_counter() + seconds
    run, clock = s.run_with_iobinding, time.perf_counter_ns
    while time.perf_counter() < end:
        for _ in range(20):
            a = clock()
            run(binding)
            times.append(clock() - a)
    return np.percentile(times[len(times) // 10 :], [50, 99]) / 1e3


def time_amble(bench, path, precision, seconds):
    done = subprocess.run([bench, "latency", path, "--rate", "0", "--precision", precision, "--seconds", str(seconds), "--json", "-"],
                          capture_output=True, text=True, check=True)
    got = json.loads(done.stdout)
    compute = got["runs"][0]["compute"]
    return (compute["p50"], compute["p99"]), got["choice"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench")
    parser.add_argument("files", nargs="*")
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json")
    o = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = o.files
        if not files:
            for make in (silu, gru, conv):
                files.append(f"{folder}/{make.__name__}.onnx")
                onnx.save(make(), files[-1])
        result = []
        empty = f"{folder}/empty.onnx"
        onnx.save(model("empty", [helper.make_node("Identity", ["x"], ["y"])], [], [info("x", 1, 1)], [info("y", 1, 1)]), empty)
        floor = time_runtime(empty, o.seconds)[0]
        print(f"one row, one thread, us (p50 / p99, medians of {o.rounds} rounds); ONNX Runtime {onnxruntime.__version__}, of which {floor:.2f} us a call from "
              "Python with nothing in it")
        print(f"{'network':20} {'amble auto':>16} {'amble fp32':>16} {'ONNX Runtime':>16}  {'auto':>6} {'fp32':>6} times as fast")
        for path in files:
            every = {"auto": [], "fp32": [], "ort": []}
            for _ in range(o.rounds):
                every["ort"].append(time_runtime(path, o.seconds))
                for precision in ("auto", "fp32"):
                    times, choice = time_amble(o.bench, path, precision, o.seconds)
                    every[precision].append(times)
                    if precision == "auto":
                        chosen = choice
            t = {k: np.median(v, axis=0) for k, v in every.items()}
            name = os.path.basename(path)[:-5]
            print(f"{name:20} " + " ".join(f"{t[k][0]:7.2f} /{t[k][1]:7.2f}" for k in ("auto", "fp32", "ort")) +
                  f"  {t['ort'][0] / t['auto'][0]:6.2f} {t['ort'][0] / t['fp32'][0]:6.2f}   {chosen}")
            result.append({"network": name, **{k: list(map(float, v)) for k, v in t.items()}, "choice": chosen})
        if o.json:
            with open(o.json, "w") as f:
                json.dump(result, f, indent=1)


if __name__ == "__main__":
    main()
