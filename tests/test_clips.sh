#!/usr/bin/env bash
# Motion clips for users: scripts/get-clips.sh --from on a made-up clone, and an installed amble that finds its own motions and
# names only a script that was installed with it.
#
#   tests/test_clips.sh CMAKE BUILD_FOLDER
#
# Its last lines count like cmocka's. Needs no network; that the public package holds the clips is seen when test.sh fetches them.
set -u

cmake=$1
build=$(realpath "$2") || exit 1
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/amble-clips-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset AMBLE_CLIPS AMBLE_ASSETS

passed=0
failed=()
check() { # check NAME COMMAND...: passes if the command does
    local name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed+=("$name")
        printf '[  FAILED  ] %s: failed: %s\n' "$name" "$*"
        sed 's/^/    stderr: /' err 2>/dev/null | head -n 5
    fi
}
get() { # the script's messages in err, its exit status in $status
    bash "$root/scripts/get-clips.sh" "$@" >out 2>err
    status=$?
}
clips() { find "$1" -name 'humanoid3d_*.txt' | wc -l; }

# --- a clone as DeepMimic's repository is laid out, with more in it than is wanted
mkdir -p clone/data/motions/long clone/data/motions/amass
for name in backflip cartwheel crawl dance_a dance_b dance_spin getup_facedown getup_faceup jog jump kick punch roll run sideflip spin spinkick \
    stealthy_walk walk zombie_walk; do
    echo "{\"Loop\": \"wrap\", \"Frames\": [] , \"of\": \"$name\"}" >clone/data/motions/humanoid3d_$name.txt
done
for name in long_walk0 long_walk1 long_walk1_mirror long_walk2 long_walk3 long_zombie stealthy_walk0 stealthy_walk1; do
    echo "{\"Loop\": \"none\", \"Frames\": [] , \"of\": \"$name\"}" >clone/data/motions/long/humanoid3d_$name.txt
done
cp clone/data/motions/humanoid3d_walk.txt clone/data/motions/dog3d_trot.txt
cp clone/data/motions/humanoid3d_walk.txt clone/data/motions/amass/humanoid3d_ready_to_walk_mirror.txt

get --from clone all
check 'all from a clone' test "$status" -eq 0 -a "$(clips all)" -eq 26
check 'and nothing else' test "$(find all -type f | wc -l)" -eq 26 -a ! -e all/humanoid3d_long_walk0.txt
check 'as they are' cmp clone/data/motions/long/humanoid3d_long_walk2.txt all/humanoid3d_long_walk2.txt
check 'readable by everybody' test "$(stat -c %a all all/humanoid3d_jog.txt | tr '\n' ' ')" = '755 644 '
get all
check 'a folder with all of them needs no network' test "$status" -eq 0
get --from=clone/data/motions again
check 'the folder itself' test "$status" -eq 0 -a "$(clips again)" -eq 26

mkdir mine
echo mine >mine/humanoid3d_walk.txt
echo mine >mine/own.txt
get --from clone mine
check 'a folder gets what it lacks' test "$status" -eq 0 -a "$(clips mine)" -eq 26
check 'and keeps its own' test "$(cat mine/humanoid3d_walk.txt mine/own.txt)" = $'mine\nmine'
check 'which is reported' grep -q 'mine/humanoid3d_walk.txt differs' err

rm clone/data/motions/humanoid3d_jog.txt
get --from clone short
check 'a clone that lacks one' test "$status" -eq 1 -a ! -e short
check 'says which' grep -q 'clone lacks jog of' err
echo 'version https://git-lfs' >clone/data/motions/humanoid3d_jog.txt
get --from clone short
check 'a file that is no clip' test "$status" -eq 1 -a ! -e short
check 'says which, too' grep -q 'humanoid3d_jog.txt is not a motion clip' err
get --from nowhere short
check 'a clone that is not there' test "$status" -eq 1 -a ! -e short
get --from
check '--from without a folder' test "$status" -eq 2
get --form clone
check 'another option' test "$status" -eq 2 -a ! -e clips
get one two
check 'two folders' test "$status" -eq 2 -a ! -e one
echo x >file
get --from clone file
check 'a file in the way' test "$status" -eq 1 -a "$(cat file)" = x
get --help
check 'help' grep -q -- '--from SOURCE' out
check 'no folder of its own is left' test -z "$(find . -maxdepth 1 -name '.get-clips*')"

# --- installed, and moved, as if the sources were not there for the script
"$cmake" --install "$build" --prefix "$work/first" >log 2>&1
check 'cmake --install' test $? -eq 0
mv first moved
mkdir elsewhere
(cd elsewhere && ../moved/bin/amble clip info --clips . walk) >out 2>err
check 'a missing motion, installed' test $? -eq 2
script=$(sed -n 's/.*; \(.*\) fetches.*/\1/p' err)
check 'the script it names is installed' test "$(realpath "${script:-none}")" = "$work/moved/share/amble/get-clips.sh" -a -x "${script:-none}"
echo '{"Frames": []}' >clone/data/motions/humanoid3d_jog.txt
(cd elsewhere && ../moved/share/amble/get-clips.sh --from ../clone) >out 2>err
check 'the installed script fills ./clips' test $? -eq 0 -a "$(find elsewhere/clips -name 'humanoid3d_*.txt' 2>/dev/null | wc -l)" -eq 26
(cd elsewhere && ../moved/bin/amble clip info style_jog pushed_walk) >out 2>err
check 'motions of its own' test $? -eq 0 -a "$(grep -c -E '^(style_jog|pushed_walk) ' out)" -eq 2

echo "[==========] $((passed + ${#failed[@]})) test(s) run."
echo "[  PASSED  ] $passed test(s)."
if [ ${#failed[@]} -gt 0 ]; then
    echo "[  FAILED  ] ${#failed[@]} test(s), listed below:"
    printf '[  FAILED  ] %s\n' "${failed[@]}"
    exit 1
fi
