/* Any ONNX policy in a control loop at 500 Hz with absolute deadlines, and how late and how slow its steps
 * are.
 *
 *     policy_loop [FILE.onnx [SECONDS]]     default: amble's walk, 2 s
 *
 * POSIX: clock_nanosleep. For steady figures give it a real-time priority and a core of its own:
 *     chrt -f 80 taskset -c 3 ./policy_loop policy.onnx 60 */
#define _POSIX_C_SOURCE 200809L
#include <amble/model.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { HZ = 500, PERIOD_NS = 1000000000 / HZ };

static double microseconds(struct timespec from, struct timespec to)
{
    return 1e6 * (double)(to.tv_sec - from.tv_sec) + 1e-3 * (double)(to.tv_nsec - from.tv_nsec);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_percentiles(const char *what, double *us, int n)
{
    qsort(us, (size_t)n, sizeof *us, ascending);
    printf("%-8s p50 %7.1f  p99 %7.1f  p99.9 %7.1f  max %7.1f us\n", what, us[n / 2], us[(int)(.99 * n)],
           us[(int)(.999 * n)], us[n - 1]);
}

int main(int argc, char **argv)
{
    char path[4096];
    amb_model *model;
    amb_tensor_info in = {.size = sizeof in}, out = {.size = sizeof out};
    const int steps = (int)(HZ * (argc > 2 ? atof(argv[2]) : 2));
    if (argc > 1)
        snprintf(path, sizeof path, "%s", argv[1]);
    else if (amb_find_asset("models/walk.onnx", path, sizeof path) != AMB_OK)
        return fprintf(stderr, "%s\n", amb_error_message()), 1;
    if (steps < 1 || amb_model_load(path, NULL, &model) != AMB_OK)
        return fprintf(stderr, "%s\n", steps < 1 ? "SECONDS must be a positive number" : amb_error_message()),
               1;
    amb_model_input(model, 0, &in);
    amb_model_output(model, 0, &out);

    int64_t inputs = 1, outputs = 1;
    for (int i = 1; i < in.rank; i++)
        inputs *= in.shape[i];
    for (int i = 1; i < out.rank; i++)
        outputs *= out.shape[i];
    in.shape[0] = out.shape[0] = 1;
    float *observation = calloc((size_t)inputs, sizeof(float)),
          *action = calloc((size_t)outputs, sizeof(float));
    double *late = calloc((size_t)steps, sizeof(double)), *took = calloc((size_t)steps, sizeof(double));
    void *workspace = malloc(amb_model_workspace_size(model, 1));
    if (!observation || !action || !late || !took || !workspace)
        return fprintf(stderr, "out of memory\n"), 1;
    amb_tensor from = {in.name, observation, in.type, in.rank, {1}};
    amb_tensor to = {out.name, action, out.type, out.rank, {1}};
    for (int i = 1; i < AMB_MAX_RANK; i++)
        from.shape[i] = in.shape[i], to.shape[i] = out.shape[i];

    int missed = 0;
    struct timespec due, woke, done;
    clock_gettime(CLOCK_MONOTONIC, &due);
    for (int step = 0; step < steps; step++) {
        due.tv_nsec += PERIOD_NS;
        due.tv_sec += due.tv_nsec / 1000000000;
        due.tv_nsec %= 1000000000;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
        clock_gettime(CLOCK_MONOTONIC, &woke);
        for (int64_t i = 0; i < inputs; i++) /* the robot's sensors stand here */
            observation[i] = sinf(.01f * (float)step + (float)i);
        if (amb_model_run(model, &from, 1, &to, 1, workspace) != AMB_OK)
            return fprintf(stderr, "%s\n", amb_error_message()), 1;
        clock_gettime(CLOCK_MONOTONIC, &done); /* and its motors here */
        late[step] = microseconds(due, woke);
        took[step] = microseconds(woke, done);
        missed += late[step] + took[step] > PERIOD_NS / 1e3;
    }
    printf("%s at %d Hz, %d steps, %d missed\n", path, HZ, steps, missed);
    print_percentiles("wake-up", late, steps);
    print_percentiles("step", took, steps);
    free(workspace);
    free(took);
    free(late);
    free(action);
    free(observation);
    amb_model_destroy(model);
    return 0;
}
