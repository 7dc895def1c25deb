"""How long OpenMP's threads spin where they wait, set while the extension is loaded.

GCC's runtime spins for milliseconds by default, as long as no other program needs the core; where one does (torch, another training), a
control step on two threads takes three times as long. amble's programs limit it to 20 µs; so does this package, unless the user set one of
the two variables. They are read when the runtime is loaded, so they are taken back at once and reach neither child processes nor the
runtimes of other packages.
"""

import os

_VARIABLES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
_SPINS = "1000"  # of 10 to 35 ns


def limit() -> bool:
    """Sets the limit; returns whether it is to be taken back."""
    if any(name in os.environ for name in _VARIABLES):
        return False
    os.environ["GOMP_SPINCOUNT"] = _SPINS
    return True


def take_back() -> None:
    del os.environ["GOMP_SPINCOUNT"]
