/* Training: in each iteration many environments step with the actor's noisy actions, then PPO updates the
 * networks.
 *
 * The result depends only on the settings and the clip, not on the number of threads or on time. A saved and
 * loaded training continues bit for bit. Writes only checkpoints and prints nothing; the program is
 * cli/cmd_train.c. */
#ifndef AMI_LEARN_TRAIN_H
#define AMI_LEARN_TRAIN_H

#include "base/checkpoint.h"
#include "learn/exchange.h"
#include "learn/ppo.h"
#include "learn/settings.h"
#include "learn/teachers.h"
#include "nets/net.h"
#include "policy/generator.h"
#include "policy/motion_list.h"
#include "sim/env.h"

typedef struct ami_train ami_train;

/* Statistics of one iteration. Rewards are per step, in [0, 1]; all with exploration noise. */
typedef struct ami_train_stats {
    int64_t iteration, samples; /* so far */
    double reward;              /* mean over the iteration's steps */
    double part[AMI_REWARD_PARTS];
    double root_m, joint_rad, end_effector_m; /* means over the iteration's steps */
    /* Over the episodes that ended in the last AMI_TRAIN_WINDOW iterations (0 if none did): */
    double episode_s;         /* mean length, s */
    double normalised_return; /* mean of (sum of rewards) / (steps of a full episode) */
    double survived;          /* fraction that reached the time-out */
    int64_t episodes;
    double fell, lost;   /* fractions that ended with a fall, or too far from the reference */
    int fell_on;         /* the body that touched the floor in most falls; -1: no falls */
    double limited;      /* fraction of joints at their torque limit, mean over the iteration's steps */
    int64_t unstable;    /* episodes ended by an unstable state, since the training began */
    const char *failure; /* MuJoCo's first error in this process, which ended such an episode; NULL: none */
    double noise, actor_rate, push_speed;
    int64_t motions, refused; /* usable and unusable invented motions, since the training began */
    ami_ppo_stats ppo;
    double copy_error; /* with setting mirror: distance of the exported actor's actions from the trained
                          policy's, root mean square */
    double explained;  /* fraction of the targets' variance that is explained by the critic's values */
    double collect_s, learn_s; /* wall time; the only values that are not reproducible */
} ami_train_stats;

enum { AMI_TRAIN_WINDOW = 16, AMI_TRAIN_CLIPS_MAX = 1024 };

/* The character must be that of the settings (ami_train_character_def); it and the clip must outlive the
 * training. may_touch: bits of the bodies that may touch the floor besides the ankles. NULL and a sentence on
 * error. */
ami_train *ami_train_create(const ami_settings *settings, const ami_character *character,
                            const ami_clip *clip, unsigned may_touch, ami_error *err);
void ami_train_destroy(ami_train *train);

/* One network for several clips. Each episode follows one of them, under that clip's own rules (length, bodies that
 * may touch the floor, starts), drawn so that a fraction 1 - clip_failures (a setting) of the samples is divided
 * evenly, and the rest in proportion to what each clip's return lacks of 1. */
typedef struct ami_train_clip {
    const ami_clip *clip;
    unsigned may_touch; /* bits of the bodies that may touch the floor besides the ankles */
} ami_train_clip;

typedef struct ami_train_clips {
    int count;                    /* 1 to AMI_TRAIN_CLIPS_MAX, of different names */
    const ami_train_clip *clip;   /* (count) */
    const ami_teachers *teachers; /* of these clips by number, or NULL; else as in ami_train_styles */
} ami_train_clips;

/* The reference instead of a clip: styles drawn independently for each environment. All pointers must outlive
 * the training. */
typedef struct ami_train_styles {
    const ami_motion_nets *nets;
    const ami_styles *styles;     /* the styles to draw from */
    const char *name;             /* of the set, for ami_train_motion; NULL: "random" */
    uint32_t crc;                 /* of the files of networks and styles; a checkpoint needs the same */
    const ami_teachers *teachers; /* or NULL; with the training's action mode and rates; they may use a goal
                                     only if the training has one */
} ami_train_styles;

/* The same with invented motions: the first style of each episode and its changes are drawn by the settings
 * style_... */
ami_train *ami_train_create_styles(const ami_settings *settings, const ami_character *character,
                                   const ami_train_styles *styles, unsigned may_touch, ami_error *err);

/* Collective (learn/exchange.h): one training by all ranks of an exchange, each of which has some of the environments.
 * With a clip or with styles, the other NULL. Settings, character, motion and may_touch must be the same in all ranks;
 * results are those of one process. Functions marked Collective below must then be called by all ranks. NULL and a
 * sentence if there are fewer shards than ranks. */
ami_train *ami_train_create_ranks(const ami_settings *settings, const ami_character *character,
                                  const ami_clip *clip, const ami_train_styles *styles, unsigned may_touch,
                                  ami_exchange *exchange, ami_error *err);

/* Collective. The same for clips, whose number may be 1. */
ami_train *ami_train_create_clips(const ami_settings *settings, const ami_character *character,
                                  const ami_train_clips *clips, ami_exchange *exchange, ami_error *err);

ami_character_def ami_train_character_def(const ami_settings *settings);

/* Collective. One iteration: envs × steps samples and an update. Uses the current OpenMP team; simulation uses at most as
 * many threads as were set at the creation. */
void ami_train_iterate(ami_train *train, ami_train_stats *stats);

/* True and a sentence if memory was short in an iteration: it and later ones are not applied. The state
 * before it can still be saved. */
bool ami_train_failed(const ami_train *train, ami_error *err);

/* The clip's name (of several, all with commas, perhaps cut), or "style:" and the name of the styles, as stored in
 * checkpoints. */
const char *ami_train_motion(const ami_train *train);

/* Number of clips, 0 with styles; the clips in order. */
int ami_train_clip_count(const ami_train *train);
const ami_clip *ami_train_get_clip(const ami_train *train, int clip);

/* Of one of several clips: statistics of its samples only. Fields that are not of samples or episodes are 0, and
 * `samples` is the number of its own. Episodes are those of the last 200 thousand samples times the root of the
 * number of clips (half-life), not of a window. */
void ami_train_clip_stats(const ami_train *train, int clip, ami_train_stats *stats);

/* Replaces settings.samples, over which the schedules of noise and KL extend. */
void ami_train_set_samples(ami_train *train, double samples);

/* The settings in use: automatic values (0 or -1: from the motion) are replaced by the chosen ones. */
const ami_settings *ami_train_settings(const ami_train *train);

/* A checksum of what must be the same in all ranks: settings, motion, parameters, normaliser, progress. */
uint32_t ami_train_crc(const ami_train *train);

int64_t ami_train_samples(const ami_train *train);
int64_t ami_train_iterations(const ami_train *train);
bool ami_train_uses_bf16(const ami_train *train);

/* Results of rollouts with the networks that would be exported now, without noise and pushes. */
typedef struct ami_train_score {
    double normalised_return; /* mean reward per step, 0 after a fall */
    double survival;          /* fraction that never fell */
    double success;           /* fraction whose root's height stayed within .25 m and its tilt within .8 of
                                 the reference's (BeyondMimic) */
    double seconds;           /* mean time until the fall or the end */
    double root_m, joint_rad, end_effector_m;
    int64_t failed;                  /* characters that count as fallen because of a MuJoCo error */
    char failure[AMI_WORLD_FAILURE]; /* the first error of the first of them; empty: none */
} ami_train_score;

/* Collective. Evaluates with `envs` characters, of each clip, and with seeds that are the same in every call; of
 * several clips the means. A loop is followed for
 * `seconds` from a random phase, a clip that does not loop from its first frame to its last (Peng et al.
 * 2018). Does not change the training. False if memory is short. */
bool ami_train_evaluate(const ami_train *train, int envs, double seconds, ami_train_score *score,
                        ami_error *err);

/* The means of several clips' scores; `failed` is the sum. */
void ami_train_mean_score(const ami_train_score *score, int count, ami_train_score *mean);

/* Collective. The same for every clip: score (clips, or 1 with styles), `envs` characters each. */
bool ami_train_evaluate_clips(const ami_train *train, int envs, double seconds, ami_train_score *score,
                              ami_error *err);

/* The current networks (with setting average: their means over training) with normaliser and metadata. The
 * caller destroys them. NULL if memory is short. */
ami_net *ami_train_export_actor(const ami_train *train, ami_error *err);
ami_net *ami_train_export_critic(const ami_train *train, ami_error *err);

/* Collective. Writes the complete state of the training atomically to `path`: rank 0 does. All ranks get its result. */
bool ami_train_save(const ami_train *train, const char *path, ami_error *err);

/* Reads the list of the clips that a checkpoint's training has, if it has several: else *count is 0. *motion is to
 * be freed. */
bool ami_train_read_clips(const ami_checkpoint *checkpoint, ami_listed_motion **motion, int *count,
                          ami_error *err);

/* Reads a checkpoint's settings. */
bool ami_train_read_settings(const ami_checkpoint *checkpoint, ami_settings *settings, ami_error *err);

/* Continues from a checkpoint, with its may_touch. The training must have been created with the same clip and
 * with settings of the same shapes; on error it must be destroyed. */
bool ami_train_load(ami_train *train, const ami_checkpoint *checkpoint, ami_error *err);

/* Loads only networks, optimiser and normaliser; samples count from 0. For training with other settings or on
 * another clip. */
bool ami_train_load_networks(ami_train *train, const ami_checkpoint *checkpoint, ami_error *err);

/* Loads networks and normaliser from the ONNX files of an actor and of the critic that was trained with it.
 * On error the training is unchanged.
 *
 *   optimiser    new
 *   normaliser   that of the files; its number of samples is the actor's metadata "samples", else
 *                normalizer_samples
 *   must match   shapes, action mode, rates and limit of observations of the settings; missing metadata is
 *                replaced as in ami_policy_load
 *   goal         networks without a goal are widened with weights of 0 for a training with one
 *   precision    fp32 files give exactly the exported parameters, except for rounding in the last layer of
 *                absolute actions, which is scaled in files */
bool ami_train_load_onnx(ami_train *train, const char *actor_path, const char *critic_path, ami_error *err);

#endif
