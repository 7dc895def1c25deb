/* Steps a session in its own thread, in real time. */
#define _GNU_SOURCE /* sem_clockwait */
#include "session/clock_thread.h"

#include "base/assert.h"
#include "base/clock.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { QUEUE = 256, FRESH = 4 };

struct ami_sim {
    ami_session *session;
    pthread_t thread;
    atomic_bool stop;
    sem_t wake; /* posted with every command */

    ami_command command[QUEUE];
    atomic_uint_fast64_t sent, taken;

    /* Three snapshots: one being written, one being read, and one between them, whose index is `middle`, with
     * the bit FRESH until it is read. */
    ami_snapshot snapshot[3];
    atomic_int middle;
    int writing, reading;

    /* Used only by the thread: */
    bool paused;
    double speed, due; /* due: time of the next step */
    double mark;       /* time since which steps are counted for the real-time factor */
    int64_t mark_steps, steps;
    double factor;
};

static void publish(ami_sim *sim)
{
    ami_snapshot *s = &sim->snapshot[sim->writing];
    ami_session_look(sim->session, s);
    s->paused = sim->paused;
    s->speed = sim->speed;
    s->real_time_factor = sim->factor;
    s->published = ami_clock_now();
    const int before = atomic_exchange_explicit(&sim->middle, sim->writing | FRESH, memory_order_acq_rel);
    sim->writing = before & ~FRESH;
}

const ami_snapshot *ami_sim_latest(ami_sim *sim)
{
    AMI_ASSERT(sim);
    if (atomic_load_explicit(&sim->middle, memory_order_relaxed) & FRESH) {
        const int before = atomic_exchange_explicit(&sim->middle, sim->reading, memory_order_acq_rel);
        sim->reading = before & ~FRESH;
    }
    return &sim->snapshot[sim->reading];
}

bool ami_sim_send(ami_sim *sim, const ami_command *command, uint64_t *number)
{
    AMI_ASSERT(sim && command);
    const uint64_t sent = atomic_load_explicit(&sim->sent, memory_order_relaxed);
    const uint64_t waiting = sent - atomic_load_explicit(&sim->taken, memory_order_acquire);
    if (waiting >= (command->kind == AMI_DO_PULL || command->kind == AMI_DO_STEP ? QUEUE / 2 : QUEUE))
        return false;
    sim->command[sent % QUEUE] = *command;
    atomic_store_explicit(&sim->sent, sent + 1, memory_order_release);
    if (number)
        *number = sent + 1;
    sem_post(&sim->wake);
    return true;
}

static void reset_rate(ami_sim *sim)
{
    sim->mark = ami_clock_now();
    sim->mark_steps = sim->steps;
    sim->factor = 0;
}

/* Applies a command in parts: long ones publish snapshots in between, and ami_sim_stop interrupts them. */
static void apply(ami_sim *sim, const ami_command *c)
{
    ami_command rest = *c;
    double shown = ami_clock_now();
    while (ami_session_apply_part(sim->session, &rest) &&
           !atomic_load_explicit(&sim->stop, memory_order_acquire)) {
        const double now = ami_clock_now();
        if (now < shown + .03)
            continue;
        shown = now;
        publish(sim);
    }
}

static void execute(ami_sim *sim, const ami_command *c)
{
    const double now = ami_clock_now();
    if (c->kind == AMI_DO_PAUSE) {
        sim->paused = c->value < 0 ? !sim->paused : c->value > 0;
        sim->due = now;
        reset_rate(sim);
    } else if (c->kind == AMI_DO_SPEED) {
        sim->speed = fmin(fmax(c->value, AMI_SPEED_MIN), AMI_SPEED_MAX);
        sim->due = fmin(sim->due, now + ami_session_dt(sim->session) / sim->speed);
        reset_rate(sim);
    } else if (c->kind == AMI_DO_STEP) {
        sim->paused = true;
    }
    apply(sim, c);
}

/* Executes the queued commands; true if there were any. */
static bool take_commands(ami_sim *sim)
{
    uint64_t taken = atomic_load_explicit(&sim->taken, memory_order_relaxed);
    const uint64_t sent = atomic_load_explicit(&sim->sent, memory_order_acquire);
    if (taken == sent)
        return false;
    for (; taken < sent && !atomic_load_explicit(&sim->stop, memory_order_acquire); taken++) {
        const ami_command command = sim->command[taken % QUEUE];
        atomic_store_explicit(&sim->taken, taken + 1, memory_order_release);
        execute(sim, &command);
    }
    return true;
}

/* Sleeps until `when` or until a command comes. */
static void wait_until(ami_sim *sim, double when)
{
    struct timespec until;
    until.tv_sec = (time_t)when;
    until.tv_nsec = (long)((when - (double)until.tv_sec) * 1e9);
    while (sem_clockwait(&sim->wake, CLOCK_MONOTONIC, &until) && errno == EINTR) {
    }
}

static void update_rate(ami_sim *sim, double now)
{
    if (now - sim->mark < .5)
        return;
    const double simulated = (double)(sim->steps - sim->mark_steps) * ami_session_dt(sim->session);
    sim->factor = simulated / (now - sim->mark);
    sim->mark = now;
    sim->mark_steps = sim->steps;
}

static void *run(void *context)
{
    ami_sim *sim = context;
    sim->due = ami_clock_now();
    reset_rate(sim);
    bool finished = false;
    while (!atomic_load_explicit(&sim->stop, memory_order_acquire)) {
        bool news = take_commands(sim);
        const double now = ami_clock_now();
        if (!sim->paused && now >= sim->due) {
            const bool stepped = ami_session_step(sim->session);
            news = news || stepped || !finished;
            finished = !stepped;
            sim->steps += stepped;
            sim->due += ami_session_dt(sim->session) / sim->speed;
            if (finished || now - sim->due > .1) /* too slow for the speed: lost time is not made up */
                sim->due = now + (finished ? .05 : 0);
            update_rate(sim, now);
        }
        if (news)
            publish(sim);
        const double next = sim->paused ? now + .1 : sim->due;
        if (next > ami_clock_now())
            wait_until(sim, next);
    }
    return NULL;
}

ami_sim *ami_sim_start(ami_session *session, int characters, double speed, bool paused, ami_error *err)
{
    AMI_ASSERT(session && characters >= 1 && speed > 0);
    ami_sim *sim = calloc(1, sizeof *sim);
    if (!sim || sem_init(&sim->wake, 0, 0)) {
        ami_fail(err, "out of memory for the simulation's thread");
        free(sim);
        return NULL;
    }
    sim->session = session;
    sim->speed = speed;
    sim->paused = paused;
    sim->writing = 0, sim->reading = 1;
    atomic_init(&sim->middle, 2);
    bool ok = true;
    for (int i = 0; i < 3 && ok; i++)
        ok = ami_session_snapshot_init(&sim->snapshot[i], characters, err);
    if (ok) {
        publish(sim);                                                 /* for the first frame */
        const int why = pthread_create(&sim->thread, NULL, run, sim); /* does not set errno */
        if (!why)
            return sim;
        ami_fail(err, "the simulation's thread cannot be started: %s", strerror(why));
    }
    for (int i = 0; i < 3; i++)
        free(sim->snapshot[i].body);
    sem_destroy(&sim->wake);
    free(sim);
    return NULL;
}

void ami_sim_stop(ami_sim *sim)
{
    if (!sim)
        return;
    atomic_store_explicit(&sim->stop, true, memory_order_release);
    sem_post(&sim->wake);
    pthread_join(sim->thread, NULL);
    for (int i = 0; i < 3; i++)
        free(sim->snapshot[i].body);
    sem_destroy(&sim->wake);
    free(sim);
}
