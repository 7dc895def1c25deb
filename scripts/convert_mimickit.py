#!/usr/bin/env python3
"""Turns motions of MimicKit (pickles of its humanoid) into DeepMimic's JSON, which every amble command reads.

    scripts/convert_mimickit.py humanoid_walk.pkl -o walk.txt
    scripts/convert_mimickit.py motions/ -o clips/         # a folder: every .pkl and .pickle in it

A pickle is a program, so none is run here. A first pass goes over its instructions and refuses all but those that build
numbers, text, lists, tuples and dictionaries; the second one builds them with a reader that knows no class and no
function. NumPy's arrays are the only exception: what looks like one is decoded by this file's own code, and NumPy is
neither needed nor called.

Expected is {"loop_mode": 0 or 1, "fps": Hz, "frames": [[34 numbers], ...]}: root position (3, m, z up) and rotation (3,
rotation vector), abdomen 3, neck 3, right shoulder 3 and elbow 1, left shoulder 3 and elbow 1, right hip 3, knee 1 and
ankle 3, left hip 3, knee 1 and ankle 3. MimicKit's humanoid has the measures of DeepMimic's, so that nothing is
retargeted: only the axes differ, and that its arms are stretched out to the sides at rest.

Exit status: 0 all converted, 1 some not, 2 nothing to do.
"""
import argparse
import io
import json
import math
import os
import pickle
import pickletools
import struct
import sys
import tempfile

MOST_BYTES = 256 << 20
MOST_FRAMES = 100000
WIDTH = 34
PLAIN = set(
    "PROTO FRAME STOP MARK POP POP_MARK EMPTY_DICT DICT SETITEM SETITEMS EMPTY_LIST LIST APPEND APPENDS EMPTY_TUPLE TUPLE "
    "TUPLE1 TUPLE2 TUPLE3 NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1 FLOAT BINFLOAT STRING BINSTRING "
    "SHORT_BINSTRING UNICODE SHORT_BINUNICODE BINUNICODE BINBYTES SHORT_BINBYTES BINBYTES8 GET BINGET LONG_BINGET PUT BINPUT "
    "LONG_BINPUT MEMOIZE".split()
)
OF_ARRAYS = {"GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD"}
DTYPES = {"f4": "f", "f8": "d", "i4": "i", "i8": "q", "u4": "I", "u8": "Q"}


class Refused(Exception):
    """A sentence about a file."""


class Type:
    """Stands for numpy.dtype."""

    def __init__(self, name, *_):
        self.letters, self.order = str(name), "<"

    def __setstate__(self, state):
        if isinstance(state, tuple) and len(state) > 1 and state[1] in ("<", ">", "|", "="):
            self.order = state[1]

    def decode(self, data, count):
        letters = self.letters.lstrip("<>=|")
        if letters not in DTYPES:
            raise Refused(f'an array is of type "{self.letters[:20]}", expected floats or integers of 4 or 8 bytes')
        code = (">" if self.order == ">" else "<") + str(count) + DTYPES[letters]
        if struct.calcsize(code) != len(data):
            raise Refused(f"an array of {count} numbers holds {len(data)} bytes")
        return struct.unpack(code, data)


class Array:
    """Stands for numpy.ndarray: lists of numbers after __setstate__."""

    def __init__(self):
        self.value = None

    def __setstate__(self, state):
        if not (isinstance(state, tuple) and len(state) == 5):
            raise Refused("an array is damaged")
        _, shape, kind, fortran, data = state
        if isinstance(data, str):  # Python 2's and protocol 2's bytes
            data = data.encode("latin1")
        sizes = (MOST_FRAMES, 1000)
        whole = isinstance(shape, tuple) and len(shape) <= 2 and all(type(n) is int for n in shape)
        if not whole or not all(0 <= n <= most for n, most in zip(shape, sizes)) or not isinstance(kind, Type) or not isinstance(data, bytes):
            raise Refused(f"an array is damaged, or larger than {sizes[0]} x {sizes[1]}")
        numbers = kind.decode(data, math.prod(shape))
        if len(shape) < 2:
            self.value = list(numbers) if shape else numbers[0]
        elif fortran:
            self.value = [list(numbers[i :: shape[0]]) for i in range(shape[0])]
        else:
            self.value = [list(numbers[i * shape[1] : (i + 1) * shape[1]]) for i in range(shape[0])]


def reconstruct(*_):
    return Array()


def scalar(kind, data):
    if isinstance(data, str):
        data = data.encode("latin1")
    if not isinstance(kind, Type) or not isinstance(data, bytes):
        raise Refused("a NumPy number is damaged")
    return kind.decode(data, 1)[0]


def encode(text, name):
    """What Python 2 compatible pickles make bytes with."""
    if not isinstance(text, str) or name != "latin1":
        raise Refused("an array is damaged")
    return text.encode("latin1")


CORES = ("numpy.core.multiarray", "numpy._core.multiarray")
KNOWN = {("numpy", "ndarray"): Array, ("numpy", "dtype"): Type, ("_codecs", "encode"): encode}
for core in CORES:
    KNOWN[core, "_reconstruct"] = reconstruct
    KNOWN[core, "scalar"] = scalar


class Reader(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) not in KNOWN:
            raise Refused(f'asks for "{module[:40]}.{name[:40]}", expected numbers and lists only: it is not run')
        return KNOWN[module, name]

    def persistent_load(self, pid):
        raise Refused("refers to something outside of it")


def check_instructions(data):
    """Refuses what does more than build numbers and lists, and what would take memory that the file does not have."""
    count = 0
    try:
        for opcode, argument, _ in pickletools.genops(data):
            count += 1
            if opcode.name not in PLAIN and opcode.name not in OF_ARRAYS:
                raise Refused(f"holds the instruction {opcode.name}, expected numbers and lists only: it is not run")
            if opcode.name == "GLOBAL" and tuple(argument.split(" ", 1)) not in KNOWN:
                raise Refused(f'asks for "{argument[:80].replace(" ", ".")}", expected numbers and lists only: it is not run')
            if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and argument > count:
                raise Refused(f"puts something in place {argument} of {count}: it is damaged")
    except Refused:
        raise
    except Exception as error:  # genops raises what it likes on damaged files
        raise Refused(f"is no pickle, or a damaged one: {str(error)[:80]}") from None


def load(path):
    with open(path, "rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise Refused(f"is larger than {MOST_BYTES} bytes")
    check_instructions(data)
    try:
        return Reader(io.BytesIO(data), encoding="latin1").load()
    except Refused:
        raise
    except Exception as error:
        raise Refused(f"is a damaged pickle: {str(error)[:80]}") from None


def plain(value):
    return value.value if isinstance(value, Array) else value


def number(value, what, low, high):
    value = plain(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise Refused(f"{what} is {str(value)[:40]}, expected a number from {low:g} to {high:g}")
    return float(value)


def frames_of(motion):
    if not isinstance(motion, dict):
        raise Refused("holds no dictionary, expected loop_mode, fps and frames")
    for key in ("loop_mode", "fps", "frames"):
        if key not in motion:
            raise Refused(f"{key} is missing, expected loop_mode, fps and frames")
    mode = plain(motion["loop_mode"])
    if mode not in (0, 1):
        raise Refused(f"loop_mode is {str(mode)[:40]}, expected 0 or 1")
    fps = number(motion["fps"], "fps", 1, 1000)
    frames = plain(motion["frames"])
    if not isinstance(frames, (list, tuple)) or not 2 <= len(frames) <= MOST_FRAMES:
        size = len(frames) if isinstance(frames, (list, tuple)) else "no"
        raise Refused(f"holds {size} frames, expected a list of 2 to {MOST_FRAMES}")
    rows = []
    for f, frame in enumerate(frames):
        frame = plain(frame)
        if not isinstance(frame, (list, tuple)) or len(frame) != WIDTH:
            size = len(frame) if isinstance(frame, (list, tuple)) else "no"
            raise Refused(f"frame {f} holds {size} numbers, expected the {WIDTH} of MimicKit's humanoid")
        rows.append([number(v, f"frame {f}, number {i}", -1e4, 1e4) for i, v in enumerate(frame)])
    return rows, fps, mode == 1


# ---- Axes: MimicKit's bodies have x forward, y left, z up; DeepMimic's file x forward, y up, z right ----


def turned(v):
    return [v[0], v[2], -v[1]]


def quaternion(vector):
    """Of a rotation vector in MimicKit's axes, in the file's."""
    v = turned(vector)
    angle = math.sqrt(sum(x * x for x in v))
    s = math.sin(angle / 2) / angle if angle > 1e-12 else 0.5
    return [math.cos(angle / 2), v[0] * s, v[1] * s, v[2] * s]


def times(a, b):
    return [
        a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3],
        a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2],
        a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1],
        a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0],
    ]


# From DeepMimic's hanging arm to MimicKit's, which is stretched to the side.
ARM = {"right": [math.sqrt(0.5), -math.sqrt(0.5), 0, 0], "left": [math.sqrt(0.5), math.sqrt(0.5), 0, 0]}


def convert(row):
    """A frame of MimicKit's as DeepMimic's 43 numbers."""
    root, turn, chest, neck = row[0:3], row[3:6], row[6:9], row[9:12]
    right_arm, right_elbow, left_arm, left_elbow = row[12:15], row[15], row[16:19], row[19]
    right_hip, right_knee, right_ankle = row[20:23], row[23], row[24:27]
    left_hip, left_knee, left_ankle = row[27:30], row[30], row[31:34]
    return (
        turned(root)
        + quaternion(turn)
        + quaternion(chest)
        + quaternion(neck)
        + quaternion(right_hip)
        + [-right_knee]
        + quaternion(right_ankle)
        + times(quaternion(right_arm), ARM["right"])
        + [right_elbow]
        + quaternion(left_hip)
        + [-left_knee]
        + quaternion(left_ankle)
        + times(quaternion(left_arm), ARM["left"])
        + [-left_elbow]
    )


def write(rows, fps, loops, path):
    lines = []
    for f, row in enumerate(rows):
        values = [0 if f == len(rows) - 1 else 1 / fps] + convert(row)
        lines.append("[" + ", ".join("%.12g" % v for v in values) + "]")
    text = '{\n"Loop": "%s",\n"Frames":\n[\n%s\n]\n}\n' % ("wrap" if loops else "none", ",\n".join(lines))
    json.loads(text)
    with tempfile.NamedTemporaryFile("w", dir=os.path.dirname(path) or ".", delete=False) as file:
        file.write(text)
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)


def main():
    parser = argparse.ArgumentParser(description="Turns MimicKit's motions into DeepMimic's JSON, without running a pickle.")
    parser.add_argument("inputs", nargs="+", metavar="FILE.pkl", help="motions, or folders of them")
    parser.add_argument("-o", "--output", required=True, help="a file .txt or .json for one motion, a folder for several")
    a = parser.parse_args()
    inputs = []
    for path in a.inputs:
        if os.path.isdir(path):
            names = sorted(n for n in os.listdir(path) if n.lower().endswith((".pkl", ".pickle")))
            inputs += [os.path.join(path, n) for n in names]
        else:
            inputs.append(path)
    folder = len(inputs) > 1 or os.path.isdir(a.output) or any(map(os.path.isdir, a.inputs))
    if not folder and not a.output.lower().endswith((".txt", ".json")):
        parser.error(f"{a.output}: expected a name that ends in .txt or .json, or a folder that exists")
    if not inputs:
        parser.error(f"{a.inputs[0]}: no file in it ends in .pkl or .pickle")
    failed = 0
    for path in inputs:
        name = os.path.splitext(os.path.basename(path))[0] + ".txt"
        try:
            if folder:
                os.makedirs(a.output, exist_ok=True)
            rows, fps, loops = frames_of(load(path))
            write(rows, fps, loops, os.path.join(a.output, name) if folder else a.output)
        except Refused as why:
            print(f"convert_mimickit.py: {path}: {why}", file=sys.stderr)
            failed += 1
        except OSError as why:
            print(f"convert_mimickit.py: {why.filename or path}: {why.strerror}", file=sys.stderr)
            failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
