#!/usr/bin/env python3
"""Compares the speed of amble's networks with ONNX Runtime, PyTorch, torch.compile and MAX: same weights, same inputs, alternating, on this machine.

    pip install torch onnx onnxruntime numpy      (and modular, for MAX)
    bench/compare.py --bench build/amble-bench
    bench/compare.py --bench build/amble-bench --batches 1 --networks actor,phase --markdown -

How it measures. Every system runs in its own process, with its number of threads, and sleeps while another is timed. In each round
all systems are timed one after the other, beginning with another one each time; a ratio is the quotient of two medians (p50) of the same
round, and what is printed is the median over the rounds: machines are shared and their speed drifts, ratios within a round drift least.
Calls are timed one by one. amble is timed inside amble-bench, in C, as a C program calls it; the others inside Python, as Python programs
call them, their Python call included (ONNX Runtime also with inputs and outputs bound beforehand, its cheapest call). Every system takes the
same few inputs in turn. amble's "auto" takes the narrowest weights that keep the mean squared error of the outputs below 1e-6; "amble fp32" compares
equal precisions. The others are measured in fp32, and in the narrow formats that they offer themselves whatever the error:
ONNX Runtime's quantisation to int8, dynamic and static (QDQ, calibrated on 256 rows), and its bf16 (on x86-64 it has none, and is left out with its error message), PyTorch's bf16.

How it checks. Each system's outputs for the first input are compared with PyTorch in double precision. If amble's mean squared error is not
below 1e-6 anywhere, this program fails (exit status 1).

Memory is measured in processes of their own that only load the networks asked for and then call each once with one row: resident set, which for
the Python systems includes Python itself (shown too).

Does not compare across runs or machines. Systems that are not installed are left out with a line on standard error.
"""

import argparse
import importlib.util
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT = 1e-6
POOL_BYTES = 128 << 10
LEAVABLE = ("ort", "ort-bound", "ort-int8", "ort-qdq", "ort-bf16", "torch", "torch-bf16", "compile", "max", "memory")


def say(text):
    print(f"compare.py: {text}", file=sys.stderr, flush=True)


def stop(text):
    say(text)
    sys.exit(2)


def missing(names):
    return [name for name in names if importlib.util.find_spec(name) is None]


# ---- Systems ----


class Failed(Exception):
    """An error of a system, in its own words."""


class Worker:
    """A peer in its own process (compare_worker.py)."""

    def __init__(self, kind, threads, label):
        self.kind, self.threads, self.label = kind, threads, label
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads))
        command = [sys.executable, os.path.join(HERE, "compare_worker.py"), kind, str(threads)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self.version = self.ask(order="start")["version"]

    def send(self, line):
        try:
            print(line, file=self.process.stdin, flush=True)
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise Failed(f"{self.label} ended with status {self.process.wait()}")
        answer = json.loads(answer)
        if "error" in answer:
            raise Failed(f"{self.label}: {answer['error']}")
        return answer

    def ask(self, **order):
        return self.send(json.dumps(order))

    def load(self, name, stem):
        return self.ask(order="load", name=name, stem=stem)

    def inputs(self, name, file, rows, count):
        return self.ask(order="inputs", name=name, file=file, rows=rows, count=count)

    def run(self, name, rows, file):
        self.ask(order="run", name=name, file=file)

    def time(self, name, rows, seconds):
        return self.ask(order="time", name=name, seconds=seconds)

    def memory(self):
        return self.ask(order="memory")

    def close(self):
        try:
            self.process.stdin.close()
            self.process.wait(timeout=20)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()


class Amble(Worker):
    """amble-bench nets --serve (bench/serve.h)."""

    def __init__(self, bench, precision, threads, label):
        self.kind, self.precision, self.threads, self.label = "amble", precision, threads, label
        self.choice = {}
        self.process = subprocess.Popen([bench, "nets", "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.version = "amble"

    def words(self, *words):
        return self.send("\t".join(str(w) for w in words))

    def load(self, name, stem):
        own = stem + ".amble.onnx"  # amble's file as it is: the same numbers, and what it knows of them
        answer = self.words("load", name, own if os.path.exists(own) else stem + ".onnx", self.precision)
        self.choice[name] = answer["choice"]
        return answer

    def inputs(self, name, file, rows, count):
        return self.words("inputs", name, file, rows, count)

    def run(self, name, rows, file):
        self.words("run", name, rows, self.threads, file)

    def time(self, name, rows, seconds):
        return self.words("time", name, rows, self.threads, seconds)

    def memory(self):
        return self.words("memory")


def systems(args):
    """Starts all that are installed: one process for each system and number of threads."""
    found = []
    kinds = [("ort", "ONNX Runtime", ["onnxruntime"]), ("ort-bound", "ONNX Runtime bound", ["onnxruntime"])]
    kinds += [("ort-int8", "ONNX Runtime int8", ["onnxruntime"]), ("ort-qdq", "ONNX Runtime QDQ", ["onnxruntime"]), ("ort-bf16", "ONNX Runtime bf16", ["onnxruntime"])]
    kinds += [("torch", "PyTorch", []), ("torch-bf16", "PyTorch bf16", []), ("compile", "torch.compile", []), ("max", "MAX", ["max"])]
    for kind, title, needs in kinds:
        if kind in args.without:
            continue
        if missing(needs):
            say(f"{title} is left out: pip install {'modular' if kind == 'max' else needs[0]}")
            continue
        if kind == "max":
            say("MAX compiles each network for a minute or more; --without max leaves it out")
        for threads in args.threads:
            try:
                found.append(Worker(kind, threads, f"{title} {threads}T"))
            except Failed as failure:
                say(f"left out: {failure}")
    ours = [Amble(args.bench, p, t, f"amble {p} {t}T") for p in args.precisions for t in args.threads]
    return ours + found


# ---- Measuring ----


def pool_count(floats):
    """The number of inputs to use in turn: few enough to stay in a core's own cache beside the weights, at least two, at most sixteen."""
    return max(2, min(16, POOL_BYTES // (4 * floats)))


def prepare_case(every, network, stem, rows, folder, seed):
    """Gives all systems the inputs and checks their outputs. Returns those that succeeded, with their mean squared errors."""
    import numpy

    import compare_networks

    width = network["layers"][0][0].shape[1]
    pool = compare_networks.inputs(network, rows, pool_count(rows * width), seed)
    exact = compare_networks.exact(network, pool[0])
    file, answer = os.path.join(folder, "inputs.f32"), os.path.join(folder, "outputs.f32")
    pool.tofile(file)
    able = []
    for system in every:
        if network["name"] not in system.loaded:
            continue
        try:
            system.inputs(network["name"], file, rows, len(pool))
            system.run(network["name"], rows, answer)
            got = numpy.fromfile(answer, dtype=numpy.float32).reshape(exact.shape)
            able.append((system, float(numpy.mean((got.astype(numpy.float64) - exact) ** 2))))
        except (Failed, ValueError) as failure:
            say(f"{network['name']}, {rows} rows, left out: {failure}")
    os.unlink(file)
    return able


def time_case(able, name, rows, args):
    """{label: [round's answer]}"""
    times = {system.label: [] for system, _ in able}
    for turn in range(args.rounds):
        begin = turn % len(able)
        for system, _ in able[begin:] + able[:begin]:
            time.sleep(args.pause)  # threads of the one before stop spinning
            times[system.label].append(system.time(name, rows, args.seconds))
    return times


def summarise(able, times, name, rows):
    """One entry per system: its times, and their ratio to amble's (auto, the same threads), round by round."""
    entries = []
    for system, mse in able:
        mine = times[system.label]
        base = times.get(f"amble auto {system.threads}T")
        plain = times.get(f"amble fp32 {system.threads}T")
        entry = {
            "network": name,
            "rows": rows,
            "system": system.label,
            "kind": system.kind,
            "threads": system.threads,
            "p50_us": statistics.median(t["p50"] for t in mine),
            "min_us": min(t["min"] for t in mine),
            "p99_us": statistics.median(t["p99"] for t in mine),
            "calls": sum(t["n"] for t in mine),
            "mse": mse,
            "had_core": statistics.median(t["had_core"] for t in mine),
        }
        if base:
            entry["to_amble_least"] = entry["min_us"] / min(b["min"] for b in base)
            entry["to_amble"] = statistics.median(t["p50"] / b["p50"] for t, b in zip(mine, base))
            entry["to_amble_min"] = min(t["p50"] / b["p50"] for t, b in zip(mine, base))
            entry["to_amble_max"] = max(t["p50"] / b["p50"] for t, b in zip(mine, base))
        if plain:
            entry["to_amble_fp32"] = statistics.median(t["p50"] / b["p50"] for t, b in zip(mine, plain))
        if system.kind == "amble":
            entry["choice"] = system.choice[name]
        entries.append(entry)
    return entries


def fastest_of_others(entries, times):
    """Over all threads: amble's best against the best of the others, as the median of the rounds' ratios. The best has the smallest p50."""
    ours = min((e for e in entries if e["kind"] == "amble"), key=lambda e: e["p50_us"], default=None)
    theirs = min((e for e in entries if e["kind"] != "amble"), key=lambda e: e["p50_us"], default=None)
    if not ours or not theirs:
        return None
    ratio = statistics.median(t["p50"] / o["p50"] for t, o in zip(times[theirs["system"]], times[ours["system"]]))
    return {"network": ours["network"], "rows": ours["rows"], "amble": ours["system"], "amble_mse": ours["mse"], "other": theirs["system"],
            "other_mse": theirs["mse"], "ratio": ratio}


def measure_memory(args, networks, stems, folder):
    """Each system alone with these networks: kB after loading, and after one call of each."""
    import compare_networks

    rows = []
    starts = [("Python alone", lambda: Worker("python", 1, "Python alone"))]
    for kind, title, needs in [("ort", "ONNX Runtime", ["onnxruntime"]), ("torch", "PyTorch", []), ("max", "MAX", ["max"])]:
        if kind not in args.without and not missing(needs):
            starts.append((title, lambda kind=kind, title=title: Worker(kind, args.threads[-1], title)))
    starts += [(f"amble {p}", lambda p=p: Amble(args.bench, p, args.threads[-1], f"amble {p}")) for p in args.precisions]
    for title, start in starts:
        system = None
        try:
            system = start()
            milliseconds, held = 0, []
            for network in networks:
                try:
                    milliseconds += system.load(network["name"], stems[network["name"]]).get("ms", 0)
                    held.append(network)
                except Failed as failure:
                    say(f"memory of {title} is without {network['name']}: {failure}")
            loaded = system.memory()
            if title != "Python alone":
                for network in held:
                    file = os.path.join(folder, "inputs.f32")
                    compare_networks.inputs(network, 1, 2, args.seed).tofile(file)
                    system.inputs(network["name"], file, 1, 2)
                    system.run(network["name"], 1, os.path.join(folder, "outputs.f32"))
            used = system.memory()
            rows.append({"system": title, "networks": [n["name"] for n in held], "load_ms": milliseconds, "loaded_kb": loaded, "used_kb": used})
        except Failed as failure:
            say(f"memory of {title} is left out: {failure}")
        finally:
            if system:
                system.close()
    return rows


# ---- Output ----


def number(us):
    return f"{us:.2f}" if us < 100 else f"{us:.0f}"


def table(head, rows, markdown):
    """Text columns, or a Markdown table; first columns left, others right."""
    if markdown:
        lines = ["| " + " | ".join(head) + " |", "|" + "|".join("---" if i < 1 else "---:" for i in range(len(head))) + "|"]
        return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
    widths = [max(len(row[i]) for row in [head] + rows) for i in range(len(head))]
    return "\n".join("  ".join(c.ljust(w) if i < 1 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths))) for row in [head] + rows)


def tell(result, markdown):
    parts = []
    title = "**" if markdown else ""
    parts.append(f"{result['cpu']}, {result['cores']} cores for this process; {'; '.join(result['versions'])}")
    parts.append("Times in µs: p50, median of the rounds. \"×\" is the ratio to amble auto's time on as many threads, round by round; "
                 "\"× least\" is the same of the least times of all rounds, \"× fp32\" that against amble fp32. \"had core\" is the fraction of the time in "
                 "which the calling thread had a core: where it is far below 100 %, other programs ran, and of calls longer than a few "
                 "hundred µs only the least times are meaningful.")
    for case in result["cases"]:
        entries = [e for e in result["entries"] if e["network"] == case["network"] and e["rows"] == case["rows"]]
        head = [f"{case['network']}, {case['rows']} rows", "p50", "least", "p99", "×", "× least", "× fp32", "had core", "mean squared error"]
        rows = []
        for e in entries:
            ratios = [f"{e[k]:.2f}" if k in e else "" for k in ("to_amble", "to_amble_least", "to_amble_fp32")]
            rows.append([e["system"], number(e["p50_us"]), number(e["min_us"]), number(e["p99_us"])] + ratios + [f"{100 * e['had_core']:.0f} %", f"{e['mse']:.1e}"])
        parts.append(table(head, rows, markdown))
        choices = {e["choice"] for e in entries if e.get("choice") and e["system"].startswith("amble auto")}
        best = case.get("best")
        text = f"amble auto: {'; '.join(sorted(choices))}." if choices else ""
        if best:
            text += (f" The fastest of the others, {best['other']} (mean squared error {best['other_mse']:.1e}), takes {best['ratio']:.2f} times as "
                     f"long as {best['amble']} ({best['amble_mse']:.1e}).")
        parts.append(text)
    if result["memory"]:
        head = ["memory, MB resident", "loaded", "after one call each", "private", "loading, ms"]
        rows = [
            [m["system"] + (f" (only {len(m['networks'])} of them)" if len(m["networks"]) < len(result["networks"]) else ""), f"{m['loaded_kb']['resident'] / 1024:.1f}",
             f"{m['used_kb']['resident'] / 1024:.1f}", f"{m['used_kb']['private'] / 1024:.1f}", f"{m['load_ms']:.1f}"]
            for m in result["memory"]
        ]
        parts.append(f"{title}Each system alone with {', '.join(result['networks'])}{title}")
        parts.append(table(head, rows, markdown))
    return "\n\n".join(part for part in parts if part) + "\n"


def write(where, text):
    if where == "-":
        sys.stdout.write(text)
    elif where:
        with open(where, "w", encoding="utf-8") as file:
            file.write(text)


def cpu_name():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown processor"


def parse():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--bench", default=os.path.join(HERE, "..", "build", "amble-bench"), help="the amble-bench program")
    words.add_argument("--models", default=os.path.join(HERE, "..", "assets", "models"), help="folder of amble's trained networks")
    words.add_argument("--networks", default="actor,locomotion,critic,phase,encoder,decoder")
    words.add_argument("--batches", default="1,16,256,4096", help="rows in a call")
    words.add_argument("--threads", default="", help="default: 1,2 as far as there are cores")
    words.add_argument("--precisions", default="auto,fp32", help="amble's: some of auto,fp32,bf16,int16,int8; the error's limit holds for all")
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument("--seconds", type=float, default=0.15, help="for each system in each round")
    words.add_argument("--pause", type=float, default=0.05, help="seconds between two systems, for threads to stop spinning")
    words.add_argument("--without", default="", help=f"some of {','.join(LEAVABLE)}")
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--json", default="", help="FILE, or - for standard output")
    words.add_argument("--markdown", default="", help="FILE, or - for standard output")
    args = words.parse_args()
    cores = len(os.sched_getaffinity(0))
    try:
        args.batches = [int(b) for b in args.batches.split(",")]
        args.threads = [int(t) for t in args.threads.split(",")] if args.threads else [t for t in (1, 2) if t <= cores]
    except ValueError:
        stop("--batches and --threads are whole numbers separated by commas")
    if min(args.batches + args.threads + [args.rounds]) < 1 or not args.seconds > 0 or args.pause < 0:
        stop("--batches, --threads, --rounds and --seconds are greater than 0")
    args.without = [w for w in args.without.split(",") if w]
    unknown = set(args.without) - set(LEAVABLE)
    if unknown:
        stop(f"--without: there is no {', '.join(sorted(unknown))}")
    args.networks, args.precisions = args.networks.split(","), args.precisions.split(",")
    unknown = set(args.precisions) - {"auto", "fp32", "bf16", "int16", "int8"}
    if unknown:
        stop(f"--precisions: there is no {', '.join(sorted(unknown))}")
    if not os.access(args.bench, os.X_OK):
        stop(f"{args.bench} is not a program: build amble-bench, then give it by --bench")
    args.bench = os.path.abspath(args.bench)
    return args


def main():
    args = parse()
    lacking = missing(["numpy", "torch", "onnx"])
    if lacking:
        stop(f"needed to make and check the networks: pip install {' '.join(lacking)}")
    import numpy

    import compare_networks

    unknown = [n for n in args.networks if n not in compare_networks.SHAPES]
    if unknown:
        stop(f"--networks: there is no {', '.join(unknown)}; expected some of {', '.join(compare_networks.SHAPES)}")
    every, result = [], {"cpu": cpu_name(), "cores": len(os.sched_getaffinity(0)), "networks": args.networks, "cases": [], "entries": []}
    with tempfile.TemporaryDirectory(prefix="amble-compare-") as folder:
        networks = [compare_networks.make(n, args.models, args.seed) for n in args.networks]
        stems = {n["name"]: os.path.join(folder, n["name"]) for n in networks}
        for network in networks:
            compare_networks.write_onnx(network, stems[network["name"]] + ".onnx")
            if network.get("file"):
                shutil.copyfile(network["file"], stems[network["name"]] + ".amble.onnx")
            compare_networks.write_onnx(network, stems[network["name"]] + ".bf16.onnx", bf16=True)
            numpy.save(stems[network["name"]] + ".calibration.npy", compare_networks.inputs(network, 256, 1, args.seed + 1)[0])
            compare_networks.write_numbers(network, stems[network["name"]] + ".npz")
        try:
            result["memory"] = [] if "memory" in args.without else measure_memory(args, networks, stems, folder)
            every = systems(args)
            result["versions"] = sorted({s.version for s in every})
            for system in every:
                system.loaded = set()
                for name, stem in stems.items():
                    try:
                        system.load(name, stem)
                        system.loaded.add(name)
                    except Failed as failure:
                        say(f"left out: {failure}")
            for network in networks:
                for rows in args.batches:
                    able = prepare_case(every, network, stems[network["name"]], rows, folder, args.seed)
                    if not able:
                        continue
                    say(f"{network['name']}, {rows} rows, {len(able)} systems")
                    times = time_case(able, network["name"], rows, args)
                    entries = summarise(able, times, network["name"], rows)
                    result["entries"] += entries
                    result["cases"].append({"network": network["name"], "rows": rows, "source": network["source"], "best": fastest_of_others(entries, times)})
        finally:
            for system in every:
                system.close()
    write(args.json, json.dumps(result, indent=1) + "\n")
    write(args.markdown, tell(result, True))
    if args.json != "-" and args.markdown != "-":
        sys.stdout.write(tell(result, False))
    ours = [e for e in result["entries"] if e["kind"] == "amble"]
    wrong = [e for e in ours if not e["mse"] < LIMIT]
    for e in wrong:
        say(f"{e['system']}, {e['network']}, {e['rows']} rows: mean squared error {e['mse']:.2e}, which is not below {LIMIT:g}")
    if not ours:
        say("amble was not measured at all")
    sys.exit(1 if wrong or not ours else 0)


if __name__ == "__main__":
    try:
        main()
    except Failed as problem:
        stop(str(problem))
    except KeyboardInterrupt:
        sys.exit(130)
