/* A style's motion as a clip, to save, watch and plot: the clip that a generator (policy/generator.h) follows
 * during that style, made without an environment. */
#ifndef AMI_POLICY_STYLE_MOTION_H
#define AMI_POLICY_STYLE_MOTION_H

#include "policy/cycle.h"

/* One cycle from left-foot strike to left-foot strike, a loop along x, within the default limits. *facts (may
 * be NULL) receives its measurements. NULL and a sentence if the latent gives no usable motion or memory is
 * short; *refusal (may be NULL) is the reason, or AMI_MOTION_OK if memory was short. Allocates. */
ami_clip *ami_style_motion(const ami_motion_nets *nets, const ami_latent *latent, const char *name,
                           ami_cycle_facts *facts, ami_refusal *refusal, ami_error *err);

/* DeepPhase's trajectory of a clip: phase (n) at the times i · duration / n. */
bool ami_style_portrait(const ami_motion_nets *nets, const ami_clip *clip, int n, ami_phase *phase,
                        ami_error *err);

/* The encoder's means for windows of 2 s of a style's motion, played at the latent's scale. The n windows
 * begin evenly over a cycle, the first at the left foot's strike: mean (n, 256). */
bool ami_style_windows(const ami_stylevae *encoder, const ami_skeleton *skeleton, const ami_clip *clip,
                       double scale, int n, float *mean, ami_error *err);

#endif
