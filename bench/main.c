/* amble-bench: measures, each subcommand one thing. */
#include "bench/bench.h"

#include "cli/options.h"
#include "cli/setup.h"

#include <stdio.h>
#include <string.h>

void bench_cpu_name(char *name, size_t size)
{
    snprintf(name, size, "unknown processor");
    FILE *f = fopen("/proc/cpuinfo", "r");
    if (!f)
        return;
    char line[256];
    while (fgets(line, sizeof line, f))
        if (!strncmp(line, "model name", 10) && strchr(line, ':')) {
            const char *text = strchr(line, ':') + 1;
            text += strspn(text, " \t");
            snprintf(name, size, "%.*s", (int)strcspn(text, "\n"), text);
            break;
        }
    fclose(f);
}

int main(int argc, char **argv)
{
    cli_bind_threads(argv);
    argp_err_exit_status = CLI_BAD_INPUT;
    if (argc > 1 && !strcmp(argv[1], "rollout")) {
        argv[1] = "amble-bench rollout";
        return bench_rollout(argc - 1, argv + 1);
    }
    FILE *out = argc > 1 && !strcmp(argv[1], "--help") ? stdout : stderr;
    if (out == stderr)
        fprintf(out, argc > 1 ? "amble-bench: there is no benchmark \"%s\"\n" : "amble-bench: which benchmark?\n", argc > 1 ? argv[1] : "");
    fprintf(out, "Usage: amble-bench rollout [OPTION...]\n\n  rollout   a rollout's speed beside that of the same physics alone\n\n"
                 "Each has --help.\n");
    return out == stdout ? 0 : CLI_BAD_INPUT;
}
