/* amble model export: writes a network as a file that runs fast and means the same: weights rounded to int8
 * where their error can be made up for, and observations for choosing precisions by. Any other reader of
 * ONNX runs it too. */
#include "cli/cmd_model.h"
#include "nets/half.h"
#include "nets/onnx/onnx.h"
#include "nets/rounding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { KEY_OUTPUT = 'o', KEY_CALIBRATE = 'c', KEY_KEEP = CLI_KEY_OWN, KEY_NO_ROUNDING, KEY_HALF };

enum { MOST_ROWS = 4096 }; /* that rounding looks at */

typedef struct options {
    cli_common common;
    const char *file, *output, *calibrate;
    int keep;
    bool no_rounding, half;
} options;

static error_t parse(int key, char *text, struct argp_state *state)
{
    options *o = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->common;
        return 0;
    case KEY_OUTPUT:
        o->output = text;
        return 0;
    case KEY_CALIBRATE:
        o->calibrate = text;
        return 0;
    case KEY_KEEP:
        o->keep = (int)cli_int(state, text, 0, 65536, "--keep");
        return 0;
    case KEY_NO_ROUNDING:
        o->no_rounding = true;
        return 0;
    case KEY_HALF:
        o->half = true;
        return 0;
    case ARGP_KEY_END:
        if (!o->output)
            argp_error(state, "where to? Give --output OUT.onnx");
        return 0;
    default:
        return model_file_argument(key, text, state, &o->file) ? 0 : ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option option_list[] = {
    {"output", KEY_OUTPUT, "OUT.onnx", 0, "where the network goes; may be FILE.onnx itself", 1},
    {"calibrate", KEY_CALIBRATE, "ROWS.npy", 0,
     "real observations, (rows, inputs), or INPUT=ROWS.npy with its name: what weights are rounded for, and "
     "what is kept "
     "in the "
     "file (default: those that FILE.onnx carries, if any)",
     1},
    {"keep", KEY_KEEP, "N", 0, "observations kept in the file, evenly chosen (default 256)", 1},
    {"no-rounding", KEY_NO_ROUNDING, NULL, 0, "keep every weight as it is", 1},
    {"half", KEY_HALF, NULL, 0, "write other weights as float16 even where that changes them", 1},
    {0},
};

/* Whether float16 holds all numbers of the layers that are not stored as int8. */
static bool fits_half(const ami_net *net)
{
    for (int l = 0; l < net->layers; l++) {
        const size_t inputs = (size_t)net->dim[l], outputs = (size_t)net->dim[l + 1];
        if (ami_net_units(net, l))
            continue;
        for (size_t i = 0; i < (inputs + 1) * outputs; i++) {
            const float v = i < outputs ? net->bias[l][i] : net->weight[l][i - outputs];
            if (ami_half_to_float(ami_float_to_half(v)) != v)
                return false;
        }
    }
    return true;
}

/* `count` of n rows, evenly spread, as a new array. */
static float *pick(const float *rows, int n, int count, size_t inputs)
{
    float *picked = malloc(((size_t)count * inputs + 1) * sizeof *picked);
    for (int i = 0; picked && i < count; i++)
        memcpy(picked + (size_t)i * inputs, rows + (size_t)((int64_t)i * n / count) * inputs,
               inputs * sizeof *picked);
    return picked;
}

static json_t *report_json(const ami_net *net, const ami_rounding_report *report)
{
    json_t *layers = json_array(), *laws = json_array();
    for (int l = 0; l < net->layers; l++)
        json_array_append_new(layers, json_boolean(report->rounded[l]));
    for (int law = 0; law < AMI_LAW_GIVEN; law++)
        json_array_append_new(laws, json_pack("{s:s, s:o, s:f}", "law", ami_law_name((ami_law)law), "mse",
                                              cli_real(report->mse[law]), "limit", report->limit[law]));
    return json_pack("{s:o, s:o}", "rounded", layers, "laws", laws);
}

static bool print_report(const options *o, const char *path, const ami_net *net,
                         const ami_rounding_report *report, ami_error *err)
{
    char written_path[4096], choice[1024];
    struct stat before = {0}, after = {0};
    ami_net *written = model_read(o->output, written_path, sizeof written_path, err);
    ami_model *model = written ? ami_model_create(written, NULL, err) : NULL;
    ami_net_destroy(written);
    if (!model)
        return false;
    ami_model_describe(model, choice, sizeof choice);
    (void)stat(path, &before);
    (void)stat(written_path, &after);
    if (!o->common.json || strcmp(o->common.json, "-") != 0) {
        printf("%s: %lld bytes (%s: %lld); weights", o->output, (long long)after.st_size, path,
               (long long)before.st_size);
        for (int l = 0; l < net->layers; l++)
            printf(" %s", ami_net_units(net, l) ? "int8" : "as they were");
        printf("; %d observation%s\n", net->calibration_rows, cli_plural(net->calibration_rows));
        for (int law = 0; law < AMI_LAW_GIVEN && !o->no_rounding; law++)
            if (report->mse[law] > 0)
                printf("  rounding weights: %-12s %.1e of %.1e\n", ami_law_name((ami_law)law),
                       report->mse[law], report->limit[law]);
        printf("  auto takes %s\n", choice);
    }
    const bool ok = cli_write_json(
        o->common.json,
        o->common.json
            ? json_pack("{s:o, s:o, s:I, s:I, s:i, s:o, s:s, s:s}", "file", cli_text(path), "output",
                        cli_text(o->output), "bytes_before", (json_int_t)before.st_size, "bytes",
                        (json_int_t)after.st_size, "observations", net->calibration_rows, "rounding",
                        report_json(net, report), "precisions", ami_model_precisions(model), "choice", choice)
            : NULL,
        err);
    ami_model_destroy(model);
    return ok;
}

static bool export(const options *o, ami_error *err)
{
    char path[4096];
    ami_npy rows = {.data = NULL};
    int count = 0;
    if (!cli_check_output(o->output, NULL, err))
        return false;
    ami_net *net = model_read_chain(o->file, path, sizeof path, err);
    bool ok = net && (!o->calibrate || model_read_calibration(net, o->calibrate, &rows, &count, err));
    const size_t inputs = ok ? (size_t)net->dim[0] : 0;
    const float *const from = ok && !o->calibrate ? net->calibration : rows.f32;
    count = ok && !o->calibrate ? net->calibration_rows : count;
    const int kept = count < o->keep ? count : o->keep, most = count < MOST_ROWS ? count : MOST_ROWS;
    float *keep = ok ? pick(from, count, kept, inputs) : NULL,
          *look = ok ? pick(from, count, most, inputs) : NULL;
    if (ok && (!keep || !look))
        ok = ami_fail(err, "out of memory for %d observations", count);
    ami_rounding_report report = {0};
    if (ok && !o->no_rounding) {
        ami_rounding_def def = ami_rounding_default_def();
        def.rows = look;
        def.row_count = most;
        def.seed = o->common.seed;
        ok = ami_net_round(net, &def, &report, err);
    }
    ok = ok && (ami_net_set_calibration(net, keep, kept) || ami_fail(err, "out of memory"));
    ok = ok &&
         ami_onnx_write(o->output, net, o->half || fits_half(net) ? AMI_ONNX_FLOAT16 : AMI_ONNX_FLOAT32, err);
    ok = ok && print_report(o, path, net, &report, err);
    free(keep);
    free(look);
    ami_npy_free(&rows);
    ami_net_destroy(net);
    return ok;
}

int cmd_model_export(int argc, char **argv)
{
    static const struct argp_child children[] = {{&cli_seed_argp, 0, NULL, 90}, {0}};
    static const struct argp argp = {
        option_list,
        parse,
        "FILE.onnx",
        "Writes a network so that it runs fast and means the same.\v"
        "Weights become int8 in the layers where the error of that can be made up for by the other weights "
        "(Frantar et al. 2022, GPTQ): the outputs stay within a mean squared error of 3.5e-7 on the "
        "observations, "
        "5e-7 on N(0,1) through the normaliser (4e-7 without observations), 6e-7 on zeros and on single "
        "inputs at "
        "their limits, against FILE.onnx. "
        "Observations are kept in the file: every command chooses precisions by them. Metadata are kept. Any "
        "program that reads ONNX runs the file.\n\n"
        "Example: amble model export policy.onnx --calibrate observations.npy -o policy_fast.onnx",
        children,
        NULL,
        NULL};
    options o = {.keep = 256};
    cli_parse(&argp, argc, argv, &o);
    ami_error err = {""};
    return export(&o, &err) ? EXIT_SUCCESS : model_fail("export", &err, CLI_BAD_INPUT);
}
