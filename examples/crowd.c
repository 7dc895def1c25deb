/* A hundred characters on one core, each in another style every few seconds; how much faster than real time.
 *
 *     crowd [CHARACTERS [SECONDS [THREADS]]]     default: 100 for 5 s on 1 thread; 0 threads: all cores */
#include <amble/amble.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { HZ = 60, MOST = 10000 };

static void check(amb_result result)
{
    if (result == AMB_OK)
        return;
    fprintf(stderr, "%s: %s\n", amb_result_name(result), amb_error_message());
    exit(1);
}

static double seconds_now(void)
{
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int main(int argc, char **argv)
{
    const int count = argc > 1 ? atoi(argv[1]) : 100;
    const double seconds = argc > 2 ? atof(argv[2]) : 5;
    const amb_parallel parallel = {.threads = argc > 3 ? atoi(argv[3]) : 1};
    if (count < 1 || count > MOST || !(seconds > 0) || parallel.threads < 0)
        return fprintf(stderr, "crowd [CHARACTERS [SECONDS [THREADS]]]: 1 to %d, more than 0, 0 or more\n",
                       MOST),
               1;
    amb_model_set *models;
    check(amb_model_set_load(NULL, &models));
    amb_character **crowd = calloc((size_t)count, sizeof *crowd);
    amb_transform pose[64];
    if (!crowd)
        return fprintf(stderr, "out of memory\n"), 1;
    srand(1);
    double begun = seconds_now();
    for (int i = 0; i < count; i++) {
        amb_character_def def;
        amb_character_def_init(&def);
        def.space = AMB_SPACE_UNITY;
        def.seed = (uint64_t)i;
        def.entry_tries = 0; /* no skills are entered */
        def.position[0] = 2 * (i % 10);
        def.position[2] = 2. * (i / 10);
        check(amb_character_create(models, &def, &crowd[i]));
    }
    printf("%d characters made in %.2f s, %.0f KB each when saved\n", count, seconds_now() - begun,
           (double)amb_character_save_size(crowd[0]) / 1024);

    int falls = 0, reached = 0;
    begun = seconds_now();
    const double busy = (double)clock() / CLOCKS_PER_SEC; /* of all threads */
    for (int frame = 0; frame < HZ * seconds; frame++) {
        for (int i = 0; i < count; i++) {
            if (rand() % (4 * HZ))
                continue; /* every four seconds, more or less */
            amb_request request;
            amb_request_init(&request);
            request.style = amb_model_set_style_name(models, rand() % amb_model_set_styles(models));
            request.heading = 6.2832 * rand() / RAND_MAX;
            check(amb_character_request(crowd[i], &request));
        }
        check(amb_characters_advance(crowd, count, 1. / HZ, &parallel));
        for (int i = 0; i < count; i++) {
            check(amb_character_pose(crowd[i], 0, pose, NULL)); /* an engine draws it now */
            for (amb_event event = {.size = sizeof event}; amb_character_poll(crowd[i], &event);) {
                falls += event.type == AMB_EVENT_FELL;
                reached += event.type == AMB_EVENT_REACHED;
            }
        }
    }
    const double took = (double)clock() / CLOCKS_PER_SEC - busy, wall = seconds_now() - begun;
    printf("%.1f s of %d characters took %.2f s of processor time, %.2f s by the clock; %d requests reached, "
           "%d falls\n",
           seconds, count, took, wall, reached, falls);
    printf("real-time factor on one core: %.2f\n", seconds / took);
    for (int i = 0; i < count; i++)
        amb_character_destroy(crowd[i]);
    free(crowd);
    amb_model_set_destroy(models);
    return 0;
}
