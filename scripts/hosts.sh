# Two hosts on one machine, for scripts that source this: network namespaces with addresses and host names of their own, and a link between
# them with a bandwidth and a latency (link_relay.c). Needs root, iproute2, /dev/net/tun and a C compiler. The caller sets root (amble's folder) and
# is then in a folder of its own, $work; all goes away at its end.
#
#   link GBIT MS                  makes the link, or another one; GBIT 0: no limit. $relay: its process; while that is stopped, the link is cut
#   launch openmpi|mpich COMMAND  one process on each host
#   priority=(chrt -f 10) link_priority=(chrt -f 20)
#                                 before them: what the processes and the link are started with, on a busy machine

if [ "$(id -u)" != 0 ] || [ ! -c /dev/net/tun ] || ! command -v ip >/dev/null; then
    echo "${0##*/}: root, ip and /dev/net/tun are needed" >&2
    exit 77
fi
priority=()
link_priority=()
work=$(mktemp -d "${TMPDIR:-/tmp}/amble-hosts-XXXXXX") || exit 2
one=amble1-$$
two=amble2-$$
relay=
tidy() {
    [ -z "$relay" ] || kill -9 "$relay" 2>/dev/null
    for host in $one $two; do
        ip netns pids "$host" 2>/dev/null | xargs -r kill -9 2>/dev/null
        ip netns del "$host" 2>/dev/null
    done
    rm -rf "$work"
}
trap tidy EXIT
cd "$work" || exit 2
cc -O2 -o link_relay "$root/scripts/link_relay.c" || exit 2
ip netns add "$one" && ip netns add "$two" || exit 77

# What mpirun calls instead of ssh: HOST COMMAND...
cat >agent <<AGENT
#!/bin/sh
while [ "\${1#-}" != "\$1" ]; do shift; done
case \$1 in 10.77.0.1) host=$one ;; *) host=$two ;; esac
shift
exec ip netns exec \$host unshare -u sh -c "hostname \$host; \$*"
AGENT
chmod +x agent

link() { # GBIT MS
    [ -z "$relay" ] || { kill -9 "$relay"; wait "$relay"; } 2>/dev/null
    rm -f ready
    "${link_priority[@]}" ./link_relay "$one" 10.77.0.1 "$two" 10.77.0.2 "$1" "$2" >ready &
    relay=$!
    until grep -qs ready ready; do
        kill -0 $relay 2>/dev/null || { echo "${0##*/}: no link between two network namespaces can be made" >&2 && exit 77; }
        sleep .1
    done
}

by_agent=(--mca plm_rsh_agent "$work/agent") # Open MPI 4; 5 has another launcher
mpirun.openmpi --version 2>/dev/null | grep -q ' 4\.' || by_agent=(--prtemca plm_ssh_agent "$work/agent")
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
launch() { # MPI COMMAND...: one process on each host
    local mpi=$1
    shift
    if [ "$mpi" = openmpi ]; then
        ip netns exec "$one" unshare -u sh -c "hostname $one; exec \"\$@\"" sh mpirun.openmpi "${by_agent[@]}" --mca btl tcp,self --mca btl_tcp_if_include link0 --mca oob_tcp_if_include link0 \
            --host 10.77.0.1:1,10.77.0.2:1 -n 2 "${priority[@]}" "$@"
    else
        UCX_TLS=tcp,self UCX_NET_DEVICES=link0 ip netns exec "$one" unshare -u sh -c "hostname $one; exec \"\$@\"" sh mpirun.mpich \
            -launcher ssh -launcher-exec "$work/agent" -iface link0 -hosts 10.77.0.1,10.77.0.2 -ppn 1 -n 2 "${priority[@]}" "$@"
    fi
}

