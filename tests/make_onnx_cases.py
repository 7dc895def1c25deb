"""Makes tests/data/onnx/good/: small ONNX files that amble must read, each with an input and the output it must give.

    python -m venv VENV && VENV/bin/pip install onnx==1.23.2 onnxruntime==1.32.0 torch==2.13.0 onnxscript==0.7.2 skl2onnx==1.20.0
    VENV/bin/python tests/make_onnx_cases.py

NAME.onnx with NAME.in and NAME.out: raw little-endian float32, rows × features, several outputs side by side. The outputs come from ONNX's
own reference evaluator, those of exported modules from PyTorch in double precision. Every file is also run by ONNX Runtime, which must agree
(but for some in bfloat16 and float64, which it cannot compute with on a CPU). Without torch the exported cases are left as they are; they are made by
make_onnx_exports.py. The files that amble must refuse are made by make_onnx_bad_cases.py.
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


def model(
    nodes, inits, opset=13, batch="batch", features=IN, out=OUT, ir=None, meta=None, extra_inputs=(), output="y", domains=(), dtype=T.FLOAT
):
    """features: a number or a row's shape; out and output: one, or lists of as many."""
    row = list(features) if isinstance(features, (list, tuple)) else [features]
    names, outs = ([output], [out]) if isinstance(output, str) else (output, out)
    graph = h.make_graph(
        nodes,
        "case",
        [h.make_tensor_value_info("x", dtype, [batch, *row]), *extra_inputs],
        [h.make_tensor_value_info(n, dtype, [batch, *(o if isinstance(o, (list, tuple)) else [o])]) for n, o in zip(names, outs)],
        inits,
    )
    made = h.make_model(graph, opset_imports=[h.make_opsetid("", opset), *domains])
    made.ir_version = ir or min(h.find_min_ir_version_for([h.make_opsetid("", opset)]), 10)
    for key, value in (meta or {}).items():
        made.metadata_props.add(key=key, value=value)
    return made


def flat(outputs):
    return np.concatenate([np.asarray(y, np.float64).reshape(len(y), -1) for y in outputs], 1)


def check_runtime(name, path, x, y):
    """ONNX Runtime gives the same, to the precision that the file computes in."""
    import onnxruntime as ort

    kind = onnx.load(path, load_external_data=False).graph.input[-1].type.tensor_type.elem_type
    options = ort.SessionOptions()
    options.log_severity_level = 3
    try:
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception:
        if kind not in (T.BFLOAT16, T.DOUBLE):
            raise
        print(f"{name}: not run, ONNX Runtime cannot compute with its type")
        return
    feed = session.get_inputs()[-1]
    shape = [d if isinstance(d, int) else -1 for d in feed.shape]
    x = np.asarray(x).astype(h.tensor_dtype_to_np_dtype(kind)).reshape([-1, *shape[1:]])
    got = flat(session.run(None, {feed.name: x}))
    off = np.abs(got - y.reshape(got.shape)) / (1 + np.abs(got))
    assert off.max() < (2e-2 if kind == T.FLOAT16 else 3e-6), f"{name}: ONNX Runtime is off by {off.max()}"


def save_good(name, made, x, y, data=None):
    folder = ROOT / "good"
    path = folder / f"{name}.onnx"
    if made is not None:
        path.write_bytes(data or made.SerializeToString())
    y = np.asarray(y, np.float64)
    check_runtime(name, path, x, y)
    (folder / f"{name}.in").write_bytes(np.asarray(x, "<f4").tobytes())
    (folder / f"{name}.out").write_bytes(np.asarray(y, "<f4").tobytes())


def good(name, made, rows=4, data=None, x=None):
    onnx.checker.check_model(made, full_check=True)
    if data:
        assert onnx.load_model_from_string(data) == made
    kind = made.graph.input[0].type.tensor_type
    row = [d.dim_value for d in kind.shape.dim[1:]]
    if x is None:
        x = rand(rows, *row) * 2
    x = x.astype(h.tensor_dtype_to_np_dtype(kind.elem_type))
    save_good(name, made, x, flat(ReferenceEvaluator(widened(made)).run(None, {"x": x.astype(np.float64)})), data)


def widened(made):
    """The same model in float64 all the way: what the numbers in the file stand for, without rounding on the way."""
    wide = onnx.ModelProto()
    wide.CopyFrom(made)
    kinds = (T.FLOAT, T.FLOAT16, T.BFLOAT16, T.DOUBLE)

    def widen(tensor):
        if tensor.data_type in kinds:
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float64), name))

    for tensor in wide.graph.initializer:
        widen(tensor)
    for value in [*wide.graph.input, *wide.graph.output]:
        if value.type.tensor_type.elem_type in kinds:
            value.type.tensor_type.elem_type = T.DOUBLE
    for n in wide.graph.node:
        if n.op_type == "ConstantOfShape" and not n.attribute:
            n.attribute.append(h.make_attribute("value", init("", np.zeros(1))))
        for a in n.attribute:
            if a.HasField("t"):
                widen(a.t)
            elif n.op_type == "Cast" and a.name == "to" and a.i in kinds:
                a.i = T.DOUBLE
            elif n.op_type == "Constant" and a.name in ("value_float", "value_floats"):
                numbers = np.float64(a.f if a.name == "value_float" else list(a.floats))
                a.CopyFrom(h.make_attribute("value", init("", numbers)))
    return wide


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


def activations():
    for opset in (9, 13, NEWEST):
        for op, options in (
            ("Elu", {}),
            ("Elu", {"alpha": 0.3}),
            ("Elu", {"alpha": -1.5}),
            ("LeakyRelu", {}),
            ("LeakyRelu", {"alpha": 0.25}),
            ("LeakyRelu", {"alpha": -0.5}),
            ("Tanh", {}),
            ("Sigmoid", {}),
            ("Identity", {}),
        ):
            if opset != 13 and options:
                continue
            alpha = f"_{options['alpha']}".replace(".", "").replace("-", "minus") if options else ""
            nodes = two_layers()
            nodes[1] = node(op, ["h"], "r", **options)
            nodes[2] = node("Gemm", ["r", "w1", "b1"], "q", transB=1)
            nodes.append(node(op, ["q"], "y", **options))
            suffix = {9: "_opset9", 13: "", NEWEST: "_newest"}[opset]
            good(f"act_{op.lower()}{alpha}{suffix}", model(nodes, LAYERS, opset))
    many, width = ["Elu", "Tanh", "Sigmoid", "LeakyRelu", "Relu", "Identity"], 6
    nodes, inits, last = [], [], "x"
    for i in range(16):
        inits += [init(f"w{i}", rand(width, width) * np.float32(0.6)), init(f"b{i}", rand(width))]
        nodes += [node("Gemm", [last, f"w{i}", f"b{i}"], f"g{i}", transB=1), node(many[i % 6], [f"g{i}"], f"a{i}")]
        last = f"a{i}"
    good("act_sixteen_layers", model(nodes, inits, features=width, out=width, output=last))
    good("relu_twice", model([*two_layers()[:2], node("Relu", ["r"], "y")], LAYERS, out=HIDDEN))


def types():
    arrays, names = (W0, B0, W1, B1), ("w0", "b0", "w1", "b1")
    for kind, dtype in (("half", T.FLOAT16), ("bfloat", T.BFLOAT16), ("double", T.DOUBLE)):
        cast = [a.astype(h.tensor_dtype_to_np_dtype(dtype)) for a in arrays]
        for raw in (True, False):
            inits = [init(n, a, raw) for n, a in zip(names, cast)]
            for t in inits:
                assert t.data_type == dtype
            good(f"{kind}_throughout_{'raw' if raw else 'typed'}", model(two_layers(), inits, 13, dtype=dtype))
        stored = [init(n + "s", a, kind == "half") for n, a in zip(names, cast)]
        casts = [node("Cast", [n + "s"], n, to=T.FLOAT) for n in names]
        good(f"{kind}_constants", model([*casts, *two_layers()], stored))
        inside = [node("Cast", ["x"], "c", to=dtype), *two_layers("c"), node("Cast", ["y"], "z", to=T.FLOAT)]
        if kind != "bfloat":  # ONNX Runtime has no Gemm for it
            good(f"{kind}_inside", model(inside, [init(n, a) for n, a in zip(names, cast)], output="z"))


def shapes():
    rows, cols = 3, 4
    w, b = init("w", rand(HIDDEN, rows * cols)), init("b", rand(HIDDEN))
    wo, bo = init("wo", rand(6, HIDDEN)), init("bo", rand(6))
    layers = [node("Gemm", ["f", "w", "b"], "h", transB=1), node("Elu", ["h"], "r"), node("Gemm", ["r", "wo", "bo"], "o", transB=1)]
    inits = [w, b, wo, bo]

    def shaped(name, before, after, extra=(), out=6, output="o", opset=13, batch="batch", row=(rows, cols), count=4):
        good(f"shape_{name}", model([*before, *layers, *after], [*inits, *extra], opset, batch, row, out, output=output), count)

    flatten, minus = [node("Flatten", ["x"], "f")], init("s", np.int64([0, -1]))
    shaped("flatten", flatten, [])
    shaped("flatten_opset9", flatten, [], opset=9)
    shaped("flatten_newest", flatten, [], opset=NEWEST)
    shaped("flatten_negative", [node("Flatten", ["x"], "f", axis=-2)], [])
    shaped("flatten_late", [node("Flatten", ["x"], "f", axis=2)], [], row=(1, rows * cols))
    shaped("reshape", [node("Reshape", ["x", "s"], "f")], [], [minus])
    shaped("reshape_rows_open", [node("Reshape", ["x", "s"], "f")], [], [init("s", np.int64([-1, rows * cols]))])
    shaped("reshape_fixed", [node("Reshape", ["x", "s"], "f")], [], [init("s", np.int64([4, rows * cols]))], batch=4)
    shaped("three_dimensions", [node("Flatten", ["x"], "f")], [], row=(2, 3, 2))
    out23 = init("t", np.int64([0, 2, 3]))
    shaped("both_ends", flatten, [node("Reshape", ["o", "t"], "y")], [out23], (2, 3), "y")
    shaped("out_open", flatten, [node("Reshape", ["o", "t"], "y")], [init("t", np.int64([-1, 2, 3]))], (2, 3), "y", NEWEST)
    shaped("out_inferred", flatten, [node("Reshape", ["o", "t"], "y")], [init("t", np.int64([0, 3, -1]))], (3, 2), "y")
    shaped("out_allowzero", flatten, [node("Reshape", ["o", "t"], "y", allowzero=1)], [init("t", np.int64([-1, 3, 2]))], (3, 2), "y", 14)
    shaped(
        "out_scaled_after",
        flatten,
        [node("Reshape", ["o", "t"], "p"), node("Mul", ["p", "k"], "q"), node("Add", ["q", "c"], "y")],
        [out23, init("k", rand(3)), init("c", rand(2, 1))],
        (2, 3),
        "y",
    )
    shaped(
        "normalised_in_shape",
        [node("Sub", ["x", "m"], "u"), node("Div", ["u", "d"], "v"), node("Flatten", ["v"], "f")],
        [],
        [init("m", rand(1, rows, cols)), init("d", np.abs(rand(cols)) + np.float32(0.3))],
    )
    shaped(
        "normalised_by_columns",
        [node("Sub", ["x", "m"], "u"), node("Mul", ["u", "d"], "v"), node("Flatten", ["v"], "f")],
        [],
        [init("m", rand(rows, 1)), init("d", np.float32(0.5).reshape(()))],
    )
    one = [init("a1", np.int64([1])), init("a12", np.int64([1, 3]))]
    shaped(
        "unsqueezed",
        [node("Flatten", ["x"], "e"), node("Unsqueeze", ["e", "a12"], "u"), node("Squeeze", ["u", "a12"], "f")],
        [node("Unsqueeze", ["o", "a1"], "y")],
        one,
        (1, 6),
        "y",
    )
    shaped(
        "unsqueezed_opset9",
        [node("Flatten", ["x"], "e"), node("Unsqueeze", ["e"], "u", axes=[1, 3]), node("Squeeze", ["u"], "f", axes=[1, 3])],
        [node("Unsqueeze", ["o"], "y", axes=[1])],
        [],
        (1, 6),
        "y",
        9,
    )
    shaped("squeeze_all", [node("Squeeze", ["x"], "f")], [], row=(1, rows * cols, 1))
    shaped("transposed_ones", [node("Transpose", ["x"], "t", perm=[0, 2, 1]), node("Flatten", ["t"], "f")], [], row=(1, rows * cols))
    good(
        "shape_one_each",
        model(
            [*two_layers(), node("Squeeze", ["y", "a"], "v")],
            [*LAYERS[:2], init("w1", rand(1, HIDDEN)), init("b1", rand(1)), one[0], init("a", np.int64([-1]))],
            out=[[]],
            output=["v"],
        ),
    )
    good(
        "shape_matmul_of_three",
        model(
            [node("MatMul", ["x", "m"], "g"), node("Add", ["g", "n"], "a"), node("Tanh", ["a"], "y")],
            [init("m", rand(IN, OUT)), init("n", rand(1, 1, OUT))],
            features=(1, IN),
            out=(1, OUT),
        ),
    )
    computed_shapes(shaped, rows, cols)


def computed_shapes(shaped, rows, cols):
    """As exporters write x.view(x.size(0), -1), x.flatten(1) and x.reshape(len(x), h * w)."""
    zero, one, vec0, minus = init("i0", np.int64(0)), init("i1", np.int64(1)), init("v0", np.int64([0])), init("m1", np.int64([-1]))

    def batch_of(source, to, opset=13):
        axes = [node("Unsqueeze", [f"{to}_g", "v0"], f"{to}_u")] if opset >= 13 else [node("Unsqueeze", [f"{to}_g"], f"{to}_u", axes=[0])]
        return [node("Shape", [source], f"{to}_s"), node("Gather", [f"{to}_s", "i0"], f"{to}_g", axis=0), *axes]

    for opset in (9, 11, 13, 18, NEWEST):
        shaped(
            f"view_opset{opset if opset != NEWEST else '_newest'}",
            [*batch_of("x", "n", opset), node("Concat", ["n_u", "m1"], "c", axis=0), node("Reshape", ["x", "c"], "f")],
            [*batch_of("o", "k", opset), node("Concat", ["k_u", "t"], "d", axis=0), node("Reshape", ["o", "d"], "y")],
            [zero, vec0, minus, init("t", np.int64([2, 3]))],
            (2, 3),
            "y",
            opset,
        )
    fixed = [*batch_of("x", "n"), node("Concat", ["n_u", "m1"], "c", axis=0), node("Reshape", ["x", "c"], "f")]
    shaped("view_fixed", fixed, [], [zero, vec0, minus], batch=4)
    shaped(
        "view_product",
        [
            node("Shape", ["x"], "s"),
            node("Gather", ["s", "i0"], "bb"),
            node("Gather", ["s", "i1"], "h1"),
            node("Gather", ["s", "im"], "h2"),
            node("Mul", ["h1", "h2"], "hw"),
            node("Unsqueeze", ["bb", "v0"], "bu"),
            node("Unsqueeze", ["hw", "v0"], "hwu"),
            node("Concat", ["bu", "hwu"], "c", axis=0),
            node("Cast", ["c"], "cc", to=T.INT64),
            node("Reshape", ["x", "cc"], "f"),
        ],
        [],
        [zero, one, vec0, init("im", np.int64(-1))],
    )
    shaped(
        "view_sliced",
        [
            node("Shape", ["x"], "s"),
            node("Slice", ["s", "v0", "v1"], "bb"),
            node("Concat", ["bb", "m1"], "c", axis=0),
            node("Reshape", ["x", "c"], "f"),
        ],
        [],
        [vec0, init("v1", np.int64([1])), minus],
    )
    shaped(
        "view_sliced_opset9",
        [
            node("Shape", ["x"], "s"),
            node("Slice", ["s"], "bb", starts=[0], ends=[1], axes=[0]),
            node("Concat", ["bb", "m1"], "c", axis=0),
            node("Reshape", ["x", "c"], "f"),
        ],
        [],
        [minus],
        opset=9,
    )
    shaped(
        "view_started",
        [node("Shape", ["x"], "bb", start=0, end=1), node("Concat", ["bb", "m1"], "c", axis=0), node("Reshape", ["x", "c"], "f")],
        [],
        [minus],
        opset=18,
    )
    shaped(
        "view_filled",
        [
            node("ConstantOfShape", ["v1"], "ones", value=init("", np.int64([1]))),
            node("Sub", ["m1", "ones"], "m2"),
            node("Add", ["m2", "ones"], "m3"),
            node("Div", ["two", "ones"], "d"),
            node("Sub", ["d", "two"], "z"),
            node("Concat", ["z", "m3"], "c", axis=0),
            node("Reshape", ["x", "c"], "f"),
        ],
        [],
        [init("v1", np.int64([1])), minus, init("two", np.int64([2]))],
    )


def others():
    three = [init("w2", rand(4, HIDDEN)), init("b2", rand(4)), init("w3", rand(HIDDEN, 2))]
    heads = [
        *two_layers(),
        node("Gemm", ["r", "w2", "b2"], "z2", transB=1, alpha=0.5),
        node("MatMul", ["r", "w3"], "z3"),
    ]
    names = {"heads": ["y", "z2", "z3"], "heads_other_order": ["z3", "y", "z2"]}
    sizes = {"y": OUT, "z2": 4, "z3": 2}
    for name, order in names.items():
        good(name, model(heads, [*LAYERS, *three], out=[sizes[n] for n in order], output=order))
    shape = init("t", np.int64([-1, 2, 2]))
    good(
        "heads_shaped",
        model(
            [*heads, node("Reshape", ["z2", "t"], "zz"), node("Add", ["z3", "k"], "zk")],
            [*LAYERS, *three, shape, init("k", rand(2))],
            out=[OUT, (2, 2), 2],
            output=["y", "zz", "zk"],
        ),
    )
    good(
        "heads_of_input",
        model(
            [node("Gemm", ["x", "w0", "b0"], "a", transB=1), node("Gemm", ["x", "v"], "b", transB=1)],
            [*LAYERS[:2], init("v", rand(2, IN))],
            out=[HIDDEN, 2],
            output=["a", "b"],
        ),
    )
    nodes = two_layers()
    false = init("no", np.bool_(False))
    drop = [nodes[0], nodes[1], node("Dropout", ["r", "half", "no"], "d"), node("Gemm", ["d", "w1", "b1"], "y", transB=1)]
    good("dropout", model(drop, [*LAYERS, init("half", np.float32(0.5)), false]))
    old = [
        nodes[0],
        nodes[1],
        h.make_node("Dropout", ["r"], ["d", "mask"], "n_d", ratio=0.5),
        node("Gemm", ["d", "w1", "b1"], "y", transB=1),
    ]
    good("dropout_opset9", model(old, LAYERS, 9))
    bounds = [init("lo", np.float32(-1.5).reshape(())), init("hi", np.float32([1.5]))]
    good("normalizer_min_max", model([node("Max", ["x", "lo"], "c"), node("Min", ["hi", "c"], "d"), *two_layers("d")], [*bounds, *LAYERS]))
    fill = [node("ConstantOfShape", ["n"], "zeros"), node("ConstantOfShape", ["n"], "ones", value=init("", np.float32([1])))]
    nodes = two_layers()
    nodes[0] = node("Gemm", ["x", "w0", "zeros"], "g", transB=1)
    good("filled_bias", model([*fill, nodes[0], node("Add", ["g", "ones"], "h"), *nodes[1:]], [*LAYERS, init("n", np.int64([HIDDEN]))]))
    flat_weight = init("w0f", W0.reshape(-1)), init("ws", np.int64([HIDDEN, -1]))
    good("reshaped_weight", model([node("Reshape", ["w0f", "ws"], "w0"), *two_layers()], [*flat_weight, *LAYERS[1:]]))
    external()


def int8():
    """Weights as int8 with one number a row or a column: by Cast and Mul, by DequantizeLinear."""
    rng = np.random.default_rng(8)  # its own, so that the other cases stay as they are
    q0, q1 = (rng.integers(-127, 128, s).astype(np.int8) for s in ((HIDDEN, IN), (OUT, HIDDEN)))
    u0, u1 = (rng.uniform(0.002, 0.02, n).astype(np.float32) for n in (HIDDEN, OUT))
    biases = [LAYERS[1], LAYERS[3]]
    gemm = two_layers()
    x = rng.standard_normal((4, IN)).astype(np.float32) * 2

    def case(name, nodes, inits, opset=19, layers=gemm):
        good(name, model([*nodes, *layers], [*biases, *inits], opset), x=x)

    cast = [node("Cast", ["q0"], "c0", to=1), node("Cast", ["q1"], "c1", to=1)]
    whole = [init("q0", q0), init("q1", q1)]
    case("int8_cast", [*cast, node("Mul", ["c0", "u0"], "w0"), node("Mul", ["u1", "c1"], "w1")],
         [*whole, init("u0", u0[:, None]), init("u1", u1[:, None])])
    case("int8_cast_typed", [*cast, node("Mul", ["c0", "u0"], "w0"), node("Mul", ["u1", "c1"], "w1")],
         [init("q0", q0, raw=False), init("q1", q1, raw=False), init("u0", u0[:, None], raw=False), init("u1", u1[:, None])])
    zero = init("zero", np.zeros(OUT, np.int8))
    case("int8_dequantize", [node("DequantizeLinear", ["q0", "u0"], "w0", axis=0), node("DequantizeLinear", ["q1", "u1", "zero"], "w1", axis=-2)],
         [*whole, init("u0", u0), init("u1", u1), zero])
    matmul = [node("MatMul", ["x", "w0"], "m"), node("Add", ["m", "b0"], "h"), node("Relu", ["h"], "r"), gemm[2]]
    case("int8_columns", [node("DequantizeLinear", ["q0", "u0"], "w0"), node("Cast", ["q1"], "c1", to=1), node("Mul", ["c1", "u1"], "t1"),
                          node("Transpose", ["t1"], "w1", perm=[1, 0])],
         [init("q0", q0.T.copy()), init("q1", q1.T.copy()), init("u0", u0), init("u1", u1)], layers=matmul)
    case("int8_units_of_inputs", [*cast, node("Mul", ["c0", "u0"], "w0"), node("Mul", ["c1", "u1"], "w1")],
         [*whole, init("u0", rng.uniform(0.002, 0.02, IN).astype(np.float32)), init("u1", u1[:, None])])


def external():
    made = model(two_layers(), LAYERS)
    path = ROOT / "good" / "external.onnx"
    (path.parent / "external.data").unlink(missing_ok=True)
    x = rand(4, IN) * 2
    y = flat(ReferenceEvaluator(widened(made)).run(None, {"x": x.astype(np.float64)}))
    onnx.save_model(made, path, save_as_external_data=True, location="external.data", size_threshold=0)
    save_good("external", None, x, y)


def main():
    (ROOT / "good").mkdir(parents=True, exist_ok=True)
    good_cases()
    activations()
    types()
    shapes()
    others()
    int8()
    try:
        import make_onnx_exports
    except ImportError as missing:
        print(f"no {missing.name}: exported cases are left as they are", file=sys.stderr)
    else:
        make_onnx_exports.main()
    print(len(list((ROOT / "good").glob("*.onnx"))), "good")


if __name__ == "__main__":
    main()
