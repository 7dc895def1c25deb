#!/usr/bin/env bash
# amble-view as its users run it: in a window on a virtual screen (Xvfb, software OpenGL), every key and mouse action has
# the effect in the help, tested by synthetic input through X; films and pictures without a display are neither blank nor still; a film is
# playable however it ends; the physics' hash is that of a rollout; missing files and programs get one sentence.
#
#   tests/test_viewer.sh PATH/TO/amble-view PATH/TO/amble PATH/TO/libfake_gamepad.so
#
# Its last lines count like cmocka's. Needs clips (AMBLE_CLIPS) and, for the window, Xvfb and xdotool; tests that cannot run are counted as
# skipped. No test depends on speed.
set -u

view=$(realpath "$1") || exit 1
amble=$(realpath "$2") || exit 1
fake_gamepad=$(realpath "$3") || exit 1
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/amble-view-XXXXXX") || exit 1
export AMBLE_ASSETS=${AMBLE_ASSETS:-$root/assets}
export LIBGL_ALWAYS_SOFTWARE=1
real_display=${DISPLAY:-}
unset DISPLAY WAYLAND_DISPLAY
cd "$work" || exit 1
xvfb=
viewer=

cleanup() {
    [ -n "$viewer" ] && kill -9 "$viewer" 2>/dev/null
    [ -n "$xvfb" ] && kill "$xvfb" 2>/dev/null
    wait 2>/dev/null
    cd / && rm -rf "$work"
}
trap cleanup EXIT

passed=0
failed=()
skipped=0
pass() { passed=$((passed + 1)); }
skip() { # skip REASON: one skipped test, or group of tests
    skipped=$((skipped + 1))
    printf 'SKIPPED: %s\n' "$1"
}
bad() {
    failed+=("$1")
    printf '[  FAILED  ] %s: %s\n' "$1" "$2"
    tail -n 5 "$work/err" 2>/dev/null | sed 's/^/    stderr: /'
    tail -n 5 "$work/log" 2>/dev/null | sed 's/^/    log: /'
}
check() {
    local name=$1
    shift
    if "$@"; then pass; else bad "$name" "failed: $*"; fi
}
finish() {
    printf '[==========] %d test(s) run.\n[  PASSED  ] %d test(s).\n' $((passed + ${#failed[@]})) "$passed"
    [ "$skipped" -gt 0 ] && printf '[  SKIPPED ] %d test(s).\n' "$skipped"
    if [ ${#failed[@]} -gt 0 ]; then
        printf '[  FAILED  ] %d test(s), listed below:\n' "${#failed[@]}"
        printf '[  FAILED  ] %s\n' "${failed[@]}"
        exit 1
    fi
    exit 0
}

run() { # run ARGUMENTS...: output in out and err, exit status in $status
    timeout 200 "$view" "$@" >out 2>err
    status=$?
}
# stop_with SIGNAL: the status of $viewer after it; 137 where it does not end at all
stop_with() {
    kill -"$1" "$viewer" 2>/dev/null
    for _ in $(seq 300); do
        kill -0 "$viewer" 2>/dev/null || break
        sleep .1
    done
    kill -KILL "$viewer" 2>/dev/null
    wait "$viewer" 2>/dev/null
    status=$?
    viewer=
}
one_sentence() { [ "$status" -eq 2 ] && [ "$(wc -l <err)" -eq 1 ] && grep -q "$1" err; }
number() { sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",]*\).*/\1/p" "$2" | head -n 1; }

# shades FILE: how many different greys there are in a small copy of the picture
shades() { ffmpeg -v error -i "$1" -frames:v 1 -vf scale=48:32 -f rawvideo -pix_fmt gray - | od -An -tu1 -v -w1 | sort -u | wc -l; }
frames() { ffprobe -v error -count_frames -select_streams v -show_entries stream=nb_read_frames -of csv=p=0 "$1"; }
different_frames() { ffmpeg -v error -i "$1" -f framemd5 - | grep -v '^#' | awk '{print $NF}' | sort -u | wc -l; }
frame_hashes() { ffmpeg -v error -i "$1" -f framemd5 - | grep -v '^#' | md5sum; }

# --- what is refused
run --motion walk
check "no display is one sentence" one_sentence 'no window can be opened.*--record'
for folder in '' relative; do # GLFW 3.4 asks libwayland, which prints a line of its own where this is not set or no path
    XDG_RUNTIME_DIR=$folder run --motion walk
    check "no display, XDG_RUNTIME_DIR \"$folder\", is one sentence" one_sentence 'no window can be opened.*--record'
done
(unset XDG_RUNTIME_DIR && timeout 200 "$view" --motion walk >out 2>err)
status=$?
check "no display and no XDG_RUNTIME_DIR is one sentence" one_sentence 'no window can be opened.*--record'
run --record a.avi
check "an unknown ending is one sentence" one_sentence 'must end in'
old_path=$PATH
mkdir empty
PATH=$work/empty "$view" --record a.mp4 >out 2>err
status=$?
PATH=$old_path
check "no ffmpeg is one sentence" one_sentence 'install the package ffmpeg'
check "and nothing was begun" test ! -e a.mp4
run --clip walk --policy walk.onnx
check "clip and policy exclude each other" one_sentence 'without physics'
run --policy "$AMBLE_ASSETS/models/walk_critic.onnx"
check "a critic is no actor" one_sentence 'expected an actor'
run --version
check "the version" grep -q -E '^amble-view [0-9]+\.[0-9]+\.[0-9]+$' out
echo x >plain
run --watch "$work/plain"
check "a run folder that is none" one_sentence 'watch: .*plain is not a folder'
mkdir few && cp -rs "$(realpath "$AMBLE_ASSETS")/." few && rm -f few/models/getup_*
AMBLE_ASSETS=$work/few run --recover --screenshot a.png
check "--recover without its actors is one sentence" one_sentence 'recover: .*getup_facedown: No such file'
check "and there is no picture" test ! -e a.png
if [ -e "$AMBLE_ASSETS/models/getup_facedown.onnx" ]; then
    run --seconds 12 --do "3 push 4" --screenshot a.png --json=up.json
    check "it gets up again" test "$status $(number pushes up.json) $(number up up.json) $(number falls up.json) $(number recoveries up.json)" = "0 1 1 1 1"
    run --get-up 1 --seconds 5.2 --do "3 push 4" --screenshot a.png --json=up.json
    check "with --get-up it is lifted sooner" test "$status $(number falls up.json) $(number recoveries up.json) $(number up up.json)" = "0 1 1 1"
else
    skip "the actors getup_facedown and getup_faceup are not installed, or their motions"
fi
# wait_for_line PATTERN: until the viewer's err says it
wait_for_line() {
    for _ in $(seq 300); do
        grep -q -- "$1" err && return 0
        kill -0 "$viewer" 2>/dev/null || return 1
        sleep .1
    done
    return 1
}
for signal in INT TERM; do # a shell without job control has its children ignore SIGINT
    env --default-signal=INT "$view" --watch "$work/empty" >out 2>err &
    viewer=$!
    check "a run folder without a model is waited for" wait_for_line "^amble-view: waiting for .*/empty/actor.onnx"
    kill -$signal $viewer
    wait $viewer
    check "and SIG$signal ends that" test $? -eq $((128 + $(kill -l $signal)))
    viewer=
done
run --do '1 fly' --screenshot a.png
check "an unknown action" grep -q 'there is no action "fly"' err
run --do '1 forward 1e9'
check "a script's number is out of its bounds" grep -q '"1 forward 1e9": forward is 1e+09, expected a whole number from -100000 to 100000' err
run --do '1 skill 99999999999'
check "nor is there such a skill" grep -q 'skill is 1e+11, expected a whole number from 1 to 32' err
run --size 4294967936x720
check "a width that no int holds" grep -q -e '--size is "4294967936x720", expected WIDTHxHEIGHT' err
mkfifo pipe.mp4
run --record pipe.mp4
check "a film is no pipe, and nobody waits for one" one_sentence 'pipe.mp4: is a pipe'
run --log pipe.mp4 --motion walk
check "nor is a log that nobody reads" one_sentence 'pipe.mp4 cannot be written: it is a pipe without a reader'
run --clip "$work/pipe.mp4"
check "nor is a clip" one_sentence 'pipe.mp4.*not a regular file'
run --policy pipe.mp4
check "nor is a network" one_sentence 'pipe.mp4.*pipe'
rm pipe.mp4
run --style walk --calibrate nothing.npy --screenshot a.png
check "observations that are not there" one_sentence '^amble-view: .*nothing.npy'
run --style walk --no-policy --calibrate nothing.npy --screenshot a.png
check "observations for no network" one_sentence '^amble-view: --calibrate and --no-policy exclude each other'
run --style zombi --no-policy
check "an unknown style" one_sentence '^amble-view: --style: there is no style "zombi"; known styles: .*zombie'
run --style walk --no-policy --do '1 style walk:.5,zombi:.5' --screenshot a.png
check "an unknown style in a script" one_sentence 'style walk:.5,zombi:.5": there is no style "zombi"'
run --do '1 style' --screenshot a.png
check "a script's style without a name" grep -q 'which style' err
run --style walk --motion walk
check "style and motion exclude each other" one_sentence 'style and --motion exclude each other'
run --motion walk --ground-speed 1
check "a ground speed wants a style" one_sentence '^amble-view: --ground-speed is for invented motions'

# --- output that goes nowhere
run --help
check "help" test "$status" -eq 0 -a -s out
if [ -w /dev/full ]; then
    "$view" --help >/dev/full 2>err
    status=$?
    check "help on a full disk" one_sentence '^amble-view: standard output cannot be written: No space left'
fi
"$view" --help >&- 2>err
status=$?
check "help with standard output closed" one_sentence '^amble-view: standard output cannot be written'

# --- styles, without a display and without an actor: what is tested does not depend on how well anything walks
styled=(--style walk --no-policy)
for style in walk walk:.7,zombie:.3 random; do
    "$amble" rollout --style $style --no-policy --envs 3 --seconds 2 --seed 5 --push .5,.7 --phase-gain 1 --json rollout.json >/dev/null 2>&1
    run --style $style --no-policy --characters 3 --seconds 2 --seed 5 --push .5,.7 --phase-gain 1 --screenshot a.png --size 160x120 --json r.json
    check "the hash of style $style is that of a rollout" test "$(number hash r.json)" = "$(number hash rollout.json)"
done
"$amble" rollout --style walk --no-policy --speed 1.2 --envs 1 --seconds 1 --json rollout.json >/dev/null 2>&1
run "${styled[@]}" --ground-speed 1.2 --seconds 1 --screenshot a.png --size 160x120 --json r.json
check "and with a speed" test "$(number hash r.json)" = "$(number hash rollout.json)"
check "of which nothing is said" test ! -s err
run "${styled[@]}" --speed 2 --seconds .2 --screenshot a.png --size 160x120 --do '.1 speed .5'
check "--speed is the old name of --time-scale" grep -q '^amble-view: --speed is now called --time-scale' err
check "and in a script" grep -q '^amble-view: --do "TIME speed" is now called time-scale' err
check "and works" test "$status" -eq 0
run "${styled[@]}" --speed 20
check "within its bounds" grep -q '^amble-view: --speed is 20, expected 0.0625 to 16' err
run "${styled[@]}" --seconds 1 --screenshot a.png --size 160x120 --json r.json --do '.3 style zombie:.3,jog:.7'
check "a script changes the style" grep -q '"style": "jog 70 %, zombie 30 %"' r.json
check "and with it what happens" test "$(number hash r.json)" != "$(number hash rollout.json)"
run "${styled[@]}" --seconds 1 --screenshot a.png --size 160x120 --json r.json --do '.3 skill run' --do '.5 ground-speed 2' --do '.6 phase-gain 2'
check "a script chooses a style as a skill" grep -q '"style": "run"' r.json
run walk
check "a row without a filmstrip" grep -q '"walk" found where nothing is expected' err
run --filmstrip strip.png walk limp
check "a filmstrip of an unknown style" one_sentence '"limp"; known styles: .*walk, zombie'
run --filmstrip strip.png --record a.mp4 walk
check "a filmstrip is no film" one_sentence 'excludes --record'
check "and no picture" test ! -e strip.png

# --- a filmstrip needs neither display nor clips
"$amble" style export run -o "$work/own.txt" >/dev/null
run --size 400x300 --filmstrip strip.png walk:0.5,zombie:0.5 own.txt
check "a filmstrip" test "$status" -eq 0
check "the filmstrip shows something" test "$(shades strip.png)" -ge 12
sed 's/"name": "walk"/"name": "stroll"/' "$AMBLE_ASSETS/models/styles.json" >stroll.json
run --size 400x300 --filmstrip stroll.png --styles stroll.json stroll
check "a filmstrip of a style of another table" test "$status" -eq 0 -a -s stroll.png
run --filmstrip strip2.png --style walk
check "a filmstrip takes styles as rows" one_sentence 'takes styles as rows'
run --filmstrip nowhere/strip.png walk
check "a filmstrip that cannot be written" one_sentence 'nowhere/strip.png: cannot be written'
run --screenshot nowhere/shot.png --seconds .1
check "a screenshot that cannot be written" one_sentence 'nowhere/shot.png: cannot be written'
run --size 400x300 --filmstrip one.png own.txt
height() { ffprobe -v error -show_entries stream=height -of csv=p=0 "$1"; }
check "a row is half of two" test "$(height strip.png)" -eq $((2 * $(height one.png)))
# a jump of .9 m makes the rows higher, and the whole head stays in the picture: above it, right of the label, there is nothing
awk -F, -v OFS=, '/^\[0/ { n++; if (n > 3) $3 += .1 * (n < 13 ? n - 3 : n < 23 ? 23 - n : 0) } 1' own.txt >jump.txt
run --size 400x300 --filmstrip jump.png jump.txt
check "a row is as high as its motion" test "$(height jump.png)" -gt $(($(height one.png) + 15))
colours() { ffmpeg -v error -i "$1" -frames:v 1 -vf crop="$2" -f rawvideo -pix_fmt rgb24 - | od -An -tu1 -v -w3 | sort -u | wc -l; }
check "heads are not cropped" test "$(colours jump.png 180:34:220:0)" -le 2
check "but shown" test "$(colours jump.png 180:70:220:30)" -ge 5
check "heads do not touch the label" test "$(colours one.png 400:3:0:37)" -le 2
run --size 400x300 --filmstrip all.png
check "every named style is a row" test "$(height all.png)" -eq $((7 * $(height one.png)))

if [ -z "${AMBLE_CLIPS:-}" ]; then
    skip 'the viewer with clips: AMBLE_CLIPS is not set'
    finish
fi

# --- without a display
small=(--size 160x120 --fps 10 --quality low)
for backend in egl osmesa; do
    if [ $backend = osmesa ] && ! compgen -G '/usr/lib*/*/libOSMesa.so.[68]' >/dev/null && ! compgen -G '/usr/lib*/libOSMesa.so.[68]' >/dev/null; then
        run --screenshot "$backend.png" --seconds .5 "${small[@]}" --backend $backend
        check "without OSMesa one sentence" one_sentence 'libOSMesa is missing'
        skip 'a picture with OSMesa: its library is not there (package libosmesa6; newer distributions have none)'
        continue
    fi
    run --screenshot "$backend.png" --seconds .5 "${small[@]}" --backend $backend
    check "a picture with $backend" test "$status" -eq 0
    check "the picture with $backend shows something" test "$(shades $backend.png)" -ge 12
done
run --record a.mp4 --seconds 2 "${small[@]}" --json r.json --do '1 push 1'
check "a film without a display" test "$status" -eq 0
check "it has the frames asked for" test "$(frames a.mp4)" = 20
check "it moves" test "$(different_frames a.mp4)" -ge 19
check "it shows something" test "$(shades a.mp4)" -ge 12
check "the script was followed" test "$(number pushes r.json)" = 1
run --record b.mp4 --seconds 2 "${small[@]}" --do '1 push 1'
check "the same command makes the same frames" test "$(frame_hashes a.mp4)" = "$(frame_hashes b.mp4)"
run --record a.gif --seconds .5 --size 100x64
check "a GIF" test "$(frames a.gif)" = 13
run --record odd.mp4 --seconds .3 --size 161x121 --fps 10
check "an odd size" test "$(frames odd.mp4)" = 3
run --record slow.mp4 --seconds 1 "${small[@]}" --do '.5 time-scale .25'
check "slow motion takes longer" test "$(frames slow.mp4)" = 25
run --record d.mp4 --do '1 pause'
check "a film does not pause" one_sentence 'cannot pause'
run --record c.mp4 --clip walk --seconds 1 "${small[@]}"
check "a clip, filmed" test "$(different_frames c.mp4)" -ge 9

"$amble" rollout --motion walk --envs 3 --seconds 2 --seed 5 --push .5,.7 --json rollout.json >/dev/null 2>&1
run --motion walk --record a.mp4 --characters 3 --seconds 2 --seed 5 --push .5,.7 "${small[@]}" --json r.json
check "the hash of a film is that of a rollout" test "$(number hash r.json)" = "$(number hash rollout.json)"

# a run folder that is made while it is waited for, with a clip that is nowhere else
mkdir made
"$amble" style export jog -o made/humanoid3d_mine.txt >/dev/null
"$amble" train --motion made/humanoid3d_mine.txt --out trained --samples 64 --envs 4 --hidden1 16 --hidden2 8 --threads 1 2>/dev/null
rm -r made
: >err
"$view" --watch late --screenshot late.png --seconds .3 "${small[@]}" >out 2>err &
viewer=$!
check "a run folder that is not there is waited for" wait_for_line '^amble-view: waiting for late/actor.onnx'
check "without a picture until then" test ! -e late.png
mv trained late
wait $viewer
check "and then watched" test $? -eq 0 -a "$(shades late.png)" -ge 12
viewer=

for seconds in 3 20 120; do # a slow machine films nothing in three seconds
    timeout -s TERM $seconds "$view" --record killed.mp4 --seconds 1000 "${small[@]}" >out 2>err
    [ -z "$(frames killed.mp4)" ] || break
done
check "a film that is stopped is whole" test "$(frames killed.mp4)" -ge 1
plain=(env --default-signal=HUP,PIPE,XFSZ) # whatever this script was started with
seen=0             # lines of the log before the last action
wait_for() {
    for _ in $(seq 300); do
        tail -n +$((seen + 1)) log | grep -q -E -- "$1" && return 0
        kill -0 "$viewer" 2>/dev/null || return 1
        sleep .1
    done
    return 1
}
# A terminal that closes may tell ffmpeg too.
for signal in TERM HUP; do
    : >log
    "${plain[@]}" "$view" --record killed.mp4 --seconds 1000 "${small[@]}" --log log --do '.5 push 1' >out 2>err &
    viewer=$!
    check "a film is under way" wait_for '^pushes 1'
    [ $signal = HUP ] && kill -HUP $(cat /proc/$viewer/task/$viewer/children)
    kill -$signal $viewer
    wait $viewer
    check "a film that is stopped by $signal ends well" test $? -eq 0
    check "a film that is stopped by $signal is whole" test "$(frames killed.mp4)" -ge 5
    rm -f killed.mp4
done
viewer=
for film in limited.mp4 limited.mkv; do
    (ulimit -f 8 && exec "${plain[@]}" "$view" --record $film --seconds 2 --size 320x240 --fps 10 --quality low) >out 2>err
    status=$?
    check "$film, longer than the limit on file sizes" one_sentence "^amble-view: $film: ffmpeg .*File too large"
done
(ulimit -f 1 && exec "${plain[@]}" "$view" --screenshot limited.png --seconds .1 --size 320x240 --quality low) >out 2>err
status=$?
check "a picture larger than the limit on file sizes" one_sentence '^amble-view: limited.png: not written, .*File too large'
check "and no half of it" test -z "$(ls limited.png* 2>/dev/null)"
if [ -w /dev/full ]; then
    "$view" --screenshot b.png --seconds .1 "${small[@]}" --json - >/dev/full 2>err
    status=$?
    check "results on a full disk" one_sentence '^amble-view: standard output cannot be written: No space left'
    run --screenshot b.png --seconds .1 "${small[@]}" --log /dev/full
    check "a log on a full disk" one_sentence '^amble-view: --log: /dev/full is incomplete'
fi
"$view" --screenshot b.png --seconds .1 "${small[@]}" --bench >&- 2>err
status=$?
check "results with standard output closed" one_sentence '^amble-view: standard output cannot be written'

# So many steps take minutes, and the signal need not wait for them.
"$view" --motion walk --record many.mp4 --characters 100 --seconds 10000 "${small[@]}" --do '.1 forward 100000' --log many.log >out 2>err &
viewer=$!
for _ in $(seq 600); do # until the frame before them is there
    [ -s many.log ] && break
    kill -0 "$viewer" 2>/dev/null || break
    sleep .1
done
sleep .3
stop_with INT
check "Ctrl-C ends a film in the midst of a script's steps" test "$status" -eq 0
run --clip walk --characters 3 --record left.mp4 --seconds 1 "${small[@]}" --json r.json --do '.3 skill 1'
check "a film leaves a clip for a session" test "$(frames left.mp4)" = 10
check "with its steps and no others" test "$(number steps r.json)" = 30

# --- in a window
if ! command -v Xvfb >/dev/null || ! command -v xdotool >/dev/null; then
    skip 'the viewer in a window: Xvfb or xdotool is missing'
    finish
fi
exec 3<>"$work/display"
Xvfb -displayfd 3 -screen 0 1024x768x24 -nolisten tcp >/dev/null 2>&1 3>"$work/display" &
xvfb=$!
for _ in $(seq 200); do
    [ -s "$work/display" ] && break
    sleep .1
done
DISPLAY=:$(head -n 1 "$work/display")
export DISPLAY

# open_view ARGUMENTS...: starts a viewer and waits for its first frame
open_view() {
    : >log
    "${plain[@]}" "$view" --size 800x600 --log "$work/log" "$@" >out 2>err &
    viewer=$!
    wait_for '^ready'
}
mark() { seen=$(wc -l <log); }
# key KEY PATTERN: what the log must say afterwards
key() {
    mark
    xdotool key "$1"
    check "key $1" wait_for "$2"
}
close_view() {
    xdotool key q
    wait "$viewer"
    local status=$?
    viewer=
    return $status
}
# the same of one that may never end
close_view_soon() {
    xdotool key q
    stop_with 0
    return $status
}
steps_now() { tail -n 1 log | sed -n 's/.* step \([0-9]*\)$/\1/p'; }

seen=0
if ! open_view --motion walk --paused; then
    bad "the window opens" "no frame"
    finish
fi
pass
key c '^forces 1'
key t '^trail 1'
key j '^points 1'
key l '^plots 1'
key k '^shadows 0'
key k '^shadows 1'
key g '^ghost 1'
key g '^ghost 2'
key g '^ghost 0'
key h '^help 1'
key F1 '^help 0'
key h '^help 1'
key Escape '^help 0'
key i '^status 0'
key i '^status 1'
key Tab '^panel 0'
key Tab '^panel 1'
key period '^at step 1'
key Right '^at step 2'
key comma '^at step 1'
key Left '^at step 0'
key s '^says saved amble-.*png'
key F12 '^says saved amble-.*png'
# the body's middle is in the middle of the world, right of the panel
mark
xdotool mousemove 535 290 mousedown 1
check "pressing on the body takes hold of it" wait_for '^pulling [1-9]'
xdotool mousemove 600 200
xdotool mouseup 1
check "letting go" wait_for '^pulling 0'
mark
xdotool mousemove 535 290 click 3
check "right click pushes" wait_for '^pushes 1'
mark
xdotool mousemove 720 120 mousedown 1 mousemove 760 150
check "dragging beside turns the camera" wait_for '^azimuth'
check "and tilts it" wait_for '^elevation'
xdotool mouseup 1
mark
xdotool click 4
check "the wheel brings it nearer" wait_for '^distance 3\.[0-8]|^distance [0-2]'
key Home '^azimuth 128'
key p '^pushes 2'
for _ in 1 2 3; do xdotool key period; done
check "three steps" wait_for '^at step 3'
mark
xdotool mousemove 290 577 click 1
check "the scrub bar goes back" wait_for '^at step 0'
key space '^paused 0'
key space '^paused 1'
key space '^paused 0'
key plus '^speed 2'
key minus '^speed 1 '
key minus '^speed 0.5'
key equal '^speed 1 '
key Up '^pace 1.05'
key Down '^pace 1 '
mark
xdotool keydown Left
check "Left turns left" wait_for '^turn [1-9]'
xdotool keyup Left
check "until it is let go" wait_for '^turn 0'
mark
xdotool keydown Right
check "Right turns right" wait_for '^turn -'
xdotool keyup Right
wait_for '^turn 0'
key r '^jumps'
key BackSpace '^jumps'
key 2 '^skill 2'
key 1 '^skill 1'
key 9 '^says there is no skill 9'
# a window that does not draw does not hold the physics up
mark
xdotool key c
wait_for '^forces 0'
before=$(grep '^forces' log | tail -n 1 | sed 's/.* step //')
kill -STOP "$xvfb"
sleep 3
kill -CONT "$xvfb"
mark
xdotool key c
wait_for '^forces 1'
after=$(grep '^forces' log | tail -n 1 | sed 's/.* step //')
check "a window that stands still does not stop the physics" test $((after - before)) -ge 45
key f '^size'
key F11 '^size 800x600'
# the panel, by mouse
mark
for y in $(seq 85 12 330); do # the first button below the skills, however many there are
    xdotool mousemove 60 "$y" click 1
    sleep .3
    tail -n +$((seen + 1)) log | grep -q '^pushes' && break
done
check "the panel's button pushes" wait_for '^pushes'
key v '^film 1'
sleep 2
key v '^film 0'
film=$(ls -t amble-*.mp4 | head -n 1)
check "the film of the window is playable" test "$(frames "$film")" -ge 2
picture=$(ls -t amble-*.png | head -n 1)
check "the saved picture shows something" test "$(shades "$picture")" -ge 12
key v '^film 1'
sleep 1
check "q ends it" close_view
film=$(ls -t amble-*.mp4 | head -n 1)
check "closed in mid-film, the film is playable" test "$(frames "$film")" -ge 1

"$view" --motion walk --size 320x240 --quality low --seconds 3 --time-scale 4 --seed 7 --json w.json >out 2>err
"$amble" rollout --motion walk --envs 1 --seconds 3 --seed 7 --json rollout.json >/dev/null 2>&1
check "the hash of a window is that of a rollout" test "$(number hash w.json)" = "$(number hash rollout.json)"

# styles; whoever falls lies there and is none the worse a follower of what is chosen
seen=0
open_view "${styled[@]}" --get-up .3 || bad "a style opens" "no frame"
check "it begins with the style asked for" wait_for '^style walk$'
key 5 '^style zombie$'
wait_for '^skill 5'
key 2 '^style jog$'
key 0 '^style '
key 1 '^style walk$'
key o '^gain 1'
key o '^gain 0'
key Up '^pace 1.05'
for _ in $(seq 8); do # to the end of what walking allows, and over it
    xdotool key Up
    sleep .3
done
check "faster than a fast walk is jogging" wait_for '^style jog$'
key 1 '^style walk$'
check "what is chosen goes at its own pace" wait_for '^pace 1 '
mark
for y in $(seq 440 12 596); do # the first sliders below the skills; the first one is walk's own
    xdotool mousemove 185 "$y" click 1
    sleep .3
    tail -n +$((seen + 1)) log | grep -q '^style .*%' && break
done
check "a slider blends styles" wait_for '^style [a-z]* [0-9]* %, [a-z]* [0-9]* %'
check "q ends the styles" close_view

seen=0
# however many steps a script asks for, the window shows them and can be left
open_view --motion walk --characters 100 --do '.1 forward 100000' || bad "a script of many steps opens" "no frame"
check "steps show while they are done" wait_for '^at step [1-9]'
stop_with INT
check "Ctrl-C ends the window in the midst of a script's steps" test "$status" -eq 0
seen=0
open_view --motion walk --characters 100 --do '.1 forward 100000' || bad "a script of many steps opens again" "no frame"
wait_for '^at step [1-9]'
check "and so does q" close_view_soon

seen=0
open_view "${styled[@]}" --time-scale .25 --do '.5 style zombie' --do '1.2 pause' --do '1.2 back 30' || bad "a script opens" "no frame"
check "the script's style" wait_for '^style zombie$'
mark
check "back over the change, the style before" wait_for '^style walk$'
check "q ends the script" close_view

# a gamepad: axes 0 1 the left stick (right, down), 2 3 the right one; buttons 0 to 3 A B X Y, 4 5 LB RB, 6 Back, 7 Start, 11 to 14 the D-pad
# (up, right, down, left)
gamepad() { # gamepad WHAT PATTERN, or WHAT alone
    mark
    printf '%s\n' "$1" >pad.new && mv pad.new pad
    [ $# -eq 1 ] || check "gamepad: $1" wait_for "$2"
}
press() { # press BUTTON PATTERN
    gamepad "b $1" "$2"
    gamepad ''
    sleep .3
}
seen=0
export AMBLE_TEST_GAMEPAD=$work/pad
LD_PRELOAD=$fake_gamepad open_view "${styled[@]}" --get-up .3 --panel no || bad "a window with a gamepad opens" "no frame"
gamepad 'a 0 -1' '^turn [1-9]'
gamepad 'a 0 .5' '^turn -'
gamepad 'a 0 .1' '^turn 0'
press 5 '^pace 1.05'
press 4 '^pace 1 '
press 11 '^pace 1.05'
press 13 '^pace 1 '
gamepad 'a 1 -1' '^pace 1.05'
check "a stick that is held goes on" wait_for '^pace 1.1'
gamepad 'a 1 1' '^pace 0.9'
gamepad ''
gamepad 'a 2 1' '^azimuth'
gamepad 'a 3 -1' '^elevation'
gamepad ''
press 14 '^style '
press 12 '^style walk$'
press 2 '^style jog$'
press 0 '^pushes'
press 6 '^help 1'
press 6 '^help 0'
press 1 '^jumps'
press 3 '^jumps'
gamepad 'a 0 1' '^turn -'
mark
rm pad
check "plugged out, it steers no more" wait_for '^turn 0'
press 7 '^paused 1'
check "q ends the gamepad" close_view

seen=0
open_view --motion walk --characters 4 || bad "a crowd opens" "no frame"
key n '^follow 1'
check "q ends the crowd" close_view

seen=0
cp "$AMBLE_ASSETS/models/run.onnx" mine.onnx
echo '{}' >broken.txt
open_view --motion walk --do '.5 open mine.onnx' --do '1.5 open broken.txt' --do '2.5 open missing.onnx' --do "3 open $AMBLE_CLIPS/humanoid3d_kick.txt" ||
    bad "dropping opens" "no frame"
check "a dropped actor is a skill" wait_for '^says mine.onnx is skill [3-9]'
check "and is chosen" wait_for '^skill [3-9]'
check "a damaged clip is refused" wait_for '^says .*broken.txt'
check "a missing file is refused" wait_for '^says .*missing.onnx'
check "a dropped clip is played" wait_for '^clip 1'
key 1 '^clip 0'
check "q ends what was dropped on" close_view

seen=0
open_view --clip walk || bad "a clip opens" "no frame"
key space '^paused 1'
key Right '^at step'
key Left '^at step'
mark
for x in 400 700; do # one of them is not where it stands
    xdotool mousemove $x 577 click 1
    sleep .3
done
check "the clip's scrub bar" wait_for '^at step'
key 1 '^clip 0'
check "q ends the clip" close_view

mkdir run
cp "$AMBLE_ASSETS/models/walk.onnx" run/actor.onnx
cp "$AMBLE_ASSETS/models/walk_critic.onnx" run/critic.onnx
seen=0
open_view --watch run || bad "watching opens" "no frame"
mark
cp "$AMBLE_ASSETS/models/walk.onnx" run/next && mv run/next run/actor.onnx
check "a new model is taken" wait_for '^says new model from training, number 1'
mark
echo damaged >run/next && mv run/next run/actor.onnx
check "a damaged one is refused" wait_for '^says .*actor.onnx'
kill -TERM "$viewer"
wait "$viewer"
check "a signal ends it well" test $? -eq 0

seen=0
open_view --motion walk || bad "a window to be hung up opens" "no frame"
key v '^film 1'
key g '^ghost' # a frame later
kill -HUP "$viewer"
wait "$viewer"
check "a closed terminal ends it well" test $? -eq 0
check "its film is playable" test "$(frames "$(ls -t amble-*.mp4 | head -n 1)")" -ge 1
viewer=
[ -n "$real_display" ] && DISPLAY=$real_display
finish
