/* Live characters: humanoids that walk, run, are hit, fall and go on, by physics, driven by small networks.
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
 *   and keeps the remainder, so that the same requests at the same steps give the same motion at every frame
 *   rate, to the bit. A pose is interpolated between the last two control steps and is therefore up to one
 *   control step old.
 *
 * Space
 *   All positions, directions and rotations that go in and come out are in the host's convention (amb_space).
 *   Rotations are unit quaternions w, x, y, z. A heading is an angle about the host's up axis, positive as
 *   the host counts rotations, 0 where it faces the host's forward axis. Each character lives alone in a
 *   world with an endless floor at height 0; characters do not touch each other.
 *
 * Threads
 *   A model set is const: any number of threads may make and advance characters of it. A character is used by
 *   one thread at a time. After creation nothing allocates, prints or makes a system call but
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
    const char *body;          /* NULL: amble's humanoid.xml; MJCF of DeepMimic's humanoid */
    const char *locomotion;    /* NULL: amble's locomotion.onnx; an actor that follows invented motions; "":
                                  none */
    const char *decoder;       /* NULL: amble's stylevae_decoder.onnx */
    const char *deepphase;     /* NULL: amble's deepphase.onnx */
    const char *styles;        /* NULL: amble's styles.json; named styles */
    const char *const *skills; /* (skill_count): actors as ONNX files or names of amble's models. NULL: walk,
                                  run and backflip, as far as their motions are found */
    int skill_count;           /* 0; at most 8 */
    const char *motions;       /* NULL: $AMBLE_CLIPS, ./clips, the folder that amble was built with, amble's
                                  own; the folder with the motions that the skills were trained on */
} amb_model_set_def;

AMB_API void amb_model_set_def_init_size(amb_model_set_def *def, size_t size);
static inline void amb_model_set_def_init(amb_model_set_def *def)
{
    amb_model_set_def_init_size(def, sizeof *def);
}

/* Reads and packs everything; usually .2 s. def NULL: the defaults. All actors must want the same physics and
 * control rates. *set is the caller's to destroy, after its characters. */
AMB_NODISCARD AMB_API amb_result amb_model_set_load(const amb_model_set_def *def, amb_model_set **set);
AMB_API void amb_model_set_destroy(amb_model_set *set); /* NULL is fine */

/* The named styles: how many, the name (NULL beyond the last), and the speed at which it walks, m/s. */
AMB_API int amb_model_set_styles(const amb_model_set *set);
AMB_API const char *amb_model_set_style_name(const amb_model_set *set, int index);
AMB_API double amb_model_set_style_speed(const amb_model_set *set, int index);

/* The skills. The first is "locomotion", the one with styles, where there is one. */
AMB_API int amb_model_set_skills(const amb_model_set *set);
AMB_API const char *amb_model_set_skill_name(const amb_model_set *set, int index);

/* ---- the host's convention ---- */

/* Axes and units. Bodies' own axes are the host's, too: at rest, facing forward, every body's rotation is the
 * identity (but in AMB_SPACE_MUJOCO, where bodies have humanoid.xml's axes: x forward, y up, z right). */
typedef enum amb_space {
    AMB_SPACE_MUJOCO = 0,  /* right-handed, z up, x forward, m: amble's own */
    AMB_SPACE_UNITY = 1,   /* left-handed, y up, z forward, m */
    AMB_SPACE_UNREAL = 2,  /* left-handed, z up, x forward, cm */
    AMB_SPACE_GODOT = 3,   /* right-handed, y up, -z forward, m */
    AMB_SPACE_BLENDER = 4, /* right-handed, z up, -y forward, m */
    AMB_SPACE_CUSTOM = 5   /* as amb_axes says */
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
    const char *style;  /* "walk"; the style or mixture it begins with; a set without styles begins with its
                           first skill */
    double position[3]; /* 0 0 0: host's units; where it stands, of which the height is not used */
    double heading;     /* 0: rad */
    uint64_t seed;      /* 0: decides where in its motion it begins; give each of a crowd another one */
    double get_up_s;    /* 1.5: s that it lies after a fall before it is lifted; negative: until
                           amb_character_lift */
    int entry_tries;    /* 6: between skills (not between styles) so many entries, up to 32, are simulated
                           2.4 s ahead, and the best is taken; where all end in a fall, it is tried again in
                           every third step, for 2 s at most. Each costs as much as 70 control steps, usually
                           10 ms, in the request and in those steps. 0: the next motion is entered at once, at
                           the nearest pose; falls are frequent then */
} amb_character_def;

AMB_API void amb_character_def_init_size(amb_character_def *def, size_t size);
static inline void amb_character_def_init(amb_character_def *def)
{
    amb_character_def_init_size(def, sizeof *def);
}

/* def NULL: the defaults. The set must outlive the character, which is the caller's to destroy. */
AMB_NODISCARD AMB_API amb_result amb_character_create(const amb_model_set *set, const amb_character_def *def,
                                                      amb_character **character);
AMB_API void amb_character_destroy(amb_character *character); /* NULL is fine */

/* ---- what it is to do ---- */

typedef struct amb_request {
    size_t size;
    const char *style; /* NULL: as before; a named style, or a mixture as "walk:0.7,zombie:0.3", whose weights
                          need not sum to 1 */
    const char *skill; /* NULL: as before; at most one of style and skill is given. After a motion that ends
                          the skill before it comes back */
    double heading;    /* NaN: as before; rad, to turn to, at .8 rad/s at most */
    double speed; /* NaN: as before; m/s whatever the host's units, 0: the motion's own. A style is played
                     at .7 to 1.4 times its own speed: for more ask another. A skill at .7 to 1.3, but its
                     actor knows its own pace: beyond 15 % a runner falls */
    double turn;  /* NaN: as before; rad/s, to turn all the time. Either heading or turn is given, and
                     ends the other */
    int cycles;   /* 0: for ever; of a skill that loops (a backflip after a backflip): after so many cycles
                     the skill before it comes back, at the first good moment of the last one's end. The
                     cycle in which it is entered counts where most of it is played */
} amb_request;

AMB_API void amb_request_init_size(amb_request *request, size_t size);
static inline void amb_request_init(amb_request *request)
{
    amb_request_init_size(request, sizeof *request);
}

/* Holds from the next control step on. From one style to another it goes within a second, or longer where a
 * body could not change its speed or rhythm that fast. AMB_ERROR_NOT_FOUND: no such style or skill; nothing
 * is changed by a request that fails. */
AMB_API amb_result amb_character_request(amb_character *character, const amb_request *request);

/* Adds to the root's velocity at once: host's units a second. */
AMB_API amb_result amb_character_push(amb_character *character, const double velocity[3]);

/* Pulls with a spring at a point of a body, in the body's own axes, towards a point of the world, until it is
 * released or pulled elsewhere; at most 700 N. A fallen character is not lifted while it is pulled. */
AMB_API amb_result amb_character_pull(amb_character *character, int body, const double point[3],
                                      const double target[3]);
AMB_API void amb_character_release(amb_character *character);

/* Puts a fallen character on its feet where it lies, now; nothing where it has not fallen. */
AMB_API void amb_character_lift(amb_character *character);

/* ---- time ---- */

/* Lets `dt` s pass, 0 to 60. Steps are due when the sum of all dt reaches them to within a microsecond, so
 * that 60 times 1/60 s is a second. A host that falls behind limits dt itself (usually to .1 s).
 * AMB_ERROR_PHYSICS: MuJoCo reported an error; the character was put up anew (AMB_EVENT_RESTARTED) and goes
 * on. */
AMB_API amb_result amb_character_advance(amb_character *character, double dt);

/* The same for many different characters in one call; they may be of different sets. Those beside each other
 * in the list share runs of their networks. What becomes of a character does not depend on the others.
 * parallel NULL: on the calling thread. */
AMB_API amb_result amb_characters_advance(amb_character *const *characters, int count, double dt,
                                          const amb_parallel *parallel);

/* ---- what happened ---- */

typedef enum amb_event_type {
    AMB_EVENT_FELL = 1,        /* a body that may not touch the floor did; it goes limp */
    AMB_EVENT_STOOD_UP = 2,    /* by itself; not in this version, which lifts */
    AMB_EVENT_LIFTED = 3,      /* it was put on its feet where it lay */
    AMB_EVENT_REACHED = 4,     /* the newest request: the motion is the requested one, the reference faces the
                                  heading within .1 rad, and the mean speed of the last .5 s is the requested
                                  one within .15 m/s or 10 %, as far as the request named them */
    AMB_EVENT_SKILL_ENDED = 5, /* a motion that ends was at its end, or the requested cycles were */
    AMB_EVENT_RESTARTED = 6    /* the simulation broke down and was begun anew */
} amb_event_type;

typedef struct amb_event {
    size_t size; /* sizeof(amb_event), set by the caller */
    amb_event_type type;
    double time; /* s of simulated time since the creation, at the end of the step in which it happened */
} amb_event;

enum { AMB_MAX_EVENTS = 64 };

/* Takes the oldest event from the queue; false: there is none. The queue holds AMB_MAX_EVENTS; when it is
 * full, the oldest is lost. */
AMB_API bool amb_character_poll(amb_character *character, amb_event *event);

/* ---- how it looks ---- */

/* The bodies: how many, the name ("root", "chest", "right_hip", …; NULL beyond the last), the number by name
 * (-1: none), and the parent's number, smaller than the body's own (-1: the root's). A body's origin is the
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
 * the world. Either may be NULL. `offset`: s from the present instant, usually 0; what lies outside of the
 * last two control steps is taken to the nearer of them. */
AMB_API amb_result amb_character_pose(const amb_character *character, double offset, amb_transform *world,
                                      amb_transform *local);

/* The same in another convention than the character's; AMB_SPACE_CUSTOM is refused. */
AMB_API amb_result amb_character_pose_in(const amb_character *character, amb_space space, double offset,
                                         amb_transform *world, amb_transform *local);

typedef struct amb_character_state {
    size_t size;                /* sizeof(amb_character_state), set by the caller */
    double time;                /* s that have passed since the creation, */
    double remainder;           /* and of them those since the last control step */
    double step_s;              /* s of a control step */
    double velocity[3];         /* of the root, host's units a second, at the last control step */
    double angular_velocity[3]; /* of the root, rad/s, world axes, by the host's rule */
    double heading;             /* rad, of the root */
    double speed;               /* m/s on the ground, mean of about the last .5 s */
    double phase;               /* [0, 1): of the motion that is followed; of styles DeepPhase's */
    bool down;                  /* has fallen and is not up again */
    bool settled;               /* what is followed is the requested style or skill */
    const char *skill;          /* that is followed; lives as long as the set */
    const char *style;          /* as it was requested last (the first 63 bytes), "" without styles; lives as
                                   long as the character, changes with requests */
} amb_character_state;

AMB_API amb_result amb_character_get_state(const amb_character *character, amb_character_state *state);

/* ---- replays, rollback ---- */

/* Everything that decides how it goes on, remainder, request and events included, as plain bytes. They are
 * for characters of the same set of models, the same version of the library and the same kind of machine;
 * others are refused (AMB_ERROR_ARGUMENT), and the character stays as it was. Space, get_up_s and entry_tries
 * are not part of it. What follows after a restore is what followed after the save, to the bit. */
AMB_API size_t amb_character_save_size(const amb_character *character);
AMB_API amb_result amb_character_save(const amb_character *character, void *data, size_t size);
AMB_API amb_result amb_character_restore(amb_character *character, const void *data, size_t size);

/* Of position and velocity at the last control step: characters that parted have different ones. */
AMB_API uint64_t amb_character_hash(const amb_character *character);

#ifdef __cplusplus
}
#endif

#endif
