/* The viewer without its window: content (simulation or clip), view, and actions. viewer/window.c adds a
 * window and input, viewer/studio.c an offscreen buffer and a virtual clock; both draw with ami_app_draw.
 *
 * Its files use only those above them:
 *   app_session.c   access to the simulation: snapshots, commands, messages
 *   app_style.c     styles: the list, blends, speeds
 *   app_skill.c     skills, sessions and clips: loading and choosing
 *   app_act.c       actions, cues, the log's lines, --watch
 *   panel.c         the panel, which reads these and returns actions
 *   app_draw.c, app_film.c   drawing; pictures and videos
 *   app.c           start and end */
#ifndef AMI_VIEWER_APP_H
#define AMI_VIEWER_APP_H

#include "options/simulation.h"
#include "policy/followed.h"
#include "session/clock_thread.h"
#include "session/player.h"
#include "viewer/actions.h"
#include "viewer/film.h"
#include "viewer/plots.h"
#include "viewer/scene.h"

#include <signal.h>
#include <stdio.h>

enum { AMI_CUES = 64, AMI_RETIRED = 16, AMI_CHOICES = 32, AMI_STYLES_SHOWN = 16 };

/* The command line. */
/* Whether fallen characters get up by physics; else they are lifted after get_up_s. */
typedef enum ami_app_recover { AMI_APP_IF_INSTALLED, AMI_APP_LIFTED, AMI_APP_RECOVERS } ami_app_recover;

typedef struct ami_app_def {
    cli_simulation sim; /* envs: characters; seconds 0: until it is closed */
    const char *critic, *clips, *watch, *clip_file;
    ami_style_request style;
    uint64_t seed;
    double speed, get_up_s;
    int width, height;
    double fps;
    const char *record, *screenshot, *log, *json, *backend;
    ami_app_recover recover;
    bool bench, panel, plots, status, paused;
    int quality; /* ami_quality; -1: by the renderer */
    int ghost;
    double azimuth, elevation, distance; /* NaN: as usual */
    bool forces, trail, points;
    int cues;
    ami_cue cue[AMI_CUES]; /* in order of time */
} ami_app_def;

/* Switches; ints, the type of the panel's check boxes. */
typedef struct ami_shown {
    ami_look look;
    int panel, plots, status, help;
} ami_shown;

/* An entry of the list of choices: a skill, or a style of a skill that invents motions. */
typedef struct ami_choice {
    char name[64];
    int skill, style; /* number in the table of styles, -1: none */
} ami_choice;

typedef struct ami_panel ami_panel;

/* The content: skills and their session, or a clip. */
typedef struct ami_content {
    /* Skills: app_skill.c. */
    ami_character *character;
    ami_env_def env;
    ami_skill *skill[AMI_SKILLS];
    ami_skill *get_up[AMI_FACES];                                  /* NULL: they are lifted */
    char skill_name[AMI_SKILLS][64], skill_path[AMI_SKILLS][4096]; /* path: for loading it later */
    int skills;
    struct {
        ami_skill *skill;
        uint64_t number;
    } retired[AMI_RETIRED]; /* until the simulation no longer uses them */
    int retirees;
    bool playing_clip;
    ami_player player;
    struct {
        double checked, changed;
        long long stamp;
        int generation;
    } watch;

    /* Styles, and the list to choose from: app_style.c. */
    ami_motions motions; /* styles NULL: no skill invents motions yet */
    ami_choice choice[AMI_CHOICES];
    int choices;
    int styles_shown, style_shown[AMI_STYLES_SHOWN]; /* numbers in the table, in the order of the list */
    int64_t lists;                                   /* number of changes of the list of choices */
    double *weight;                                  /* (styles): of the target style, as requested or as in
                                                        the snapshot */
    ami_latent latent;                               /* the latent of these weights */
    double own_gain;                                 /* of the phase loop, when it is switched on */

    /* The simulation: app_session.c. */
    ami_session *session;
    ami_sim *sim;     /* NULL: a film steps the session itself */
    ami_snapshot own; /* without a thread */
    bool own_fresh;
    uint64_t sent;                        /* number of the last command */
    bool stuck;                           /* the simulation's queue was full at the last command */
    const volatile sig_atomic_t *stopped; /* not 0: the program is to end at once; NULL: never */
} ami_content;

/* The view. */
typedef struct ami_view {
    ami_shown shown;
    ami_scene scene;
    mjrContext context;
    bool has_context;
    double scale; /* of texts and panels, 1 at 96 dots an inch */
    ami_plots *plots;
    ami_panel *panel;
    double now; /* of this frame: wall clock, or the film's own */
    bool hint;  /* the line at the bottom, shown for a minute */

    char message[300];    /* app_session.c */
    double message_until; /* ami_clock_now() */

    ami_film *film; /* app_film.c */
    char film_path[64];
    double film_begun; /* -1: begins with the next picture */
} ami_view;

/* Input: held keys, and actions that are not finished. */
typedef struct ami_input {
    double turn_key, turn_sent, turn_base; /* steering: -1 to 1 from keys, rad/s as sent and as set in the
                                              panel */
    double pace;
    bool hurried; /* the pace was changed; the next choice resets it */
    int asked;    /* the choice until the simulation has received it, else -1 */

    bool dragging; /* window.c: a body is pulled */
    ami_command pull;
    double pull_depth;

    bool wants_screenshot, wants_fullscreen, quit;
    int next_cue;
} ami_input;

typedef struct ami_app {
    ami_app_def def;
    double begun; /* ami_clock_now() at the program's start */
    FILE *log;
    ami_content content;
    ami_view view;
    ami_input input;
} ami_app;

/* Loads character, skill and session (or the clip); no OpenGL yet. False and a sentence. */
bool ami_app_init(ami_app *app, const ami_app_def *def, ami_error *err);
void ami_app_free(ami_app *app);

/* Ends --log. False and a sentence if a line of it could not be written. */
bool ami_app_close_log(ami_app *app, ami_error *err);

/* With a current context: creates scene, renderer and panel. `scale`: of texts. */
bool ami_app_open_renderer(ami_app *app, double scale, int framebuffer, ami_error *err);

/* Its first part, the scene, which needs no OpenGL. */
bool ami_app_make_scene(ami_app *app, ami_error *err);

/* ---- app_session.c ---- */

const ami_snapshot *ami_app_look(ami_app *app);
/* False and a message: not sent, because the simulation is still busy with earlier commands. */
bool ami_app_send(ami_app *app, const ami_command *command);
/* Whether waits must be given up because the program is to end. */
bool ami_app_stopped(const ami_app *app);
/* Shows a line at the top for a few seconds. */
void ami_app_say(ami_app *app, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- app_act.c ---- */

/* Executes an action at once. Its value is clamped to its bounds (ami_action_bounds_of). */
void ami_app_act(ami_app *app, ami_action action, double value);
void ami_app_steer(ami_app *app, double left); /* -1 to 1, while a key is held */
/* Executes the cues that are due at this simulated time. */
void ami_app_cues(ami_app *app, double time);
/* --watch: checks at intervals whether training has written a new model, and loads it. */
void ami_app_watch(ami_app *app);
/* Frees what the simulation no longer uses; writes changes into the log. */
void ami_app_tidy(ami_app *app, const ami_snapshot *snapshot);
/* Moves to this fraction of the clip, or of the history while paused. */
void ami_app_scrub(ami_app *app, const ami_snapshot *snapshot, double fraction);

/* ---- app_skill.c ---- */

/* Loads the content of the definition, and the names of the other models. Before the first session no skill
 * is loaded. */
bool ami_app_start_session(ami_app *app, ami_error *err);
bool ami_app_start_clip(ami_app *app, const char *file, ami_error *err);
void ami_app_list_others(ami_app *app);
void ami_app_choose(ami_app *app, int number);
bool ami_app_have_skill(ami_app *app, int skill); /* loads it if necessary, or shows why not */
/* Replaces skill 0 by one of the run folder's newest files. */
void ami_app_renew(ami_app *app);
/* Opens a file dropped on the window: a clip (played without physics) or an actor (a new skill). Shows a
 * message about it. */
void ami_app_drop(ami_app *app, const char *path);

/* ---- app_style.c ---- */

/* Creates generators for a skill that invents motions; `style`: the plan's, if the command line gives
 * none. */
bool ami_app_invent(ami_app *app, ami_skill *skill, const char *style, ami_error *err);
void ami_app_list(ami_app *app); /* fills the choices */
/* A mixture ("walk:.7,zombie:.3") or "random"; another weight of one style (by its number in the table) in
 * the blend. Errors are shown as a message. */
void ami_app_style(ami_app *app, const char *text);
void ami_app_weigh(ami_app *app, int style, double weight);
/* The choice that is followed or comes next; -1: a blend instead. */
int ami_app_chosen(const ami_app *app, const ami_snapshot *snapshot);
bool ami_app_check_cues(const ami_app *app, ami_error *err);
void ami_app_set_pace(ami_app *app, double pace);
bool ami_app_style_pace(ami_app *app, int sign); /* one step faster or slower, or the next style; false: no
                                                    style is followed */
void ami_app_see_style(ami_app *app, const ami_snapshot *snapshot);
void ami_app_style_text(const ami_app *app, char *text, size_t size); /* "walk 70 %, zombie 30 %" */

/* ---- app_draw.c ---- */

/* Draws the whole frame into the current buffer; `seconds` since the last frame. */
void ami_app_draw(ami_app *app, const ami_snapshot *snapshot, double alpha, double seconds, mjrRect whole);
/* The part of the picture that shows the world: without the panel. */
mjrRect ami_app_world(const ami_app *app, mjrRect whole);
/* The scrub bar: of a clip or of the history while paused. False: there is none. */
bool ami_app_scrub_rect(const ami_app *app, const ami_snapshot *snapshot, mjrRect whole, mjrRect *bar);

/* ---- app_film.c ---- */

/* Reads the picture back, (height, width, 3), bottom row first; the buffer is kept and grows. NULL when
 * memory is short. */
const unsigned char *ami_app_read(ami_app *app, mjrRect whole);

/* Saves a picture or a frame of a video, if requested. */
void ami_app_capture(ami_app *app, mjrRect whole);
void ami_app_toggle_film(ami_app *app, mjrRect whole);
void ami_app_end_film(ami_app *app);

/* window.c, studio.c: run until the end; 0, or 2 with a sentence in err. */
int ami_window_run(ami_app *app, ami_error *err);
int ami_studio_run(ami_app *app, ami_error *err);

#endif
