"""What the examples share: an evaluation of the exported policy, which must beat the untrained one."""

import sys

import amble


def quality(path=None, motion="style_walk"):
    """Mean episode length in s, of 32 characters under the policy in a file (None: zero actions), the mean action."""
    return amble.rollout(motion, path, characters=32, seconds=5, start_noise=0.2).seconds_up


def finish(before, after, steps, seconds):
    """Prints both, and fails where training did not help."""
    print(f"{steps} samples in {seconds:.0f} s: upright for {before:.2f} s before, {after:.2f} s after training")
    sys.exit(0 if after > before else 1)
