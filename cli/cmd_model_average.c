/* amble model average: one network from several of one training, by the weighted mean of their parameters. */
#include "cli/cmd_model.h"
#include "nets/average.h"
#include "nets/onnx/onnx.h"
#include "options/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_OUTPUT = 'o', KEY_WEIGHTS = 'w', KEY_HALF = CLI_KEY_OWN };

enum { MAX_FILES = 64 };

typedef struct options {
    const char *file[MAX_FILES], *output;
    double weight[MAX_FILES];
    int files, weights;
    bool half;
} options;

static void parse_weights(struct argp_state *state, options *o, char *text)
{
    char *rest;
    for (char *word = strtok_r(text, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        if (o->weights == MAX_FILES)
            argp_error(state, "--weights has more than %d numbers", MAX_FILES);
        o->weight[o->weights++] = cli_double(state, word, 0, 1e6, "--weights");
    }
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    options *o = state->input;
    switch (key) {
    case KEY_OUTPUT:
        o->output = text;
        return 0;
    case KEY_WEIGHTS:
        parse_weights(state, o, text);
        return 0;
    case KEY_HALF:
        o->half = true;
        return 0;
    case ARGP_KEY_ARG:
        if (o->files == MAX_FILES)
            argp_error(state, "more than %d files", MAX_FILES);
        o->file[o->files++] = text;
        return 0;
    case ARGP_KEY_END:
        if (o->files < 2)
            argp_error(state, "which networks? Give two FILE.onnx or more");
        if (!o->output)
            argp_error(state, "where to? Give --output OUT.onnx");
        if (o->weights && o->weights != o->files)
            argp_error(state, "--weights has %d numbers for %d files, expected one each", o->weights,
                       o->files);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option option_list[] = {
    {"output", KEY_OUTPUT, "OUT.onnx", 0,
     "the mean network; its metadata are the first file's, and what it was made of", 1},
    {"weights", KEY_WEIGHTS, "W,W,...", 0, "one for each file, need not sum to 1 (default: equal)", 1},
    {"half", KEY_HALF, NULL, 0, "write float16 weights", 1},
    {0},
};

/* Which files, by which shares, for the metadata. */
static void describe(const options *o, double sum, char *text, size_t size)
{
    size_t used = 0;
    for (int i = 0; i < o->files && used < size; i++) {
        const char *slash = strrchr(o->file[i], '/');
        const double share = (o->weights ? o->weight[i] : 1) / sum;
        used += (size_t)snprintf(text + used, size - used, "%s%.4g %.80s", i ? ", " : "", share,
                                 slash ? slash + 1 : o->file[i]);
    }
}

static bool average(const options *o, ami_error *err)
{
    double sum = 0, done = 0;
    if (!cli_check_output(o->output, NULL, err))
        return false;
    for (int i = 0; i < o->files; i++)
        sum += o->weights ? o->weight[i] : 1;
    if (!(sum > 0))
        return ami_fail(err, "--weights are all 0");
    ami_net *mean = NULL;
    bool ok = true;
    for (int i = 0; ok && i < o->files; i++) {
        char path[4096];
        const double weight = o->weights ? o->weight[i] : 1;
        ami_net *net = model_read_chain(o->file[i], path, sizeof path, err);
        ok = net && (!mean || ami_net_can_average(mean, net, err) || ami_fail_in(err, "%s", path));
        done += weight;
        if (ok && mean && weight > 0)
            ami_net_average(mean, net, weight / done);
        if (!ok || mean)
            ami_net_destroy(net);
        else
            mean = net;
    }
    char text[2048];
    describe(o, sum, text, sizeof text);
    if (ok && !ami_net_set_meta(mean, "average", text))
        ok = ami_fail(err, "out of memory");
    ok = ok && ami_onnx_write(o->output, mean, o->half ? AMI_ONNX_FLOAT16 : AMI_ONNX_FLOAT32, err);
    if (ok)
        printf("%s: the mean of %s\n", o->output, text);
    ami_net_destroy(mean);
    return ok;
}

int cmd_model_average(int argc, char **argv)
{
    static const struct argp argp = {
        option_list,
        parse,
        "FILE.onnx FILE.onnx...",
        "Writes the weighted mean of networks that came of one training.\v"
        "Networks that went on from one another can often be averaged weight by weight, and the mean is "
        "better "
        "than each. Those trained apart cannot.\n\n"
        "Example: amble model average walk.onnx runs/pushed/actor.onnx --weights 0.7,0.3 -o mean.onnx",
        NULL,
        NULL,
        NULL};
    options o = {.files = 0};
    cli_parse(&argp, argc, argv, &o);
    ami_error err = {""};
    return average(&o, &err) ? EXIT_SUCCESS : model_fail("average", &err, CLI_BAD_INPUT);
}
