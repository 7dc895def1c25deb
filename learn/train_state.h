/* What a training consists of, shared by train.c, which makes and runs it, train_collect.c, where its
 * environments step, train_onnx.c and train_checkpoint.c, which write and read it. Private to these. */
#ifndef AMI_LEARN_TRAIN_STATE_H
#define AMI_LEARN_TRAIN_STATE_H

#include "learn/copier.h"
#include "learn/normalizer.h"
#include "learn/train.h"
#include "nets/model.h"

#include <math.h>

enum {
    AMI_TRAIN_MOTION = 256,
    AMI_TRAIN_GROUP = 8,     /* environments whose actions are computed together, at most */
    AMI_TRAIN_NO_EXTRA = -1, /* see ami_train.after */
    AMI_TRAIN_FAILED = -2,
    AMI_TRAIN_BINS = 256, /* parts that a clip is cut into to find where episodes fail, at most */
};

/* What an environment has going beside itself. */
typedef struct runner {
    ami_rng rng;             /* exploration noise and what the trainer itself draws for the environment */
    float noise[AMI_ACTION]; /* exploration noise in the last action: it dies away slowly (train_collect.c) */
    double episode_return;   /* so far */
} runner;

/* Environments whose actions are computed together. */
typedef struct group {
    int first, count; /* environments [first, first + count) */
    int step;         /* the iteration's next */
    bool taken;       /* a thread has it in hand */
} group;

/* Sums over one iteration, or one environment's share of it. */
typedef struct tally {
    double reward, part[AMI_REWARD_PARTS], root_m, joint_rad, end_effector_m;
    double episodes, episode_s, normalised_return, survived;
    double unstable, fell, lost; /* episodes that ended so */
    double fell_on[AMI_BODIES];  /* of those that fell, where this body touched the floor */
    double limited;              /* mean fraction of joints at their torque limit, a step's */
} tally;

/* All that changes from iteration to iteration and is not in a network, an optimiser, an environment or the
 * normaliser. */
typedef struct progress {
    int64_t samples, iterations;
    double actor_rate;
    double unstable;
    ami_rng shuffle;
    tally window[AMI_TRAIN_WINDOW];
    double visits[AMI_TRAIN_BINS], failures[AMI_TRAIN_BINS]; /* steps in, and episodes failed in, each part of
                                                                the clip; they die away */
} progress;

typedef struct thread_room {
    void *workspace, *teacher_workspace;
    ami_cycle_workspace *cycle; /* with styles, else NULL */
} thread_room;

struct ami_train {
    ami_settings settings;
    const ami_character *character;
    const ami_clip *clip;             /* NULL with styles */
    char motion[AMI_TRAIN_MOTION];    /* its name, or "style:" and that of the styles */
    ami_train_styles styles;          /* .nets NULL with a clip */
    ami_style_plan plan;              /* how styles are drawn */
    int envs, steps, samples, extras; /* extras: room for final observations, of each environment */
    int inputs;                       /* numbers in an observation */
    int threads;
    bool bf16;
    ami_env *env;              /* (envs) */
    ami_generator **generator; /* (envs) with styles, else NULL */
    runner *run;               /* (envs) saved as it is in checkpoints */
    int *extras_used;          /* (envs) of the iteration's final observations */
    tally *share;              /* (envs) */
    thread_room *room;         /* (threads) */
    group *group;              /* (envs) as many as are needed */
    ami_ppo *ppo;
    ami_net *actor_net; /* parameters in a network's shape, for packing */
    ami_model *actor;   /* packed for collecting; without normaliser, which has been applied already */
    ami_normalizer normalizer;
    progress progress;
    /* An iteration's samples, sample e·steps + t: */
    float *obs, *x;       /* (samples, inputs) raw, normalised */
    float *action, *mean; /* (samples, AMI_ACTION) */
    float *reward;        /* (samples) scaled by 1 - γ */
    int *after;           /* (samples) where the value of the next state is: index among extras, NO_EXTRA: the
                             next sample's, FAILED: 0 */
    unsigned char *last;  /* (samples) the episode ended here */
    float *taught;        /* (samples, AMI_ACTION) what teachers would do, in the networks' scale; NULL
                             without them */
    unsigned char *has_teacher; /* (samples) */
    float *extra;               /* (envs · extras, inputs) normalised final observations */
    float *value, *extra_value, *next, *advantage, *target;
    /* Where episodes start (train_starts.c); bins 0: anywhere. */
    int bins;
    unsigned char *bin;                 /* (samples) the part of the clip that a sample belongs to */
    double start_below[AMI_TRAIN_BINS]; /* chance that a start at a moment of failures lies in this part or
                                           before */
    /* Means over training of the parameters (train_average.c), for observations that are not normalised;
     * NULL: there are none. */
    float *actor_average, *critic_average;
    /* A motion that is its own mirror image half a cycle later is learned in one half (train_symmetry.c): */
    bool mirror;
    ami_copier copier;             /* networks for both halves, which are exported */
    float *plain_x, *plain_action; /* (samples, inputs), (samples, AMI_ACTION) examples for them */
    float in_mean[AMI_OBS_MAX], in_std[AMI_OBS_MAX];
    float action_mean[AMI_ACTION], action_std[AMI_ACTION]; /* action = network's number · std + mean; 0 and 1
                                                              for residual actions */
};

/* Whether a policy that comes from elsewhere acts in the settings' way; false and a sentence that begins with
 * "its". */
bool ami_train_check_actions(const ami_settings *settings, const ami_policy *policy, ami_error *err);

/* Recomputes in_mean and in_std. */
void ami_train_refresh_normalizer(ami_train *train);

/* Schedules: how far the training is, in [0, 1]; standard deviation of exploration, and of the part of it
 * that is new in a step; pushes of up to this much, m/s. */
static inline double ami_train_fraction_done(const ami_train *train)
{
    return fmin((double)train->progress.samples / train->settings.samples, 1);
}
double ami_train_noise(const ami_train *train);
double ami_train_fresh_noise(const ami_train *train);
double ami_train_push(const ami_train *train);

/* Weight of what teachers would do. */
double ami_train_teach(const ami_train *train);

/* A new episode in environment e; fell: the one before it ended so. */
void ami_train_start_episode(ami_train *train, int e, ami_cycle_workspace *room, bool fell);

/* How environment e is to be made. */
ami_env_def ami_train_env_def(const ami_train *train, int e);

/* The phase of environment e's next start in [0, 1), or -1: anywhere. */
double ami_train_draw_start(ami_train *train, int e);

/* After an iteration's samples: where episodes fail, and so where they are to start. */
void ami_train_count_failures(ami_train *train);
void ami_train_refresh_starts(ami_train *train);

/* After an update: takes the parameters as they are now into their means. */
void ami_train_average(ami_train *train);

/* The means as parameters for observations that are normalised as they are now, in an array of the network's
 * size; or, where there are no means, the parameters as they are. */
void ami_train_get_average(const ami_train *train, bool actor, float *parameters);

/* Normalised observations. */
static inline void ami_train_normalise(const ami_train *train, const float *obs, float *x)
{
    const float limit = (float)train->settings.observation_clip;
    for (int k = 0; k < train->inputs; k++)
        x[k] = fminf(fmaxf((obs[k] - train->in_mean[k]) / train->in_std[k], -limit), limit);
}

/* With a symmetric motion, what the networks see is in the first half of the cycle: obs becomes its mirror
 * image where it is not, and that is returned. */
bool ami_train_fold(const ami_train *train, float *obs);

/* The mirror image of an action, or of noise in one, in the networks' scale. */
void ami_train_mirror_action(const ami_train *train, const float *in, float *out);

/* One lesson from an iteration's samples for the networks that are exported; returns the error, see
 * ami_train_stats. And their start: from the networks as they are. */
double ami_train_copy(ami_train *train);
void ami_train_start_copy(ami_train *train);

/* The network that is exported. */
ami_train_net *ami_train_exported(const ami_train *train, bool actor);

/* An iteration's samples: all that `after` and what stands before it in ami_train say, and every
 * environment's share. */
void ami_train_collect(ami_train *train);

#endif
