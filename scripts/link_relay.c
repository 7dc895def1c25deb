/* A network link between two network namespaces with a bandwidth and a latency, in user space, for kernels without netem: a TUN
 * device in each namespace, and this process between them. While it is stopped (SIGSTOP), the link is cut. The kernel hands over
 * up to 16 kB at once (segmentation offload); the line is charged for the Ethernet frames of 1500 bytes that they would be. GBIT 0: no limit.
 *
 *   link_relay NAMESPACE ADDRESS NAMESPACE ADDRESS GBIT_PER_S MS
 *
 * The devices are called link0; addresses are those of a /24. Prints "ready" and runs until it is killed. For scripts/hosts.sh. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { MTU = 1500, AT_ONCE = 16384, SLOTS = 4096, HEADERS = 52, FRAME = 38 };

typedef struct packet {
    double due; /* s */
    ssize_t bytes;
    char data[sizeof(struct virtio_net_hdr) + 65536];
} packet;

typedef struct direction {
    int from, to;
    double free_at; /* s, when the line has sent what is in the queue */
    unsigned head, count;
    packet *queue; /* (SLOTS) */
} direction;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void end(const char *what)
{
    perror(what);
    exit(1);
}

static int open_device(const char *name_space, const char *address)
{
    char path[256], command[512];
    snprintf(path, sizeof path, "/run/netns/%s", name_space);
    const int space = open(path, O_RDONLY | O_CLOEXEC);
    if (space < 0 || setns(space, CLONE_NEWNET) != 0)
        end(path);
    const int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
    snprintf(request.ifr_name, sizeof request.ifr_name, "link0");
    if (device < 0 || ioctl(device, TUNSETIFF, &request) != 0)
        end("/dev/net/tun");
    if (ioctl(device, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4) != 0)
        end("TUNSETOFFLOAD");
    snprintf(command, sizeof command,
             "ip addr add %s/24 dev link0 && ip link set link0 mtu %d gso_max_size %d txqueuelen 10000 up && "
             "ip link set lo up",
             address, MTU, AT_ONCE);
    if (system(command) != 0)
        exit(1);
    close(space);
    return device;
}

/* Bytes on the line: each frame has its own headers, of which `bytes` has one. */
static double on_line(ssize_t bytes)
{
    const double payload = (double)bytes - (double)sizeof(struct virtio_net_hdr) - HEADERS,
                 frames = payload > MTU - HEADERS ? payload / (MTU - HEADERS) : 1;
    return (payload > 0 ? payload : 0) + frames * (HEADERS + FRAME);
}

/* Takes what has come, unless the queue is full: then the device's own queue grows, and in the end it drops. */
static void take(direction *d, double bytes_per_s, double latency)
{
    while (d->count < SLOTS) {
        packet *p = &d->queue[(d->head + d->count) % SLOTS];
        p->bytes = read(d->from, p->data, sizeof p->data);
        if (p->bytes <= 0)
            return;
        const double t = now();
        d->free_at =
            (d->free_at > t ? d->free_at : t) + (bytes_per_s > 0 ? on_line(p->bytes) / bytes_per_s : 0);
        p->due = d->free_at + latency;
        d->count++;
    }
}

/* Passes on what is due; returns when the next one is. */
static double pass(direction *d)
{
    while (d->count > 0) {
        packet *p = &d->queue[d->head];
        if (p->due > now())
            return p->due;
        if (write(d->to, p->data, (size_t)p->bytes) < 0) {
            /* a full device drops, as networks do */
        }
        d->head = (d->head + 1) % SLOTS;
        d->count--;
    }
    return 1e300;
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        fprintf(stderr, "link_relay: NAMESPACE ADDRESS NAMESPACE ADDRESS GBIT_PER_S MS expected\n");
        return 2;
    }
    const double bytes_per_s = atof(argv[5]) * 1e9 / 8, latency = atof(argv[6]) * 1e-3;
    const int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    const int a = open_device(argv[1], argv[2]), b = open_device(argv[3], argv[4]);
    if (own < 0 || setns(own, CLONE_NEWNET) != 0) /* belongs to neither: it outlives what runs there */
        end("/proc/self/ns/net");
    direction d[2] = {{.from = a, .to = b}, {.from = b, .to = a}};
    for (int i = 0; i < 2; i++)
        if (!(d[i].queue = malloc(SLOTS * sizeof *d[i].queue)))
            end("memory");
    puts("ready");
    fflush(stdout);
    for (;;) {
        double next = 1e300;
        for (int i = 0; i < 2; i++) {
            take(&d[i], bytes_per_s, latency);
            const double due = pass(&d[i]);
            next = due < next ? due : next;
        }
        struct pollfd p[2] = {{.fd = a, .events = d[0].count < SLOTS ? POLLIN : 0},
                              {.fd = b, .events = d[1].count < SLOTS ? POLLIN : 0}};
        const double wait = next - now();
        const struct timespec t = {wait > 1 ? 1 : 0, wait > 1 ? 0 : wait > 0 ? (long)(wait * 1e9) : 0};
        ppoll(p, 2, &t, NULL);
    }
}
