/* amble model: what is in a network's ONNX file (info), what it makes of an array (run), how exact each
 * precision is (check), and the mean of several (average). This file picks the subcommand. */
#include "cli/cmd_model.h"

#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} parts[] = {{"info", cmd_model_info},
             {"run", cmd_model_run},
             {"check", cmd_model_check},
             {"average", cmd_model_average},
             {"export", cmd_model_export}};
enum { PARTS = sizeof parts / sizeof *parts };

static const char usage[] =
    "Usage: amble model info  [OPTION...] FILE.onnx\n"
    "       amble model run   [OPTION...] FILE.onnx --input IN.npy --output OUT.npy\n"
    "       amble model check [OPTION...] FILE.onnx\n"
    "       amble model average [OPTION...] FILE.onnx FILE.onnx... --output OUT.onnx\n"
    "       amble model export [OPTION...] FILE.onnx --output OUT.onnx\n"
    "Says what is in a network's ONNX file, runs it, measures how exact it is at each precision, averages "
    "several, writes one so that it runs fast. Each has a --help.\n"
    "Example: amble model info assets/models/walk.onnx\n";

int cmd_model(int argc, char **argv)
{
    if (argc >= 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-?"))) {
        fputs(usage, stdout);
        return EXIT_SUCCESS;
    }
    for (int i = 0; argc >= 2 && i < PARTS; i++) {
        if (!strcmp(argv[1], parts[i].name)) {
            char name[32];
            snprintf(name, sizeof name, "amble model %s", parts[i].name);
            argv[1] = name;
            return parts[i].run(argc - 1, argv + 1);
        }
    }
    if (argc >= 2)
        fprintf(stderr, "amble model: there is no \"%.60s\", expected info, run, check, average or export\n",
                argv[1]);
    fputs(usage, stderr);
    return CLI_BAD_INPUT;
}
