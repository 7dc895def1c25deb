#!/usr/bin/env python3
"""scripts/convert_mimickit.py: motions come out as they are, and no pickle is run. Its last lines count like cmocka's.

    tests/test_mimickit.py PATH/TO/amble
"""
import importlib.util
import json
import math
import os
import pickle
import struct
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SCRIPT = os.path.join(ROOT, "scripts", "convert_mimickit.py")
AMBLE = os.path.abspath(sys.argv[1])
passed, failed = 0, []


def check(name, ok, found=""):
    global passed
    if ok:
        passed += 1
    else:
        failed.append(name)
        print(f"[  FAILED  ] {name}: {found}")


def run(*arguments):
    r = subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, timeout=120)
    return r.returncode, r.stderr


# ---- Rotations as matrices, so that nothing is shared with what is tested ----


def product(a, b):
    return [[sum(a[i][k] * b[k][j] for k in range(3)) for j in range(3)] for i in range(3)]


def apply(m, v):
    return [sum(m[i][k] * v[k] for k in range(3)) for i in range(3)]


def transpose(m):
    return [list(row) for row in zip(*m)]


def matrix(q):
    w, x, y, z = q
    n = math.sqrt(w * w + x * x + y * y + z * z)
    w, x, y, z = w / n, x / n, y / n, z / n
    return [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]


def vector(m):
    """The rotation vector of a matrix that turns by less than half a circle."""
    cosine = max(-1.0, min(1.0, (m[0][0] + m[1][1] + m[2][2] - 1) / 2))
    angle = math.acos(cosine)
    axis = [m[2][1] - m[1][2], m[0][2] - m[2][0], m[1][0] - m[0][1]]
    size = math.sqrt(sum(x * x for x in axis))
    return [x / size * angle for x in axis] if size > 1e-12 else [0.0, 0.0, 0.0]


# MimicKit's x forward, y left, z up out of DeepMimic's x forward, y up, z right.
AXES = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]


def to_mimickit(frame):
    def joint(at, rest=None):
        m = matrix(frame[at : at + 4])
        if rest:  # the arm that is stretched out in MimicKit's rest pose
            m = product(m, transpose(rest))
        return vector(product(product(AXES, m), transpose(AXES)))

    right = [[1, 0, 0], [0, 0, 1], [0, -1, 0]]  # turns down to the right (z), and the elbow's axis z up
    left = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]
    f = frame
    root = apply(AXES, f[1:4])
    return (
        root + joint(4) + joint(8) + joint(12) + joint(25, right) + [f[29]] + joint(39, left) + [-f[43]]
        + joint(16) + [-f[20]] + joint(21) + joint(30) + [-f[34]] + joint(35)
    )  # fmt: skip


def hand_of(frame, side):
    """Where a hand is against the chest, in MimicKit's axes: shoulder, elbow and wrist of assets/humanoid.xml."""
    sign = 1 if side == "right" else -1
    shoulder = matrix(frame[25:29] if side == "right" else frame[39:43])
    a = frame[29 if side == "right" else 43]
    elbow = [[math.cos(a), -math.sin(a), 0], [math.sin(a), math.cos(a), 0], [0, 0, 1]]
    arm = apply(shoulder, [0, -0.274788, 0])
    hand = apply(product(shoulder, elbow), [0, -0.258947, 0])
    at = [-0.02405 + arm[0] + hand[0], 0.2435 + arm[1] + hand[1], sign * 0.18311 + arm[2] + hand[2]]
    return apply(AXES, at)


class Evil:
    def __init__(self, function, *arguments):
        self.what = function, arguments

    def __reduce__(self):
        return self.what


def numpy_pickle(rows, flat=struct.pack):
    """What pickle makes of {"frames": a NumPy array}, by hand: NumPy need not be here."""
    data = flat(f"<{len(rows) * 34}d", *[v for row in rows for v in row])
    out = b"\x80\x04}(X\x09\x00\x00\x00loop_modeK\x01X\x03\x00\x00\x00fpsG" + struct.pack(">d", 30)
    out += b"X\x06\x00\x00\x00framescnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01btR"
    out += b"(K\x01J" + struct.pack("<i", len(rows)) + b"K\x22\x86cnumpy\ndtype\n(X\x02\x00\x00\x00f8\x89\x88tR"
    out += b"(K\x03X\x01\x00\x00\x00<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89B" + struct.pack("<I", len(data)) + data
    return out + b"tbu."


def main():
    os.chdir(tempfile.mkdtemp(prefix="amble-mimickit-"))
    with open(os.path.join(ROOT, "assets", "motions", "style_walk.txt"), encoding="utf-8") as file:
        clip = json.load(file)
    fps = 1 / clip["Frames"][0][0]
    rows = [to_mimickit(f) for f in clip["Frames"]]
    good = {"loop_mode": 1, "fps": fps, "frames": rows}

    # What is known comes out.
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with open("walk.pkl", "wb") as file:
            pickle.dump(good, file, protocol)
        status, text = run("walk.pkl", "-o", "walk.txt")
        check(f"a walk, protocol {protocol}", status == 0, text)
    walk = os.path.join(ROOT, "assets", "motions", "style_walk.txt")
    r = subprocess.run([AMBLE, "clip", "compare", walk, "walk.txt", "--json", "-"], capture_output=True, text=True)
    off = json.loads(r.stdout)["e_g_mpjpe_mm"] if r.returncode == 0 else r.stderr
    check("the walk is the walk", isinstance(off, float) and off < 0.01, off)
    r = subprocess.run([AMBLE, "clip", "info", "walk.txt", "--json", "-"], capture_output=True, text=True)
    check("it loops", '"loop": true' in r.stdout, r.stdout + r.stderr)

    # Arms against MimicKit's own model: stretched to the sides at rest, elbows bend forward.
    spec = importlib.util.spec_from_file_location("convert_mimickit", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for side, sign in (("right", -1), ("left", 1)):
        rest = [0.0] + module.convert([0.0] * 34)
        bent = [0.0] * 34
        bent[15 if side == "right" else 19] = -sign * math.pi / 2
        for frame, at in (
            (rest, [-0.02405, sign * (0.18311 + 0.274788 + 0.258947), 0.2435]),
            ([0.0] + module.convert(bent), [-0.02405 + 0.258947, sign * (0.18311 + 0.274788), 0.2435]),
        ):
            hand = hand_of(frame, side)
            check(f"{side} hand", max(abs(a - b) for a, b in zip(hand, at)) < 1e-9, f"{hand}, expected {at}")
    knee = [0.0] * 34
    knee[23] = 1.0
    check("knees", module.convert(knee)[19] == -1.0, module.convert(knee)[19])

    # NumPy's arrays, without NumPy.
    with open("array.pkl", "wb") as file:
        file.write(numpy_pickle([[0.0, 0.0, 0.9] + [0.1] * 31] * 3))
    status, text = run("array.pkl", "-o", "array.txt")
    check("an array of NumPy's", status == 0 and len(json.load(open("array.txt"))["Frames"]) == 3, text)

    # Nothing is run, nothing is written, one sentence is said.
    target = os.path.abspath("was_run")
    bad = {
        "os.system": (Evil(os.system, f"touch {target}"), "posix.system"),
        "eval": (Evil(eval, f"open({target!r}, 'w')"), "builtins.eval"),
        "getattr": (Evil(getattr, "x", "upper"), "builtins.getattr"),
        "within frames": ({**good, "frames": [Evil(os.mkdir, target)]}, "posix.mkdir"),
        "no dictionary": ([1, 2], "no dictionary"),
        "no fps": ({"loop_mode": 0, "frames": rows}, "fps is missing"),
        "fps": ({**good, "fps": "fast"}, "fps is fast"),
        "fps is nan": ({**good, "fps": math.nan}, "fps is nan"),
        "loop_mode": ({**good, "loop_mode": 7}, "loop_mode is 7"),
        "one frame": ({**good, "frames": rows[:1]}, "holds 1 frames"),
        "other robot": ({**good, "frames": [[0.0] * 35] * 4}, "frame 0 holds 35 numbers"),
        "short frame": ({**good, "frames": rows[:3] + [[0.0]]}, "frame 3 holds 1 numbers"),
        "text": ({**good, "frames": [["x"] * 34] * 3}, "frame 0, number 0 is x"),
        "infinite": ({**good, "frames": [[math.inf] * 34] * 3}, "number 0 is inf"),
    }
    raw = {
        "empty": (b"", "no pickle"),
        "text file": (b"Nobody may do anything.", "OBJ"),
        "cut off": (pickle.dumps(good)[:-200], "pickle"),
        "persistent": (b"Pid\n.", "PERSID"),
        "a class": (b"(ios\nsystem\n.", "INST"),
        "memory": (b"\x80\x04K\x01r\xff\xff\xff\x7f.", "place 2147483647"),
        "extension": (b"\x82\x01.", "EXT1"),
        "stack_global": (b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.", "posix.system"),
        "array too large": (numpy_pickle([[0.0] * 34] * 3).replace(b"K\x22\x86", b"J\xff\xff\xff\x7f\x86"), "array"),
        "array of objects": (numpy_pickle([[0.0] * 34] * 3).replace(b"f8", b"O8"), "type"),
    }
    for name, (motion, words) in bad.items():
        raw[name] = (pickle.dumps(motion), words)
    for name, (data, words) in raw.items():
        with open("bad.pkl", "wb") as file:
            file.write(data)
        status, text = run("bad.pkl", "-o", "bad.txt")
        one = text.startswith("convert_mimickit.py: bad.pkl: ") and text.count("\n") == 1 and words in text
        check(f"refused: {name}", status == 1 and one, text)
        check(f"nothing is run or written: {name}", not os.path.exists(target) and not os.path.exists("bad.txt"))

    # Damaged anywhere: one sentence, or a motion of numbers.
    data = pickle.dumps({**good, "frames": rows[:3]})
    strange = 0
    for i in range(0, len(data), 7):
        changed = bytearray(data)
        changed[i] ^= 0x55
        with open("damaged.pkl", "wb") as file:
            file.write(changed)
        try:
            module.frames_of(module.load("damaged.pkl"))
        except module.Refused:
            pass
        except Exception as error:
            strange += 1
            print(f"byte {i}: {error!r}")
    check("damaged pickles", strange == 0, strange)

    # A folder; what cannot be is named, the rest is done.
    os.mkdir("takes")
    for name in ("one.pkl", "two.pickle"):
        with open(os.path.join("takes", name), "wb") as file:
            pickle.dump(good, file)
    with open("takes/evil.pkl", "wb") as file:
        pickle.dump(Evil(os.mkdir, target), file)
    status, text = run("takes", "-o", "clips")
    done = sorted(os.listdir("clips")) == ["one.txt", "two.txt"]
    check("a folder", status == 1 and done and "takes/evil.pkl" in text and not os.path.exists(target), text)

    if passed:
        print(f"[  PASSED  ] {passed} test(s).")
    if failed:
        print(f"[  FAILED  ] {len(failed)} test(s).")
    return 1 if failed else 0


sys.exit(main())
