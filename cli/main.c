/* The `amble` program: picks the subcommand and sets up OpenMP before it starts. Everything else is a
 * subcommand's. */
#include "cli/commands.h"
#include "cli/ranks.h"
#include "options/options.h"
#include "options/program.h"
#include "options/threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct subcommand {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *does, *example;
    bool divides;         /* its work over the processes that mpirun starts */
    const char *one_word; /* of its words this one alone does */
} subcommands[] = {
    {"rollout", cmd_rollout,
     "runs characters through a motion; prints survival, return, tracking errors, speed and latency",
     "amble rollout --motion walk --policy walk.onnx --seconds 20 --envs 64", true, NULL},
    {"train", cmd_train,
     "teaches a policy a motion (PPO), from scratch or from --resume; writes checkpoints and ONNX",
     "amble train --motion run --out runs/run", true, NULL},
    {"fit", cmd_fit,
     "trains the motion networks, DeepPhase (phase) and StyleVAE (style), on a folder of clips",
     "amble fit style --clips deepmimic-clips --out runs/style", true, NULL},
    {"eval", cmd_eval, "evaluates a policy over many seeds and pushes, alone or against another one",
     "amble eval --motion walk --policy walk.onnx --push 0.5,2", true, NULL},
    {"clip", cmd_clip, "says what is in motion clips, and converts them", "amble clip info walk run", true,
     "convert"},
    {"style", cmd_style, "says which styles there are, writes a style's motion as a clip, draws them all",
     "amble style export walk:0.7,zombie:0.3 -o slouch.txt", false, NULL},
    {"model", cmd_model,
     "says what is in a network's ONNX file, runs it on .npy files, checks every precision",
     "amble model check walk.onnx", false, NULL},
};
enum { SUBCOMMANDS = sizeof subcommands / sizeof *subcommands };

static void print_help(FILE *to)
{
    fputs("Usage: amble SUBCOMMAND [OPTION...]\n"
          "       amble --help | --version\n"
          "Physics-simulated humanoids driven by small neural networks, in real time.\n\n",
          to);
    for (int i = 0; i < SUBCOMMANDS; i++)
        fprintf(to, "  %-8s %s\n           %s\n", subcommands[i].name, subcommands[i].does,
                subcommands[i].example);
    fputs("\n`amble SUBCOMMAND --help` lists its options. All take --json FILE (- is standard output) for "
          "their results; progress goes to\n"
          "standard error. Exit status: 0 done, 1 failed on the way, 2 not understood or not possible as "
          "asked.\n\n"
          "Threads: one for each core of the affinity mask, within the cgroup's CPU quota, unless --threads "
          "gives their number. A waiting\n"
          "thread spins for some microseconds and then sleeps (GOMP_SPINCOUNT, KMP_BLOCKTIME) unless "
          "OMP_WAIT_POLICY or one of these is\n"
          "set, and none is bound to a core unless OMP_PROC_BIND is: on cores that other programs use, "
          "either would make threads wait.\n\n"
          "mpirun -n 4 amble train ... divides a training over processes, on one machine or on many "
          "(docs/scaling.md).\n\n"
          "Counts may be written 20k, 2M or 2e6.\n\n" CLI_ENVIRONMENT_HELP,
          to);
}

static int unknown(const char *word)
{
    const char *names[SUBCOMMANDS];
    for (int i = 0; i < SUBCOMMANDS; i++)
        names[i] = subcommands[i].name;
    const char *nearest = cli_nearest(word, names, SUBCOMMANDS);
    fprintf(stderr, "amble: there is no subcommand \"%.60s\"", word);
    if (nearest)
        fprintf(stderr, "; did you mean %s?\n", nearest);
    else {
        fputs(", expected one of", stderr);
        for (int i = 0; i < SUBCOMMANDS; i++)
            fprintf(stderr, "%s %s", i ? "," : "", names[i]);
        fputc('\n', stderr);
    }
    fputs("Try `amble --help'.\n", stderr);
    return CLI_BAD_INPUT;
}

static int amble(int argc, char **argv)
{
    cli_set_up_openmp(argv);
    argp_err_exit_status = CLI_BAD_INPUT;
    if (argc < 2) {
        print_help(stderr);
        return CLI_BAD_INPUT;
    }
    const char *word = argv[1];
    if (!strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "-?") || !strcmp(word, "help")) {
        print_help(stdout);
        return EXIT_SUCCESS;
    }
    if (!strcmp(word, "--version") || !strcmp(word, "-V")) {
        puts("amble " AMB_VERSION);
        cli_ranks_print_plugins();
        return EXIT_SUCCESS;
    }
    for (int i = 0; i < SUBCOMMANDS; i++) {
        if (!strcmp(word, subcommands[i].name)) {
            char name[32]; /* what argp calls the program in its messages */
            snprintf(name, sizeof name, "amble %s", word);
            argv[1] = name;
            const char *only = subcommands[i].one_word, *verb = argc > 2 ? argv[2] : "";
            char what[64]; /* what the sentence is about where it does not divide its work */
            snprintf(what, sizeof what, "%s%s%.40s", word, only && verb[0] ? " " : "", only ? verb : "");
            if (!cli_ranks_begin(what, subcommands[i].divides && (!only || !strcmp(verb, only))))
                return CLI_BAD_INPUT;
            return cli_ranks_end(subcommands[i].run(argc - 1, argv + 1));
        }
    }
    return unknown(word);
}

int main(int argc, char **argv)
{
    cli_program_start("amble");
    return cli_run_program(argc, argv, amble);
}
