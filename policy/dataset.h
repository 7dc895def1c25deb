/* What happened in every step of a rollout, for data sets: states, observations, actions, torques, contacts, rewards.
 *
 * Names and meaning are those of Minari (Farama Foundation): an episode of n steps has n + 1 observations, the last
 * one after its last step; `terminations` marks a fall, `truncations` an episode that ended because its time was up.
 * An episode ends with the first of these. */
#ifndef AMI_POLICY_DATASET_H
#define AMI_POLICY_DATASET_H

#include "base/npy.h"
#include "sim/env.h"

enum { AMI_DATASET_ARRAYS = 12 };

typedef struct ami_dataset ami_dataset;

/* Room for `episodes` of at most `steps` steps and observations of `inputs` numbers. NULL and a sentence if memory is
 * short. */
ami_dataset *ami_dataset_create(int episodes, int steps, int inputs, ami_error *err);
void ami_dataset_destroy(ami_dataset *dataset); /* NULL is fine */

/* Before a step of an episode, and after it. What comes after the episode's end is ignored. Several threads may do this
 * at a time, for different episodes. */
void ami_dataset_before(ami_dataset *dataset, int episode, const ami_env *env);
void ami_dataset_after(ami_dataset *dataset, int episode, const ami_env *env, const float action[AMI_ACTION],
                       const ami_reward *reward, ami_env_end end);

/* Puts all episodes one behind the other and describes the result: name[i] and array[i], whose numbers belong to the
 * dataset. N steps in all, E episodes with one step or more:
 *   episode_lengths (E) steps of each
 *   observations (N + E, inputs), qpos (N + E, 43), qvel (N + E, 34): MuJoCo's state
 *   phases (N + E): of the reference, [0, 1)
 *   actions (N, 36), rewards (N), reward_parts (N, 5) before their weights (sim/reward.h)
 *   torques (N, 34) N·m, in the order of a velocity, the root's 0
 *   contacts (N, 15): whether the body touched the floor in the step
 *   terminations (N), truncations (N)
 * Only once, when no step follows. */
void ami_dataset_finish(ami_dataset *dataset, const char *name[AMI_DATASET_ARRAYS],
                        ami_npy array[AMI_DATASET_ARRAYS]);

/* The first episode's part of finished arrays. */
void ami_dataset_first(const ami_npy array[AMI_DATASET_ARRAYS], ami_npy first[AMI_DATASET_ARRAYS]);

int ami_dataset_episodes(const ami_dataset *dataset);

/* Bytes that so many episodes take at most. */
double ami_dataset_bytes(int episodes, double steps, int inputs);

#endif
