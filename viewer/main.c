/* amble-view: the main program and its options. Shows characters in a window, or films them without one. */
#include "base/clock.h"
#include "options/options.h"
#include "options/program.h"
#include "options/style.h"
#include "options/threads.h"
#include "viewer/app.h"
#include "viewer/strip.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    KEY_RECORD = 'r',
    KEY_CLIP = 'c',
    KEY_CRITIC = CLI_KEY_OWN,
    KEY_WATCH,
    KEY_GET_UP,
    KEY_TIME_SCALE,
    KEY_SPEED,
    KEY_PAUSED,
    KEY_SIZE,
    KEY_FPS,
    KEY_SCREENSHOT,
    KEY_FILMSTRIP,
    KEY_DO,
    KEY_PANEL,
    KEY_PLOTS,
    KEY_CLEAN,
    KEY_GHOST,
    KEY_FORCES,
    KEY_TRAIL,
    KEY_POINTS,
    KEY_CAMERA,
    KEY_RECOVER,
    KEY_QUALITY,
    KEY_BACKEND,
    KEY_BENCH,
    KEY_LOG,
};

typedef struct arguments {
    cli_common common;
    ami_app_def def;
    ami_strip_def strip;
    int panel, plots, status; /* -1: by size and purpose */
    bool start_given;
} arguments;

static const struct argp_option options[] = {
    {"critic", KEY_CRITIC, "FILE", 0,
     "its critic (default: FILE_critic.onnx or critic.onnx beside the policy, if there is one)", 1},
    {"clip", KEY_CLIP, "NAME|FILE", 0, "play a motion without physics, with a scrub bar", 1},
    {"watch", KEY_WATCH, "FOLDER", 0, "a training's run folder: takes every new model as it is written", 1},
    {"recover", KEY_RECOVER, NULL, 0,
     "a fallen character gets up by physics and goes on (the default where amble's models getup_facedown and "
     "getup_faceup are installed)",
     2},
    {"get-up", KEY_GET_UP, "S", 0,
     "instead, it is put on its feet after S seconds (1.5 without those models), or never", 2},
    {"time-scale", KEY_TIME_SCALE, "X", 0, "simulated seconds a second, .0625 to 16 (default 1)", 2},
    {"speed", KEY_SPEED, "X", OPTION_HIDDEN, NULL, 2},
    {"paused", KEY_PAUSED, NULL, 0, "begin paused", 2},
    {"do", KEY_DO, "\"TIME ACTION [VALUE]\"", 0,
     "an action at a simulated time, in s: push 1.5, skill run, style walk:0.5,zombie:0.5, turn 30, "
     "time-scale 0.25, orbit 40, help, "
     "...; "
     "may be given several times",
     2},
    {"record", KEY_RECORD, "FILE", 0,
     "no window: film into FILE (.mp4, .mov, .mkv, .webm, .gif), --seconds long (default 10)", 3},
    {"screenshot", KEY_SCREENSHOT, "FILE", 0,
     "no window: a picture (PNG) of the moment --seconds (default 2)", 3},
    {"filmstrip", KEY_FILMSTRIP, "FILE", 0,
     "no window: poses of a cycle side by side (PNG), a row for each ROW: a style, a mixture of styles, or a "
     "clip's file (default: every "
     "named style)",
     3},
    {"size", KEY_SIZE, "WxH", 0, "of window or film (default 1280x720)", 3},
    {"fps", KEY_FPS, "RATE", 0, "of the film (default 60, GIF 25)", 3},
    {"panel", KEY_PANEL, "yes|no", 0, "show the panel", 4},
    {"plots", KEY_PLOTS, "yes|no", 0, "show the plots", 4},
    {"clean", KEY_CLEAN, NULL, 0, "nothing but the world: no panel, plots and texts", 4},
    {"ghost", KEY_GHOST, "WHERE", 0, "the reference: off, inside or beside", 4},
    {"forces", KEY_FORCES, NULL, 0, "show contact forces", 4},
    {"trail", KEY_TRAIL, NULL, 0, "show the trail of the feet", 4},
    {"points", KEY_POINTS, NULL, 0, "show joints and soles", 4},
    {"camera", KEY_CAMERA, "AZIMUTH,ELEVATION,DISTANCE", 0, "degrees and m; a part may be empty", 4},
    {"quality", KEY_QUALITY, "low|medium|high", 0,
     "shadows, reflection, smooth edges (default: what the renderer can do)", 4},
    {"backend", KEY_BACKEND, "egl|osmesa", 0,
     "OpenGL for films without a display (default: the first that works)", 4},
    {"bench", KEY_BENCH, NULL, 0, "draw as fast as possible and print the speed", 5},
    {"log", KEY_LOG, "FILE", 0, "write a line for each change", 5},
    {0},
};

static const struct argp_option simulated[] = {
    {"motion", CLI_SIM_MOTION, "NAME|FILE", 0,
     "motion to follow (default: the one the policy was trained on)", 1},
    {"policy", CLI_SIM_POLICY, "FILE", 0,
     "actor, an ONNX file; a bare name is looked up among amble's models too (default: locomotion.onnx "
     "there, with --motion MOTION.onnx)",
     1},
    CLI_SIM_OPTION_NO_POLICY(1),
    CLI_SIM_OPTION_CALIBRATE(1),
    {"characters", CLI_SIM_ENVS, "N", 0, "a crowd (default 1)", 1},
    {"push", CLI_SIM_PUSH, "SPEED,PERIOD", 0, "as amble rollout: push by SPEED m/s every PERIOD s", 2},
    {"turn", CLI_SIM_TURN, "DEG/S", 0, "turn the reference at this rate", 2},
    CLI_SIM_OPTION_HEADING(2),
    CLI_SIM_OPTION_START(2),
    CLI_SIM_OPTION_SELF_COLLISION(2),
    CLI_SIM_OPTION_MAY_TOUCH(2),
    CLI_SIM_OPTION_MAX_ROOT(2),
    CLI_SIM_OPTIONS_VARY(2),
    {"seconds", CLI_SIM_SECONDS, "S", 0, "end after this much simulated time", 3},
    {0},
};
static const struct argp simulation_argp = {simulated, cli_simulation_parse, NULL, NULL, NULL, NULL, NULL};

static int yes_or_no(struct argp_state *state, const char *text, const char *option)
{
    if (strcmp(text, "yes") && strcmp(text, "no"))
        argp_error(state, "%s is \"%.40s\", expected yes or no", option, text);
    return !strcmp(text, "yes");
}

static int one_of(struct argp_state *state, const char *text, const char *option, const char *a,
                  const char *b, const char *c)
{
    if (!strcmp(text, a))
        return 0;
    if (!strcmp(text, b))
        return 1;
    if (c && !strcmp(text, c))
        return 2;
    argp_error(state, "%s is \"%.40s\", expected %s, %s%s%s", option, text, a, b, c ? " or " : "",
               c ? c : "");
    return 0;
}

static void size_of(struct argp_state *state, const char *text, ami_app_def *def)
{
    char width_text[40];
    int64_t width, height;
    const size_t n = strcspn(text, "x");
    snprintf(width_text, sizeof width_text, "%.*s", (int)(n < sizeof width_text ? n : sizeof width_text - 1),
             text);
    if (text[n] != 'x' || !cli_parse_int(width_text, 64, 8192, "the width", &width, NULL) ||
        !cli_parse_int(text + n + 1, 64, 8192, "the height", &height, NULL)) {
        argp_error(state, "--size is \"%.40s\", expected WIDTHxHEIGHT, 64 to 8192 each, as in 1280x720",
                   text);
        return;
    }
    def->width = (int)width;
    def->height = (int)height;
}

static void camera(struct argp_state *state, const char *text, ami_app_def *def)
{
    double *const to[3] = {&def->azimuth, &def->elevation, &def->distance};
    static const double lo[3] = {-720, -89, 1}, hi[3] = {720, 8, 60};
    char copy[100];
    snprintf(copy, sizeof copy, "%s", text);
    char *rest = copy;
    for (int k = 0; k < 3; k++) {
        char *part = strsep(&rest, ",");
        if (!part)
            break;
        if (*part)
            *to[k] = cli_double(state, part, lo[k], hi[k], "--camera");
    }
    if (rest)
        argp_error(state, "--camera is \"%.40s\", expected AZIMUTH,ELEVATION,DISTANCE", text);
}

static error_t parse_view(int key, char *text, struct argp_state *state, arguments *a)
{
    ami_app_def *d = &a->def;
    switch (key) {
    case KEY_PANEL:
        a->panel = yes_or_no(state, text, "--panel");
        return 0;
    case KEY_PLOTS:
        a->plots = yes_or_no(state, text, "--plots");
        return 0;
    case KEY_CLEAN:
        a->panel = a->plots = a->status = 0;
        return 0;
    case KEY_GHOST:
        d->ghost = one_of(state, text, "--ghost", "off", "inside", "beside");
        return 0;
    case KEY_FORCES:
        d->forces = true;
        return 0;
    case KEY_TRAIL:
        d->trail = true;
        return 0;
    case KEY_POINTS:
        d->points = true;
        return 0;
    case KEY_CAMERA:
        camera(state, text, d);
        return 0;
    case KEY_QUALITY:
        d->quality = one_of(state, text, "--quality", "low", "medium", "high");
        return 0;
    case KEY_BACKEND:
        d->backend = one_of(state, text, "--backend", "egl", "osmesa", NULL) ? "osmesa" : "egl";
        return 0;
    case KEY_SIZE:
        size_of(state, text, d);
        return 0;
    case KEY_FPS:
        d->fps = cli_double(state, text, 1, 1000, "--fps");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_simulation(int key, char *text, struct argp_state *state, arguments *a)
{
    ami_app_def *d = &a->def;
    ami_error err;
    char word[8];
    switch (key) {
    case KEY_GET_UP:
        d->get_up_s = !strcmp(text, "never") ? -1 : cli_double(state, text, 0, 1e6, "--get-up");
        if (d->recover == AMI_APP_IF_INSTALLED)
            d->recover = AMI_APP_LIFTED;
        return 0;
    case KEY_RECOVER:
        d->recover = AMI_APP_RECOVERS;
        return 0;
    case KEY_SPEED:
        cli_warn_renamed(state, "--speed", "--time-scale");
        /* fall through */
    case KEY_TIME_SCALE:
        d->speed = cli_double(state, text, AMI_SPEED_MIN, AMI_SPEED_MAX,
                              key == KEY_SPEED ? "--speed" : "--time-scale");
        return 0;
    case KEY_PAUSED:
        d->paused = true;
        return 0;
    case KEY_DO:
        if (d->cues >= AMI_CUES)
            argp_error(state, "--do: %d actions at most", AMI_CUES);
        else if (!ami_cue_parse(text, &d->cue[d->cues++], &err))
            argp_error(state, "--do: %s", err.text);
        if (sscanf(text, "%*s %7s", word) == 1 && !strcmp(word, "speed"))
            cli_warn_renamed(state, "--do \"TIME speed\"", "time-scale");
        return 0;
    default:
        return parse_view(key, text, state, a);
    }
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    arguments *a = state->input;
    ami_app_def *d = &a->def;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->common;
        state->child_inputs[1] = &d->style;
        state->child_inputs[2] = &d->sim;
        return 0;
    case KEY_CRITIC:
        d->critic = text;
        return 0;
    case KEY_CLIP:
        d->clip_file = text;
        return 0;
    case KEY_WATCH:
        d->watch = text;
        return 0;
    case KEY_RECORD:
        d->record = text;
        return 0;
    case KEY_SCREENSHOT:
        d->screenshot = text;
        return 0;
    case KEY_BENCH:
        d->bench = true;
        return 0;
    case KEY_LOG:
        d->log = text;
        return 0;
    case KEY_FILMSTRIP:
        a->strip.file = text;
        return 0;
    case ARGP_KEY_ARG:
        if (a->strip.rows >= AMI_STRIP_ROWS)
            argp_error(state, "a filmstrip has at most %d rows", AMI_STRIP_ROWS);
        else
            a->strip.row[a->strip.rows++] = text;
        return 0;
    case ARGP_KEY_END:
        if (a->strip.rows && !a->strip.file)
            argp_error(state, "\"%s\" found where nothing is expected", a->strip.row[0]);
        return 0;
    default:
        return parse_simulation(key, text, state, a);
    }
}

static int by_time(const void *a, const void *b)
{
    const double d = ((const ami_cue *)a)->time - ((const ami_cue *)b)->time;
    return d < 0 ? -1 : d > 0;
}

static bool check(const ami_app_def *d, ami_error *err)
{
    if (d->sim.no_policy && (d->sim.policy || d->watch))
        return ami_fail(err, "--no-policy and %s exclude each other", d->sim.policy ? "--policy" : "--watch");
    if (d->sim.no_policy && d->sim.calibration.count)
        return ami_fail(err, "--calibrate and --no-policy exclude each other");
    if (d->watch && d->sim.policy)
        return ami_fail(err, "--watch and --policy exclude each other");
    for (int i = 0; i < d->cues; i++)
        if ((d->record || d->screenshot) && d->cue[i].action == AMI_ACT_PAUSE)
            return ami_fail(err,
                            "--do: a film cannot pause, because its time is the simulation's; time-scale "
                            ".0625 is the slowest");
    if (d->paused && (d->record || d->screenshot))
        return ami_fail(err, "--paused is for the window; a film would never end");
    if (d->clip_file &&
        (d->sim.policy || d->watch || d->sim.motion || d->sim.no_policy || ami_style_requested(&d->style)))
        return ami_fail(err, "--clip plays a motion without physics; it excludes --policy, --motion, "
                             "--style, --no-policy and --watch");
    if (!cli_style_check(&d->style, d->sim.motion, err))
        return false;
    return true;
}

/* Waits until training has written its first actor into the watched folder, which may not exist yet. Signals
 * end the program as usual. */
static bool wait_for_model(const char *folder, ami_error *err)
{
    char path[4200];
    struct stat st;
    snprintf(path, sizeof path, "%s/actor.onnx", folder);
    bool reported = false;
    while (access(path, R_OK) != 0) {
        if (stat(folder, &st) == 0 ? !S_ISDIR(st.st_mode) : errno != ENOENT)
            return ami_fail(err, "--watch: %s is not a folder that training writes to", folder);
        if (access(path, F_OK) == 0)
            return ami_fail(err, "--watch: %s cannot be read", path);
        if (!reported)
            fprintf(stderr, "amble-view: waiting for %s, which training writes; Ctrl-C ends this\n", path);
        reported = true;
        ami_clock_sleep_until(ami_clock_now() + .1);
    }
    return true;
}

/* A filmstrip has only the options --size, --backend, --clips, those of the styles' files and its own. */
static int make_strip(arguments *a)
{
    static const char *const pictures[] = {".png", NULL};
    ami_error err = {{0}};
    const ami_app_def *d = &a->def;
    const bool other = d->record || d->screenshot || d->clip_file || d->sim.motion || d->sim.policy ||
                       d->watch || d->sim.no_policy;
    a->strip.poses = 8;
    a->strip.width = a->def.width;
    a->strip.backend = a->def.backend;
    a->strip.style = d->style;
    a->strip.clips = a->common.clips;
    if (ami_style_requested(&d->style) || d->style.change > 0 || d->style.speed > 0 ||
        d->style.phase_gain > 0)
        ami_fail(
            &err,
            "--filmstrip takes styles as rows (amble-view --filmstrip strip.png walk zombie), and of the "
            "styles' options --styles, --decoder and --deepphase");
    else if (!cli_check_output(a->strip.file, pictures, &err))
        ;
    else if (other)
        ami_fail(&err, "--filmstrip shows motions without physics; it excludes --record, "
                       "--screenshot, --clip, --motion, "
                       "--policy, --no-policy and --watch");
    else if (ami_strip_make(&a->strip, &err))
        return 0;
    fprintf(stderr, "amble-view: %s\n", err.text);
    return 2;
}

/* Defaults that depend on the kind of output and its size. */
static void fill_in(arguments *a)
{
    ami_app_def *d = &a->def;
    const bool film = d->record || d->screenshot;
    const char *dot = d->record ? strrchr(d->record, '.') : NULL;
    if (d->fps <= 0)
        d->fps = dot && !strcasecmp(dot, ".gif") ? 25 : 60;
    if (film && d->sim.seconds <= 0)
        d->sim.seconds = d->record ? 10 : 2;
    d->panel = a->panel >= 0 ? a->panel : !film && d->width >= 760;
    d->plots = a->plots >= 0 ? a->plots : !film && d->width >= 1100;
    d->status = a->status != 0;
    d->seed = a->common.seed;
    d->clips = a->common.clips;
    d->json = a->common.json;
    /* Equal times keep their order: qsort is not stable, so the index is added to the time, far below any
     * step. */
    for (int i = 0; i < d->cues; i++)
        d->cue[i].time += 1e-10 * i;
    qsort(d->cue, (size_t)d->cues, sizeof *d->cue, by_time);
}

static const char doc[] =
    "Opens a window in which a character walks: push it, pull it, steer it, film it. H shows all keys.\v"
    "Examples:\n"
    "  amble-view\n"
    "  amble-view --style walk:0.6,zombie:0.4\n"
    "  amble-view --characters 50 --style random\n"
    "  amble-view --clip backflip\n"
    "  amble-view --watch runs/walk\n"
    "  amble-view --filmstrip strip.png walk walk:0.5,zombie:0.5 zombie\n"
    "  amble-view --record walk.mp4 --seconds 10 --size 1280x720 --do \"4 push 1\" --do \"7 skill "
    "run\"\n\n" CLI_ENVIRONMENT_HELP;

static int amble_view(int argc, char **argv)
{
    static ami_app app;
    static arguments a;
    cli_set_up_openmp(argv);
    a = (arguments){.common = {.seed = 1}, .panel = -1, .plots = -1, .status = -1};
    a.def = (ami_app_def){.sim = cli_simulation_default(),
                          .speed = 1,
                          .get_up_s = 1.5,
                          .width = 1280,
                          .height = 720,
                          .quality = -1,
                          .azimuth = NAN,
                          .elevation = NAN,
                          .distance = NAN};
    a.def.sim.envs_option = "--characters";
    a.def.sim.envs_max = 1000;
    const struct argp_child children[] = {{&cli_common_argp, 0, NULL, 90},
                                          {&cli_view_style_argp, 0, NULL, 2},
                                          {&simulation_argp, 0, NULL, 0},
                                          {0}};
    const struct argp argp = {options, parse, "[ROW...]", doc, children, NULL, NULL};
    argp_err_exit_status = CLI_BAD_INPUT;
    argp_program_version = "amble-view " AMB_VERSION;
    cli_parse(&argp, argc, argv, &a);
    if (a.strip.file)
        return make_strip(&a);
    fill_in(&a);
    static const char *const screenshots[] = {".png", NULL};
    ami_error err = {{0}};
    bool ok = check(&a.def, &err) && (!a.def.record || ami_film_check(a.def.record, &err)) &&
              cli_check_output(a.def.screenshot, screenshots, &err) &&
              (!a.def.watch || wait_for_model(a.def.watch, &err));
    cli_set_threads(a.common.threads);
    int status = 2;
    if (ok && ami_app_init(&app, &a.def, &err))
        status = a.def.record || a.def.screenshot ? ami_studio_run(&app, &err) : ami_window_run(&app, &err);
    if (!status && !ami_app_close_log(&app, &err))
        status = 2;
    if (status)
        fprintf(stderr, "amble-view: %s\n", err.text);
    ami_sim_stop(app.content.sim);
    app.content.sim = NULL;
    const char *failure = app.content.session ? ami_session_failure(app.content.session) : NULL;
    if (failure)
        fprintf(stderr, "amble-view: physics failed, and its character was reset: %s\n", failure);
    ami_app_free(&app);
    return status;
}

int main(int argc, char **argv)
{
    cli_program_start("amble-view");
    return cli_run_program(argc, argv, amble_view);
}
