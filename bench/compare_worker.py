#!/usr/bin/env python3
"""One system of the comparison in its own process: started by compare.py, orders as JSON lines on standard input, answers on standard output.

    compare_worker.py SYSTEM THREADS      SYSTEM: torch, torch-bf16, compile, ort, ort-bound, ort-int8, ort-qdq, ort-bf16, max,
                                          python (loads nothing: what Python itself takes)

Calls are timed one by one inside Python with time.perf_counter_ns, each system's own call included and nothing else: inputs lie ready in the
system's own form, outputs are left where the system puts them, the garbage collector is off. That is what a Python program that uses the
system pays. Each input of the pool is used in turn.
"""

import gc
import json
import os
import sys
import time

import numpy


class Torch:
    """PyTorch eager, in fp32 or (its layers) in bf16, or torch.compile of the same module (compiled for each batch size, as it does by default
    when shapes are static)."""

    def __init__(self, threads, compiled, bf16):
        import torch

        self.torch, self.compiled, self.bf16 = torch, compiled, bf16
        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)
        self.version = f"PyTorch {torch.__version__}" + (", torch.compile" if compiled else "")
        self.module = {}

    def load(self, name, stem):
        torch = self.torch
        numbers = numpy.load(stem + ".npz")

        class Normalise(torch.nn.Module):
            def __init__(self, mean, std, clip):
                super().__init__()
                self.register_buffer("mean", torch.from_numpy(mean))
                self.register_buffer("std", torch.from_numpy(std))
                self.clip = clip

            def forward(self, x):
                return ((x - self.mean) / self.std).clamp(-self.clip, self.clip)

        class Heads(torch.nn.Module):
            def __init__(self, linears):
                super().__init__()
                self.heads = torch.nn.ModuleList(linears)

            def forward(self, x):
                return tuple(head(x) for head in self.heads)

        def linear(weight, bias):
            layer = torch.nn.Linear(weight.shape[1], weight.shape[0])
            with torch.no_grad():
                layer.weight.copy_(torch.from_numpy(weight))
                layer.bias.copy_(torch.from_numpy(bias))
            return layer

        class Cast(torch.nn.Module):
            def forward(self, x):
                return x.bfloat16()

        parts = []
        if "mean" in numbers:
            parts.append(Normalise(numbers["mean"], numbers["std"], float(numbers["clip"])))
        if self.bf16:
            parts.append(Cast())
        count = sum(key.startswith("weight_") for key in numbers.files)
        for i in range(count):
            weight, bias, heads = numbers[f"weight_{i}"], numbers[f"bias_{i}"], numbers["heads"]
            if i + 1 == count and len(heads) > 1:
                ends = numpy.cumsum(heads)
                parts.append(Heads([linear(weight[e - n : e], bias[e - n : e]) for e, n in zip(ends, heads)]))
            else:
                parts.append(linear(weight, bias))
            if self.bf16:
                parts[-1].bfloat16()
            if i + 1 < count:
                parts.append(torch.nn.ReLU())
        module = torch.nn.Sequential(*parts).eval().requires_grad_(False)
        self.module[name] = torch.compile(module, dynamic=False) if self.compiled else module

    def prepare(self, name, pool):
        torch = self.torch
        module, tensors = self.module[name], [torch.from_numpy(x.copy()) for x in pool]
        guard = torch.inference_mode()
        guard.__enter__()
        return lambda i: module(tensors[i])

    @staticmethod
    def numbers(outputs):
        parts = outputs if isinstance(outputs, tuple) else (outputs,)
        return numpy.concatenate([p.float().numpy() for p in parts], axis=1)


def quantise_statically(stem, path):
    """stem.onnx with QuantizeLinear and DequantizeLinear around its layers, ranges from stem.calibration.npy."""
    import logging

    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Rows(CalibrationDataReader):
        def __init__(self):
            name = onnx.load(stem + ".onnx").graph.input[0].name
            self.left = iter([{name: row[None]} for row in numpy.load(stem + ".calibration.npy")])

        def get_next(self):
            return next(self.left, None)

    logging.disable(logging.WARNING)
    quantize_static(stem + ".onnx", path, Rows(), quant_format=QuantFormat.QDQ, per_channel=True, activation_type=QuantType.QUInt8,
                    weight_type=QuantType.QInt8)


class Ort:
    """ONNX Runtime on the CPU, everything optimised (its default); run() with arrays, or with inputs and outputs bound beforehand.

    form: "fp32"; "int8", what onnxruntime.quantization.quantize_dynamic makes of the network (weights int8, one scale a matrix, which is
    its default and its fastest; activations uint8); "qdq", what quantize_static makes of it (weights int8, one scale an output; activations
    uint8, ranges from 256 rows of the law that is measured on); "bf16", the same network with bfloat16 layers.
    """

    def __init__(self, threads, bound, form):
        import onnxruntime

        self.ort, self.bound, self.form = onnxruntime, bound, form
        self.version = f"ONNX Runtime {onnxruntime.__version__}" + (", io_binding" if bound else "")
        self.options = onnxruntime.SessionOptions()
        self.options.intra_op_num_threads = threads
        self.options.inter_op_num_threads = 1
        self.session = {}

    def load(self, name, stem):
        path = stem + (".bf16.onnx" if self.form == "bf16" else ".onnx")
        if self.form == "int8":
            import logging

            from onnxruntime.quantization import QuantType, quantize_dynamic

            logging.disable(logging.WARNING)  # it recommends a pre-processing that changes nothing here
            path = stem + ".int8.onnx"
            quantize_dynamic(stem + ".onnx", path, weight_type=QuantType.QInt8)
        if self.form == "qdq":
            path = stem + ".qdq.onnx"
            quantise_statically(stem, path)
        self.session[name] = self.ort.InferenceSession(path, self.options, providers=["CPUExecutionProvider"])

    def prepare(self, name, pool):
        session = self.session[name]
        if not self.bound:
            feeds = [{"input": x} for x in pool]
            return lambda i: session.run(None, feeds[i])
        bindings = []
        for x in pool:
            binding = session.io_binding()
            binding.bind_ortvalue_input("input", self.ort.OrtValue.ortvalue_from_numpy(x))
            for output in session.get_outputs():
                room = self.ort.OrtValue.ortvalue_from_shape_and_type([x.shape[0], output.shape[1]], numpy.float32)
                binding.bind_ortvalue_output(output.name, room)
            bindings.append(binding)

        def call(i):
            session.run_with_iobinding(bindings[i])
            return bindings[i]

        return call

    def numbers(self, outputs):
        parts = outputs.copy_outputs_to_cpu() if self.bound else outputs
        return numpy.concatenate(parts, axis=1)


class Max:
    """MAX: the network as one of its graphs, compiled for an open batch size.

    Its session ends the process when it is asked for another number of threads than its runtime began with, so the process is given that many
    cores before MAX is loaded, and MAX takes them all.
    """

    def __init__(self, threads):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
        from max.engine import InferenceSession

        try:
            from importlib.metadata import version

            self.version = f"MAX {version('max')}"
        except Exception:  # the package's name varies
            self.version = "MAX"
        self.session = InferenceSession()
        self.model = {}

    def load(self, name, stem):
        from max.dtype import DType
        from max.graph import DeviceRef, Graph, TensorType, ops

        numbers = numpy.load(stem + ".npz")
        device = DeviceRef.CPU()

        def constant(array):
            return ops.constant(numpy.ascontiguousarray(array, dtype=numpy.float32), DType.float32, device)

        count = sum(key.startswith("weight_") for key in numbers.files)
        width = numbers["weight_0"].shape[1]
        with Graph(name, input_types=[TensorType(DType.float32, ["batch", width], device)]) as graph:
            h = graph.inputs[0].tensor
            if "mean" in numbers:
                h = (h - constant(numbers["mean"])) / constant(numbers["std"])
                clip = float(numbers["clip"])
                if clip < numpy.inf:
                    h = ops.min(ops.max(h, constant(-clip)), constant(clip))
            for i in range(count):
                h = ops.matmul(h, constant(numbers[f"weight_{i}"].T)) + constant(numbers[f"bias_{i}"])
                if i + 1 < count:
                    h = ops.relu(h)
            graph.output(h)
        self.model[name] = self.session.load(graph)

    def prepare(self, name, pool):
        from max import driver

        kind = getattr(driver, "Buffer", None) or driver.Tensor
        model, tensors = self.model[name], [kind.from_numpy(x) for x in pool]
        return lambda i: model.execute(tensors[i])

    @staticmethod
    def numbers(outputs):
        return outputs[0].to_numpy()


class Nothing:
    version = "Python"

    def load(self, name, stem):
        pass


def system_of(name, threads):
    if name == "python":
        return Nothing()
    if name in ("torch", "torch-bf16", "compile"):
        return Torch(threads, name == "compile", name == "torch-bf16")
    if name in ("ort", "ort-bound"):
        return Ort(threads, name == "ort-bound", "fp32")
    if name in ("ort-int8", "ort-qdq", "ort-bf16"):
        return Ort(threads, True, name[4:])
    if name == "max":
        return Max(threads)
    raise ValueError(f'there is no system "{name}"')


def measure(call, count, seconds, least=3):
    """Times in µs: warm-up for a fifth of the time, then call by call until both time and count are reached."""
    clock = time.perf_counter_ns
    gc.collect()  # takes time and evicts caches: before the warm-up
    gc.disable()
    begun = clock()
    call(0)
    once = (clock() - begun) * 1e-9
    if once < seconds:
        end, i = clock() + int(0.2e9 * seconds), 0
        while clock() < end:
            call(i % count)
            i += 1
    taken, i, end, now = [], 0, clock() + int(1e9 * seconds), 0
    wall, core = clock(), time.thread_time_ns()
    while i < least or now < end:
        which = i % count
        begun = clock()
        call(which)
        now = clock()
        taken.append(now - begun)
        i += 1
    had_core = (time.thread_time_ns() - core) / (clock() - wall)
    gc.enable()
    us = numpy.sort(numpy.array(taken)) * 1e-3

    def quantile(q):
        return float(us[max(0, int(numpy.ceil(q * len(us) - 1e-9)) - 1)])

    return {"n": len(us), "min": float(us[0]), "p50": quantile(0.5), "p99": quantile(0.99), "p99.9": quantile(0.999), "max": float(us[-1]),
            "had_core": had_core}


def memory():
    """kB of this process, from /proc/self/smaps_rollup."""
    kb = {}
    with open("/proc/self/smaps_rollup", encoding="ascii") as file:
        for line in file:
            words = line.split()
            if words[0].endswith(":") and words[-1] == "kB":
                kb[words[0][:-1]] = int(words[1])
    return {"resident": kb["Rss"], "proportional": kb["Pss"], "private": kb["Private_Clean"] + kb["Private_Dirty"]}


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # output of libraries must not mix with the answers
    system, calls, pools = None, {}, {}
    for line in sys.stdin:
        order = json.loads(line)
        answer = {}
        try:
            what = order["order"]
            if what == "quit":
                break
            if what == "start":
                begun = time.perf_counter()
                system = system_of(sys.argv[1], int(sys.argv[2]))
                answer = {"version": system.version, "ms": 1e3 * (time.perf_counter() - begun)}
            elif what == "load":
                begun = time.perf_counter()
                system.load(order["name"], order["stem"])
                answer = {"ms": 1e3 * (time.perf_counter() - begun)}
            elif what == "inputs":
                pool = numpy.fromfile(order["file"], dtype=numpy.float32).reshape(order["count"], order["rows"], -1)
                pools[order["name"]] = pool
                begun = time.perf_counter()
                calls[order["name"]] = system.prepare(order["name"], list(pool))
                calls[order["name"]](0)  # compiles, if the system does
                answer = {"ms": 1e3 * (time.perf_counter() - begun)}
            elif what == "run":
                system.numbers(calls[order["name"]](0)).astype(numpy.float32).tofile(order["file"])
            elif what == "time":
                answer = measure(calls[order["name"]], len(pools[order["name"]]), order["seconds"])
            elif what == "memory":
                answer = memory()
            else:
                raise ValueError(f'there is no order "{what}"')
        except Exception as error:  # reported to the parent, which continues without
            answer = {"error": f"{type(error).__name__}: {error}".split("\n")[0][:400]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
