/* Live characters, simulated by threads of their own (libamble's amble/character.h). Has no network part.
 *
 * Time: a character has a frame every 1/30 or 1/60 s of the monotonic clock. Its frames are due at fixed
 * times, which are spread over the period so that characters do not wait for one another; those due at the
 * same time are stepped as one batch. A character more than .2 s late skips the time it missed.
 *
 * Threads: one thread, the network's, calls every function here, and owns all that has no other mention. The
 * simulation threads own a character's body, and report by notices and by the list of characters with a new
 * frame; `wake` is called by them after they have added to either. */
#ifndef SRV_LIVE_H
#define SRV_LIVE_H

#include "base/error.h"
#include "server/store.h"

#include <amble/character.h>
#include <pthread.h>
#include <stdatomic.h>

enum { SRV_BODIES = 15, SRV_STYLE = 256, SRV_RATE = 60, SRV_COMMANDS = 32 };

/* A set of models besides amble's own: a folder with any of humanoid.xml, locomotion.onnx,
 * stylevae_decoder.onnx, deepphase.onnx, styles.json; amble's own take the place of those that it lacks. */
enum { SRV_SETS = 16 };
typedef struct srv_set_def {
    const char *name, *folder;
} srv_set_def;

typedef struct srv_live_def {
    srv_set_def set[SRV_SETS];
    int sets;
    int threads;        /* that simulate */
    int max_characters; /* at the same time */
    int entry_tries;    /* amb_character_def.entry_tries */
    int recover;        /* amb_character_def.recover */
    double get_up_s;    /* amb_character_def.get_up_s */
    void (*wake)(void *context);
    void *context;
} srv_live_def;

/* The newest frame of a character. */
typedef struct srv_frame {
    int64_t number; /* of 1/60 s since the start: rises by 2 at 30 Hz */
    int64_t due;    /* ns of the monotonic clock (srv_now) */
    double time;    /* s, simulated */
    float phase;    /* of the motion, [0, 1) */
    float speed;    /* m/s over ground */
    float velocity[3];
    bool down, settled, pulled, skilled; /* skilled: its motion is a skill's */
    amb_transform body[SRV_BODIES];      /* AMB_SPACE_MUJOCO */
} srv_frame;

typedef enum srv_command_kind { SRV_REQUEST, SRV_PUSH, SRV_PULL, SRV_RELEASE, SRV_LIFT } srv_command_kind;

typedef struct srv_command {
    srv_command_kind kind;
    uint64_t client; /* who is answered */
    char *id;        /* JSON of the message's id, owned; NULL: no answer if it succeeds */
    char style[SRV_STYLE], skill[SRV_STYLE]; /* empty: unchanged */
    double heading, speed, turn;             /* NaN: unchanged */
    int cycles;
    double velocity[3]; /* of a push, m/s */
    int body;           /* of a pull */
    double point[3], target[3];
} srv_command;

typedef enum srv_notice_kind {
    SRV_CREATED,
    SRV_DONE,   /* a command succeeded */
    SRV_FAILED, /* a command did not, or a character could not be made: `text` is the reason */
    SRV_EVENT,  /* `event` */
    SRV_STATE,  /* its style or skill is another one: `text` is the style, `skill` the skill */
    SRV_ENDED   /* the last notice of a character, which srv_character_free may now free */
} srv_notice_kind;

typedef struct srv_notice {
    srv_notice_kind kind;
    struct srv_character *character;
    uint64_t client; /* 0: all that watch */
    char *id;        /* owned */
    amb_event_type event;
    double time;
    char text[512];
    const char *skill;
    struct srv_notice *next;
} srv_notice;

typedef struct srv_character_def {
    uint64_t client;
    char *id; /* owned by the character from then on */
    int set;  /* number of the set of models */
    char style[SRV_STYLE];
    uint64_t seed;
    double position[3], heading;
    int rate; /* 30 or 60 */
} srv_character_def;

typedef struct srv_live srv_live;

typedef struct srv_character {
    uint32_t number; /* from 1, never used again */
    srv_live *live;
    /* ---- of the network's thread ---- */
    void *watches;  /* list of its watchers (server/channel.c) */
    uint64_t owner; /* client that made it; 0: shared */
    bool shared, created;
    bool ending; /* srv_character_end was called */
    const char *end_reason;
    char style[SRV_STYLE]; /* as last reported */
    const char *skill;
    /* ---- under the mutex ---- */
    pthread_mutex_t mutex;
    srv_command command[SRV_COMMANDS];
    int commands;
    srv_frame frame;
    bool end;
    int rate; /* requested */
    /* ---- of the thread that simulates it; under live's mutex while it waits ---- */
    srv_character_def def;
    amb_character *body;
    int64_t due, tick; /* ns, and number of ticks since the start of its rate */
    int ticks_rate, slot;
    bool alone; /* takes long: it is stepped without others */
    bool pulled, failed;
    char last_style[SRV_STYLE];
    const char *last_skill;
    amb_character_state state;
    /* ---- under live's mutex ---- */
    bool published;
    struct srv_character *next_published;
} srv_character;

typedef struct srv_live_stats {
    atomic_llong steps, step_ns, missed, skipped, falls, events[8], created;
    atomic_llong step_bucket[SRV_BUCKETS]; /* control steps, time of a character's share of its batch */
    atomic_llong frames, late_ns, late_bucket[SRV_BUCKETS]; /* frames sent: time queued - time due */
} srv_live_stats;

/* Loads amble's networks, body and motions, and starts the threads. NULL and a sentence on failure. */
srv_live *srv_live_start(const srv_live_def *def, ami_error *err);
void srv_live_stop(srv_live *live); /* NULL is fine; ends all characters */

/* Number 0 is amble's own, called "default". A name's number; -1: there is none. */
int srv_live_find_set(const srv_live *live, const char *name);
const char *srv_live_set_name(const srv_live *live, int set); /* NULL beyond the last */
const amb_model_set *srv_live_set(const srv_live *live, int set);
srv_live_stats *srv_live_get_stats(srv_live *live);
int srv_live_characters(const srv_live *live);

/* The body: index of each one's parent (-1: none), name, position in its parent's axes, m. */
typedef struct srv_body {
    const char *name;
    int parent;
    double offset[3];
} srv_body;
const srv_body *srv_live_bodies(const srv_live *live);

/* The shapes that collide with the floor, in their bodies' axes. size: a sphere's radius; a capsule's radius
 * and half the length of its axis, which is z; half a box's lengths. */
enum { SRV_MAX_SHAPES = 64 };
typedef struct srv_shape {
    enum { SRV_SPHERE, SRV_CAPSULE, SRV_BOX } kind;
    int body;
    double size[3], position[3], rotation[4]; /* m; quaternion w, x, y, z */
    float colour[3];                          /* red, green, blue, 0 to 1 */
} srv_shape;
int srv_live_shapes(const srv_live *live, const srv_shape **shapes);

/* NULL and a sentence where there are max_characters already, or memory is short; def->id is then the
 * caller's still. An SRV_CREATED or SRV_FAILED notice follows. */
srv_character *srv_character_add(srv_live *live, const srv_character_def *def, ami_error *err);

/* Tells the simulation to end it; SRV_ENDED follows. `reason` must be a constant. */
void srv_character_end(srv_character *character, const char *reason);
void srv_character_free(srv_character *character);
srv_character *srv_character_find(srv_live *live, uint32_t number); /* NULL: none, or it is ending */

/* False where too many wait; command->id is then the caller's still. A pull replaces a waiting pull. */
bool srv_character_command(srv_character *character, const srv_command *command);
void srv_character_set_rate(srv_character *character, int rate);
void srv_character_frame(srv_character *character, srv_frame *frame);

/* Visits all that are not ending, in order of their numbers. */
void srv_live_visit(srv_live *live, void (*visit)(void *context, srv_character *character), void *context);

/* What the threads have reported since the last call: notices, oldest first, which the caller frees by
 * srv_notice_free, and characters with new frames, linked by next_published until srv_live_next_published. */
srv_notice *srv_live_take_notices(srv_live *live);
void srv_notice_free(srv_notice *notice);
int srv_live_take_published(srv_live *live, srv_character **list, int capacity);

#endif
