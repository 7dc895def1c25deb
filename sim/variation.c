/* Dynamics randomisation: draws it, sets it in the model, delays targets, adds noise to observations. */
#include "sim/variation.h"

#include "base/assert.h"
#include "motion/rotation.h"

#include <math.h>
#include <string.h>

static const double noise_angle = .01, noise_speed = .1;

static bool is_range(const double range[2], double lo, double hi)
{
    return (range[0] == 0 && range[1] == 0) || (range[0] >= lo && range[0] <= range[1] && range[1] <= hi);
}

bool ami_variation_check(const ami_variation_def *def, ami_error *err)
{
    if (!is_range(def->friction, .01, 10))
        return ami_fail(
            err, "friction of %g to %g, expected the smaller first, .01 to 10, or 0 and 0: the body's own",
            def->friction[0], def->friction[1]);
    if (!is_range(def->mass, .1, 10))
        return ami_fail(err,
                        "masses times %g to %g, expected the smaller first, .1 to 10, or 0 and 0: unchanged",
                        def->mass[0], def->mass[1]);
    if (def->delay[0] < 0 || def->delay[1] < def->delay[0] || def->delay[1] > AMI_DELAY_MAX)
        return ami_fail(err, "a delay of %d to %d control steps, expected 0 to %d, the smaller first",
                        def->delay[0], def->delay[1], (int)AMI_DELAY_MAX);
    if (!(def->observation_noise >= 0 && def->observation_noise <= 100))
        return ami_fail(err, "observation noise %g, expected 0 to 100", def->observation_noise);
    return true;
}

bool ami_variation_of_model(const ami_variation_def *def)
{
    return def->friction[1] > 0 || def->mass[1] > 0;
}

bool ami_variation_any(const ami_variation_def *def)
{
    return ami_variation_of_model(def) || def->delay[1] > 0 || def->observation_noise > 0;
}

void ami_variation_draw(const ami_variation_def *def, ami_rng *rng, ami_variation *variation,
                        ami_world *world)
{
    memset(variation, 0, sizeof *variation);
    if (!ami_variation_any(def))
        return;
    if (def->friction[1] > 0)
        variation->friction = ami_rng_range(rng, def->friction[0], def->friction[1]);
    for (int b = 0; b < AMI_BODIES && def->mass[1] > 0; b++)
        variation->mass[b] = ami_rng_range(rng, def->mass[0], def->mass[1]);
    const int delays = 1 + def->delay[1] - def->delay[0];
    variation->delay = def->delay[0] + (delays > 1 ? (int)ami_rng_below(rng, (uint32_t)delays) : 0);
    variation->noise = ami_rng_next(rng);
    ami_variation_apply(variation, world);
}

void ami_variation_apply(const ami_variation *variation, ami_world *world)
{
    if (variation->friction > 0 || variation->mass[0] > 0)
        ami_world_vary(world, variation->friction, variation->mass[0] > 0 ? variation->mass : NULL);
}

void ami_variation_start(ami_variation *variation, const double pose[AMI_POSE])
{
    for (int k = 0; k < variation->delay; k++)
        memcpy(variation->late[k], pose, sizeof variation->late[k]);
}

void ami_variation_delay(ami_variation *variation, int step, double target[AMI_POSE])
{
    if (variation->delay == 0)
        return;
    double *slot = variation->late[step % variation->delay], arrived[AMI_POSE];
    memcpy(arrived, slot, sizeof arrived);
    memcpy(slot, target, sizeof arrived);
    memcpy(target, arrived, sizeof arrived);
}

void ami_perturb_rotation(ami_rng *rng, double deviation, double q[4])
{
    double turn[3], by[4];
    for (int k = 0; k < 3; k++)
        turn[k] = deviation * ami_rng_normal(rng);
    ami_quat_exp(by, turn);
    const double before[4] = {q[0], q[1], q[2], q[3]};
    ami_quat_mul(q, before, by);
}

void ami_variation_observe(const ami_variation_def *def, const ami_variation *variation, int step,
                           const ami_character *character, const ami_state *state, ami_state *observed)
{
    const double angle = noise_angle * def->observation_noise, speed = noise_speed * def->observation_noise;
    ami_rng rng = ami_rng_seed(variation->noise, (uint64_t)step);
    double pose[AMI_POSE], vel[AMI_VEL];
    memcpy(pose, state->pose, sizeof pose);
    memcpy(vel, state->vel, sizeof vel);
    for (int k = 0; k < 3; k++)
        pose[k] += angle * ami_rng_normal(&rng);
    ami_perturb_rotation(&rng, angle, pose + 3);
    for (int i = 0; i < AMI_CLIP_JOINTS; i++) {
        double *q = pose + ami_clip_joints[i].pose;
        if (ami_clip_joints[i].ball)
            ami_perturb_rotation(&rng, angle, q);
        else
            q[0] += angle * ami_rng_normal(&rng);
    }
    for (int k = 0; k < AMI_VEL; k++)
        vel[k] += speed * ami_rng_normal(&rng);
    ami_fk_state(&character->skeleton, pose, vel, observed);
}
