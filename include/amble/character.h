/* Live characters: physically simulated humanoids, controlled by small networks, that walk, run, and react to
 * pushes and falls.
 *
 *     amb_model_set *models;
 *     amb_character *hero;
 *     amb_model_set_load(NULL, &models);                  once: networks, body, motions
 *     amb_character_def def;
 *     amb_character_def_init(&def);
 *     def.space = AMB_SPACE_UNITY;                        y up, left-handed, metres
 *     amb_character_create(models, &def, &hero);
 *
 *     amb_request request;
 *     amb_request_init(&request);
 *     request.style = "walk:0.7,zombie:0.3";
 *     request.heading = 1.57;
 *     amb_character_request(hero, &request);
 *
 *     for (;;) {                                          every frame of the host
 *         amb_character_advance(hero, frame_time);
 *         amb_character_pose(hero, 0, world, NULL);       world[amb_character_bodies(hero)]
 *         for (amb_event e = {sizeof e}; amb_character_poll(hero, &e);)
 *             ...
 *     }
 *
 * Time
 *   A character is simulated in control steps (usually 1/30 s). amb_character_advance runs those that are due
 *   and keeps the remainder. The same requests at the same steps therefore give the same motion at every
 *   frame rate, to the bit. A pose is interpolated between the last two control steps and is therefore up to
 *   one control step old.
 *
 * Space
 *   All positions, directions and rotations that go in and come out are in the host's convention (amb_space).
 *   Rotations are unit quaternions w, x, y, z. A heading is an angle about the host's up axis, positive as
 *   the host counts rotations, 0 where it faces the host's forward axis. Each character has its own world, an
 *   endless floor at height 0; characters do not touch each other.
 *
 * Threads
 *   A model set is const: any number of threads may make and advance characters of it. A character is used by
 *   one thread at a time. After creation no function allocates, prints or makes a system call, except
 *   amb_characters_advance with more than one thread. */
#ifndef AMBLE_CHARACTER_H
#define AMBLE_CHARACTER_H

#include <amble/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the models ---- */

/* What characters are made of: the body, one actor that follows motions invented in styles (StyleVAE), and
 * actors of single motions ("skills"). */
typedef struct amb_model_set amb_model_set;

typedef struct amb_model_set_def {
    size_t size;
    const char *body;       /* NULL: amble's humanoid.xml; MJCF of DeepMimic's humanoid */
    const char *locomotion; /* NULL: amble's locomotion.onnx; an actor that follows invented motions; "":
                                  none */
    const char *decoder;    /* NULL: amble's stylevae_decoder.onnx */
    const char *deepphase;  /* NULL: amble's deepphase.onnx */
    const char *styles;     /* NULL: amble's styles.json; named styles */
    const char *const
        *skills;         /* (skill_count): actors as ONNX files or names of amble's models. NULL: those of
                                  its skills.json whose motions are found */
    int skill_count;     /* 0; at most 23 */
    const char *motions; /* NULL: $AMBLE_CLIPS, ./clips, the folder that amble was built with, amble's
                                  own; the folder with the motions that the skills were trained on */
} amb_model_set_def;

AMB_API void amb_model_set_def_init_size(amb_model_set_def *def, size_t size);
static inline void amb_model_set_def_init(amb_model_set_def *def)
{
    amb_model_set_def_init_size(def, sizeof *def);
}

/* Reads and packs everything; usually .2 s. def NULL: the defaults. All actors must have been trained at the
 * same physics and control rates. The caller destroys *set, after its characters. */
AMB_NODISCARD AMB_API amb_result amb_model_set_load(const amb_model_set_def *def, amb_model_set **set);
AMB_API void amb_model_set_destroy(amb_model_set *set); /* NULL is fine */

/* The named styles: their number, a style's name (NULL beyond the last) and its speed, m/s. */
AMB_API int amb_model_set_styles(const amb_model_set *set);
AMB_API const char *amb_model_set_style_name(const amb_model_set *set, int index);
AMB_API double amb_model_set_style_speed(const amb_model_set *set, int index);

/* The skills. In a set with an actor for styles, that is the first, called "locomotion". */
AMB_API int amb_model_set_skills(const amb_model_set *set);
AMB_API const char *amb_model_set_skill_name(const amb_model_set *set, int index);

/* ---- the host's convention ---- */

/* Axes and units. Body frames have the host's axes, too: in the rest pose, facing forward, every body's
 * rotation is the identity (except in AMB_SPACE_MUJOCO, where bodies have humanoid.xml's axes: x forward, y
 * up, z right). */
typedef enum amb_space {
    AMB_SPACE_MUJOCO = 0,  /* right-handed, z up, x forward, m: amble's own */
    AMB_SPACE_UNITY = 1,   /* left-handed, y up, z forward, m */
    AMB_SPACE_UNREAL = 2,  /* left-handed, z up, x forward, cm */
    AMB_SPACE_GODOT = 3,   /* right-handed, y up, -z forward, m */
    AMB_SPACE_BLENDER = 4, /* right-handed, z up, -y forward, m */
    AMB_SPACE_CUSTOM = 5   /* given by amb_axes */
} amb_space;

/* The host's axes: 1 x, 2 y, 3 z, negative where it points the other way. */
typedef struct amb_axes {
    int forward, left, up;
    double units_per_metre; /* 1: metres, 100: centimetres */
} amb_axes;

typedef struct amb_transform {
    double position[3]; /* host's units */
    double rotation[4]; /* unit quaternion w, x, y, z */
} amb_transform;

/* ---- a character ---- */

typedef struct amb_character amb_character;

typedef struct amb_character_def {
    size_t size;
    amb_space space;    /* AMB_SPACE_MUJOCO */
    amb_axes axes;      /* of AMB_SPACE_CUSTOM */
    const char *style;  /* "walk"; the first style or mixture; a set without styles begins with its first
                           skill */
    double position[3]; /* 0 0 0: host's units; where it stands; the height is ignored */
    double heading;     /* 0: rad */
    uint64_t seed;      /* 0: determines the first phase of its motion; give each character its own */
    double get_up_s;    /* 1.5: s from a fall until it is lifted; negative: only by amb_character_lift; not
                           used where it recovers */
    int entry_tries; /* 6, at most 32: entries into the next motion that are candidates at a transition between
                           skills (not between styles). In every control step 3 of them are simulated 2.4 s ahead, or
                           to the end of a motion that is done once, until one stays up and follows the motion; after
                           3 s the next motion is entered in any case. Each costs as much as 70 control steps, usually
                           6 to 10 ms. 0: the next motion is entered at once, at the nearest pose; falls are then
                           frequent */
    uint64_t recover; /* 2: it gets up from falls by physics, with amble's models getup_facedown and
                           getup_faceup, and goes on with what is requested then (AMB_EVENT_RISING,
                           AMB_EVENT_STOOD_UP), if the set of models has found them and get_up_s is the default;
                           else it is lifted. 1: AMB_ERROR_NOT_FOUND if the set has not found them, or they do not
                           fit. 0: it is lifted */
} amb_character_def;

AMB_API void amb_character_def_init_size(amb_character_def *def, size_t size);
static inline void amb_character_def_init(amb_character_def *def)
{
    amb_character_def_init_size(def, sizeof *def);
}

/* def NULL: the defaults. The caller destroys the character, before the set. */
AMB_NODISCARD AMB_API amb_result amb_character_create(const amb_model_set *set, const amb_character_def *def,
                                                      amb_character **character);
AMB_API void amb_character_destroy(amb_character *character); /* NULL is fine */

/* ---- requests ---- */

typedef struct amb_request {
    size_t size;
    const char *style; /* NULL: unchanged; a named style, or a mixture such as "walk:0.7,zombie:0.3", whose
                          weights need not sum to 1 */
    const char
        *skill;     /* NULL: unchanged; give at most one of style and skill. After a motion that is done once
                          (a kick, a flip: amble's skills.json says which are), the previous motion resumes */
    double heading; /* NaN: unchanged; rad, target heading; it turns at up to .8 rad/s */
    double speed; /* NaN: unchanged; m/s whatever the host's units, 0: the motion's own. A style is played at
                     .7 to 1.4 times its own speed; beyond that, request another style. A skill is played at
                     .7 to 1.3 times its own, but its actor was trained at one speed: a runner falls
                     beyond 15 % */
    double turn;  /* NaN: unchanged; rad/s, turns steadily. Give either heading or turn; each replaces the
                     other */
    int cycles; /* 0: as the skill is meant, without end or once; else number of its cycles (one backflip after
                     another), after which the previous motion resumes, at the first suitable moment near the end
                     of the last cycle. The cycle in which the skill is entered counts if most of it is played */
} amb_request;

AMB_API void amb_request_init_size(amb_request *request, size_t size);
static inline void amb_request_init(amb_request *request)
{
    amb_request_init_size(request, sizeof *request);
}

/* Takes effect at the next control step. A transition between styles takes up to a second, or longer where a
 * body could not change its speed or rhythm that fast. AMB_ERROR_NOT_FOUND: no such style or skill. A request
 * that fails changes nothing. */
AMB_API amb_result amb_character_request(amb_character *character, const amb_request *request);

/* Changes the root's velocity by this at once: host's units a second. */
AMB_API amb_result amb_character_push(amb_character *character, const double velocity[3]);

/* Pulls a point of a body (given in the body's own axes) towards a point in the world with a spring of at
 * most 700 N, until it is released or pulled elsewhere. A fallen character is not lifted, and
 * does not begin to get up, while it is pulled. */
AMB_API amb_result amb_character_pull(amb_character *character, int body, const double point[3],
                                      const double target[3]);
AMB_API void amb_character_release(amb_character *character);

/* Puts a fallen character on its feet where it lies, at once; does nothing if it has not fallen. */
AMB_API void amb_character_lift(amb_character *character);

/* ---- time ---- */

/* Advances time by `dt` s, 0 to 60. A step is due when the sum of all dt reaches its time to within a
 * microsecond, so that 60 times 1/60 s is a second. A host that falls behind limits dt itself (usually to
 * .1 s). AMB_ERROR_PHYSICS: MuJoCo reported an error; the character was restarted (AMB_EVENT_RESTARTED) and
 * goes on. */
AMB_API amb_result amb_character_advance(amb_character *character, double dt);

/* The same for many different characters in one call; they may be of different sets. Neighbours in the list
 * are evaluated by their networks as one batch. A character's motion does not depend on the others. parallel
 * NULL: on the calling thread. */
AMB_API amb_result amb_characters_advance(amb_character *const *characters, int count, double dt,
                                          const amb_parallel *parallel);

/* ---- what happened ---- */

typedef enum amb_event_type {
    AMB_EVENT_FELL = 1,     /* a body that must not touch the floor did; it goes limp, or, where it recovers,
                                  into the pose from which it gets up */
    AMB_EVENT_STOOD_UP = 2, /* where it recovers: it stands, and begins the requested motion */
    AMB_EVENT_LIFTED = 3,   /* it was put on its feet where it lay */
    AMB_EVENT_REACHED = 4,  /* the newest request, in all that it named: the motion is the requested one,
                                  the reference faces the heading within .1 rad, and the mean speed of the
                                  last .5 s is the requested one within .15 m/s or 10 % */
    AMB_EVENT_SKILL_ENDED = 5, /* a motion that does not loop ended, or the requested cycles were played */
    AMB_EVENT_RESTARTED = 6,   /* the simulation failed and was restarted */
    AMB_EVENT_RISING = 7 /* where it recovers: it begins to get up; again after every failure to do so */
} amb_event_type;

typedef struct amb_event {
    size_t size; /* sizeof(amb_event), set by the caller */
    amb_event_type type;
    double time; /* s of simulated time since the creation, at the end of the step in which it happened */
} amb_event;

enum { AMB_MAX_EVENTS = 64 };

/* Takes the oldest event from the queue; false: the queue is empty. It holds AMB_MAX_EVENTS; when it is full,
 * a new event replaces the oldest. */
AMB_API bool amb_character_poll(amb_character *character, amb_event *event);

/* ---- poses and state ---- */

/* The bodies: their number, a body's name ("root", "chest", "right_hip", …; NULL beyond the last), its index
 * by name (-1: none), and its parent's index, smaller than its own (-1 for the root). A body's origin is the
 * joint that carries it. */
AMB_API int amb_character_bodies(const amb_character *character);
AMB_API const char *amb_character_body_name(const amb_character *character, int body);
AMB_API int amb_character_find_body(const amb_character *character, const char *name);
AMB_API int amb_character_body_parent(const amb_character *character, int body);

/* The rest pose: upright over the origin, on the floor, facing forward, arms hanging; as amb_character_pose.
 * To map onto another skeleton in the same rest pose: bone's world rotation = rotation · its rest rotation
 * (where bodies rest at the identity; AMB_SPACE_MUJOCO: rotation · rest⁻¹ · …). */
AMB_API amb_result amb_character_rest(const amb_character *character, amb_transform *world,
                                      amb_transform *local);

/* world (bodies): every body in the world. local (bodies): every body relative to its parent, the root's in
 * the world. Either may be NULL. `offset`: s from the present instant, usually 0; clamped to the last two
 * control steps. */
AMB_API amb_result amb_character_pose(const amb_character *character, double offset, amb_transform *world,
                                      amb_transform *local);

/* The same in a convention other than the character's; not AMB_SPACE_CUSTOM. */
AMB_API amb_result amb_character_pose_in(const amb_character *character, amb_space space, double offset,
                                         amb_transform *world, amb_transform *local);

typedef struct amb_character_state {
    size_t size;                /* sizeof(amb_character_state), set by the caller */
    double time;                /* s since the creation */
    double remainder;           /* s since the last control step */
    double step_s;              /* s of a control step */
    double velocity[3];         /* of the root, host's units a second, at the last control step */
    double angular_velocity[3]; /* of the root, rad/s, world axes, by the host's rule */
    double heading;             /* rad, of the root */
    double speed;               /* m/s on the ground, mean of about the last .5 s */
    double phase;               /* [0, 1): of the reference motion; DeepPhase's for styles */
    bool down;                  /* has fallen and is not up yet */
    bool settled;               /* the reference is the requested style or skill */
    const char *skill;          /* the present one; lives as long as the set */
    const char *style;          /* as last requested (the first 63 bytes), "" without styles; lives as long as
                                   the character, changes with requests */
} amb_character_state;

AMB_API amb_result amb_character_get_state(const amb_character *character, amb_character_state *state);

/* ---- replays, rollback ---- */

/* The whole state, remainder, request and events included, as plain bytes. A state is restored into
 * characters of the same model set, the same version of the library and the same kind of machine; otherwise
 * amb_character_restore returns AMB_ERROR_ARGUMENT and changes nothing. Space, get_up_s, entry_tries and
 * recover are not saved; the state of a character that gets up needs one that recovers. After a restore the motion
 * goes on as after the save, to the bit. */
AMB_API size_t amb_character_save_size(const amb_character *character);
AMB_API amb_result amb_character_save(const amb_character *character, void *data, size_t size);
AMB_API amb_result amb_character_restore(amb_character *character, const void *data, size_t size);

/* Hash of position and velocity at the last control step: characters that diverged have different ones. */
AMB_API uint64_t amb_character_hash(const amb_character *character);

#ifdef __cplusplus
}
#endif

#endif
