/* A style's motion as a clip of its own, to be kept, watched and drawn: what a generator (policy/generator.h)
 * follows while that style lasts, without an environment. */
#ifndef AMI_POLICY_STYLE_MOTION_H
#define AMI_POLICY_STYLE_MOTION_H

#include "policy/cycle.h"

/* One cycle from left-foot strike to left-foot strike, a loop along x, within the usual limits; *facts (may
 * be NULL) says what it is like. NULL and the generator's reason where the latent gives no usable motion:
 * *refusal (may be NULL) is that reason then, AMI_MOTION_OK where memory was short. Allocates. */
ami_clip *ami_style_motion(const ami_motion_nets *nets, const ami_latent *latent, const char *name,
                           ami_cycle_facts *facts, ami_refusal *refusal, ami_error *err);

/* DeepPhase's trajectory of a clip: n points (phase) evenly over its duration from its beginning on, so that
 * of a loop the next one would be the first again. */
bool ami_style_portrait(const ami_motion_nets *nets, const ami_clip *clip, int n, ami_phase *phase,
                        ami_error *err);

/* The encoder's means of windows of 2 s of a style's motion, played as the style's latent means it (scale),
 * that begin at n moments evenly over a cycle, the first at the left foot's strike: mean (n, 256). */
bool ami_style_windows(const ami_stylevae *encoder, const ami_skeleton *skeleton, const ami_clip *clip,
                       double scale, int n, float *mean, ami_error *err);

#endif
