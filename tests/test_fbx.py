#!/usr/bin/env python3
"""FBX files by amble-fbx: a motion that is known comes back, and what goes wrong in the other process is one sentence. Its
last lines count like cmocka's.

    tests/test_fbx.py PATH/TO/amble PATH/TO/amble-fbx
"""
import json
import math
import os
import random
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
AMBLE, READER = (os.path.abspath(p) for p in sys.argv[1:3])
SECOND = 46186158000  # of FBX's clock
passed, failed = 0, []


def check(name, ok, found=""):
    global passed
    if ok:
        passed += 1
    else:
        failed.append(name)
        print(f"[  FAILED  ] {name}: {found}")


def run(*arguments, reader=None):
    environment = dict(os.environ)
    environment.pop("AMBLE_FBX", None)
    if reader:
        environment["AMBLE_FBX"] = reader
    r = subprocess.run([AMBLE, *arguments], capture_output=True, text=True, timeout=100, env=environment)
    return r.returncode, r.stdout, r.stderr


def about(axis, degrees):
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    i, j = (axis + 1) % 3, (axis + 2) % 3
    m = [[float(a == b) for b in range(3)] for a in range(3)]
    m[i][i], m[i][j], m[j][i], m[j][j] = c, -s, s, c
    return m


def product(a, b):
    return [[sum(a[i][k] * b[k][j] for k in range(3)) for j in range(3)] for i in range(3)]


def euler(m):
    """Degrees about x, y, z such that m is z·y·x, FBX's usual order."""
    y = -math.asin(max(-1.0, min(1.0, m[2][0])))
    return [math.degrees(v) for v in (math.atan2(m[2][1], m[2][2]), y, math.atan2(m[1][0], m[0][0]))]


def read_bvh(path):
    """Joints [(name, parent, offset)] and frames [[place of the root], [matrix of each joint]] of amble's own BVH."""
    joints, stack, end = [], [], False
    lines = open(path, encoding="ascii").read().split("\n")
    for n, line in enumerate(lines):
        word = line.split()
        if word[:1] in (["ROOT"], ["JOINT"]):
            joints.append([word[1], stack[-1] if stack else -1, None])
            stack.append(len(joints) - 1)
        elif word[:1] == ["End"]:
            end = True
        elif word[:1] == ["OFFSET"] and not end:
            joints[stack[-1]][2] = [float(v) for v in word[1:]]
        elif word[:1] == ["}"]:
            if end:
                end = False
            else:
                stack.pop()
        elif word[:1] == ["MOTION"]:
            break
    step = float(lines[n + 2].split()[2])
    frames = []
    for line in lines[n + 3 :]:
        v = [float(x) for x in line.split()]
        if v:
            turns = [product(product(about(2, v[i]), about(0, v[i + 1])), about(1, v[i + 2])) for i in range(3, len(v), 3)]
            frames.append((v[:3], turns))
    return joints, frames, step


def write_fbx(path, joints, frames, step):
    """As text: limbs, and a curve for each of their numbers."""
    objects, links, number = [], [], 1000
    times = ",".join(str(round(f * step * SECOND)) for f in range(len(frames)))

    def p(name, kind, values):
        return f'P: "{name}", "{kind}", "", "A",{",".join("%.9g" % v for v in values)}'

    stack, layer = 10, 11
    objects.append(f'AnimationStack: {stack}, "AnimStack::Take 001", "" {{\n}}')
    objects.append(f'AnimationLayer: {layer}, "AnimLayer::Base", "" {{\n}}')
    links.append(f'C: "OO",{layer},{stack}')
    for j, (name, parent, offset) in enumerate(joints):
        at = frames[0][0] if j == 0 else offset
        properties = p("Lcl Translation", "Lcl Translation", at) + "\n" + p("Lcl Rotation", "Lcl Rotation", [0, 0, 0])
        objects.append(f'Model: {100 + j}, "Model::{name}", "LimbNode" {{\nVersion: 232\nProperties70: {{\n{properties}\n}}\n}}')
        links.append(f'C: "OO",{100 + j},{0 if parent < 0 else 100 + parent}')
        tracks = [("R", "Lcl Rotation", [euler(f[1][j]) for f in frames])]
        if j == 0:
            tracks.append(("T", "Lcl Translation", [f[0] for f in frames]))
        for letter, what, values in tracks:
            for k in range(3):  # angles go on over half a circle
                for i in range(1, len(values)):
                    if letter == "R":
                        values[i][k] += 360 * round((values[i - 1][k] - values[i][k]) / 360)
            node, number = number, number + 1
            first = "\n".join(f'P: "d|{axis}", "Number", "", "A",{values[0][k]:.9g}' for k, axis in enumerate("XYZ"))
            objects.append(f'AnimationCurveNode: {node}, "AnimCurveNode::{letter}", "" {{\nProperties70: {{\n{first}\n}}\n}}')
            links += [f'C: "OO",{node},{layer}', f'C: "OP",{node},{100 + j}, "{what}"']
            for k, axis in enumerate("XYZ"):
                curve, number = number, number + 1
                data = ",".join("%.9g" % v[k] for v in values)
                objects.append(
                    f'AnimationCurve: {curve}, "AnimCurve::", "" {{\nDefault: 0\nKeyVer: 4008\n'
                    f"KeyTime: *{len(frames)} {{\na: {times}\n}}\nKeyValueFloat: *{len(frames)} {{\na: {data}\n}}\n"
                    f"KeyAttrFlags: *1 {{\na: 24836\n}}\nKeyAttrDataFloat: *4 {{\na: 0,0,0,0\n}}\n"
                    f"KeyAttrRefCount: *1 {{\na: {len(frames)}\n}}\n}}"
                )
                links.append(f'C: "OP",{curve},{node}, "d|{axis}"')
    body, links = "\n".join(objects), "\n".join(links)
    with open(path, "w", encoding="ascii") as file:
        file.write(
            "; FBX 7.4.0 project file\n"
            "FBXHeaderExtension:  {\nFBXHeaderVersion: 1003\nFBXVersion: 7400\n}\n"
            'GlobalSettings:  {\nVersion: 1000\nProperties70:  {\nP: "UpAxis", "int", "Integer", "",1\n'
            'P: "UpAxisSign", "int", "Integer", "",1\nP: "FrontAxis", "int", "Integer", "",2\n'
            'P: "FrontAxisSign", "int", "Integer", "",1\nP: "CoordAxis", "int", "Integer", "",0\n'
            'P: "CoordAxisSign", "int", "Integer", "",1\nP: "UnitScaleFactor", "double", "Number", "",1\n}\n}\n'
            f"Objects:  {{\n{body}\n}}\nConnections:  {{\n{links}\n}}\n"
        )


def program(name, text):
    with open(name, "w", encoding="ascii") as file:
        file.write("#!/bin/sh\n" + text + "\n")
    os.chmod(name, 0o755)
    return os.path.abspath(name)


def main():
    os.chdir(tempfile.mkdtemp(prefix="amble-fbx-"))
    walk = os.path.join(ROOT, "assets", "motions", "style_walk.txt")
    run("clip", "convert", walk, "-o", "walk.bvh")
    joints, frames, step = read_bvh("walk.bvh")
    write_fbx("walk.fbx", joints, frames, step)
    status, out, err = run("clip", "convert", "walk.fbx", "-o", "walk.txt", "--json", "-", reader=READER)
    check("an FBX file is read", status == 0, err)
    facts = json.loads(out) if status == 0 else {}
    check("its unit", facts.get("retarget") is None or facts["retarget"]["unit"] == "centimetres", facts)
    status, out, err = run("clip", "compare", walk, "walk.txt", "--json", "-")
    off = json.loads(out)["e_g_mpjpe_mm"] if status == 0 else err
    check("the walk is the walk", isinstance(off, float) and off < 1, off)
    os.mkdir("takes")
    os.rename("walk.fbx", "takes/walk.bin")
    run("clip", "convert", "takes", "-o", "clips", reader=READER)
    check("known by its content", os.path.exists("clips/walk.txt"))
    data = open("takes/walk.bin", "rb").read()

    # Damaged: a motion or one sentence, whatever the reader does.
    chance, strange = random.Random(1), []
    for i in range(24):
        changed = bytearray(data)
        for _ in range(chance.choice((1, 3, 30))):
            at = chance.randrange(100, len(changed))
            changed[at] = chance.choice(b'{}",:*-0123456789eE\n\x00\xff')
        if i % 3 == 0:
            del changed[chance.randrange(len(changed)) :]
        with open("damaged.fbx", "wb") as file:
            file.write(changed)
        status, out, err = run("clip", "convert", "damaged.fbx", "-o", "damaged.txt", reader=READER)
        if status not in (0, 2) or (status == 2 and (err.count("\n") != 1 or not err.startswith("amble: damaged.fbx: "))):
            strange.append((i, status, err))
    check("damaged files", not strange, strange[:3])

    # A reader that fails.
    with open("any.fbx", "wb") as file:
        file.write(b"Kaydara FBX Binary  \x00\x1a\x00" + bytes(100))
    for name, text, words in (
        ("crash", "kill -SEGV $$", "ended without a result"),
        ("killed", "kill -KILL $$", "ended without a result"),
        ("silent", "exit 0", "ended without a result"),
        ("silent1", "exit 1", "ended without a result"),
        ("garbage", "echo glTFgarbage", "any.fbx: "),
        ("half", "printf glTF; exit 1", "glTF"),
        ("sentence", "printf 'is no human\\033[1m\\nmore'; exit 1", "any.fbx: is no human\\x1b[1m"),
    ):
        status, out, err = run("clip", "convert", "any.fbx", "-o", "any.txt", reader=program(name, text))
        one = status == 2 and err.startswith("amble: any.fbx: ") and err.count("\n") == 1 and words in err
        check(f"a reader that is {name}", one and not os.path.exists("any.txt"), err)
    status, out, err = run("clip", "convert", "any.fbx", "-o", "any.txt", reader="/nowhere/reader")
    check("no reader", status == 2 and "$AMBLE_FBX, /nowhere/reader, is no program" in err, err)
    status, out, err = run("clip", "convert", "any.fbx", "-o", "any.txt", reader=READER)
    check("a binary file of zeros", status == 2 and "Assimp does not read it" in err, err)

    # Its limits: a reader that is given more memory than it may have ends, as those above.
    r = subprocess.run([READER], input=b"; FBX 7.4.0\n" + b"{" * (40 << 20), capture_output=True, timeout=100)
    check("deep nesting", r.returncode != 0 and not r.stdout.startswith(b"glTF"), r.returncode)

    if passed:
        print(f"[  PASSED  ] {passed} test(s).")
    if failed:
        print(f"[  FAILED  ] {len(failed)} test(s).")
    return 1 if failed else 0


sys.exit(main())
