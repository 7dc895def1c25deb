/* Random actions on 64 environments for 10 s of simulated time each, and how many steps a second that makes.
 *
 *     many_envs [MOTION [THREADS]]     default: style:walk (or "walk", where the clips are), on one thread;
 *                                      0: on all cores */
#include <amble/env.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ENVS = 64, SECONDS = 10 };

/* Uniform in [-1, 1): a linear congruential generator, so that every run is the same. */
static float draw(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (float)((double)(*state >> 40) / (1 << 23) - 1);
}

static double now(void)
{
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    amb_env_def def;
    amb_env_def_init(&def);
    def.motion = argc > 1 ? argv[1] : "style:walk";
    def.parallel.threads = argc > 2 ? atoi(argv[2]) : 1;
    def.seed = 1;
    amb_envs *envs;
    if (amb_envs_create(&def, ENVS, &envs) != AMB_OK)
        return fprintf(stderr, "%s\n", amb_error_message()), 1;
    amb_env_info info = {.size = sizeof info};
    amb_env_get_info(amb_envs_at(envs, 0), &info);

    const size_t actions = ENVS * (size_t)info.action_size;
    float *action = malloc(actions * sizeof(float));
    float *observation = malloc(ENVS * (size_t)info.observation_size * sizeof(float));
    float reward[ENVS];
    bool terminated[ENVS], truncated[ENVS];
    double episode_return[ENVS];
    int64_t episode_length[ENVS];
    if (!action || !observation)
        return fprintf(stderr, "out of memory\n"), 1;
    const amb_envs_arrays out = {.size = sizeof out,
                                 .observations = observation,
                                 .rewards_f32 = reward,
                                 .terminated = terminated,
                                 .truncated = truncated,
                                 .episode_returns = episode_return,
                                 .episode_lengths = episode_length};

    const int steps = (int)(SECONDS / info.control_dt + .5);
    double returns = 0, lengths = 0;
    int episodes = 0;
    uint64_t random = 1;
    amb_envs_reset(envs, NULL, observation);
    const double begun = now();
    for (int step = 0; step < steps; step++) {
        for (size_t k = 0; k < actions; k++) /* a policy that looks at `observation` stands here */
            action[k] = .2f * draw(&random);
        if (amb_envs_step(envs, action, &out) != AMB_OK)
            return fprintf(stderr, "%s\n", amb_error_message()), 1;
        for (int i = 0; i < ENVS; i++)
            if (terminated[i] || truncated[i]) {
                episodes++;
                returns += episode_return[i];
                lengths += (double)episode_length[i];
            }
    }
    const double took = now() - begun;
    printf("%d environments on %s, observations of %d numbers, actions of %d\n", ENVS, info.motion,
           info.observation_size, info.action_size);
    printf("%.0f environment steps a second (%d in %.2f s)\n", ENVS * steps / took, ENVS * steps, took);
    if (episodes > 0)
        printf("%d episodes ended, mean return %.2f, mean length %.1f steps (%.2f s)\n", episodes,
               returns / episodes, lengths / episodes, info.control_dt * lengths / episodes);
    amb_envs_destroy(envs);
    free(observation);
    free(action);
    return 0;
}
