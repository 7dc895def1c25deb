#!/bin/sh
# The guarantees of docs/reproducibility.md: with a precision fixed by name, a rollout ends in the same bits with the kernels of AVX2 and of
# AVX-512, with glibc's mathematics for either, and on any number of threads. Kernels that this CPU does not run are left out; needs no clips.
#
#   tests/test_bits.sh PATH/TO/amble
set -u
amble=$1
passed=0
failed=0

hash_with() { # KERNEL [OPTIONS]: the hash of a rollout in which motions are invented and characters are pushed and fall
    kernel=$1
    shift
    AMB_KERNEL=$kernel "$amble" rollout --style walk:0.6,zombie:0.4 --envs 3 --seconds 3 --push 1,1 --json - "$@" 2>/dev/null |
        sed -n 's/.*"hash": "\([0-9a-f]*\)".*/\1/p'
}

compare() { # WHAT EXPECTED FOUND
    if [ "$2" = "$3" ] && [ -n "$2" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "[  FAILED  ] $1: the hash is '$3', expected '$2'"
    fi
}

for kernels in "avx2 avx512" "int16_ref int16_avx2 int16_avxvnni int16_avx512bw int16_avx512vnni" "int8_ref int8_avxvnni int8_avx512vnni"; do
    first=
    for kernel in $kernels; do
        found=$(hash_with "$kernel" --threads 1)
        if [ -z "$found" ]; then
            echo "skipped: $kernel does not run on this CPU"
            continue
        fi
        if [ -n "$first" ]; then
            compare "$kernel, as $first" "$expected" "$found"
            continue
        fi
        first=$kernel
        expected=$found
        compare "$kernel on two threads" "$expected" "$(hash_with "$kernel" --threads 2)"
        compare "$kernel with glibc's functions for CPUs without AVX-512" "$expected" \
            "$(GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX512DQ,-AVX512CD hash_with "$kernel" --threads 1)"
    done
done
[ $passed -gt 0 ] || { echo "[  FAILED  ] nothing was compared"; failed=1; }
echo "[  PASSED  ] $passed test(s)."
[ $failed = 0 ]
