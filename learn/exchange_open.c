/* Finds out which launcher started this process and loads the plug-in for its MPI. */
#include "learn/exchange.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct library {
    const char *mpi, *name;
} libraries[] = {{"Open MPI", "openmpi"}, {"MPICH", "mpich"}};
enum { LIBRARIES = sizeof libraries / sizeof *libraries };

static int number(const char *variable)
{
    const char *text = getenv(variable);
    return text && *text ? atoi(text) : 0;
}

/* The variables that launchers set: Open MPI's mpirun OMPI_..., MPICH's (hydra) and srun --mpi=pmi2 PMI_...,
 * srun --mpi=pmix PMIX_..., and srun of every kind SLURM_STEP_... */
ami_launch ami_exchange_launch(void)
{
    const char *asked = getenv("AMBLE_EXCHANGE");
    const int step = number("SLURM_STEP_NUM_TASKS");
    ami_launch launch = {0};
    if (getenv("OMPI_COMM_WORLD_SIZE"))
        launch = (ami_launch){.mpi = "Open MPI", .ranks = number("OMPI_COMM_WORLD_SIZE")};
    else if (getenv("PMI_RANK") && getenv("PMI_SIZE"))
        launch = (ami_launch){.mpi = "MPICH", .ranks = number("PMI_SIZE")};
    else if (getenv("PMIX_RANK"))
        launch = (ami_launch){.mpi = "Open MPI", .ranks = step};
    else if (step > 1)
        launch = (ami_launch){.ranks = step, .mute = true};
    if (launch.mpi && launch.ranks == 1)
        launch = (ami_launch){.ranks = 1};
    if (asked && !strcmp(asked, "none"))
        return (ami_launch){0};
    for (int i = 0; asked && i < LIBRARIES; i++)
        if (!strcmp(asked, libraries[i].name))
            launch = (ami_launch){.mpi = libraries[i].mpi, .ranks = launch.ranks};
    return launch;
}

bool ami_exchange_plugin(const char *mpi, char *path, size_t size, ami_error *err)
{
    static const char *const folder[] = {"", "/" AMB_LIB_FROM_BIN};
    char program[PATH_MAX] = "";
    const ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    char *slash = n > 0 ? strrchr(program, '/') : NULL;
    const char *name = "";
    for (int i = 0; i < LIBRARIES; i++)
        if (!strcmp(mpi, libraries[i].mpi))
            name = libraries[i].name;
    if (slash)
        *slash = 0;
    for (size_t i = 0; slash && i < sizeof folder / sizeof *folder; i++) {
        const int length = snprintf(path, size, "%s%s/amble-exchange-%s.so", program, folder[i], name);
        if (length > 0 && (size_t)length < size && access(path, R_OK) == 0)
            return true;
    }
    return ami_fail(err, "amble-exchange-%s.so was not found in %s or %s%s", name, program, program,
                    folder[1]);
}

static const ami_exchange_carrier *load(const char *path, ami_error *err)
{
    /* GLOBAL: Open MPI loads parts of itself that look for its library's symbols */
    void *library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
    const ami_exchange_carrier *carrier = library ? dlsym(library, "ami_exchange_mpi") : NULL;
    if (!carrier) {
        ami_fail(err, "%s cannot be loaded: %s", path, dlerror());
        return NULL;
    }
    if (carrier->version != AMI_EXCHANGE_VERSION) {
        ami_fail(err, "%s is version %d, expected %d: it is of another version of amble", path,
                 carrier->version, AMI_EXCHANGE_VERSION);
        return NULL;
    }
    return carrier;
}

ami_exchange *ami_exchange_open(double limit_s, ami_error *err)
{
    const ami_launch launch = ami_exchange_launch();
    char path[PATH_MAX], name[AMI_EXCHANGE_NAME] = "";
    if (launch.mute) {
        ami_fail(
            err,
            "srun started %d processes, but without a connection between them; use srun --mpi=pmix (Open "
            "MPI) or --mpi=pmi2 (MPICH), or mpirun",
            launch.ranks);
        return NULL;
    }
    if (!launch.mpi)
        return ami_exchange_none();
    if (!ami_exchange_plugin(launch.mpi, path, sizeof path, err)) {
        ami_fail_in(err,
                    "started by the launcher of %s, for which this amble has no plug-in (it is built where "
                    "%s is installed)",
                    launch.mpi, launch.mpi[0] == 'O' ? "mpicc.openmpi" : "mpicc.mpich");
        return NULL;
    }
    const ami_exchange_carrier *carrier = load(path, err);
    void *context = NULL;
    int rank = 0, ranks = 1;
    if (!carrier || !carrier->begin(&context, &rank, &ranks, name, sizeof name, err))
        return NULL;
    if (launch.ranks > 1 && ranks != launch.ranks) {
        ami_fail(err, "%s counts %d processes, but the launcher started %d: they belong to different MPIs",
                 name, ranks, launch.ranks);
        carrier->end(context, 0);
        return NULL;
    }
    ami_exchange *exchange = ami_exchange_create(carrier, context, rank, ranks, name, limit_s, err);
    if (!exchange)
        carrier->end(context, 2);
    return exchange;
}
