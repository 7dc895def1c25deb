/* amble style: which styles there are, a style's motion as a clip, and pictures of all styles
 * (cmd_style_plot.c). Nothing is simulated and nothing is drawn at random. */
#include "cli/cmd_style.h"

#include "policy/models.h"

#include "cli/commands.h"
#include "options/style.h"
#include "policy/style_motion.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_OUT = 'o', KEY_FROM = CLI_KEY_OWN, KEY_ENCODER, KEY_BETWEEN, KEY_REPLACE, KEY_FORCE, SHOWN = 3 };

typedef struct options {
    cli_common common;
    ami_style_request style;
    const char *out, *between;
    const char *name, *file; /* of `add` */
    bool takes_style, takes_motion, replace, force;
} options;

static error_t parse(int key, char *text, struct argp_state *state)
{
    options *o = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->style;
        state->child_inputs[1] = &o->common;
        return 0;
    case KEY_OUT:
        o->out = text;
        return 0;
    case KEY_FROM:
        o->style.from = text;
        return 0;
    case KEY_ENCODER:
        o->style.encoder = text;
        return 0;
    case KEY_BETWEEN:
        o->between = text;
        return 0;
    case KEY_REPLACE:
        o->replace = true;
        return 0;
    case KEY_FORCE:
        o->force = true;
        return 0;
    case ARGP_KEY_ARG:
        if (o->takes_motion && !o->file) {
            *(o->name ? &o->file : &o->name) = text;
            return 0;
        }
        if (!o->takes_style || o->style.style)
            argp_error(state, "\"%s\" found where nothing is expected", text);
        o->style.style = text;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The networks and the table, and the style that is asked for, if one is. */
static ami_character *load(const options *o, ami_motions *motions, ami_error *err)
{
    const ami_character_def body = ami_character_default_def();
    ami_style_request style = o->style;
    if (!ami_style_requested(&style))
        style.style = "random-names";
    ami_character *character = ami_character_create(&body, err);
    if (character && ami_motions_load(motions, &style, &character->skeleton, o->common.clips, err))
        return character;
    ami_character_destroy(character);
    return NULL;
}

/* ---- list ---- */

static json_t *facts_json(const ami_cycle_facts *f)
{
    return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "frames", f->frames, "period_s",
                     cli_real(f->period_s), "speed_mps", cli_real(f->speed), "stretch", cli_real(f->stretch),
                     "confidence", cli_real(f->confidence), "close_m", cli_real(f->close_m), "fit_m",
                     cli_real(f->fit_m), "skate_mps", cli_real(f->skate));
}

/* clip: the invented one, NULL where there is none because of `refusal`. */
static json_t *style_json(const ami_styles *styles, int at, const ami_style_near *near,
                          const ami_cycle_facts *facts, ami_refusal refusal)
{
    const ami_style *s = &styles->style[at];
    json_t *list = json_array();
    for (int i = 1; i < styles->count; i++)
        json_array_append_new(list, json_pack("{s:s, s:o}", "style", styles->style[near[i].style].name,
                                              "distance", cli_real(near[i].distance)));
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "style", s->name, "clip", s->clip,
                     "period_s", cli_real(s->period), "speed_mps", cli_real(s->speed), "scale",
                     cli_real(s->scale), "spread", cli_real(s->spread), "motion",
                     refusal ? json_null() : facts_json(facts), "refused",
                     refusal ? json_string(ami_refusal_text(refusal)) : json_null(), "nearest", list);
}

static void print_style(const ami_styles *styles, int at, const ami_style_near *near,
                        const ami_cycle_facts *facts, ami_refusal refusal)
{
    const ami_style *s = &styles->style[at];
    printf("%-12s %-14s ", s->name, s->clip);
    if (refusal)
        printf("no usable motion: %s", ami_refusal_text(refusal));
    else
        printf("%8.2f %6.2f %8.2f   ", facts->period_s, facts->speed, facts->skate);
    for (int i = 1; !refusal && i < styles->count && i <= SHOWN; i++)
        printf("%s%s %.1f", i > 1 ? ", " : "", styles->style[near[i].style].name, near[i].distance);
    putchar('\n');
}

static bool list_one(const ami_motions *m, int at, ami_style_near *near, bool table, json_t *list,
                     ami_error *err)
{
    const ami_style *s = &m->styles->style[at];
    ami_latent latent;
    ami_cycle_facts facts;
    ami_refusal refusal;
    ami_latent_of_style(s, &latent);
    ami_clip *clip = ami_style_motion(&m->nets, &latent, s->name, &facts, &refusal, err);
    if (!clip && refusal == AMI_MOTION_OK)
        return false;
    ami_clip_destroy(clip);
    ami_styles_nearest(m->styles, s->z, near);
    json_array_append_new(list, style_json(m->styles, at, near, &facts, refusal));
    if (table)
        print_style(m->styles, at, near, &facts, refusal);
    return true;
}

static int run_list(const options *o)
{
    ami_error err = {""};
    ami_motions m;
    ami_character *character = load(o, &m, &err);
    if (!character)
        return cli_fail(&err);
    ami_style_near *near = malloc((size_t)m.styles->count * sizeof *near);
    json_t *list = json_array();
    const bool table = !o->common.json || strcmp(o->common.json, "-") != 0;
    bool ok = (near && list) || ami_fail(&err, "out of memory for a list of %d styles", m.styles->count);
    if (ok && table)
        printf("%-12s %-14s %8s %6s %8s   %s\n", "style", "learned from", "period s", "m/s", "skate",
               "nearest styles and their distances");
    for (int i = 0; ok && i < m.styles->count; i++)
        ok = list_one(&m, i, near, table, list, &err);
    ok = ok && cli_write_json(o->common.json, json_incref(list), &err);
    json_decref(list);
    free(near);
    ami_motions_free(&m);
    ami_character_destroy(character);
    return ok ? EXIT_SUCCESS : cli_fail(&err);
}

/* ---- export ---- */

static bool export(const options *o, const ami_motions *m, ami_error *err)
{
    ami_cycle_facts facts;
    if (!m->plan.moments)
        return ami_fail(
            err, "\"%.60s\" means another style every time, and a clip has one: give a name or a mixture",
            o->style.style);
    ami_clip *clip = ami_style_motion(&m->nets, &m->plan.moment[0].latent,
                                      o->style.style ? o->style.style : o->style.from, &facts, NULL, err);
    bool ok = clip && ami_clip_write(clip, o->out, err);
    ami_clip_destroy(clip);
    const bool text = !o->common.json || strcmp(o->common.json, "-") != 0;
    if (ok && text)
        printf("%s: %s, %d frames, %.2f s, %.2f m/s\n", o->out, m->name, facts.frames + 1, facts.period_s,
               facts.speed);
    if (ok && o->common.json) {
        json_t *result = json_pack("{s:o, s:s, s:o}", "file", cli_text(o->out), "style", m->name, "motion",
                                   facts_json(&facts));
        ok = cli_write_json(o->common.json, result, err);
    }
    return ok;
}

static int run_export(const options *o)
{
    ami_error err = {""};
    ami_motions m;
    if (o->style.style && o->style.from) {
        ami_fail(&err, "a STYLE and --style-from exclude each other");
        return cli_fail(&err);
    }
    if (!ami_style_requested(&o->style) || !o->out) {
        ami_fail(&err,
                 ami_style_requested(&o->style)
                     ? "where to? Give -o FILE"
                     : "which style? Give a name, a mixture (walk:0.7,zombie:0.3) or --style-from CLIP");
        return cli_fail(&err);
    }
    ami_character *character = ami_clip_check_ending(o->out, &err) && cli_check_output(o->out, NULL, &err)
                                   ? load(o, &m, &err)
                                   : NULL;
    if (!character)
        return cli_fail(&err);
    const bool ok = export(o, &m, &err);
    ami_motions_free(&m);
    ami_character_destroy(character);
    return ok ? EXIT_SUCCESS : cli_fail(&err);
}

/* ---- plot ---- */

static int run_plot(const options *o)
{
    ami_error err = {""};
    ami_motions m;
    ami_stylevae encoder = {0};
    char path[4096];
    if (!o->out) {
        ami_fail(&err, "where to? Give --out DIR");
        return cli_fail(&err);
    }
    ami_character *character = load(o, &m, &err);
    if (!character)
        return cli_fail(&err);
    json_t *facts = json_object();
    const bool drawn = (facts || ami_fail(&err, "out of memory for pictures")) &&
                       ami_find_model(o->style.encoder ? o->style.encoder : "stylevae_encoder.onnx", path,
                                      sizeof path, &err) &&
                       ami_stylevae_load(&encoder, path, NULL, NULL, &err) &&
                       style_plot(&m, &encoder, o->between, o->out, o->common.json, facts, &err);
    int status = drawn ? EXIT_SUCCESS : cli_fail(&err);
    if (drawn && !cli_write_json(o->common.json, json_incref(facts), &err))
        status = cli_fail(&err);
    json_decref(facts);
    ami_stylevae_free(&encoder);
    ami_motions_free(&m);
    ami_character_destroy(character);
    return status;
}

/* ---- add ---- */

static int run_add(const options *o)
{
    ami_error err = {""};
    static ami_motions m;
    if (!o->file) {
        ami_fail(&err, "which style? Give its name and a motion: amble style add NAME FILE");
        return cli_fail(&err);
    }
    const style_addition addition = {.name = o->name,
                                     .file = o->file,
                                     .clips = o->common.clips,
                                     .table = o->style.table,
                                     .encoder = o->style.encoder,
                                     .out = o->out,
                                     .json = o->common.json,
                                     .replace = o->replace,
                                     .force = o->force};
    ami_character *character = load(o, &m, &err);
    const bool ok = character && style_add(&m, &addition, &err);
    if (character)
        ami_motions_free(&m);
    ami_character_destroy(character);
    return ok ? EXIT_SUCCESS : cli_fail(&err);
}

/* ---- command line ---- */

static const struct argp_option export_options[] = {
    {"output", KEY_OUT, "FILE", 0, "the clip's file", 1},
    {"style-from", KEY_FROM, "NAME|FILE", 0, "instead of STYLE: the style of a clip that walks", 1},
    {"encoder", KEY_ENCODER, "FILE", 0,
     "StyleVAE's encoder, for --style-from (default stylevae_encoder.onnx among amble's models)", 1},
    {0},
};
static const struct argp_option add_options[] = {
    {"output", KEY_OUT, "FILE", 0, "the new table (default: the one of --styles is changed)", 1},
    {"replace", KEY_REPLACE, NULL, 0, "take the place of a style of the same name", 1},
    {"force", KEY_FORCE, NULL, 0, "also where no usable motion is invented from it", 1},
    {"encoder", KEY_ENCODER, "FILE", 0,
     "StyleVAE's encoder (default stylevae_encoder.onnx among amble's models)", 1},
    {0},
};
static const struct argp_option plot_options[] = {
    {"out", KEY_OUT, "DIR", 0, "folder for pictures, tables and gnuplot's scripts; it is made", 1},
    {"between", KEY_BETWEEN, "A,B", 0,
     "two styles whose half-way blend is drawn (default: the two that are farthest apart)", 1},
    {"encoder", KEY_ENCODER, "FILE", 0,
     "StyleVAE's encoder (default stylevae_encoder.onnx among amble's models)", 1},
    {0},
};
static const struct argp_child json_children[] = {
    {&cli_style_files_argp, 0, NULL, 2}, {&cli_json_argp, 0, NULL, 90}, {0}};
static const struct argp_child clip_children[] = {
    {&cli_style_files_argp, 0, NULL, 2}, {&cli_common_argp, 0, NULL, 90}, {0}};

static const struct {
    const char *verb;
    struct argp argp;
    bool takes_style, takes_motion;
    int (*run)(const options *o);
} verbs[] = {
    {"list",
     {NULL, parse, NULL,
      "Lists the named styles: the clip that each was learned from; of the motion that is invented from it "
      "the period of a cycle, the "
      "speed "
      "and how fast soles slide that should stand; and the nearest styles with their distances in latent "
      "space.\v"
      "Example: amble style list --json styles.json",
      json_children, NULL, NULL},
     false,
     false,
     run_list},
    {"add",
     {add_options, parse, "NAME FILE",
      "Puts the style of a motion that walks, a file of any format or a clip's name, into a table under "
      "NAME. Says what it is "
      "like, what motion is invented from it, and which styles are nearest.\v"
      "Example: amble style add limp limp.bvh -o my_styles.json\n"
      "         amble rollout --styles my_styles.json --style limp",
      clip_children, NULL, NULL},
     false,
     true,
     run_add},
    {"export",
     {export_options, parse, "STYLE",
      "Writes the motion that is invented from a style, one cycle that loops from left-foot strike to "
      "left-foot strike, as a clip. STYLE "
      "is "
      "a name or a mixture, as for rollout's --style.\v"
      "Example: amble style export walk:0.7,zombie:0.3 -o slouch.txt\n"
      "         amble-view --clip slouch.txt",
      clip_children, NULL, NULL},
     true,
     false,
     run_export},
    {"plot",
     {plot_options, parse, NULL,
      "Draws the styles with gnuplot: " STYLE_PHASE_NAME
      ".png, DeepPhase's trajectory of each, and " STYLE_MAP_NAME
      ".png, where they and their blends lie in latent space. The tables (.tsv) and scripts (.gp) behind the "
      "pictures are written in any "
      "case.\v"
      "Example: amble style plot --out pictures --between walk,zombie",
      json_children, NULL, NULL},
     false,
     false,
     run_plot},
};

static const char usage[] =
    "Usage: amble style list [OPTION...]\n"
    "       amble style add [OPTION...] NAME FILE\n"
    "       amble style export [OPTION...] STYLE -o FILE\n"
    "       amble style plot [OPTION...] --out DIR\n"
    "Says which styles there are, adds one, writes a style's motion as a clip, draws them all. "
    "`amble style list --help` and so "
    "on say more.\n"
    "Example: amble style export walk:0.7,zombie:0.3 -o slouch.txt\n";

int cmd_style(int argc, char **argv)
{
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0)) {
        fputs(usage, stdout);
        return EXIT_SUCCESS;
    }
    for (size_t i = 0; argc >= 2 && i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(argv[1], verbs[i].verb) == 0) {
            char name[32];
            snprintf(name, sizeof name, "amble style %s", verbs[i].verb);
            argv[1] = name; /* what argp calls the program */
            options o = {.takes_style = verbs[i].takes_style, .takes_motion = verbs[i].takes_motion};
            o.common.json_later = verbs[i].run == run_plot; /* it may lie in the folder that is made */
            cli_parse(&verbs[i].argp, argc - 1, argv + 1, &o);
            return verbs[i].run(&o);
        }
    }
    if (argc >= 2)
        fprintf(stderr, "amble style: \"%s\" is none of list, add, export and plot\n", argv[1]);
    fputs(usage, stderr);
    return CLI_BAD_INPUT;
}
