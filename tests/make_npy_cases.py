"""Makes tests/data/npy/: .npy files as NumPy writes them, and bad files that amble must reject.

    VENV/bin/python tests/make_npy_cases.py        (VENV as in make_onnx_cases.py; the files in the tree were made with NumPy 2.4)

good/NAME.npy with good.txt: "NAME|type|shape|written", number i of each being (i² mod 37 - 11) / 8; "same" where amble, writing the same
array, must make the same bytes. bad/NAME.npy with bad.txt: "NAME|words|words", all of which the sentence must hold. model/: a network of
5 inputs and 3 outputs, rows for it, and what NumPy computes of them in double precision. Also seeds the fuzzer's corpus
(tests/fuzz/corpus/npy).
"""

import io
import pathlib
import shutil
import struct

import numpy as np
import onnx
from numpy.lib import format as npy

ROOT = pathlib.Path(__file__).parent / "data" / "npy"
CORPUS = pathlib.Path(__file__).parent / "fuzz" / "corpus" / "npy"
GOOD, BAD = [], []


def numbers(shape, dtype):
    i = np.arange(int(np.prod(shape)), dtype=np.int64)
    return (((i * i) % 37 - 11) / 8).astype(dtype).reshape(shape)


def good(name, shape, dtype, data, written):
    (ROOT / "good" / f"{name}.npy").write_bytes(data)
    GOOD.append(f"{name}|{dtype}|{','.join(map(str, shape))}|{written}")


def bad(name, data, *words):
    (ROOT / "bad" / f"{name}.npy").write_bytes(data)
    BAD.append("|".join([name, *words]))


def saved(array, version=(1, 0)):
    out = io.BytesIO()
    npy.write_array(out, array, version=version)
    return out.getvalue()


def by_hand(header, data=b"", major=1, minor=0, length=None):
    """A file whose header is this text, not padded."""
    text = header.encode("latin1")
    length = len(text) if length is None else length
    return b"\x93NUMPY" + bytes([major, minor]) + struct.pack("<H" if major == 1 else "<I", length) + text + data


def header(descr="'<f4'", order="False", shape="(2, 3)"):
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"


def good_files():
    for dtype in ("<f4", "<f8"):
        for shape in ((1,), (7,), (2, 3), (1, 60, 7), (3, 1, 2, 2), (1, 1, 1, 1, 1, 1, 2, 3)):
            good(f"f{dtype[2]}_{'x'.join(map(str, shape))}", shape, dtype, saved(numbers(shape, dtype)), "same")
        for version in ((2, 0), (3, 0)):
            good(f"f{dtype[2]}_format{version[0]}", (2, 3), dtype, saved(numbers((2, 3), dtype), version), "differs")
    six = numbers((2, 3), "<f4")
    good("f4_sliced", (2, 3), "<f4", saved(np.ascontiguousarray(np.concatenate([six, six], 1)[:, :3])), "same")
    # What other writers do: no padding, another order, double quotes, no comma at the end.
    good("f4_unpadded", (2, 3), "<f4", by_hand(header(), six.tobytes()), "differs")
    text = '{"shape":(2,3,),"fortran_order":False,"descr":"<f4"}'
    good("f4_other_order", (2, 3), "<f4", by_hand(text, six.tobytes()), "differs")
    good("f8_odd_start", (2, 3), "<f8", by_hand(" " + header("'<f8'"), six.astype("<f8").tobytes(), major=2), "differs")


def bad_types():
    six = numbers((2, 3), "<f4")
    for dtype in ("<f2", "<i4", "<i8", "|u1", "|b1", "<c8", "<U3"):
        bad("type_" + dtype[1:], saved(six.astype(dtype)), f"'{dtype}'", "'<f4' or '<f8'")
    bad("big_endian", saved(six.astype(">f4")), "'>f4'", "little-endian")
    bad("fortran", saved(np.asfortranarray(six)), "Fortran order", "C order")
    out = io.BytesIO()
    npy.write_array(out, np.array([{}, None]), allow_pickle=True)
    bad("objects", out.getvalue(), "Python objects", "'<f4'")
    bad("structured", saved(np.zeros(2, dtype=[("x", "<f4"), ("y", "<f4")])), "structured type")


def bad_shapes():
    data = numbers((2, 3), "<f4").tobytes()
    bad("scalar", saved(np.array(1.5, "<f4")), "()", "at least one dimension")
    bad("no_rows", saved(np.zeros((0, 3), "<f4")), "dimension of the shape is 0")
    bad("nine_dimensions", saved(np.zeros((1,) * 9, "<f4")), "more than 8 dimensions")
    rows = [
        ("negative", "(-2, -3)", '"-2, -3)', "at least 1"),
        ("huge", "(99999999999999999999999,)", "larger than any array"),
        ("product", "(4294967296, 4294967296)", "product", "larger than any array"),
        ("wraps", "(6148914691236517206, 3)", "product", "larger than any array"),
        ("gigabytes", "(16384, 16384)", "24 bytes", "1073741824", "(16384, 16384)"),
        ("number", "(6)", "(6)", "(6,)"),
        ("word", "(2, x)", '"x)'),
        ("real", "(2, 3.0)", '".0)', "','"),
        ("no_comma", "(2 3)", '"3)', "','"),
        ("two_commas", "(2,, 3)", '", 3)'),
        ("open", "(2, 3", '"}', "dimension of at least 1"),
        ("list", "[2, 3]", '"[2, 3]', "'('"),
        ("sum", "(1+1, 3)", '"+1, 3)'),
    ]
    for name, shape, *words in rows:
        bad("shape_" + name, by_hand(header(shape=shape), data), *words)


def bad_headers():
    data = numbers((2, 3), "<f4").tobytes()
    whole = saved(numbers((2, 3), "<f4"))
    bad("empty", b"", "does not begin")
    bad("text", b"this is a file of words", "does not begin")
    bad("zip", b"PK\x03\x04" + bytes(60), "does not begin")
    bad("format0", by_hand(header(), data, major=0), "format 0.0", "1.0, 2.0 or 3.0")
    bad("format4", by_hand(header(), data, major=4), "format 4.0")
    bad("format1_1", by_hand(header(), data, minor=1), "format 1.1")
    bad("cut_in_length", whole[:9], "does not begin")
    bad("cut_in_long_length", by_hand(header(), major=2)[:11], "inside the length")
    bad("cut_in_header", whole[:60], "118 bytes", "ends after 50")
    bad("header_claims_gigabytes", by_hand(header(), data, major=2, length=1 << 30), "1073741824", "65536")
    bad("header_claims_more", by_hand(header(), data, length=60000), "60000 bytes")
    bad("header_empty", by_hand("", data), "its end", "'{'")
    bad("header_number", by_hand("3", data), '"3"', "'{'")
    bad("header_open", by_hand(header()[:-3], data), "its end")
    bad("header_twice", by_hand("{'descr': '<f4', 'descr': '<f4', }", data), "descr", "twice")
    bad("header_other_entry", by_hand("{'descr': '<f4', 'order': 'C', }", data), "order", "not an entry")
    bad("header_without_shape", by_hand("{'descr': '<f4', 'fortran_order': False}", data), '"shape" is missing')
    bad("header_without_type", by_hand("{}", data), '"descr" is missing')
    bad("header_more_behind", by_hand(header() + "import os", data), '"import os"', "behind it")
    bad("header_binary", by_hand("{'descr': '<f4\x00', }", data), "character")
    bad("header_escape", by_hand("{'\\x64escr': '<f4'}", data), "character")
    bad("header_long_word", by_hand("{'" + "d" * 999 + "': 1}", data), "longer than 23")
    bad("header_no_end", by_hand("{'descr", data), "has no end")
    bad("header_order", by_hand(header(order="0"), data), "fortran_order", "False")
    bad("header_type_number", by_hand(header(descr="4"), data), "type (descr)")
    bad("header_native_type", by_hand(header(descr="'=f4'"), data), "'=f4'")
    bad("data_short", whole[:-1], "23 bytes", "24")
    bad("data_none", whole[:-24], "0 bytes", "24")
    bad("data_long", whole + b"\0", "25 bytes", "24")
    bad("two_arrays", whole + whole, "176 bytes", "24")


def model_files():
    """For `amble model run` and `check`."""
    rng = np.random.default_rng(4)
    folder = ROOT / "model"
    folder.mkdir()
    w0, b0, w1, b1 = (rng.standard_normal(shape).astype("<f4") for shape in ((7, 5), (7,), (3, 7), (3,)))
    tensor, names = onnx.numpy_helper.from_array, ("w0", "b0", "w1", "b1")
    value = onnx.helper.make_tensor_value_info
    nodes = [
        onnx.helper.make_node("Gemm", ["x", "w0", "b0"], ["h"], transB=1),
        onnx.helper.make_node("Relu", ["h"], ["r"]),
        onnx.helper.make_node("Gemm", ["r", "w1", "b1"], ["y"], transB=1),
    ]
    graph = onnx.helper.make_graph(
        nodes,
        "case",
        [value("x", onnx.TensorProto.FLOAT, ["batch", 5])],
        [value("y", onnx.TensorProto.FLOAT, ["batch", 3])],
        [tensor(a, n) for a, n in zip((w0, b0, w1, b1), names)],
    )
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(made, folder / "net.onnx")
    # The same hidden layer with two heads: the first output, and the other two.
    split = [tensor(np.ascontiguousarray(a), n) for n, a in (("wm", w1[:1]), ("bm", b1[:1]), ("wv", w1[1:]), ("bv", b1[1:]))]
    heads = [
        onnx.helper.make_node("Gemm", ["r", f"w{n}", f"b{n}"], [name], transB=1) for n, name in (("m", "mu"), ("v", "logvar"))
    ]
    graph = onnx.helper.make_graph(
        [*nodes[:2], *heads],
        "case",
        [value("x", onnx.TensorProto.FLOAT, ["batch", 5])],
        [value("mu", onnx.TensorProto.FLOAT, ["batch", 1]), value("logvar", onnx.TensorProto.FLOAT, ["batch", 2])],
        [tensor(w0, "w0"), tensor(b0, "b0"), *split],
    )
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(made, folder / "heads.onnx")
    x = rng.standard_normal((150, 5)).astype("<f4")
    wide = [a.astype("<f8") for a in (x, w0, b0, w1, b1)]
    y = np.maximum(wide[0] @ wide[1].T + wide[2], 0) @ wide[3].T + wide[4]
    off = y.copy()
    off[77, 2] += 0.03  # 0.03² / 450 is 2e-6
    broken = x.copy()
    broken[2, 4] = np.nan
    for name, array in (("in", x), ("in_wide", wide[0]), ("in_one", x[0]), ("in_nan", broken), ("out", y), ("out_off", off)):
        np.save(folder / f"{name}.npy", array)
    np.save(folder / "in_narrow.npy", np.ascontiguousarray(x[:, :4]))
    np.save(folder / "out_short.npy", y[:149])


def main():
    shutil.rmtree(ROOT, ignore_errors=True)
    (ROOT / "good").mkdir(parents=True)
    (ROOT / "bad").mkdir()
    good_files()
    bad_types()
    bad_shapes()
    bad_headers()
    model_files()
    odd = np.array([np.nan, np.inf, -np.inf, -0.0, 1e-45, 3.4028234e38], "<f4")
    (ROOT / "special.npy").write_bytes(saved(odd))
    (ROOT / "beyond_float.npy").write_bytes(saved(np.array([1, -3.5e38, 2], "<f8")))
    (ROOT / "good.txt").write_text("\n".join(GOOD) + "\n")
    (ROOT / "bad.txt").write_text("\n".join(BAD) + "\n")
    CORPUS.mkdir(parents=True, exist_ok=True)
    for path in sorted(ROOT.rglob("*.npy")):
        if path.parent.name != "model":
            (CORPUS / path.name).write_bytes(path.read_bytes())


main()
