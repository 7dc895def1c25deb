/* The viewer without its window: what is simulated or played, what is shown of it, and what every action
 * does. viewer/window.c gives it a window and a user, viewer/studio.c an offscreen buffer and a clock of its
 * own; both draw with amb_app_draw. */
#ifndef AMB_VIEWER_APP_H
#define AMB_VIEWER_APP_H

#include "policy/followed.h"
#include "session/clock_thread.h"
#include "session/player.h"
#include "viewer/actions.h"
#include "viewer/film.h"
#include "viewer/plots.h"
#include "viewer/scene.h"

#include <signal.h>
#include <stdio.h>

enum { AMB_CUES = 64, AMB_RETIRED = 16, AMB_CHOICES = 32, AMB_STYLES_SHOWN = 16 };

/* What the command line says. */
typedef struct amb_app_def {
    const char *policy, *critic, *motion, *clips, *may_touch, *watch, *clip_file;
    amb_style_request style;
    bool no_policy, self_collision;
    uint64_t seed;
    int characters;
    double seconds; /* 0: until somebody ends it */
    double push_speed, push_period, turn, heading, start, max_root;
    double speed, get_up_s;
    int width, height;
    double fps;
    const char *record, *screenshot, *log, *json, *backend;
    bool bench, panel, plots, status, paused;
    int quality; /* amb_quality; -1: by the renderer */
    int ghost;
    double azimuth, elevation, distance; /* NaN: as usual */
    bool forces, trail, points;
    int cues;
    amb_cue cue[AMB_CUES]; /* in order of time */
} amb_app_def;

/* What may be switched; ints, because the panel's check boxes want ints. */
typedef struct amb_shown {
    amb_look look;
    int panel, plots, status, help;
} amb_shown;

/* One line of the list to choose from: a skill, or a style of one that invents motions. */
typedef struct amb_choice {
    char name[64];
    int skill, style; /* number in the table of styles, -1: none */
} amb_choice;

typedef struct amb_panel amb_panel;

typedef struct amb_app {
    amb_app_def def;
    double begun; /* amb_clock_now() at the program's start */
    amb_character *character;
    amb_skill *skill[AMB_SKILLS];
    char skill_name[AMB_SKILLS][64], skill_path[AMB_SKILLS][4096]; /* path: of those that are not loaded
                                                                      yet */
    int skills;
    amb_motions motions; /* styles NULL: nothing is invented yet */
    amb_choice choice[AMB_CHOICES];
    int choices;
    int styles_shown, style_shown[AMB_STYLES_SHOWN]; /* numbers in the table, in the order of the list */
    double *weight;                                  /* (styles): of the style that is wanted, as asked for or
                                                        as seen */
    amb_latent latent;                               /* which that makes */
    double own_gain;                                 /* of the phase loop, when it is switched on */
    amb_env_def env;
    amb_session *session;
    amb_sim *sim;     /* NULL: the session is stepped by hand (film) */
    amb_snapshot own; /* without a thread */
    bool own_fresh;
    bool playing_clip;
    amb_player player;
    struct {
        amb_skill *skill;
        uint64_t number;
    } retired[AMB_RETIRED]; /* until the simulation has let go of them */
    int retirees;
    uint64_t sent;                        /* number of the last command */
    bool stuck;                           /* the simulation's queue was full when something was last sent */
    const volatile sig_atomic_t *stopped; /* not 0: somebody wants to leave, now; NULL: nobody can */

    double turn_key, turn_sent, turn_base, pace; /* steering: -1 to 1 as held, rad/s as sent and as set in the
                                                    panel */
    bool dragging;
    amb_command pull;
    double pull_depth;
    int asked;    /* the choice, until the simulation has heard of it; else -1 */
    bool hurried; /* the pace was changed: what is chosen next goes at its own again */

    amb_shown shown;
    amb_scene scene;
    mjrContext context;
    bool has_context;
    double scale; /* of texts and panels, 1 at 96 dots an inch */
    amb_plots *plots;
    amb_panel *panel;
    char message[300];
    double message_until; /* amb_clock_now() */
    double now;           /* of this frame: wall clock, or the film's own */
    bool wants_screenshot, wants_fullscreen, quit;
    bool hint; /* the first minute's line at the bottom */

    amb_film *film;
    char film_path[64];
    double film_begun;
    FILE *log;
    int next_cue;

    struct {
        double checked, changed;
        long long stamp;
        int generation;
    } watch;
} amb_app;

/* Loads character, skill and session (or the clip); no OpenGL yet. False and a sentence. */
bool amb_app_init(amb_app *app, const amb_app_def *def, amb_error *err);
void amb_app_free(amb_app *app);

/* Ends --log. False and a sentence if a line of it could not be written. */
bool amb_app_close_log(amb_app *app, amb_error *err);

/* Once a context is current: the scene, the renderer, the panel. `scale`: of texts. */
bool amb_app_open_renderer(amb_app *app, double scale, int framebuffer, amb_error *err);

/* Of it the scene, which needs no OpenGL. */
bool amb_app_make_scene(amb_app *app, amb_error *err);

const amb_snapshot *amb_app_look(amb_app *app);

/* Does it now. A value out of its bounds (amb_action_bounds_of) is taken to mean the nearest one in them. */
void amb_app_act(amb_app *app, amb_action action, double value);
/* False: not sent, because the simulation is still busy with what it was sent before; then that is said. */
bool amb_app_send(amb_app *app, const amb_command *command);
/* Whether whoever waits for something must give up, because the program is to end. */
bool amb_app_stopped(const amb_app *app);
void amb_app_choose(amb_app *app, int choice);
/* The choice that is followed or about to be; -1: none of them, but a blend. */
int amb_app_chosen(const amb_app *app, const amb_snapshot *snapshot);
bool amb_app_have_skill(amb_app *app, int skill); /* loads it if need be; says why not */
void amb_app_steer(amb_app *app, double left);    /* -1 to 1; as long as it is held */

/* A file that was dropped on the window: a clip (played without physics) or an actor (a new skill). Says what
 * it did. */
void amb_app_drop(amb_app *app, const char *path);

/* app_style.c. Generators for a skill that invents motions; `style`: of the plan, where the command line
 * gives none. */
bool amb_app_invent(amb_app *app, amb_skill *skill, const char *style, amb_error *err);
void amb_app_list(amb_app *app); /* fills the choices */
/* A mixture ("walk:.7,zombie:.3") or "random"; the blend of app->weight. They say what is wrong. */
void amb_app_style(amb_app *app, const char *text);
void amb_app_blend(amb_app *app);
bool amb_app_check_cues(const amb_app *app, amb_error *err);
void amb_app_set_pace(amb_app *app, double pace);
bool amb_app_style_pace(amb_app *app, int sign); /* a little faster or slower, or the next style; false: no
                                                    style is followed */
void amb_app_see_style(amb_app *app, const amb_snapshot *snapshot);
void amb_app_style_text(const amb_app *app, char *text, size_t size); /* "walk 70 %, zombie 30 %" */

/* The cues that are due at this simulated time. */
void amb_app_cues(amb_app *app, double time);

/* --watch: looks now and then whether training has written a new model, and teaches it. */
void amb_app_watch(amb_app *app);

/* Frees what the simulation has let go of; writes what changed into the log. */
void amb_app_tidy(amb_app *app, const amb_snapshot *snapshot);

/* A line at the top for a few seconds. */
void amb_app_say(amb_app *app, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Draws everything into the current buffer; `seconds` since the last frame. */
void amb_app_draw(amb_app *app, const amb_snapshot *snapshot, double alpha, double seconds, mjrRect whole);
/* The part of the picture that is the world's: without panel. */
mjrRect amb_app_world(const amb_app *app, mjrRect whole);

/* Reads the picture back, (height, width, 3), bottom row first; the buffer is kept and grows. NULL when
 * memory is short. */
const unsigned char *amb_app_read(amb_app *app, mjrRect whole);

/* app_film.c: a picture or a frame of a video, where one is asked for. */
void amb_app_capture(amb_app *app, mjrRect whole);
void amb_app_toggle_film(amb_app *app, mjrRect whole);
void amb_app_end_film(amb_app *app);

/* The scrub bar: of a clip or of the history while paused. */
bool amb_app_scrub_rect(const amb_app *app, const amb_snapshot *snapshot, mjrRect whole, mjrRect *bar);
void amb_app_scrub(amb_app *app, const amb_snapshot *snapshot, double fraction);

/* window.c, studio.c: run until the end; 0, or 2 with a sentence in err. */
int amb_window_run(amb_app *app, amb_error *err);
int amb_studio_run(amb_app *app, amb_error *err);

#endif
