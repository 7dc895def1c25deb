"""Runs the ONNX package's own node tests (onnx.backend.test) through `amble model run`.

    python3 tests/onnx_nodes.py AMBLE [--write FOLDER] [--refused FILE] [--only PREFIX] [-v]

Takes every case whose operators are all among those that amble reads, with float32 (and integer, bool) inputs. Each must give the package's
outputs, or be refused because a shape is known only in a run. --refused compares the refused ones with a list (or writes it with --update).
--write puts a small selection into FOLDER as NAME.onnx with NAME.in.INPUT.npy and NAME.out.OUTPUT.npy, for tests/test_graph.c.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
from onnx import numpy_helper

OPERATORS = """Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization Cast CastLike Ceil Celu Clip Concat
Constant ConstantOfShape Conv Cos Cosh CumSum Div Dropout Elu Equal Erf Exp Expand Flatten Floor GRU Gather GatherElements GatherND Gelu Gemm
GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual GroupNormalization HardSigmoid HardSwish Hardmax Identity If InstanceNormalization IsInf
IsNaN LSTM LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax MatMul Max MaxPool Mean Min Mish Mod Mul Neg Not OneHot Or PRelu Pad
Pow RMSNormalization RNN Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
ReduceSumSquare Relu Reshape Round ScatterElements ScatterND Selu Shape Shrink Sigmoid Sign Sin Sinh Size Slice Softmax Softplus Softsign Split Sqrt Squeeze Sub Sum Swish
Tan Tanh ThresholdedRelu Tile Transpose Trilu Unsqueeze Where Xor""".split()

# What a refusal for a shape known only in a run says.
RUN_TIME = re.compile(r"known only in a run|has a dimension of 0|depends on the number of rows|no multiple of the number of rows|is of shape \(.*\b0\b.*\), input")
OTHER = re.compile(r"training mode|leaves dimensions|holds no data")  # what else keeps such a case from being run


def tensor_type(value):
    return value.type.tensor_type.elem_type if value.type.HasField("tensor_type") else 0


def cases():
    from onnx.backend.test.loader import load_model_tests

    for case in sorted(load_model_tests(kind="node"), key=lambda c: c.name):
        model = case.model or onnx.load(os.path.join(case.model_dir, "model.onnx"))
        yield case, model


def is_ours(model):
    types = {tensor_type(v) for v in list(model.graph.input) + list(model.graph.output)}
    floats = types & {onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE, onnx.TensorProto.BFLOAT16}
    training = any(a.name == "training_mode" and a.i for n in model.graph.node for a in n.attribute)
    return (
        not training
        and model.opset_import[0].version >= 7
        and not (model.graph.node[0].op_type.endswith("Pool") and 1 not in types)
        and all(n.op_type in OPERATORS and n.domain in ("", "ai.onnx") for n in model.graph.node)
        and not model.functions
        and floats <= {onnx.TensorProto.FLOAT}
        and types <= {1, 2, 3, 4, 5, 6, 7, 9, 12, 13}
    )


def read_set(case, model):
    def array(x):
        if isinstance(x, onnx.TensorProto):
            x = numpy_helper.to_array(x)
        return np.asarray(x)

    if case.data_sets:
        inputs, outputs = case.data_sets[0]
    else:
        folder = os.path.join(case.model_dir, "test_data_set_0")

        def read(kind, count):
            tensors = []
            for i in range(count):
                t = onnx.TensorProto()
                with open(f"{folder}/{kind}_{i}.pb", "rb") as f:
                    t.ParseFromString(f.read())
                tensors.append(t)
            return tensors

        names = set(os.listdir(folder))
        inputs = read("input", sum(n.startswith("input_") for n in names))
        outputs = read("output", sum(n.startswith("output_") for n in names))
    return [array(x) for x in inputs], [array(x) for x in outputs]


def with_constants(model, inputs):
    """The model with its integer inputs, the first input excepted, as initialisers; and the inputs left. Where that leaves it as it is: None."""
    model = onnx.ModelProto.FromString(model.SerializeToString())
    if not inputs:
        return None
    kept, left = [model.graph.input[0]], inputs[:1]
    for value, x in list(zip(model.graph.input, inputs))[1:]:
        if x.dtype.kind in "iub":
            model.graph.initializer.append(numpy_helper.from_array(x, value.name))
        else:
            kept.append(value)
            left.append(x)
    if len(kept) == len(model.graph.input):
        return None
    kept = [onnx.ValueInfoProto.FromString(v.SerializeToString()) for v in kept]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    return model, left


def run_case(amble, case, model):
    inputs, outputs = read_set(case, model)
    result = run_model(amble, case, model, inputs, outputs)
    if result[0] == "refused" and (other := with_constants(model, inputs)):
        again = run_model(amble, case, other[0], other[1], outputs)
        if again[0] == "passed" or (again[0] == "FAILED" and not OTHER.search(again[1]) and all(x.size for x in inputs + outputs)):
            return ("known" if again[0] == "passed" else again[0], result[1] + again[1], again[2])
    return result


def run_model(amble, case, model, inputs, outputs):
    names = [v.name for v in model.graph.input]
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/m.onnx"
        onnx.save(model, path)
        args = [amble, "model", "run", path, "--output", f"{folder}/y.npz", "--precision", "fp32"]
        for i, (name, x) in enumerate(zip(names, inputs)):
            np.save(f"{folder}/{i}.npy", np.asarray(x, order="C"))
            args += ["--input", f"{name}={folder}/{i}.npy"]
        if not names:
            return "refused", "has no inputs", None
        done = subprocess.run(args, capture_output=True, text=True)
        if done.returncode != 0:
            return ("refused" if RUN_TIME.search(done.stderr) else "FAILED"), done.stderr.strip(), None
        got = np.load(f"{folder}/y.npz")
        for value, want in zip(model.graph.output, outputs):
            y = got[value.name]
            if y.dtype != want.dtype or y.shape != want.shape and y.shape != (1, *want.shape):
                return "FAILED", f"{value.name}: {y.dtype}{y.shape} instead of {want.dtype}{want.shape}", None
            if not np.allclose(y.reshape(want.shape), want, rtol=getattr(case, "rtol", 1e-3), atol=max(getattr(case, "atol", 1e-7), 2e-7), equal_nan=True):
                return "FAILED", f"{value.name}: differs by {np.max(np.abs(y.reshape(want.shape) - want))}", None
    return "passed", "", (model, inputs, outputs)


def main():
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser()
    parser.add_argument("amble")
    parser.add_argument("--write")
    parser.add_argument("--refused")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("-v", action="store_true")
    o = parser.parse_args()
    ours = [(c, m) for c, m in cases() if c.name.startswith(o.only) and is_ours(m)]
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda cm: run_case(o.amble, *cm), ours))
    count = {"passed": 0, "known": 0, "refused": 0, "FAILED": 0}
    refused = []
    for (case, _), (result, why, _) in zip(ours, results):
        count[result] += 1
        if result in ("known", "refused"):
            refused.append(case.name + (" (passes with its integer inputs as constants)" if result == "known" else ""))
        if result == "FAILED" or (o.v and result == "refused"):
            print(f"{result} {case.name}: {why}")
    print(
        f"{count['passed']} passed; {count['known'] + count['refused']} refused for a shape known only in a run, of which {count['known']} "
        f"pass with their integer inputs as constants; {count['FAILED']} failed"
    )
    bad = count["FAILED"] > 0
    if o.refused and o.update:
        with open(o.refused, "w") as f:
            f.write("".join(n + "\n" for n in refused))
    elif o.refused:
        with open(o.refused) as f:
            listed = f.read().splitlines()
        for name in sorted(set(refused) ^ set(listed)):
            if name.split()[0] in [c.name for c, _ in ours]:
                print(f"{name}: {'refused, but not' if name in refused else 'not refused any more, but'} in {o.refused}")
                bad = True
    if o.write:
        write(o.write, ours, results)
    return 1 if bad else 0


def write(folder, ours, results):
    """The smallest passing case of every operator."""
    chosen = {}
    for (case, model), (result, _, data) in zip(ours, results):
        if result not in ("passed", "known"):
            continue
        model, inputs, outputs = data
        size = model.ByteSize() + sum(x.nbytes + 128 for x in inputs + outputs)
        ops = sorted({n.op_type for n in model.graph.node if n.op_type != "Constant"}) or ["Constant"]
        if size < 3000 and model.graph.input:
            chosen.setdefault(ops[0], []).append((size, case.name, model, inputs, outputs))
    for op, found in sorted(chosen.items()):
        for _, name, model, inputs, outputs in sorted(found, key=lambda f: f[:2])[:1]:
            onnx.save(model, f"{folder}/{name}.onnx")
            for value, x in zip(model.graph.input, inputs):
                np.save(f"{folder}/{name}.in.{value.name}.npy", np.asarray(x, order="C"))
            for value, y in zip(model.graph.output, outputs):
                np.save(f"{folder}/{name}.out.{value.name}.npy", np.asarray(y, order="C"))


if __name__ == "__main__":
    sys.exit(main())
