/* amble clip: prints what is in motion clips. What has a file of its own: convert and map
 * (cmd_clip_convert.c), compare (cmd_clip_compare.c), style (cmd_clip_style.c).
 *
 * `info` reads any number of clips and prints a line for each, or JSON. */
#include "cli/cmd_clip.h"

#include "cli/clip_facts.h"
#include "cli/commands.h"
#include "motion/clip.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_SIZE = 4096, KEY_ENCODER = CLI_KEY_OWN, KEY_STYLES };

typedef struct options {
    cli_common common;
    const char *encoder, *styles;
    char **names; /* (count) positional arguments */
    int count;
} options;

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    options *o = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->common;
        return 0;
    case KEY_ENCODER:
        o->encoder = text;
        return 0;
    case KEY_STYLES:
        o->styles = text;
        return 0;
    case ARGP_KEY_ARGS:
        o->names = state->argv + state->next;
        o->count = state->argc - state->next;
        return 0;
    case ARGP_KEY_END:
        if (o->count < 1) {
            argp_error(state, "which motion? Give a NAME or a FILE");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static ami_clip *open_clip(const char *name, const options *o, char path[PATH_SIZE], ami_error *err)
{
    return ami_clip_find(name, o->common.clips, path, PATH_SIZE, err) ? ami_clip_read(path, err) : NULL;
}

static void print_head(int width)
{
    printf("%-*s %-4s %6s %8s %6s %7s %6s %11s %6s %-15s %8s\n", width, "motion", "loop", "frames", "s", "Hz",
           "m", "m/s", "height m", "rad/s", "fastest joint", "seam deg");
}

static void print_facts(const clip_facts *f, int width)
{
    char seam[16] = "-";
    if (f->loops) {
        snprintf(seam, sizeof seam, "%.1f", f->seam * (180 / M_PI));
    }
    printf("%s%*s %-4s %6d %8.3f %6.1f %7.2f %6.2f %5.2f..%.2f %6.1f %-15s %8s\n", f->name,
           width - cli_columns(f->name), "", f->loops ? "wrap" : "none", f->frames, f->duration,
           (f->frames - 1) / f->duration, f->distance, f->speed, f->low, f->high, f->fastest, f->joint, seam);
}

/* All clips, once they are known: the first column is as wide as the longest name. */
static void print_table(const clip_facts *list, int count)
{
    int width = 20;
    for (int i = 0; i < count; i++) {
        const int columns = cli_columns(list[i].name);
        width = columns > width ? columns : width;
    }
    if (count > 0) {
        print_head(width);
    }
    for (int i = 0; i < count; i++) {
        print_facts(&list[i], width);
    }
}

/* Every clip that can be read is listed, whatever is wrong with others. */
static int run_info(const options *o)
{
    ami_error err = {""};
    json_t *list = json_array();
    const bool table = !o->common.json || strcmp(o->common.json, "-") != 0;
    clip_facts *all = calloc((size_t)o->count, sizeof *all);
    int read = 0, status = EXIT_SUCCESS;
    if (!list || !all) {
        json_decref(list);
        free(all);
        ami_fail(&err, "out of memory");
        return cli_fail(&err);
    }
    for (int i = 0; i < o->count; i++) {
        char path[PATH_SIZE];
        ami_clip *clip = open_clip(o->names[i], o, path, &err);
        if (!clip) {
            status = cli_fail(&err);
            continue;
        }
        all[read] = clip_facts_of(clip);
        json_array_append_new(list, clip_facts_json(clip, path, &all[read]));
        ami_clip_destroy(clip);
        read++;
    }
    if (table) {
        print_table(all, read);
    }
    free(all);
    if (!cli_write_json(o->common.json, list, &err)) {
        status = cli_fail(&err);
    }
    return status;
}

static int run_style(const options *o)
{
    return clip_style(&o->common, o->names, o->count, o->encoder, o->styles);
}

static const struct argp_option style_options[] = {
    {"encoder", KEY_ENCODER, "FILE", 0, "StyleVAE's encoder (default: amble's own stylevae_encoder.onnx)", 1},
    {"styles", KEY_STYLES, "FILE", 0, "named styles (default: amble's own styles.json)", 1},
    {0},
};
static const struct argp_child children[] = {{&cli_common_argp, 0, NULL, 90}, {0}};

static const struct {
    const char *verb;
    struct argp argp;
    int (*run)(const options *o);
} verbs[] = {
    {"info",
     {NULL, parse_option, "NAME-or-FILE...",
      "Prints what is in motion clips: frames, seconds, frames a second, metres travelled, speed, the root's "
      "height, the fastest joint, and how far a loop is from closing at its seam. Takes every format that "
      "amble reads: BVH and DeepMimic's JSON.\v"
      "Example: amble clip info walk run dance.bvh",
      children, NULL, NULL},
     run_info},
    {"style",
     {style_options, parse_option, "NAME-or-FILE...",
      "Finds the style of motion clips that walk: the mean latent of their windows of 2 s from a left-foot "
      "strike on, and the named styles "
      "nearest to it. Also says a cycle's period, the speed, how much faster than the clip the latent's "
      "window plays (scale), and how far "
      "the "
      "cycles' latents lie from their mean (spread).\v"
      "Example: amble clip style walk style_zombie",
      children, NULL, NULL},
     run_style},
};

/* Those with command lines of their own. */
static const struct {
    const char *verb;
    int (*run)(int argc, char **argv);
} own_verbs[] = {{"convert", clip_convert}, {"map", clip_map}, {"compare", clip_compare}};

static const char usage[] =
    "Usage: amble clip info [OPTION...] NAME-or-FILE...\n"
    "       amble clip convert [OPTION...] NAME-or-FILE... -o OUT\n"
    "       amble clip map [OPTION...] FILE\n"
    "       amble clip compare [OPTION...] A B\n"
    "       amble clip style [OPTION...] NAME-or-FILE...\n"
    "Says what is in motion clips, imports, edits and compares them, or finds their style. `amble clip info "
    "--help` and so on say more.\n"
    "Example: amble clip convert dance.bvh -o dance.txt --loop auto\n";

int cmd_clip(int argc, char **argv)
{
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0)) {
        fputs(usage, stdout);
        return EXIT_SUCCESS;
    }
    for (size_t i = 0; argc >= 2 && i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(argv[1], verbs[i].verb) == 0) {
            char name[32];
            snprintf(name, sizeof name, "amble clip %s", verbs[i].verb);
            argv[1] = name; /* what argp calls the program */
            options o = {0};
            cli_parse(&verbs[i].argp, argc - 1, argv + 1, &o);
            return verbs[i].run(&o);
        }
    }
    for (size_t i = 0; argc >= 2 && i < sizeof own_verbs / sizeof *own_verbs; i++) {
        if (strcmp(argv[1], own_verbs[i].verb) == 0) {
            char name[32];
            snprintf(name, sizeof name, "amble clip %s", own_verbs[i].verb);
            argv[1] = name;
            return own_verbs[i].run(argc - 1, argv + 1);
        }
    }
    if (argc >= 2) {
        fprintf(stderr, "amble clip: \"%s\" is none of info, convert, map, compare and style\n", argv[1]);
    }
    fputs(usage, stderr);
    return CLI_BAD_INPUT;
}
