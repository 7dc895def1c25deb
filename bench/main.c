/* amble-bench: the main program; each subcommand is one benchmark. */
#include "bench/bench.h"

#include "options/options.h"
#include "options/program.h"
#include "options/threads.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *title, *does;
    int (*run)(int, char **);
    bool openmp; /* its threads are OpenMP's */
} benches[] = {
    {"nets", "amble-bench nets", "the networks' latency with every kernel, beside the machine's own limits",
     bench_nets, false},
    {"step", "amble-bench step", "one character's control step, part by part, free-running or in real time",
     bench_step, false},
    {"latency", "amble-bench latency", "any network in a loop with deadlines: compute time, lateness, misses",
     bench_latency, false},
    {"rollout", "amble-bench rollout", "a rollout's speed beside that of the same physics alone",
     bench_rollout, true},
    {"characters", "amble-bench characters",
     "live characters of a running amble-serve: lateness, bytes, CPU time", bench_characters, false},
    {"requests", "amble-bench requests",
     "inference requests to a running server: requests/s, latency, CPU time", bench_requests, false},
    {"transitions", "amble-bench transitions",
     "from styles into skills and back: how many stay up, how long they wait", bench_transitions, true},
    {"exchange", "amble-bench exchange", "a sum of gradients over the processes that mpirun started",
     bench_exchange, true},
    {"graph", "amble-bench graph", "earlier form of latency --rate 0", bench_graph, false},
};

enum { BENCHES = sizeof benches / sizeof benches[0] };

static int amble_bench(int argc, char **argv)
{
    argp_err_exit_status = CLI_BAD_INPUT;
    for (int i = 0; argc > 1 && i < BENCHES; i++)
        if (!strcmp(argv[1], benches[i].name)) {
            static char title[64];
            if (benches[i].openmp)
                cli_set_up_openmp(argv);
            snprintf(title, sizeof title, "%s", benches[i].title);
            argv[1] = title;
            return benches[i].run(argc - 1, argv + 1);
        }
    if (argc > 1 && (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))) {
        puts("amble-bench " AMB_VERSION);
        return 0;
    }
    FILE *out = argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-?")) ? stdout : stderr;
    if (out == stderr)
        fprintf(out,
                argc > 1 ? "amble-bench: there is no benchmark \"%s\"\n" : "amble-bench: which benchmark?\n",
                argc > 1 ? argv[1] : "");
    fprintf(out, "Usage: amble-bench BENCHMARK [OPTION...]\n       amble-bench --help | --version\n"
                 "Measures how fast amble runs on this machine.\n\n");
    for (int i = 0; i < BENCHES; i++)
        fprintf(out, "  %-12s %s\n", benches[i].name, benches[i].does);
    fprintf(out, "\nEach has --help.\n\n%s", CLI_ENVIRONMENT_HELP);
    return out == stdout ? 0 : CLI_BAD_INPUT;
}

int main(int argc, char **argv)
{
    cli_program_start("amble-bench");
    return cli_run_program(argc, argv, amble_bench);
}
