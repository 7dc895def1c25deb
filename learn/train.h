/* Training: many environments step with the actor's noisy actions, then PPO learns from what happened; again
 * and again.
 *
 * Everything that happens is decided by the settings and the clip: not by the number of threads, not by time.
 * A saved and loaded training goes on bit for bit as if it had never stopped. Writes no files but checkpoints
 * and prints nothing; cli/cmd_train.c is the program. */
#ifndef AMI_LEARN_TRAIN_H
#define AMI_LEARN_TRAIN_H

#include "base/checkpoint.h"
#include "learn/ppo.h"
#include "learn/settings.h"
#include "learn/teachers.h"
#include "nets/net.h"
#include "policy/generator.h"
#include "sim/env.h"

typedef struct ami_train ami_train;

/* One iteration in numbers. Rewards are a step's, in [0, 1]; all with exploration noise. */
typedef struct ami_train_stats {
    int64_t iteration, samples; /* done so far */
    double reward;              /* mean over the iteration's steps */
    double part[AMI_REWARD_PARTS];
    double root_m, joint_rad, end_effector_m; /* means over the iteration's steps */
    /* Over the episodes that ended in the last AMI_TRAIN_WINDOW iterations (0 where none did): */
    double episode_s;         /* mean length, s */
    double normalised_return; /* mean of (sum of rewards) / (steps of a full episode) */
    double survived;          /* fraction that reached the time-out */
    int64_t episodes;
    double fell, lost;   /* fractions that ended with a fall, or because the body no longer followed */
    int fell_on;         /* the body that met the floor in most of the falls; -1: there were none */
    double limited;      /* fraction of joints at their torque limit, mean over the iteration's steps */
    int64_t unstable;    /* episodes ended by a non-finite state, since the training began */
    const char *failure; /* MuJoCo's first error in this process, which ended an episode in the same way;
                            NULL: there was none */
    double noise, actor_rate, push_speed;
    int64_t motions, refused; /* invented and usable, and not usable, since the training began */
    ami_ppo_stats ppo;
    double copy_error; /* mirrored samples: how far the exported actor's actions are from those that were
                          learned, root mean square */
    double explained;  /* share of the targets' variance that the critic's values explain */
    double collect_s, learn_s; /* wall time, the one thing here that is not reproducible */
} ami_train_stats;

enum { AMI_TRAIN_WINDOW = 16 };

/* The character is the one that settings ask for (ami_train_character_def); it and the clip must outlive the
 * training. may_touch: bits of bodies that may meet the floor beside the ankles. NULL and a sentence on
 * error. */
ami_train *ami_train_create(const ami_settings *settings, const ami_character *character,
                            const ami_clip *clip, unsigned may_touch, ami_error *err);
void ami_train_destroy(ami_train *train);

/* What to train on instead of one clip: styles that are drawn, each environment its own. Everything outlives
 * the training. */
typedef struct ami_train_styles {
    const ami_motion_nets *nets;
    const ami_styles *styles;     /* drawn among these */
    const char *name;             /* of the lot, for ami_train_motion; NULL: "random" */
    uint32_t crc;                 /* of the files that networks and styles came from: a checkpoint goes on
                                     only with the same */
    const ami_teachers *teachers; /* or NULL; of the training's action mode and rates; they see a goal only if
                                     it does */
} ami_train_styles;

/* The same with invented motions: every episode begins with a style drawn, and its changes are drawn too, as
 * the settings say (style_...).
 */
ami_train *ami_train_create_styles(const ami_settings *settings, const ami_character *character,
                                   const ami_train_styles *styles, unsigned may_touch, ami_error *err);

ami_character_def ami_train_character_def(const ami_settings *settings);

/* One iteration: envs × steps samples and an update. Uses the OpenMP team as it is set; simulation takes no
 * more threads than were set when the training was created. */
void ami_train_iterate(ami_train *train, ami_train_stats *stats);

/* True and a sentence if memory was short in an iteration: it and those behind it do not count. What was
 * learned before can be saved. */
bool ami_train_failed(const ami_train *train, ami_error *err);

/* The clip's name, or "style:" and that of the styles: what checkpoints and networks say they were trained
 * on. */
const char *ami_train_motion(const ami_train *train);

/* Lays the schedules of noise and KL over this many samples instead (settings.samples), as if it had been
 * asked for so. */
void ami_train_set_samples(ami_train *train, double samples);

/* What it trains with: what settings left open (0 or -1: from the motion) is decided. */
const ami_settings *ami_train_settings(const ami_train *train);

int64_t ami_train_samples(const ami_train *train);
int64_t ami_train_iterations(const ami_train *train);
bool ami_train_uses_bf16(const ami_train *train);

/* How good the mean action is: rollouts of the networks that would be exported now, without noise and pushes.
 */
typedef struct ami_train_score {
    double normalised_return; /* mean reward a step, 0 after a fall */
    double survival;          /* fraction that never fell */
    double success;           /* fraction whose root's height stayed within .25 m and its tilt within .8 of
                                 the reference's (BeyondMimic) */
    double seconds;           /* mean time until the fall or the end */
    double root_m, joint_rad, end_effector_m;
    int64_t failed;                  /* characters that count as fallen because MuJoCo reported an error */
    char failure[AMI_WORLD_FAILURE]; /* the first error of the first of them; empty: there is none */
} ami_train_score;

/* `envs` characters with seeds of their own, the same at every call. A loop is followed for `seconds` from
 * anywhere, a clip that does not loop from its first frame to its last (Peng et al. 2018). Nothing in the
 * training changes. False where memory is short. */
bool ami_train_evaluate(const ami_train *train, int envs, double seconds, ami_train_score *score,
                        ami_error *err);

/* The networks (their means over training, setting average) as they are now, normaliser and metadata
 * included: the caller's to destroy; NULL when memory is short. */
ami_net *ami_train_export_actor(const ami_train *train, ami_error *err);
ami_net *ami_train_export_critic(const ami_train *train, ami_error *err);

/* Everything the training consists of, atomically to PATH. */
bool ami_train_save(const ami_train *train, const char *path, ami_error *err);

/* Settings that a checkpoint was made with. */
bool ami_train_read_settings(const ami_checkpoint *checkpoint, ami_settings *settings, ami_error *err);

/* Continues where the checkpoint was made, may_touch included. The training must have been created with
 * settings of the same shape and the same clip; on error it must be destroyed. */
bool ami_train_load(ami_train *train, const ami_checkpoint *checkpoint, ami_error *err);

/* Takes networks, optimiser and normaliser only, and starts counting at 0: for training further under other
 * settings or on another clip. */
bool ami_train_load_networks(ami_train *train, const ami_checkpoint *checkpoint, ami_error *err);

/* The same from ONNX files of an actor and the critic that was trained beside it: the optimiser starts anew.
 * The normaliser is theirs and counts as learned from as many samples as the actor's metadata says
 * ("samples"), or as normalizer_samples where it says nothing. Both must have the shapes (networks that see
 * no goal may begin a training that does: they are widened by weights of 0), action mode, rates and limit on
 * observations that the settings ask for; what the metadata leaves open is as in ami_policy_load. fp32 files
 * give the very parameters they were written from, but for rounding in the last layer of absolute actions,
 * which files hold scaled. On error the training is as it was. */
bool ami_train_load_onnx(ami_train *train, const char *actor_path, const char *critic_path, ami_error *err);

#endif
