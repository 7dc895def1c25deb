/* Makes the clip of a style, its DeepPhase trajectory and its encoded windows. */
#include "policy/style_motion.h"

#include "base/assert.h"
#include "motion/gait.h"

#include <stdlib.h>

ami_clip *ami_style_motion(const ami_motion_nets *nets, const ami_latent *latent, const char *name,
                           ami_cycle_facts *facts, ami_refusal *refusal, ami_error *err)
{
    AMI_ASSERT(nets && latent && name);
    const ami_motion_limits limits = ami_motion_default_limits();
    ami_refusal reason = AMI_MOTION_OK;
    ami_clip *clip = ami_clip_reserve(AMI_CYCLE_FRAMES + 1, name, err);
    ami_cycle_workspace *workspace = clip ? ami_cycle_workspace_create(nets, err) : NULL;
    ami_cycle *cycle = workspace ? malloc(sizeof *cycle) : NULL;
    bool ok = cycle != NULL;
    if (workspace && !cycle)
        ami_fail(err, "%s: out of memory", name);
    if (ok) {
        reason = ami_cycle_make(cycle, nets, &limits, workspace, latent, clip);
        ok = reason == AMI_MOTION_OK ||
             ami_fail(err, "the style \"%.100s\" gives no usable motion: %s", name, ami_refusal_text(reason));
    }
    if (ok && facts)
        *facts = cycle->facts;
    if (refusal)
        *refusal = reason;
    free(cycle);
    ami_cycle_workspace_destroy(workspace);
    if (ok)
        return clip;
    ami_clip_destroy(clip);
    return NULL;
}

bool ami_style_portrait(const ami_motion_nets *nets, const ami_clip *clip, int n, ami_phase *phase,
                        ami_error *err)
{
    AMI_ASSERT(nets && clip && n >= 1 && phase);
    float *frame = malloc((size_t)n * AMI_PHASE_FEATURES * sizeof *frame);
    void *workspace = malloc(ami_deepphase_workspace_size(nets->deepphase));
    bool ok =
        (frame && workspace) || ami_fail(err, "%s: out of memory for %d phases", ami_clip_name(clip), n);
    for (int i = 0; ok && i < n; i++)
        ami_features_of_clip(nets->skeleton, clip, ami_clip_duration(clip) * i / n, NULL,
                             frame + (size_t)i * AMI_PHASE_FEATURES);
    ok = ok && ami_deepphase_encode_batch(nets->deepphase, workspace, frame, n, phase, err);
    free(frame);
    free(workspace);
    return ok;
}

bool ami_style_windows(const ami_stylevae *encoder, const ami_skeleton *skeleton, const ami_clip *clip,
                       double scale, int n, float *mean, ami_error *err)
{
    AMI_ASSERT(encoder && skeleton && clip && scale > 0 && n >= 1 && mean);
    ami_gait *gait = ami_gait_create(skeleton, clip, err);
    if (!gait)
        return false;
    float *window = malloc((size_t)n * AMI_STYLE_WINDOW * sizeof *window);
    void *workspace = malloc(ami_stylevae_workspace_size(encoder));
    const bool ok =
        (window && workspace) || ami_fail(err, "%s: out of memory for %d windows", ami_clip_name(clip), n);
    for (int i = 0; ok && i < n; i++)
        ami_gait_window(gait, ami_clip_duration(clip) * i / n, scale, AMI_STYLE_FRAMES,
                        window + (size_t)i * AMI_STYLE_WINDOW);
    if (ok)
        ami_stylevae_encode(encoder, workspace, window, n, mean, NULL);
    free(window);
    free(workspace);
    ami_gait_destroy(gait);
    return ok;
}
