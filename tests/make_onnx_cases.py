"""Makes tests/data/onnx/good/: small ONNX files that amble must read, each with an input and the output it must give.

    python -m venv VENV && VENV/bin/pip install onnx==1.23.2 torch==2.13.0 onnxscript==0.7.2 && VENV/bin/python tests/make_onnx_cases.py

NAME.onnx with NAME.in and NAME.out: raw little-endian float32, rows × features. The outputs come from ONNX's own reference evaluator, those
of exported modules from PyTorch in double precision. Without torch the exported cases are left as they are. The files that amble must refuse
are made by make_onnx_bad_cases.py.
"""

import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

ROOT = pathlib.Path(__file__).resolve().parent / "data" / "onnx"
RNG = np.random.default_rng(20180410)
IN, HIDDEN, OUT = 5, 7, 3
NEWEST = onnx.defs.onnx_opset_version()


def rand(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def init(name, array, raw=True):
    if raw:
        return numpy_helper.from_array(array, name)
    return h.make_tensor(name, h.np_dtype_to_tensor_dtype(array.dtype), array.shape, array.flatten())


def node(op, inputs, output, **attributes):
    return h.make_node(op, inputs, [output], name=f"n_{output}", **attributes)


def model(nodes, inits, opset=13, batch="batch", features=IN, out=OUT, ir=None, meta=None, extra_inputs=(), output="y", domains=()):
    graph = h.make_graph(
        nodes,
        "case",
        [h.make_tensor_value_info("x", T.FLOAT, [batch, features]), *extra_inputs],
        [h.make_tensor_value_info(output, T.FLOAT, [batch, out])],
        inits,
    )
    made = h.make_model(graph, opset_imports=[h.make_opsetid("", opset), *domains])
    made.ir_version = ir or min(h.find_min_ir_version_for([h.make_opsetid("", opset)]), 10)
    for key, value in (meta or {}).items():
        made.metadata_props.add(key=key, value=value)
    return made


def save_good(name, made, x, y, data=None):
    folder = ROOT / "good"
    (folder / f"{name}.onnx").write_bytes(data or made.SerializeToString())
    (folder / f"{name}.in").write_bytes(np.asarray(x, "<f4").tobytes())
    (folder / f"{name}.out").write_bytes(np.asarray(y, "<f4").tobytes())


def good(name, made, rows=4, data=None):
    onnx.checker.check_model(made, full_check=True)
    if data:
        assert onnx.load_model_from_string(data) == made
    x = rand(rows, made.graph.input[0].type.tensor_type.shape.dim[1].dim_value) * 2
    save_good(name, made, x, ReferenceEvaluator(made).run(None, {"x": x})[0], data)


W0, B0, W1, B1 = rand(HIDDEN, IN), rand(HIDDEN), rand(OUT, HIDDEN), rand(OUT)
MEAN, STD = rand(IN), (np.abs(rand(IN)) + 0.3).astype(np.float32)
LAYERS = [init("w0", W0), init("b0", B0), init("w1", W1), init("b1", B1)]


def two_layers(x="x", suffix=""):
    return [
        node("Gemm", [x, "w0" + suffix, "b0" + suffix], "h", transB=1),
        node("Relu", ["h"], "r"),
        node("Gemm", ["r", "w1" + suffix, "b1" + suffix], "y", transB=1),
    ]


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def other_packing(made):
    """The same message with dims packed and float_data unpacked, the other way round than protobuf's own writer does it."""
    graph = b""
    for n in made.graph.node:
        graph += field(1, n.SerializeToString())
    graph += field(2, made.graph.name.encode())
    for t in made.graph.initializer:
        body = field(1, b"".join(varint(d) for d in t.dims)) + b"\x10" + varint(t.data_type)
        for value in t.float_data:
            body += b"\x25" + np.float32(value).tobytes()
        graph += field(5, body + field(8, t.name.encode()))
    for number, values in ((11, made.graph.input), (12, made.graph.output)):
        for v in values:
            graph += field(number, v.SerializeToString())
    rest = onnx.ModelProto()
    rest.CopyFrom(made)
    rest.ClearField("graph")
    return rest.SerializeToString() + field(7, graph)


def good_cases():
    for opset in (9, 11, 13, 18, NEWEST):
        good(f"gemm_opset{opset if opset != NEWEST else '_newest'}", model(two_layers(), LAYERS, opset))
    good(
        "gemm_no_transpose",
        model(
            [
                node("Gemm", ["x", "w", "b"], "h", alpha=0.5, beta=2.0),
                node("Relu", ["h"], "r"),
                node("Gemm", ["r", "w1"], "y", transB=1, alpha=-3.0),
            ],
            [init("w", W0.T.copy()), init("b", B0.reshape(1, HIDDEN)), init("w1", W1)],
            batch=4,
        ),
    )
    good(
        "gemm_scalar_bias",
        model(
            [node("Gemm", ["x", "w0", "b"], "h", transB=1), node("Gemm", ["h", "w1", "c"], "y", transB=1, beta=-1.5)],
            [LAYERS[0], LAYERS[2], init("b", np.float32(0.7).reshape(())), init("c", np.float32([-0.4]))],
        ),
    )
    good("gemm_bias_unused", model([node("Gemm", ["x", "w", "b"], "y", transB=1, beta=0.0)], [init("w", rand(OUT, IN)), init("b", B1)]))
    good(
        "matmul_add",
        model(
            [
                node("MatMul", ["x", "a"], "m"),
                node("Add", ["m", "b0"], "h"),
                node("Relu", ["h"], "r"),
                node("MatMul", ["r", "b"], "n"),
                node("Add", ["c", "n"], "y"),
            ],
            [init("a", W0.T.copy()), LAYERS[1], init("b", W1.T.copy()), init("c", B1.reshape(1, OUT))],
        ),
    )
    good("matmul_alone", model([node("MatMul", ["x", "a"], "y")], [init("a", rand(IN, OUT))]))
    good("matmul_large", model([node("MatMul", ["x", "a"], "y")], [init("a", rand(17, 290))], features=17, out=290))
    good("relu_last", model([*two_layers()[:2], node("Gemm", ["r", "w1", "b1"], "q", transB=1), node("Relu", ["q"], "y")], LAYERS))
    good(
        "output_scale",
        model(
            [
                *two_layers()[:2],
                node("Gemm", ["r", "w1", "b1"], "q", transB=1, alpha=0.5),
                node("Mul", ["q", "s"], "p"),
                node("Add", ["p", "m"], "o"),
                node("Div", ["o", "d"], "l"),
                node("Sub", ["l", "m"], "y"),
            ],
            [*LAYERS, init("s", rand(OUT)), init("m", rand(OUT)), init("d", np.float32([-2, 3, 0.5]))],
        ),
    )
    norm = [init("mean", MEAN), init("std", STD)]
    clip = [init("lo", np.float32(-1.5).reshape(())), init("hi", np.float32(1.5).reshape(()))]
    sub_div = [node("Sub", ["x", "mean"], "s"), node("Div", ["s", "std"], "d")]
    good("normalizer", model([*sub_div, node("Clip", ["d", "lo", "hi"], "c"), *two_layers("c")], [*norm, *clip, *LAYERS]))
    good("normalizer_opset9", model([*sub_div, node("Clip", ["d"], "c", min=-1.5, max=1.5), *two_layers("c")], [*norm, *LAYERS], 9))
    good("normalizer_no_clip", model([*sub_div, *two_layers("d")], [*norm, *LAYERS]))
    good("normalizer_clip_alone", model([node("Clip", ["x", "lo", "hi"], "c"), *two_layers("c")], [*clip, *LAYERS]))
    good("normalizer_clip_open", model([node("Clip", ["x"], "c"), *two_layers("c")], LAYERS))
    good(
        "normalizer_add_mul",
        model(
            [node("Add", ["neg", "x"], "s"), node("Mul", ["s", "inv"], "d"), *two_layers("d")],
            [init("neg", -MEAN.reshape(1, IN)), init("inv", 1 / STD), *LAYERS],
        ),
    )
    good(
        "normalizer_div_first",
        model(
            [node("Div", ["x", "std"], "s"), node("Sub", ["s", "mean"], "d"), node("Mul", ["d", "two"], "e"), *two_layers("e")],
            [*norm, init("two", np.float32([2])), *LAYERS],
        ),
    )
    halves = [w.astype(np.float16) for w in (W0, B0, W1, B1)]
    names = ["w0", "b0", "w1", "b1"]
    casts = [node("Cast", [n + "h"], n + "f", to=T.FLOAT) for n in names]
    for raw in (True, False):
        good(
            f"half_{'raw' if raw else 'typed'}",
            model([*casts, *two_layers(suffix="f")], [init(n + "h", a, raw) for n, a in zip(names, halves)]),
        )
    extreme = np.array([[6.1e-5, 5.96e-8, -1e-7, 65504, -0.0], [1, 2, 3, 4, 5], [-6e-8, 0.333, 1e-3, -2, 0]], np.float16)
    good("half_extreme", model([node("Cast", ["w"], "f", to=T.FLOAT), node("Gemm", ["x", "f"], "y", transB=1)], [init("w", extreme)]))
    typed = model(two_layers(), [init(n, a, False) for n, a in zip(names, (W0, B0, W1, B1))])
    good("typed", typed)
    good("typed_other_packing", typed, data=other_packing(typed))
    constants = [
        h.make_node("Constant", [], ["w0"], value=init("", W0)),
        h.make_node("Constant", [], ["b0"], value_floats=B0.tolist()),
        h.make_node("Constant", [], ["half"], value=init("", halves[2])),
        node("Cast", ["half"], "w1", to=T.FLOAT),
        h.make_node("Constant", [], ["b1"], value_float=0.25),
        h.make_node("Constant", [], ["shape"], value_ints=[-1, IN]),
        node("Reshape", ["x", "shape"], "z"),
    ]
    good("constants", model([*constants, *two_layers("z")], []))
    good(
        "nothing_done",
        model(
            [
                node("Identity", ["x"], "i"),
                node("Flatten", ["i"], "f"),
                node("Reshape", ["f", "keep"], "s"),
                node("Cast", ["s"], "c", to=T.FLOAT),
                *two_layers("c")[:2],
                node("Reshape", ["r", "fixed"], "rr"),
                node("Gemm", ["rr", "w1", "b1"], "g", transB=1),
                node("Flatten", ["g"], "y", axis=-1),
            ],
            [init("keep", np.int64([0, -1])), init("fixed", np.int64([4, HIDDEN])), *LAYERS],
            batch=4,
        ),
    )
    good(
        "integer_constant",
        model(
            [
                h.make_node("Constant", [], ["two"], value_int=2),
                node("Cast", ["two"], "f", to=T.FLOAT),
                node("Div", ["x", "f"], "d"),
                node("Cast", ["list"], "l", to=T.FLOAT),
                node("Sub", ["d", "l"], "s"),
                *two_layers("s"),
            ],
            [init("list", np.int64([0, -1, 2, 3, -40])), *LAYERS],
        ),
    )
    square = rand(OUT, OUT)
    good(
        "shared_transposed",
        model(
            [
                node("Transpose", ["w"], "t", perm=[1, 0]),
                node("Identity", ["w"], "i"),
                node("MatMul", ["x", "t"], "a"),
                node("Relu", ["a"], "b"),
                node("Gemm", ["b", "i"], "c"),
                node("Transpose", ["i"], "u"),
                node("Gemm", ["c", "u"], "y", transB=1),
            ],
            [init("w", square)],
            features=OUT,
        ),
    )
    listed = [h.make_tensor_value_info(t.name, T.FLOAT, t.dims) for t in LAYERS]
    made = model(two_layers(), LAYERS, 9, ir=3)
    made.graph.ClearField("input")
    made.graph.input.extend([*listed, h.make_tensor_value_info("x", T.FLOAT, ["batch", IN])])
    onnx.checker.check_model(made)
    x = rand(4, IN)
    feed = {"x": x, **{t.name: numpy_helper.to_array(t) for t in LAYERS}}
    save_good("listed_initializers", made, x, ReferenceEvaluator(made).run(None, feed)[0])
    good("metadata", model(two_layers(), LAYERS, meta={"joints": "root, chest", "name": "Läufer", "empty": ""}))
    good("unused_initializer", model(two_layers(), [*LAYERS, init("count", np.int32([3]))]))


def torch_cases():
    try:
        import torch
    except ImportError:
        print("no torch: exported cases are left as they are", file=sys.stderr)
        return
    torch.manual_seed(3)

    class Normalized(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("mean", torch.randn(IN))
            self.register_buffer("std", torch.rand(IN) + 0.5)
            self.layers = torch.nn.Sequential(
                torch.nn.Linear(IN, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, 4), torch.nn.ReLU(), torch.nn.Linear(4, OUT)
            )

        def forward(self, x):
            return self.layers(((x - self.mean) / self.std).clamp(-2, 2))

    class Flat(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = torch.nn.Linear(IN, HIDDEN, bias=False), torch.nn.Linear(HIDDEN, OUT)

        def forward(self, x):
            return self.b(torch.relu(self.a(torch.flatten(x, 1)))) * 0.5 + 1

    for name, module in (("normalized", Normalized()), ("flat", Flat())):
        x = torch.randn(4, IN) * 2
        y = module.double()(x.double()).detach().numpy()
        module.float().eval()
        for kind, options in (
            ("traced", dict(dynamo=False, opset_version=13, dynamic_axes={"x": {0: "batch"}, "y": {0: "batch"}})),
            ("traced_unfolded", dict(dynamo=False, opset_version=17, do_constant_folding=False)),
            ("exported", dict(dynamo=True, external_data=False, dynamic_shapes={"x": {0: torch.export.Dim.DYNAMIC}})),
        ):
            path = ROOT / "good" / f"torch_{name}_{kind}.onnx"
            torch.onnx.export(module, (x,), path, input_names=["x"], output_names=["y"], **options)
            made = onnx.load(path)
            for n in made.graph.node:  # source locations of this machine
                n.ClearField("metadata_props")
                n.ClearField("doc_string")
            made.graph.ClearField("value_info")
            onnx.checker.check_model(made, full_check=True)
            save_good(path.stem, made, x.numpy(), y)


def main():
    (ROOT / "good").mkdir(parents=True, exist_ok=True)
    good_cases()
    torch_cases()
    print(len(list((ROOT / "good").glob("*.onnx"))), "good")


if __name__ == "__main__":
    main()
