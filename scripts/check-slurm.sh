#!/usr/bin/env bash
# deploy/slurm/train.sbatch on a Slurm of its own, on this machine: an array of two motions; a job that gets the signal before its time limit
# saves, is requeued and goes on to the result of one that was never stopped. Needs root and the packages slurm-wlm and munge; without
# them only bash -n and shellcheck.
#
#   scripts/check-slurm.sh [BUILD]      BUILD: a folder with amble and its plug-ins (build)
set -u

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$(realpath "${1:-$root/build}")
script=$root/deploy/slurm/train.sbatch
failed=0
check() { # NAME COMMAND...
    local name=$1
    shift
    if "$@"; then
        echo "passed: $name"
    else
        echo "FAILED: $name"
        failed=$((failed + 1))
    fi
}
check 'bash -n' bash -n "$script"
if command -v shellcheck >/dev/null; then check shellcheck shellcheck "$script"; fi
for tool in slurmctld slurmd munged sbatch mpirun; do
    command -v $tool >/dev/null || {
        echo "skipped: $tool is not installed"
        exit $((failed > 0))
    }
done
[ "$(id -u)" = 0 ] || {
    echo 'skipped: Slurm needs root'
    exit $((failed > 0))
}

work=$(mktemp -d "${TMPDIR:-/tmp}/amble-slurm-XXXXXX") || exit 2
pids=()
tidy() {
    kill "${pids[@]}" 2>/dev/null
    sleep 1
    kill -9 "${pids[@]}" 2>/dev/null
    rm -rf "$work"
}
trap tidy EXIT
chmod 755 "$work"
host=$(hostname -s)
cat >"$work/slurm.conf" <<CONF
ClusterName=amble
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=36817
SlurmdPort=36818
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket
CryptoType=crypto/munge
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SchedulerType=sched/builtin
SelectType=select/cons_tres
ReturnToService=2
KillWait=10
MinJobAge=600
JobRequeue=1
RequeueExit=
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:4
CONF
sed -i '/^RequeueExit=$/d' "$work/slurm.conf"
export SLURM_CONF=$work/slurm.conf
mkdir -p "$work/munge" "$work/state" "$work/spool"
dd if=/dev/urandom bs=1 count=1024 of="$work/munge/key" 2>/dev/null
chown -R root:root "$work/munge"
chmod 400 "$work/munge/key"
munged -F --force --socket "$work/munge/socket" --key-file "$work/munge/key" --log-file "$work/munge/log" --pid-file "$work/munge/pid" \
    --seed-file "$work/munge/seed" >/dev/null 2>&1 &
pids+=($!)
sleep 1
slurmctld -D >/dev/null 2>&1 &
pids+=($!)
sleep 1
slurmd -D >/dev/null 2>&1 &
pids+=($!)
for _ in $(seq 30); do
    sinfo -h -o %T 2>/dev/null | grep -q idle && break
    sleep 1
done
if ! sinfo -h -o %T | grep -q idle; then
    echo 'skipped: Slurm does not start here:'
    tail -n 5 "$work/slurmctld.log" "$work/slurmd.log"
    exit $((failed > 0))
fi

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
export AMBLE=$build/amble AMBLE_RUNS=$work/runs
options=(--envs 16 --shard 4 --hidden1 32 --hidden2 16 --threads 1 --evaluate-every 0 --seed 7)
motion=$root/assets/motions/sim_backflip.txt
cp "$motion" "$work/other.txt"
wait_for() { # JOB: until no task of it waits or runs
    for _ in $(seq 300); do
        squeue -h -j "$1" 2>/dev/null | grep -q . || return 0
        sleep 1
    done
    squeue
    return 1
}
for launcher in mpirun.openmpi mpirun.mpich; do
    command -v $launcher >/dev/null || continue
    export AMBLE_LAUNCHER="$launcher -n 2" AMBLE_MOTIONS="$motion $work/other.txt"
    rm -rf "$work/runs"
    cd "$work" || exit 2
    "$AMBLE" train --motion "$motion" "${options[@]}" --samples 8192 --out "$work/plain-$launcher" 2>/dev/null
    job=$(sbatch --parsable --array=0-1 --ntasks=1 "$script" "${options[@]}" --samples 8192)
    check "$launcher: the array ends" wait_for "$job"
    for name in sim_backflip other; do
        check "$launcher: task for $name: the checkpoint of one process" [ -e "runs/$name/checkpoint.bin" ]
    done
    check "$launcher: with the same bits" cmp "plain-$launcher/checkpoint.bin" runs/sim_backflip/checkpoint.bin

    # The warning before the time limit, sent by hand.
    rm -rf runs
    export AMBLE_MOTIONS=$motion
    "$AMBLE" train --motion "$motion" "${options[@]}" --samples 20k --out "$work/long-$launcher" 2>/dev/null
    job=$(sbatch --parsable --ntasks=1 "$script" "${options[@]}" --samples 20k --save-minutes 0)
    for _ in $(seq 600); do
        [ -e runs/sim_backflip/checkpoint.bin ] && break
        sleep .1
    done
    scancel --batch --signal=USR1 "$job"
    for _ in $(seq 200); do
        scontrol show job "$job" | grep -q 'Restarts=1' && break
        sleep .2
    done
    check "$launcher: a job that is warned is requeued" grep -q 'Restarts=1' <<<"$(scontrol show job "$job")"
    scontrol update jobid="$job" StartTime=now 2>/dev/null # Slurm waits two minutes before it starts a requeued job
    check "$launcher: and ends" wait_for "$job"
    check "$launcher: with the bits of one that was not stopped" cmp "long-$launcher/checkpoint.bin" runs/sim_backflip/checkpoint.bin
done
[ $failed = 0 ]
