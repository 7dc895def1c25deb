"""Makes tests/data/onnx/bad/: small ONNX files that amble must reject, with words that the sentence must contain.

    VENV/bin/python tests/make_onnx_bad_cases.py        (VENV as in make_onnx_cases.py)

NAME.onnx, and ../bad.txt: a line "NAME|words|words", all of which the sentence must hold.
"""

import numpy as np
import onnx
from make_onnx_cases import B0, B1, HIDDEN, IN, LAYERS, MEAN, OUT, ROOT, STD, W0, W1, field, init, model, node, rand, two_layers, varint
from onnx import TensorProto as T
from onnx import helper as h

BAD = []


def bad(name, made, *words):
    data = made if isinstance(made, bytes) else made.SerializeToString()
    (ROOT / "bad" / f"{name}.onnx").write_bytes(data)
    BAD.append("|".join([name, *words]))


def edited(change, nodes=None, inits=LAYERS, **options):
    made = model(nodes or two_layers(), inits, **options)
    change(made)
    return made


def bad_int8():
    gemm = two_layers()
    q, u = np.ones((HIDDEN, IN), np.int8), np.full(HIDDEN, 0.01, np.float32)
    dequantize = node("DequantizeLinear", ["q", "u", "z"], "w0", axis=0)

    def case(name, nodes, inits, *words):
        bad(name, model([*nodes, *gemm], [*LAYERS[1:], *inits]), *words)

    case("int8_without_units", [node("Identity", ["q"], "w0")], [init("q", q)], "'n_h' ('Gemm')", "'w0' is int8, float32 was expected")
    case("int8_zero_point", [dequantize], [init("q", q), init("u", u), init("z", np.int8([0, 1] + [0] * (HIDDEN - 2)))], "'n_w0'", "'z' that is not 0")
    case("int8_too_few_units", [node("DequantizeLinear", ["q", "u"], "w0", axis=0)], [init("q", q), init("u", u[:3])], "'n_w0'", "one float32 for each row")
    case("int8_unsigned", [node("DequantizeLinear", ["q", "u"], "w0", axis=0)], [init("q", q.astype(np.uint8)), init("u", u)], "'q': holds uint8")
    case(
        "int8_reshaped",
        [node("DequantizeLinear", ["q", "u"], "t", axis=0), node("Reshape", ["t", "s"], "w0")],
        [init("q", q), init("u", u), init("s", np.int64([HIDDEN, IN]))],
        "'n_w0' ('Reshape')",
        "int8 with units",
    )
    case("int8_times_two_matrices", [node("Cast", ["q"], "c", to=1), node("Mul", ["c", "m"], "w0")], [init("q", q), init("m", rand(HIDDEN, IN))], "'n_w0' ('Mul')", "one float32 for each row")


def bad_graphs():
    gemm = two_layers()
    bad(
        "unknown_operator",
        model([gemm[0], node("Softmax", ["h"], "r"), gemm[2]], LAYERS),
        "'n_r'",
        "'Softmax'",
        "not supported",
        "Gemm, Identity",
    )
    bad(
        "other_domain",
        model([h.make_node("FusedGemm", ["x", "w0", "b0"], ["y"], name="fused", domain="com.microsoft")], LAYERS),
        "'fused'",
        "'FusedGemm'",
        "'com.microsoft'",
    )
    bad(
        "residual",
        model([*gemm[:2], node("Add", ["h", "r"], "a"), node("Gemm", ["a", "w1", "b1"], "y", transB=1)], LAYERS),
        "'n_a' ('Add')",
        "'h' and 'r' are both computed",
    )
    bad("added_to_itself", model([gemm[0], node("Add", ["h", "h"], "y")], LAYERS), "'n_y' ('Add')", "both computed")
    bad(
        "two_heads",
        model([*gemm, node("Gemm", ["r", "w1"], "z", transB=1)], LAYERS),
        "'n_z' ('Gemm')",
        "leads to none of the graph's outputs",
        "branch",
    )
    bad(
        "two_inputs",
        model(gemm, LAYERS, extra_inputs=[h.make_tensor_value_info("u", T.FLOAT, [1, IN])]),
        "more than one input",
        "'x' and 'u'",
    )
    bad("no_input", edited(lambda m: m.graph.ClearField("input")), "no input")
    bad(
        "two_outputs",
        edited(lambda m: m.graph.output.add(name="r")),
        "output 'r' is not the end of the chain",
        "goes on with node 'n_y' ('Gemm')",
    )
    bad("no_output", edited(lambda m: m.graph.ClearField("output")), "0 outputs", "1 to 8 were expected")
    bad("output_elsewhere", model(gemm, LAYERS, output="h", out=HIDDEN), "output 'h'", "not the end", "goes on with node 'n_y' ('Gemm')")
    bad("no_nodes", model([], [], output="x", out=IN), "no layer")
    bad("normalizer_only", model([node("Sub", ["x", "b0"], "y")], [init("b0", MEAN)], out=IN), "no layer")
    bad("missing_input", model([node("Gemm", ["x", "w9", "b0"], "h", transB=1), *gemm[1:]], LAYERS), "'n_h' ('Gemm')", "'w9' is missing")
    bad(
        "empty_input",
        model([node("Gemm", ["x", "", "b0"], "h", transB=1), *gemm[1:]], LAYERS),
        "'n_h' ('Gemm')",
        "input number 1 is missing",
    )
    bad("too_few_inputs", model([node("Gemm", ["x"], "h", transB=1), *gemm[1:]], LAYERS), "'n_h' ('Gemm')", "1 inputs", "2 to 3")
    bad("too_many_inputs", model([node("Relu", ["x", "w0"], "y")], LAYERS), "'n_y' ('Relu')", "2 inputs", "1 to 1")
    bad("no_node_output", edited(lambda m: m.graph.node[1].ClearField("output")), "'n_r' ('Relu')", "0 outputs")
    bad("same_output", model([gemm[0], node("Relu", ["h"], "h")], LAYERS), "'n_h' ('Relu')", "'h' is a name already taken")
    bad(
        "cycle",
        model([node("Identity", ["b"], "a"), node("Identity", ["a"], "b"), node("MatMul", ["x", "b"], "y")], []),
        "'n_a' ('Identity')",
        "'b'",
        "cycle",
    )
    bad("self_cycle", model([node("Identity", ["a"], "a"), *gemm], LAYERS), "'n_a' ('Identity')", "'a'", "cycle")
    bad("out_of_order", model(gemm[::-1], LAYERS), "'n_y' ('Gemm')", "'r'", "out of order")
    bad(
        "unnamed_node",
        model([h.make_node("Gemm", ["x", "w0", "b0"], ["h"], transB=1), h.make_node("Tan", ["h"], ["y"])], LAYERS),
        "node number 1",
        "'Tan'",
    )
    bad("odd_names", model([h.make_node("Evil\x1b[31m\n", ["x"], ["y"], name="n" * 200)], []), "'" + "n" * 60 + "...'", "'Evil\\x1b[31m\\x0a'")
    bad(
        "too_many_layers",
        model(
            [node("MatMul", ["x" if i == 0 else f"m{i - 1}", "w"], f"m{i}") for i in range(17)],
            [init("w", rand(2, 2))],
            features=2,
            out=2,
            output="m16",
        ),
        "'n_m16' ('MatMul')",
        "number 17, at most 16",
    )
    bad("too_many_nodes", model([onnx.NodeProto()] * 1025, []), "1025 nodes", "1024")
    bad("constants_only", model([node("Relu", ["b0"], "r"), *gemm[2:]], LAYERS), "'n_r' ('Relu')", "constant inputs only")


def bad_operators():
    gemm = two_layers()

    def first(**attributes):
        return [node("Gemm", ["x", "w0", "b0"], "h", **attributes), *gemm[1:]]

    bad("trans_a", model(first(transA=1, transB=1), LAYERS), "'n_h' ('Gemm')", "transA is 1")
    bad("trans_b", model(first(transB=2), LAYERS), "'n_h' ('Gemm')", "transB is 2")
    bad("alpha_nan", model(first(transB=1, alpha=float("nan")), LAYERS), "'n_h' ('Gemm')", "'alpha' is", "nan", "finite")
    bad("alpha_overflow", model(first(transB=1, alpha=3e38), [init("w0", W0 * 100), *LAYERS[1:]]), "'w0'", "inf", "finite")
    bad("alpha_integer", model(first(transB=1, alpha=2), LAYERS), "'n_h' ('Gemm')", "'alpha' is of type 2", "float")
    bad("trans_b_float", model(first(transB=1.0), LAYERS), "'n_h' ('Gemm')", "'transB' is of type 1", "integer")
    bad("unknown_attribute", model(first(transB=1, gamma=2.0), LAYERS), "'n_h' ('Gemm')", "'gamma'")
    bad(
        "attribute_twice",
        edited(lambda m: m.graph.node[0].attribute.append(h.make_attribute("transB", 1))),
        "'n_h' ('Gemm')",
        "'transB' is given twice",
    )
    bad("attribute_reference", edited(lambda m: setattr(m.graph.node[0].attribute[0], "ref_attr_name", "t")), "'n_h' ('Gemm')", "function")
    bad(
        "inner_mismatch",
        model([node("Gemm", ["x", "w1", "b1"], "y", transB=1)], LAYERS),
        "'n_y' ('Gemm')",
        "'w1' takes 7 features",
        "has 5",
    )
    bad("not_transposed", model([node("Gemm", ["x", "w0", "b0"], "y")], LAYERS), "'n_y' ('Gemm')", "'w0' takes 7 features", "has 5")
    bad("weight_vector", model([node("MatMul", ["x", "b0"], "y")], LAYERS), "'n_y' ('MatMul')", "'b0' has shape (7,)", "two dimensions")
    bad("weight_3d", model([node("MatMul", ["x", "w"], "y")], [init("w", rand(1, IN, OUT))]), "'w' has shape (1, 5, 3)", "two dimensions")
    bad("weight_first", model([node("MatMul", ["w0", "x"], "y")], LAYERS), "'n_y' ('MatMul')", "'x' is computed, only the first")
    bad(
        "bias_shape",
        model([node("Gemm", ["x", "w0", "b1"], "h", transB=1), *gemm[1:]], LAYERS),
        "'n_h' ('Gemm')",
        "'b1' has shape (3,)",
        "(7,)",
        "(1, 7)",
    )
    bad(
        "bias_column",
        model([node("Gemm", ["x", "w0", "b"], "h", transB=1), *gemm[1:]], [*LAYERS, init("b", rand(HIDDEN, 1))]),
        "'b' has shape (7, 1)",
    )
    bad(
        "bias_computed",
        model([node("Gemm", ["w0", "w1", "x"], "y", transB=1)], LAYERS),
        "'n_y' ('Gemm')",
        "'x' is computed, only the first",
    )
    bad("half_without_cast", model(gemm, [init("w0", W0.astype(np.float16)), *LAYERS[1:]]), "'n_h' ('Gemm')", "'w0' is float16", "Cast")
    bad("double_without_cast", model(gemm, [init("w0", W0.astype(np.float64)), *LAYERS[1:]]), "'n_h' ('Gemm')", "'w0'", "float64")
    bad("int64_bias", model(gemm, [LAYERS[0], init("b0", np.arange(HIDDEN)), *LAYERS[2:]]), "'b0' is int64", "float32")
    bad(
        "nan_weight",
        model(gemm, [init("w0", np.where(W0 == W0[2, 3], np.float32("nan"), W0)), *LAYERS[1:]]),
        "'w0'",
        "from input 3 to output 2 is",
        "nan",
        "finite",
    )
    bad("inf_weight", model(gemm, [*LAYERS[:2], init("w1", W1 / np.float32(0)), LAYERS[3]]), "'w1'", "inf", "finite")
    bad(
        "inf_half",
        model(
            [node("Cast", ["w"], "f", to=T.FLOAT), node("Gemm", ["x", "f"], "y", transB=1)],
            [init("w", np.full((OUT, IN), np.float16("inf")))],
        ),
        "'f'",
        "inf",
        "finite",
    )
    bad("nan_bias", model(gemm, [*LAYERS[:3], init("b1", B1 * np.float32("nan"))]), "'n_y' ('Gemm')", "'b1': number 0 is", "nan", "finite")
    bad(
        "bias_overflow",
        model([gemm[0], node("Mul", ["h", "s"], "p"), node("Mul", ["p", "s"], "y")], [*LAYERS, init("s", np.float32([1e30]))], out=HIDDEN),
        "'w0'",
        "inf",
        "finite",
    )
    for name, std in (("zero", 0), ("negative", -1), ("nan", float("nan")), ("inf", float("inf"))):
        values = STD.copy()
        values[3] = std
        bad(
            f"std_{name}",
            model([node("Div", ["x", "std"], "d"), *two_layers("d")], [init("std", values), *LAYERS]),
            "'n_d' ('Div')",
            "'std'",
            "number 3 is",
            "positive" if name in ("zero", "negative") else "finite",
        )
    bad(
        "std_underflow",
        model([node("Mul", ["x", "m"], "d"), node("Mul", ["d", "m"], "e"), *two_layers("e")], [init("m", np.float32([1e30])), *LAYERS]),
        "standard deviation 0 is 0",
        "positive",
    )
    bad(
        "mean_inf",
        model([node("Sub", ["x", "m"], "d"), *two_layers("d")], [init("m", MEAN / np.float32(0)), *LAYERS]),
        "'n_d' ('Sub')",
        "'m'",
        "finite",
    )
    bad(
        "mean_overflow",
        model([node("Sub", ["x", "m"], "d"), node("Sub", ["d", "m"], "e"), *two_layers("e")], [init("m", np.float32([3e38])), *LAYERS]),
        "mean 0 is inf",
        "finite",
    )
    bad("mean_shape", model([node("Sub", ["x", "b0"], "d"), *two_layers("d")], LAYERS), "'n_d' ('Sub')", "'b0' has shape (7,)", "(5,)")
    bad(
        "constant_minus_input",
        model([node("Sub", ["m", "x"], "d"), *two_layers("d")], [init("m", MEAN), *LAYERS]),
        "'n_d' ('Sub')",
        "'x'",
        "second",
    )
    bad(
        "divided_by_input",
        model([node("Div", ["m", "x"], "d"), *two_layers("d")], [init("m", MEAN), *LAYERS]),
        "'n_d' ('Div')",
        "'x'",
        "second",
    )
    bad(
        "divided_by_zero",
        model([gemm[0], node("Div", ["h", "z"], "y")], [*LAYERS, init("z", np.float32([0]))], out=HIDDEN),
        "'n_y' ('Div')",
        "'z'",
        "0",
    )
    bad("add_after_relu", model([*gemm[:2], node("Add", ["r", "b0"], "y")], LAYERS, out=HIDDEN), "'n_y' ('Add')", "after Relu")
    bounds = [init("lo", np.float32(-1).reshape(())), init("hi", np.float32(2).reshape(())), init("two", rand(2)), *LAYERS]
    bad("clip_lopsided", model([node("Clip", ["x", "lo", "hi"], "c"), *two_layers("c")], bounds), "'n_c' ('Clip')", "-1 and 2")
    bad("clip_half_open", model([node("Clip", ["x", "lo"], "c"), *two_layers("c")], bounds), "'n_c' ('Clip')", "-1 and inf")
    bad("clip_empty", model([node("Clip", ["x", "hi", "lo"], "c"), *two_layers("c")], bounds), "'n_c' ('Clip')", "2 and -1")
    bad(
        "clip_vector",
        model([node("Clip", ["x", "two", "hi"], "c"), *two_layers("c")], bounds),
        "'n_c' ('Clip')",
        "'two' is float32 of shape (2,)",
    )
    bad("clip_late", model([gemm[0], node("Clip", ["h", "lo", "hi"], "r"), gemm[2]], bounds), "'n_r' ('Clip')", "after a layer")
    bad(
        "clip_attributes",
        model([node("Clip", ["x"], "c", min=-1.0, max=1.0), *two_layers("c")], bounds),
        "'n_c' ('Clip')",
        "operator set 13",
    )
    bad("clip_computed", model([node("Clip", ["lo", "x", "hi"], "c"), *two_layers("c")], bounds), "'n_c' ('Clip')", "bound is computed")
    one = [init("one", np.float32(1).reshape(())), init("minus", np.float32(-1).reshape(())), init("m", MEAN), *LAYERS]
    bad(
        "sub_after_clip",
        model([node("Clip", ["x", "minus", "one"], "c"), node("Sub", ["c", "m"], "d"), *two_layers("d")], one),
        "'n_d' ('Sub')",
        "after Clip",
    )
    bad("relu_first", model([node("Relu", ["x"], "c"), *two_layers("c")], LAYERS), "'n_c' ('Relu')", "before the first layer")
    bad("flatten_axis", model([node("Flatten", ["x"], "c", axis=0), *two_layers("c")], LAYERS), "'n_c' ('Flatten')", "axis is 0")
    for name, shape, word in (
        ("changes", [-1, IN - 1], "(-1, 4)"),
        ("seven", [-1, 1, 1, 1, 1, 1, IN], "7 dimensions"),
        ("open", [-1, -1], "(-1, -1)"),
        ("fixed", [8, IN], "(8, 5)"),
        ("rank0", 5, "list of int64"),
    ):
        bad(
            f"reshape_{name}",
            model([node("Reshape", ["x", "s"], "c"), *two_layers("c")], [init("s", np.array(shape, np.int64)), *LAYERS]),
            "'n_c' ('Reshape')",
            word,
        )
    bad("reshape_computed", model([node("Reshape", ["w0", "x"], "c"), *two_layers("c")], LAYERS), "'n_c' ('Reshape')", "computed")
    bad("reshape_floats", model([node("Reshape", ["x", "b0"], "c"), *two_layers("c")], LAYERS), "'n_c' ('Reshape')", "'b0'", "int64")
    bad(
        "cast_to_half",
        model([node("Cast", ["x"], "c", to=T.FLOAT16), *two_layers("c")], LAYERS),
        "'n_h' ('Gemm')",
        "'w0' is float32",
        "float16",
    )
    bad("cast_to_int", model([node("Cast", ["x"], "c", to=T.INT64), *two_layers("c")], LAYERS), "'n_c' ('Cast')", "data type 7")
    bad("transpose_vector", model([node("Transpose", ["b0"], "c"), *two_layers()], LAYERS), "'n_c' ('Transpose')", "'b0'", "(7,)")
    bad("transpose_perm", model([node("Transpose", ["w0"], "c", perm=[1, 1]), *two_layers()], LAYERS), "'n_c' ('Transpose')", "'perm'")
    bad("transpose_computed", model([node("Transpose", ["x"], "c"), *two_layers("c")], LAYERS), "'n_c' ('Transpose')", "'x' is computed")
    bad(
        "constant_string",
        model([h.make_node("Constant", [], ["c"], name="n_c", value_string="s"), *two_layers()], LAYERS),
        "'n_c' ('Constant')",
        "'value_string'",
    )
    bad(
        "constant_empty",
        model([h.make_node("Constant", [], ["c"], name="n_c"), *two_layers()], LAYERS),
        "'n_c' ('Constant')",
        "0 attributes",
    )


def bad_branches():
    gemm, second = two_layers(), [init("w2", rand(4, HIDDEN)), init("b2", rand(4))]
    two = node("Gemm", ["r", "w2", "b2"], "z", transB=1)

    def heads(nodes, *names, sizes=(OUT, 4), extra=()):
        return model(nodes, [*LAYERS, *second, *extra], out=list(sizes), output=list(names))

    bad("heads_active", heads([*gemm, two, node("Tanh", ["z"], "t")], "y", "t"), "output 't' ends in Tanh", "only one output")
    bad("heads_same", heads([*gemm, node("Identity", ["y"], "i")], "y", "i", sizes=(OUT, OUT)), "outputs 'y' and 'i' are the same")
    bad("heads_named_alike", heads(gemm, "y", "y", sizes=(OUT, OUT)), "outputs 'y' and 'y' are the same")
    deep = [*gemm, two, node("Gemm", ["z", "w3"], "q", transB=1)]
    bad(
        "heads_uneven",
        heads(deep, "y", "q", sizes=(OUT, 2), extra=[init("w3", rand(2, 4))]),
        "outputs 'y' and 'q' come from different layers",
    )
    before = [gemm[0], node("Gemm", ["h", "w2", "b2"], "z", transB=1), gemm[1], gemm[2]]
    bad("heads_before_relu", heads(before, "y", "z"), "'n_r' ('Relu')", "'h' is also used by node 'n_z' ('Gemm')", "branch")
    shifted = [node("Add", ["x", "m"], "a"), *two_layers("a")[:2], node("Gemm", ["x", "w3"], "q", transB=1), two_layers()[2]]
    bad(
        "heads_skip",
        heads(shifted, "y", "q", sizes=(OUT, 2), extra=[init("m", MEAN), init("w3", rand(2, IN))]),
        "'n_q' ('Gemm')",
        "'x' is also used",
    )
    bad("heads_nine", heads([*gemm, two], *["y"] * 9, sizes=[OUT] * 9), "9 outputs", "1 to 8")
    bad("output_constant", model(gemm, LAYERS, output="w0"), "output 'w0' is not computed")
    bad("output_input", model(gemm, LAYERS, output="x", out=IN), "no layer")
    bad("output_missing", model(gemm, LAYERS, output="other"), "output 'other' is not computed")
    mask = h.make_node("Dropout", ["r"], ["d", "mask"], "n_d")
    bad(
        "dropout_mask",
        model([*gemm[:2], mask, node("Mul", ["d", "mask"], "y")], LAYERS, out=HIDDEN),
        "'n_y' ('Mul')",
        "'mask' is a node's second output",
    )
    bad(
        "dropout_output",
        model([*gemm[:2], mask, node("Identity", ["d"], "y")], LAYERS, out=HIDDEN, output="mask"),
        "'mask' is not computed",
    )
    training = [*gemm[:2], node("Dropout", ["r", "", "yes"], "d"), node("Gemm", ["d", "w1", "b1"], "y", transB=1)]
    bad("dropout_training", model(training, [*LAYERS, init("yes", np.bool_(True))]), "'n_d' ('Dropout')", "'yes'", "training")
    function = h.make_function("", "Relu", ["a"], ["b"], [h.make_node("Tanh", ["a"], ["b"])], [h.make_opsetid("", 13)])
    own = h.make_function("pkg.own", "Layer", ["a"], ["b"], [h.make_node("Tanh", ["a"], ["b"])], [h.make_opsetid("", 13)])
    bad("function_hides", edited(lambda m: m.functions.append(function)), "'n_r' ('Relu')", "function that the file itself defines")
    used = h.make_node("Layer", ["h"], ["r"], "call", domain="pkg.own")
    bad(
        "function_used",
        edited(lambda m: m.functions.append(own), [gemm[0], used, gemm[2]]),
        "'call' ('Layer')",
        "function that the file itself defines",
    )
    for op in ("Elu", "LeakyRelu"):
        bad(
            f"{op.lower()}_alpha",
            model([gemm[0], node(op, ["h"], "r", alpha=float("nan")), gemm[2]], LAYERS),
            f"'n_r' ('{op}')",
            "'alpha' is",
            "finite",
        )
    bad("two_activations", model([*gemm[:2], node("Tanh", ["r"], "y")], LAYERS, out=HIDDEN), "'n_y' ('Tanh')", "after Relu")
    scaled = [gemm[0], node("Tanh", ["h"], "r"), node("Mul", ["r", "b0"], "y")]
    bad("scale_after_tanh", model(scaled, LAYERS, out=HIDDEN), "'n_y' ('Mul')", "after Tanh")


def bad_shapes():
    rows = [node("Shape", ["x"], "s"), node("Gather", ["s", "i"], "n")]
    zero = init("i", np.int64([0]))

    def shaped(name, nodes, extra, *words, row=(2, 3), **options):
        after = [node("Gemm", ["f", "w", "b0"], "h", transB=1), *two_layers()[1:]]
        inits = [init("w", rand(HIDDEN, 6)), *LAYERS[1:], *extra]
        bad(f"shape_{name}", model([*nodes, *after], inits, features=row, **options), *words)

    shaped("not_flat", [node("Identity", ["x"], "f")], [], "'n_h' ('Gemm')", "takes 3 dimensions")
    shaped(
        "mixed_rows",
        [node("Reshape", ["x", "t"], "f")],
        [init("t", np.int64([-1, 3]))],
        "'n_f' ('Reshape')",
        "(-1, 3)",
        "6 numbers in a row",
    )
    shaped("too_many", [node("Reshape", ["x", "t"], "f")], [init("t", np.int64([0, 2**40, 2**40]))], "'n_f' ('Reshape')", "6 numbers")
    shaped(
        "zero", [node("Reshape", ["x", "t"], "f", allowzero=1)], [init("t", np.int64([-1, 0]))], "'n_f' ('Reshape')", "(-1, 0)", opset=14
    )
    shaped(
        "batch_last",
        [*rows, node("Concat", ["m", "n"], "c", axis=0), node("Reshape", ["x", "c"], "f")],
        [zero, init("m", np.int64([6]))],
        "'n_f' ('Reshape')",
        "(6, 1 x rows)",
    )
    double = [*rows, node("Mul", ["n", "two"], "d"), node("Concat", ["d", "m"], "c", axis=0), node("Reshape", ["x", "c"], "f")]
    shaped("batch_doubled", double, [zero, init("two", np.int64([2])), init("m", np.int64([3]))], "'n_f' ('Reshape')", "(2 x rows, 3)")
    divided = [*rows, node("Cast", ["n"], "d", to=T.FLOAT), node("Div", ["x", "d"], "v"), node("Flatten", ["v"], "f")]
    shaped("divided_by_rows", divided, [zero], "'n_d' ('Cast')", "'n' depends on the number of rows")
    shaped("rows_added", [*rows, node("Add", ["n", "i"], "d"), node("Reshape", ["x", "d"], "f")], [zero], "'n_d' ('Add')", "number of rows")
    shaped(
        "gather_outside",
        [node("Shape", ["x"], "s"), node("Gather", ["s", "i"], "n"), node("Reshape", ["x", "n"], "f")],
        [init("i", np.int64([-4]))],
        "'n_n' ('Gather')",
        "index -4",
        "list of 3",
    )
    shaped("gather_computed", [node("Gather", ["x", "i"], "f", axis=1)], [zero], "'n_f' ('Gather')", "'x' is computed")
    shaped(
        "concat_axis",
        [*rows, node("Concat", ["n", "n"], "c", axis=1), node("Reshape", ["x", "c"], "f")],
        [zero],
        "'n_c' ('Concat')",
        "axis is 1",
    )
    shaped(
        "concat_long",
        [node("Concat", ["l", "l"], "c", axis=0), node("Reshape", ["x", "c"], "f")],
        [init("l", np.int64([1] * 5))],
        "'n_c' ('Concat')",
        "at most 8",
    )
    shaped(
        "slice_nothing",
        [node("Shape", ["x"], "s"), node("Slice", ["s", "i", "i"], "c"), node("Reshape", ["x", "c"], "f")],
        [zero],
        "'n_f' ('Reshape')",
        "0 dimensions",
    )
    shaped("squeeze_batch", [node("Squeeze", ["x", "i"], "f")], [zero], "'n_f' ('Squeeze')", "counts the rows")
    shaped("squeeze_two", [node("Squeeze", ["x", "o"], "f")], [init("o", np.int64([1]))], "'n_f' ('Squeeze')", "dimension 1, which is 2")
    shaped("squeeze_outside", [node("Squeeze", ["x", "o"], "f")], [init("o", np.int64([3]))], "'n_f' ('Squeeze')", "axis 3", "3 dimensions")
    shaped("squeeze_twice", [node("Squeeze", ["x", "o"], "f")], [init("o", np.int64([1, -2]))], "'n_f' ('Squeeze')", "given twice")
    shaped("squeeze_open", [node("Squeeze", ["x"], "f")], [], "'n_f' ('Squeeze')", "counts the rows", row=(1, 6), batch=1)
    shaped("squeeze_attribute", [node("Squeeze", ["x"], "f", axes=[1])], [], "'n_f' ('Squeeze')", "operator set 13", row=(1, 6))
    shaped("unsqueeze_first", [node("Unsqueeze", ["x", "i"], "f")], [zero], "'n_f' ('Unsqueeze')", "before the first one")
    shaped(
        "unsqueeze_many", [node("Unsqueeze", ["x", "o"], "f")], [init("o", np.int64([1, 2, 3, 4]))], "'n_f' ('Unsqueeze')", "7 dimensions"
    )
    shaped(
        "transposed",
        [node("Transpose", ["x"], "t", perm=[0, 2, 1]), node("Flatten", ["t"], "f")],
        [],
        "'n_t' ('Transpose')",
        "change their order",
    )
    shaped(
        "transposed_batch", [node("Transpose", ["x"], "t", perm=[1, 0, 2]), node("Flatten", ["t"], "f")], [], "'n_t' ('Transpose')", "order"
    )
    shaped(
        "each_frame", [node("MatMul", ["x", "v"], "f")], [init("v", rand(3, 6))], "'n_f' ('MatMul')", "takes rows of shape (2, 3)", "flat"
    )
    shaped(
        "mean_of_columns",
        [node("Sub", ["x", "v"], "v1"), node("Flatten", ["v1"], "f")],
        [init("v", rand(2))],
        "'n_v1' ('Sub')",
        "'v' has shape (2,)",
        "rows of shape (2, 3)",
    )
    shaped(
        "mean_with_rows",
        [node("Sub", ["x", "v"], "v1"), node("Flatten", ["v1"], "f")],
        [init("v", rand(4, 2, 3))],
        "'n_v1' ('Sub')",
        "'v' has shape (4, 2, 3)",
        batch=4,
    )
    shaped(
        "fill_huge",
        [node("ConstantOfShape", ["n"], "c"), node("Flatten", ["x"], "f")],
        [init("n", np.int64([2**40]))],
        "'n_c' ('ConstantOfShape')",
        "1 to 65536",
    )
    filled = [
        node("ConstantOfShape", ["n"], "c"),
        node("Reshape", ["c", "t"], "v"),
        node("Flatten", ["x"], "e"),
        node("MatMul", ["e", "v"], "f"),
    ]
    shaped(
        "fill_weight", filled, [init("n", np.int64([36])), init("t", np.int64([6, 6]))], "'n_f' ('MatMul')", "'v' is one number repeated"
    )
    bad(
        "scalar_each",
        model(
            [*two_layers(), node("Squeeze", ["y", "o"], "v"), node("Unsqueeze", ["v", "o"], "u"), node("MatMul", ["v", "w"], "q")],
            [LAYERS[0], LAYERS[1], init("w1", rand(1, HIDDEN)), init("b1", rand(1)), init("o", np.int64([1])), init("w", rand(1, 1))],
            out=1,
            output="q",
        ),
        "'n_q' ('MatMul')",
        "takes rows of shape ()",
    )


def bad_tensors():
    def tensor(change):
        def apply(made):
            change(made.graph.initializer[0])

        return edited(apply)

    def dims(*values):
        def apply(t):
            t.ClearField("dims")
            t.dims.extend(values)

        return apply

    def claim(*values):
        def apply(t):
            dims(*values)(t)
            t.ClearField("raw_data")

        return apply

    where = "'n_h' ('Gemm')", "'w0'"
    bad("dims_negative", tensor(dims(-7, 5)), *where, "dimension 0 is -7")
    bad("dims_zero", tensor(dims(7, 0)), *where, "dimension 1 is 0")
    bad("dims_overflow", tensor(dims(2**31, 2**33 + 5)), *where, "more numbers than a file can hold")
    bad("dims_wrap", tensor(dims(2**20, 2**22, 2**22)), *where, "more numbers than a file can hold")
    bad("dims_largest", tensor(dims(2**63 - 1, 2**63 - 1)), *where, "more numbers than a file can hold")
    bad("dims_gigabytes", tensor(claim(2**14, 2**14)), *where, "holds 0 numbers", "(16384, 16384) expects 268435456")
    bad("dims_five", tensor(dims(1, 1, 1, 7, 5)), *where, "5 dimensions")
    bad("dims_many", tensor(dims(*[1] * 300)), *where, "300 dimensions")
    bad("data_short", tensor(lambda t: setattr(t, "raw_data", t.raw_data[:-4])), *where, "136 bytes", "(7, 5) expects 140")
    bad("data_odd", tensor(lambda t: setattr(t, "raw_data", t.raw_data[:-1])), *where, "139 bytes", "expects 140")
    bad("data_long", tensor(lambda t: setattr(t, "raw_data", t.raw_data + b"1234")), *where, "144 bytes", "expects 140")
    bad("data_twice", tensor(lambda t: t.float_data.extend([1.0])), *where, "twice")
    bad("data_missing", tensor(lambda t: t.ClearField("raw_data")), *where, "0 numbers", "expects 35")

    def other_list(t):
        t.ClearField("raw_data")
        t.int32_data.extend([1] * 35)

    bad("data_other_list", tensor(other_list), *where, "float32", "another type")
    bad("type_missing", tensor(lambda t: t.ClearField("data_type")), *where, "undefined")
    bad("type_unknown", tensor(lambda t: setattr(t, "data_type", 9999)), *where, "data type 9999")

    def external(t):
        t.data_location = T.EXTERNAL
        t.external_data.add(key="location", value="../../etc/passwd")
        t.ClearField("raw_data")

    bad("external", tensor(external), *where, "external", "'../../etc/passwd'", "the model's own folder")
    half = init("w", W0.astype(np.float16), False)
    for i, value in enumerate((65536, -1)):
        half.int32_data[3] = value
        bad(
            f"half_range_{i}",
            model([node("Cast", ["w"], "c", to=T.FLOAT), node("Gemm", ["x", "c"], "y", transB=1)], [half]),
            "'n_c' ('Cast')",
            "'w'",
            f"number 3 of its float16 data is {value}",
        )
    bad(
        "double_overflow",
        model(
            [node("Cast", ["w"], "c", to=T.FLOAT), node("Gemm", ["x", "c"], "y", transB=1)],
            [init("w", np.where(W1[:, :IN] == W1[1, 2], 4e38, W1[:, :IN].astype(np.float64)))],
        ),
        "'c': the one from input 2 to output 1 is inf as float32",
        "finite",
    )
    bits = T(name="w", data_type=T.BFLOAT16, dims=[OUT, IN], int32_data=[1] * 14 + [70000])
    fits = (2.0 - 2.0**-24) * 2.0**127
    bad(
        "double_rounds_up",
        model(
            [node("Cast", ["w"], "c", to=T.FLOAT), node("Gemm", ["x", "c"], "y", transB=1)], [init("w", np.full((OUT, IN), -fits), False)]
        ),
        "-inf as float32",
    )
    bad(
        "bfloat_range",
        model([node("Cast", ["w"], "c", to=T.FLOAT), node("Gemm", ["x", "c"], "y", transB=1)], [bits]),
        "'w'",
        "bfloat16 data is 70000",
        "0 to 65535",
    )
    view = edited(lambda m: None)
    view.graph.initializer[0].MergeFromString(varint(1000 << 3) + varint(0) + varint(1001 << 3) + varint(140))
    bad("data_claimed_view", view, "cannot be decoded")
    bad("initializer_twice", model(two_layers(), [*LAYERS, init("b0", B0)]), "two initialisers", "'b0'")
    bad("initializer_unnamed", model(two_layers(), [*LAYERS, init("", B0)]), "initialiser number 4 has no name")
    bad("sparse", edited(lambda m: m.graph.sparse_initializer.add()), "sparse")


def bad_models():
    def opsets(*pairs):
        def apply(made):
            made.ClearField("opset_import")
            for domain, version in pairs:
                made.opset_import.add(domain=domain, version=version)

        return edited(apply)

    bad("opset_old", opsets(("", 8)), "operator set 8", "9 or newer")
    bad("opset_negative", opsets(("", -3)), "operator set -3")
    bad("opset_missing", opsets(), "opset_import")
    bad("opset_other", opsets(("com.microsoft", 1)), "opset_import")
    bad("opset_twice", opsets(("", 13), ("ai.onnx", 14)), "twice")
    bad("no_graph", edited(lambda m: m.ClearField("graph")), "no graph")

    def info(kind, name, *args):
        def apply(made):
            values = getattr(made.graph, kind)
            values[0].CopyFrom(h.make_tensor_value_info(name, *args))

        return edited(apply)

    bad("input_half", info("input", "x", T.FLOAT16, [None, IN]), "'n_h' ('Gemm')", "'w0' is float32", "float16 was expected")
    bad("input_int", info("input", "x", T.INT64, [None, IN]), "input 'x' is int64", "float32")
    bad("input_3d", info("input", "x", T.FLOAT, [None, 1, IN]), "'n_h' ('Gemm')", "takes 3 dimensions")
    bad("input_5d", info("input", "x", T.FLOAT, [None, 1, 1, 1, IN]), "input 'x' has 5 dimensions", "2 (batch, features) to 4")
    bad("input_1d", info("input", "x", T.FLOAT, [IN]), "input 'x' has 1 dimensions")
    bad("input_7d", info("input", "x", T.FLOAT, [None, 1, 1, 1, 1, 1, IN]), "input 'x' has 7 dimensions")
    bad("input_wide", info("input", "x", T.FLOAT, [None, 2**20, 2**20, 2**20]), "input 'x' has 1048576 features", "65536")
    bad("output_dimensions", info("output", "y", T.FLOAT, [None, 1, OUT]), "output 'y' claims 3 dimensions", "makes 2")
    bad("output_half", info("output", "y", T.FLOAT16, [None, OUT]), "output 'y' claims to be float16, it is float32")
    bad("input_open", info("input", "x", T.FLOAT, [None, "n"]), "input 'x' leaves the number of features open")
    bad("input_shapeless", info("input", "x", T.FLOAT, None), "input 'x' leaves the number of features open")
    bad("input_negative", info("input", "x", T.FLOAT, [None, -5]), "input 'x': dimension 1 is -5")
    bad("input_batch_zero", info("input", "x", T.FLOAT, [0, IN]), "input 'x': dimension 0 is 0")
    bad("input_huge", info("input", "x", T.FLOAT, [None, 65537]), "input 'x' has 65537 features", "65536")
    bad("input_wrong", info("input", "x", T.FLOAT, [None, 6]), "'w0' takes 5 features", "has 6")
    bad("input_unnamed", info("input", "", T.FLOAT, [None, IN]), "input number 0 has no name")
    bad("output_wrong", info("output", "y", T.FLOAT, [None, 4]), "output 'y' claims 4 features", "has 3")
    bad("output_int", info("output", "y", T.INT32, [None, OUT]), "output 'y' is int32")
    bad(
        "output_rows",
        edited(lambda m: m.graph.output[0].CopyFrom(h.make_tensor_value_info("y", T.FLOAT, [3, OUT])), batch=4),
        "claims 3 rows",
        "has 4",
    )
    sequence = h.make_tensor_sequence_value_info("x", T.FLOAT, None)
    bad("input_sequence", edited(lambda m: m.graph.input[0].CopyFrom(sequence)), "input 'x' is not a tensor")
    bad("metadata_twice", edited(lambda m: [m.metadata_props.add(key="a", value=v) for v in "bc"]), "'a' is given twice")
    bad("metadata_no_key", edited(lambda m: m.metadata_props.add(key="", value="v")), "entry 0 has no key")
    whole = model(two_layers(), LAYERS).SerializeToString()
    for i, text in enumerate((b"\xff", b"a\xc3", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82")):
        bad(f"metadata_utf8_{i}", whole + field(14, field(1, b"k") + field(2, text)), "entry 0 ('k')", "UTF-8")
    bad("cut_off", whole[:-3], "cannot be decoded", "cut off")
    bad("length_claim", varint(7 << 3 | 2) + varint(2**31 - 1) + b"abc", "cannot be decoded")
    bad("picture", b"\x89PNG\r\n\x1a\n" + bytes(range(64)), "cannot be decoded", "not an ONNX model")
    bad("text", b"walk, 1, 2, 3\n" * 20, "not an ONNX model")


def main():
    (ROOT / "bad").mkdir(parents=True, exist_ok=True)
    bad_int8()
    bad_graphs()
    bad_operators()
    bad_branches()
    bad_shapes()
    bad_tensors()
    bad_models()
    (ROOT / "bad.txt").write_text("\n".join(sorted(BAD)) + "\n")
    print(len(BAD), "bad")


if __name__ == "__main__":
    main()
