"""ONNX Runtime in the loop of amble-bench latency: the same rate, the same number of calls, standard normal inputs. Started by
`amble-bench latency FILE --peer PYTHON`; prints one JSON object.

    latency_peer.py FILE RATE CALLS ROWS THREADS fifo|other SPIN_S
"""

import json
import os
import sys
import time


def fail(text):
    print(f"latency_peer.py: {text}", file=sys.stderr)
    sys.exit(2)


def summary(seconds):
    seconds = sorted(seconds)
    n = len(seconds)

    def quantile(q):
        rank = -int(-q * n // 1)  # ceil
        return 1e6 * seconds[min(max(rank, 1), n) - 1]

    return {"n": n, "min": 1e6 * seconds[0], "p50": quantile(0.5), "p99": quantile(0.99), "p99.9": quantile(0.999),
            "max": 1e6 * seconds[-1], "mean": 1e6 * sum(seconds) / n}


def main():
    try:
        import numpy
        import onnxruntime
    except ImportError as missing:
        fail(f"{sys.executable} has no {missing.name}: pip install onnxruntime")
    path, rate, calls, rows, threads, scheduler, spin = sys.argv[1:]
    rate, calls, rows, threads, spin = float(rate), int(calls), int(rows), int(threads), float(spin)

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    random = numpy.random.default_rng(1)
    types = {"tensor(float)": numpy.float32, "tensor(double)": numpy.float64, "tensor(float16)": numpy.float16,
             "tensor(int64)": numpy.int64, "tensor(int32)": numpy.int32, "tensor(bool)": numpy.bool_}
    feeds = []
    for _ in range(8):
        feed = {}
        for entry in session.get_inputs():
            shape = [size if isinstance(size, int) and size > 0 else rows for size in entry.shape]
            kind = types.get(entry.type)
            if kind is None:
                fail(f"{path}: input {entry.name} has type {entry.type}, expected one of {', '.join(types)}")
            values = random.standard_normal(shape)
            feed[entry.name] = numpy.ascontiguousarray(values.astype(kind) if kind not in (numpy.int64, numpy.int32)
                                                       else numpy.zeros(shape, kind))
        feeds.append(feed)
    if scheduler == "fifo":
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(80))

    clock = time.perf_counter
    for i in range(50):
        session.run(None, feeds[i % 8])
    compute, response, wakeup, missed = [], [], [], 0
    period = 1 / rate
    begin = clock() + period
    for i in range(calls):
        due = begin + i * period
        waited = clock() < due
        if waited:
            time.sleep(max(due - spin - clock(), 0))
            while clock() < due:
                pass
        begun = clock()
        session.run(None, feeds[i % 8])
        done = clock()
        if waited:
            wakeup.append(begun - due)
        compute.append(done - begun)
        response.append(done - due)
        missed += done - due > period
    result = {"name": f"ONNX Runtime {onnxruntime.__version__}", "calls": calls, "missed_deadlines": missed,
              "compute": summary(compute), "response (from due)": summary(response)}
    if wakeup:
        result["wake-up"] = summary(wakeup)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
