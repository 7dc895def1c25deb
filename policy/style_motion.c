#include "policy/style_motion.h"

#include "motion/gait.h"

#include <stdlib.h>

amb_clip *amb_style_motion(const amb_motion_nets *nets, const amb_latent *latent, const char *name,
                           amb_cycle_facts *facts, amb_refusal *refusal, amb_error *err)
{
    const amb_motion_limits limits = amb_motion_default_limits();
    amb_refusal reason = AMB_MOTION_OK;
    amb_clip *clip = amb_clip_reserve(AMB_CYCLE_FRAMES + 1, name, err);
    amb_cycle_room *room = clip ? amb_cycle_room_create(nets, err) : NULL;
    amb_cycle *cycle = room ? malloc(sizeof *cycle) : NULL;
    bool ok = cycle != NULL;
    if (room && !cycle)
        amb_fail(err, "%s: out of memory", name);
    if (ok) {
        reason = amb_cycle_make(cycle, nets, &limits, room, latent, clip);
        ok = reason == AMB_MOTION_OK ||
             amb_fail(err, "the style \"%.100s\" gives no usable motion: %s", name, amb_refusal_text(reason));
    }
    if (ok && facts)
        *facts = cycle->facts;
    if (refusal)
        *refusal = reason;
    free(cycle);
    amb_cycle_room_destroy(room);
    if (ok)
        return clip;
    amb_clip_destroy(clip);
    return NULL;
}

bool amb_style_portrait(const amb_motion_nets *nets, const amb_clip *clip, int n, amb_phase *phase,
                        amb_error *err)
{
    float *frame = malloc((size_t)n * AMB_PHASE_FEATURES * sizeof *frame);
    void *workspace = malloc(amb_deepphase_workspace_size(nets->deepphase));
    bool ok =
        (frame && workspace) || amb_fail(err, "%s: out of memory for %d phases", amb_clip_name(clip), n);
    for (int i = 0; ok && i < n; i++)
        amb_features_of_clip(nets->skeleton, clip, amb_clip_duration(clip) * i / n, NULL,
                             frame + (size_t)i * AMB_PHASE_FEATURES);
    ok = ok && amb_deepphase_encode_batch(nets->deepphase, workspace, frame, n, phase, err);
    free(frame);
    free(workspace);
    return ok;
}

bool amb_style_windows(const amb_stylevae *encoder, const amb_skeleton *skeleton, const amb_clip *clip,
                       double scale, int n, float *mean, amb_error *err)
{
    amb_gait *gait = amb_gait_create(skeleton, clip, err);
    if (!gait)
        return false;
    float *window = malloc((size_t)n * AMB_STYLE_WINDOW * sizeof *window);
    void *workspace = malloc(amb_stylevae_workspace_size(encoder));
    const bool ok =
        (window && workspace) || amb_fail(err, "%s: out of memory for %d windows", amb_clip_name(clip), n);
    for (int i = 0; ok && i < n; i++)
        amb_gait_window(gait, amb_clip_duration(clip) * i / n, scale, AMB_STYLE_FRAMES,
                        window + (size_t)i * AMB_STYLE_WINDOW);
    if (ok)
        amb_stylevae_encode(encoder, workspace, window, n, mean, NULL);
    free(window);
    free(workspace);
    amb_gait_destroy(gait);
    return ok;
}
