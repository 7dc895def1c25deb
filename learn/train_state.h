/* The state of a training. Private to train.c, which runs its iterations, and to the other train_*.c files:
 * train_create.c creates it, train_collect.c steps the environments, train_clips.c draws clips, train_stats.c sums
 * up, train_onnx.c and train_checkpoint.c write and read files. */
#ifndef AMI_LEARN_TRAIN_STATE_H
#define AMI_LEARN_TRAIN_STATE_H

#include "learn/copier.h"
#include "learn/normalizer.h"
#include "learn/shards.h"
#include "learn/train.h"
#include "nets/model.h"

#include <math.h>

enum {
    AMI_TRAIN_MOTION = 256,
    AMI_TRAIN_GROUP = 8,     /* max environments whose actions are computed together */
    AMI_TRAIN_NO_EXTRA = -1, /* see ami_train.after */
    AMI_TRAIN_FAILED = -2,
    AMI_TRAIN_BINS = 256, /* max parts of a clip, for the statistics of failures */
};

/* A clip, and the rules of its episodes. */
typedef struct clip_state {
    const ami_clip *clip;
    unsigned may_touch;                 /* ankles included */
    double episode_s;                   /* s, max length of an episode */
    bool folded;                        /* trained in one half of its cycle (train_symmetry.c) */
    int bins, first_bin;                /* parts of the clip, and their place among those of all clips */
    double start_below[AMI_TRAIN_BINS]; /* cumulative probability of adaptive starts */
} clip_state;

/* Of each part of a clip: steps and failed episodes, with decay. */
typedef struct clip_parts {
    double visits[AMI_TRAIN_BINS], failures[AMI_TRAIN_BINS];
} clip_parts;

/* The training's state for one environment. */
typedef struct runner {
    ami_rng rng;             /* for exploration noise and the training's other draws for the environment */
    float noise[AMI_ACTION]; /* exploration noise in the last action, which decays slowly (train_collect.c) */
    double episode_return;   /* so far */
} runner;

/* Environments whose actions are computed together. */
typedef struct group {
    int first, count; /* environments [first, first + count) */
    int step;         /* the next step of the iteration */
    bool taken;       /* by a thread */
} group;

/* What an environment follows in its episode. Checkpoints of trainings on several clips, or mirrored ones,
 * contain its bytes. */
typedef struct env_clip {
    int32_t clip, mirrored; /* mirrored: the networks see and act in the mirror image */
} env_clip;

/* Of a sample of several clips. */
typedef struct sample_facts {
    float limited;   /* fraction of joints at their torque limit */
    float episode_s; /* of the episode that ended here, and its normalised return */
    float normalised_return;
    uint16_t clip, fell_on; /* fell_on: bits of bodies */
    uint8_t end;            /* ami_env_end */
} sample_facts;

/* Sums over one iteration, of one or all environments. */
typedef struct tally {
    double reward, part[AMI_REWARD_PARTS], root_m, joint_rad, end_effector_m;
    double episodes, episode_s, normalised_return, survived;
    double unstable, fell, lost; /* episodes that ended so */
    double fell_on[AMI_BODIES];  /* of those that fell, where this body touched the floor */
    double limited;              /* mean fraction of joints at their torque limit, per step */
} tally;

enum { TALLY = sizeof(tally) / sizeof(double) };

static inline void ami_tally_add(tally *to, const tally *from)
{
    for (int k = 0; k < TALLY; k++)
        ((double *)to)[k] += ((const double *)from)[k];
}

/* The state that changes between iterations, except networks, optimisers, environments and normaliser. */
typedef struct progress {
    int64_t samples, iterations;
    double actor_rate;
    double unstable;
    ami_rng shuffle;
    tally window[AMI_TRAIN_WINDOW];
} progress;

/* What is known of a clip, one of several (train_clips.c). */
typedef struct clip_record {
    double samples, unstable; /* since the training began; unstable: episodes */
    double recent_samples;    /* with decay, like ... */
    tally recent;             /* ... these sums; of the reward only its total */
} clip_record;

typedef struct thread_scratch {
    void *workspace, *teacher_workspace;
    ami_cycle_workspace *cycle; /* with styles, else NULL */
} thread_scratch;

struct ami_train {
    ami_settings settings;
    const ami_character *character;
    int clips;                     /* 0 with styles */
    clip_state *clip;              /* (clips) */
    clip_parts *parts;             /* (clips) */
    clip_record *record;           /* (clips) if there are several, else NULL */
    double *clip_below;            /* (clips) cumulative probability that an episode follows it, likewise */
    char motion[AMI_TRAIN_MOTION]; /* the clips' names, or "style:" and the name of the styles */
    ami_train_styles styles;       /* .nets NULL with clips */
    const ami_teachers *teachers;  /* or NULL */
    ami_style_plan plan;           /* how styles are drawn */
    ami_shards shards;             /* of environments */
    int first_env;                 /* this rank's first environment */
    int envs, steps, samples, extras; /* envs, samples: of this rank, whose arrays have only its own; extras:
                                         capacity for final observations, per environment */
    int64_t all_samples;              /* of all ranks, in an iteration */
    int all_envs;
    double *sums, *total; /* workspace for sums: (own shards, sum_width), (sum_width) */
    int sum_width;
    int inputs; /* numbers in an observation */
    int threads;
    bool bf16;
    double gamma;              /* discount in the last iteration */
    ami_env *env;              /* (envs) */
    ami_generator **generator; /* (envs) with styles, else NULL */
    runner *run;               /* (envs) checkpoints contain its bytes */
    env_clip *env_clip;        /* (envs) all 0 with one clip or styles */
    int *extras_used;          /* (envs) number of the iteration's final observations */
    tally *env_tally;          /* (envs) */
    thread_scratch *scratch;   /* (threads) */
    group *group;              /* (envs), of which some are used */
    ami_ppo *ppo;
    ami_net *actor_net; /* parameters, for packing */
    ami_model *actor;   /* packed for collecting; without normaliser: observations are normalised before */
    ami_normalizer normalizer;
    progress progress;
    /* An iteration's samples; step t of environment e is sample e·steps + t: */
    float *obs, *x;       /* (samples, inputs) raw, normalised */
    float *action, *mean; /* (samples, AMI_ACTION) */
    float *reward;        /* (samples) scaled by 1 - γ */
    int *after;           /* (samples) source of the next state's value: index of an extra; NO_EXTRA: the next
                             sample; FAILED: it is 0 */
    unsigned char *last;  /* (samples) the episode ended here */
    float *teacher_action;      /* (samples, AMI_ACTION) in the networks' scale; NULL without teachers */
    unsigned char *has_teacher; /* (samples) */
    float *extra;               /* (envs · extras, inputs) normalised final observations */
    float *value, *extra_value, *next, *advantage, *target;
    unsigned char *bin;  /* (samples) part of the clip (train_starts.c) */
    sample_facts *facts; /* (samples) if there are several clips, else NULL */
    /* Means of the parameters over training (train_average.c), for unnormalised observations; NULL: none. */
    float *actor_average, *critic_average;
    /* Symmetric motions are trained in one half of their cycle (train_symmetry.c): */
    bool mirror;
    unsigned char *folded;         /* (samples) in the second half: the networks saw the mirror image */
    ami_copier copier;             /* exported networks, for the whole cycle */
    float *plain_x, *plain_action; /* (samples, inputs), (samples, AMI_ACTION) their examples */
    float in_mean[AMI_OBS_MAX], in_std[AMI_OBS_MAX];
    float action_mean[AMI_ACTION], action_std[AMI_ACTION]; /* action = mean + std · network's output; 0 and
                                                              1 for residual actions */
};

/* Whether a policy from a file has the settings' action mode; if not, false and a sentence that begins with
 * "its". */
bool ami_train_check_actions(const ami_settings *settings, const ami_policy *policy, ami_error *err);

/* Collective. Adds the observations of the first `steps` steps of obs (envs, steps, inputs) of all ranks. */
void ami_train_add_to_normalizer(ami_train *train, int steps);

/* Recomputes in_mean and in_std. */
void ami_train_refresh_normalizer(ami_train *train);

/* Schedules: completed fraction of the training, [0, 1]; standard deviation of the exploration noise, and of
 * its part that is new in a step; max push, m/s. */
static inline double ami_train_fraction_done(const ami_train *train)
{
    return fmin((double)train->progress.samples / train->settings.samples, 1);
}
double ami_train_gamma(const ami_train *train);
double ami_train_noise(const ami_train *train);
double ami_train_fresh_noise(const ami_train *train);
double ami_train_push(const ami_train *train);

/* Weight of the teachers' actions. */
double ami_train_teach(const ami_train *train);

/* Begins an episode in environment e; fell: the previous one ended with a fall. */
void ami_train_start_episode(ami_train *train, int e, ami_cycle_workspace *workspace, bool fell);

/* Collective. After collecting an iteration: its statistics but those of the update. */
void ami_train_fill_stats(ami_train *train, ami_train_stats *stats);

/* Fills the statistics of episodes, episode_s to fell_on. */
void ami_train_fill_episodes(const tally *sum, ami_train_stats *stats);

/* The definition of this rank's environment e; with clips, for the first. */
ami_env_def ami_train_env_def(const ami_train *train, int e);

/* The bodies that may touch the floor while clip c is followed; with styles c is 0. */
unsigned ami_train_may_touch(const ami_train *train, int c);

/* With several clips: draws the one that environment e follows next. Also draws whether it is mirrored. */
void ami_train_draw_clip(ami_train *train, int e);

/* Environment e follows its env_clip from now on. */
void ami_train_use_clip(ami_train *train, int e);

/* Collective. With several clips, after collecting an iteration: updates what is known of them, and their
 * probabilities. */
void ami_train_count_clips(ami_train *train);
void ami_train_refresh_clips(ami_train *train);

/* The list of the clips (policy/motion_list.h), malloc'd; NULL if memory is short. */
char *ami_train_print_clips(const ami_train *train);

/* Draws the phase of environment e's next start, [0, 1), or -1: uniform. */
double ami_train_draw_start(ami_train *train, int e);

/* This rank's environments of an own shard: from *first on, as many as it returns. */
static inline int ami_train_shard(const ami_train *train, int own, int *first)
{
    *first = ami_shards_item(&train->shards, train->shards.first + own) - train->first_env;
    return ami_shards_item(&train->shards, train->shards.first + own + 1) - train->first_env - *first;
}

/* Collective. Adds train->sums (own shards, width) to train->total; width at most sum_width. */
static inline bool ami_train_sum(ami_train *train, int width)
{
    return ami_shards_sum(&train->shards, train->sums, width, train->total);
}

/* Collective. After collecting an iteration: updates the statistics of failures, and the distribution of starts. */
void ami_train_count_failures(ami_train *train);
void ami_train_refresh_starts(ami_train *train);

/* After an update: adds the current parameters to their means. */
void ami_train_average(ami_train *train);

/* The mean parameters, for observations with the current normaliser, in an array of the network's size; if
 * there are no means, the current parameters. */
void ami_train_get_average(const ami_train *train, bool actor, float *parameters);

/* Normalised observations. */
static inline void ami_train_normalise(const ami_train *train, const float *obs, float *x)
{
    const float limit = (float)train->settings.observation_clip;
    for (int k = 0; k < train->inputs; k++)
        x[k] = fminf(fmaxf((obs[k] - train->in_mean[k]) / train->in_std[k], -limit), limit);
}

/* Mirrors environment e's obs if its episode is mirrored, or if its motion is folded and in the second half
 * of the cycle. Returns whether it did. */
bool ami_train_fold(const ami_train *train, int e, float *obs);

/* The mirror image of an action, or of its noise, in the networks' scale. */
void ami_train_mirror_action(const ami_train *train, const float *in, float *out);

/* Distils the policy into the exported networks with an iteration's samples; returns
 * ami_train_stats.copy_error. ami_train_start_copy: initialises them with the current networks. */
double ami_train_copy(ami_train *train);
void ami_train_start_copy(ami_train *train);

/* The network to export. */
ami_train_net *ami_train_exported(const ami_train *train, bool actor);

/* Collects an iteration's samples (obs to has_teacher in ami_train) and every environment's tally. */
void ami_train_collect(ami_train *train);

#endif
