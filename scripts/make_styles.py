#!/usr/bin/env python3
"""Makes a folder of walking styles out of the gaits of DeepMimic's clips, to fit a StyleVAE of one's own on:

    scripts/make_styles.py CLIPS styles/
    amble fit style --clips styles --hold-out limp_run --out runs/style

They are mixed (the arms of one gait on the legs of another, at equal phases), time-warped (a limp, slower, faster),
mirrored, stiffened and exaggerated in the upper body: what keeps the feet where they stand. 26 clips, none of which is
one of DeepMimic's. With Python alone.
"""
import argparse
import json
import math
import os
import sys

# Numbers of a frame behind its duration: root 0:7, chest, neck, right leg, right arm, left leg, left arm.
CHEST, NECK, RIGHT_ARM, LEFT_ARM = (7, 11), (11, 15), (24, 29), (38, 43)
ARMS = (RIGHT_ARM, LEFT_ARM)
UPPER = (CHEST, NECK, RIGHT_ARM, LEFT_ARM)
BALLS = (3, 7, 11, 15, 20, 24, 29, 34, 38)
FRAMES = 60


def normalised(q):
    n = math.sqrt(sum(x * x for x in q))
    return [x / n for x in q]


def slerp(a, b, u):
    """Beyond 0 and 1 too."""
    dot = sum(x * y for x, y in zip(a, b))
    if dot < 0:
        b, dot = [-x for x in b], -dot
    if dot > 0.9999:
        return normalised([x + u * (y - x) for x, y in zip(a, b)])
    angle = math.acos(min(1, dot))
    return [(math.sin((1 - u) * angle) * x + math.sin(u * angle) * y) / math.sin(angle) for x, y in zip(a, b)]


def blend(a, b, u):
    pose = [x + u * (y - x) for x, y in zip(a, b)]
    for i in BALLS:
        pose[i : i + 4] = slerp(a[i : i + 4], b[i : i + 4], u)
    return pose


class Gait:
    """One cycle: sample(phase) for any phase; the root goes on."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            clip = json.load(file)
        frames = clip["Frames"]
        self.poses = [f[1:] for f in frames]
        self.times = [0.0]
        for f in frames[:-1]:
            self.times.append(self.times[-1] + f[0])
        self.duration = self.times[-1]
        for pose in self.poses:
            for i in BALLS:
                pose[i : i + 4] = normalised(pose[i : i + 4])
        # Closed: what the last frame is off the first is taken off evenly, but for the way over the floor.
        first, last = self.poses[0], self.poses[-1]
        end = list(last)
        for k, pose in enumerate(self.poses):
            u = self.times[k] / self.duration
            closed = list(pose)
            for i in BALLS:
                towards = slerp(end[i : i + 4], first[i : i + 4], u)
                closed[i : i + 4] = turned_as(pose[i : i + 4], end[i : i + 4], towards)
            for i in (1, 19, 28, 33, 42):
                closed[i] = pose[i] + u * (first[i] - end[i])
            self.poses[k] = closed
        self.step = [end[0] - first[0], 0.0, end[2] - first[2]]

    def sample(self, phase):
        whole = math.floor(phase)
        t = (phase - whole) * self.duration
        k = max(i for i, at in enumerate(self.times[:-1]) if at <= t + 1e-12)
        u = (t - self.times[k]) / (self.times[k + 1] - self.times[k])
        pose = blend(self.poses[k], self.poses[k + 1], u)
        for i in range(3):
            pose[i] += whole * self.step[i]
        return pose


def product(a, b):
    return [
        a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3],
        a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2],
        a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1],
        a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0],
    ]


def turned_as(q, a, b):
    """q, followed by what turns a into b, each in its own frame."""
    return normalised(product(q, product([a[0], -a[1], -a[2], -a[3]], b)))


def mean_pose(poses):
    mean = poses[0]
    for n, pose in enumerate(poses[1:], 2):
        mean = blend(mean, pose, 1 / n)
    return mean


def make(gait, arms=None, shift=0.0, swing=1.0, limp=0.0, pace=1.0, raised=None):
    """arms: of another gait, at a phase that is `shift` later; swing: how far the upper body goes from its mean, 1 as it
    does; limp: how much of the cycle one step takes from the other; pace: duration times that; raised: rad."""
    poses = []
    for i in range(FRAMES + 1):
        u = i / FRAMES
        phase = u + limp * math.sin(2 * math.pi * u) / (2 * math.pi)
        pose = gait.sample(phase)
        if arms:
            other = arms.sample(phase + shift)
            for a, b in ARMS:
                pose[a:b] = other[a:b]
        poses.append(pose)
    mean = mean_pose(poses[:-1])
    for pose in poses:
        far = blend(mean, pose, swing)
        for a, b in UPPER:
            pose[a:b] = far[a:b]
        if raised is not None:
            for at, side in ((24, -1), (38, 1)):
                pose[at : at + 4] = product([math.cos(raised / 2), side * math.sin(raised / 2), 0, 0], pose[at : at + 4])
            pose[28] = pose[42] = 0.3
        for hinge, low, high in ((19, -3.1, 0), (33, -3.1, 0), (28, 0, 3.1), (42, 0, 3.1)):
            pose[hinge] = min(max(pose[hinge], low), high)
    return poses, gait.duration * pace


def mirrored(poses):
    """Left and right exchanged: z is the side."""
    out = []
    for p in poses:
        q = list(p)
        q[2] = -q[2]
        pairs = ((3, 3), (7, 7), (11, 11), (15, 29), (29, 15), (20, 34), (34, 20), (24, 38), (38, 24))
        for a, b in pairs:
            w, x, y, z = p[b : b + 4]
            q[a : a + 4] = [w, -x, -y, z]
        q[19], q[33], q[28], q[42] = p[33], p[19], p[42], p[28]
        out.append(q)
    return out


def main():
    parser = argparse.ArgumentParser(description="Makes walking styles out of DeepMimic's clips.")
    parser.add_argument("clips", help="the folder with humanoid3d_walk.txt, ... (scripts/get-clips.sh)")
    parser.add_argument("out", help="the folder that they go into; it is made")
    a = parser.parse_args()
    try:
        walk, jog, run, zombie, stealthy = (
            Gait(os.path.join(a.clips, f"humanoid3d_{n}.txt")) for n in ("walk", "jog", "run", "zombie_walk", "stealthy_walk")
        )
        os.makedirs(a.out, exist_ok=True)
    except OSError as why:
        print(f"make_styles.py: {why.filename}: {why.strerror}", file=sys.stderr)
        return 2
    styles = {
        "limp_walk": make(walk, limp=0.35),
        "limp_zombie": make(zombie, limp=0.2),
        "limp_jog": make(jog, limp=0.3),
        "limp_run": make(run, limp=0.3),
        "stroll": make(walk, pace=1.25),
        "brisk_walk": make(walk, pace=0.82),
        "brisk_zombie": make(zombie, pace=0.8),
        "easy_jog": make(jog, pace=1.15),
        "easy_run": make(run, pace=1.15),
        "stiff_walk": make(walk, swing=0.35),
        "stiff_run": make(run, swing=0.4),
        "stiff_jog": make(jog, swing=0.4),
        "swagger": make(walk, swing=1.5),
        "swinging_jog": make(jog, swing=1.35),
        "swinging_run": make(run, swing=1.3),
        "zombie_armed_walk": make(walk, zombie),
        "zombie_armed_run": make(run, zombie),
        "run_armed_walk": make(walk, run),
        "jog_armed_zombie": make(zombie, jog),
        "walk_armed_jog": make(jog, walk),
        "walk_armed_stealthy": make(stealthy, walk),
        "arms_out_walk": make(walk, raised=0.9),
        "arms_out_run": make(run, raised=0.8),
        "arms_out_zombie": make(zombie, raised=0.6),
        "same_side_walk": make(walk, walk, shift=0.5, swing=0.8),
    }
    poses, duration = make(walk, limp=0.35, swing=0.5)
    styles["old_walk"] = (mirrored(poses), duration * 1.15)
    for name, (poses, duration) in styles.items():
        step = duration / FRAMES
        frames = [[step if i < FRAMES else 0] + p for i, p in enumerate(poses)]
        lines = ",\n".join("[" + ",".join("%.7g" % v for v in f) + "]" for f in frames)
        with open(os.path.join(a.out, name + ".txt"), "w", encoding="utf-8") as file:
            file.write('{\n"Loop": "wrap",\n"Frames":\n[\n' + lines + "\n]\n}\n")
    print(f"{len(styles)} styles in {a.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
