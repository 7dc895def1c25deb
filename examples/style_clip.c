/* A motion in a mixture of styles, made by StyleVAE: where its cycle DeepPhase says the body is, and where
 * the root goes, frame by frame.
 *
 *     style_clip [MIXTURE [FOLDER]]     default: walk:0.7,zombie:0.3; writes FOLDER/style_clip.txt */
#include <amble/amble.h>

#include <stdio.h>
#include <stdlib.h>

static int fail(void)
{
    return fprintf(stderr, "%s\n", amb_error_message()), 1;
}

int main(int argc, char **argv)
{
    const char *mixture = argc > 1 ? argv[1] : "walk:0.7,zombie:0.3";
    const amb_skeleton *skeleton;
    amb_stylevae *vae;
    amb_deepphase *deepphase;
    amb_stylevae_def def;
    amb_stylevae_def_init(&def);
    def.without_encoder = true; /* named styles are decoded only */
    if (amb_skeleton_humanoid(&skeleton) != AMB_OK || amb_stylevae_load(&def, &vae) != AMB_OK ||
        amb_deepphase_load(NULL, NULL, &deepphase) != AMB_OK)
        return fail();

    amb_stylevae_info about = {.size = sizeof about};
    amb_stylevae_get_info(vae, &about);
    for (int i = 0; i < about.styles; i++) {
        amb_style_info style = {.size = sizeof style};
        amb_style_get_info(vae, i, &style);
        printf("%s%s", i ? ", " : "styles: ", style.name);
    }

    amb_clip *clip;
    amb_latent latent;
    amb_style_report report = {.size = sizeof report};
    float *z = malloc((size_t)about.latent_size * sizeof *z);
    if (!z)
        return 1;
    amb_latent_init(&latent, z);
    if (amb_style_parse(vae, mixture, &latent) != AMB_OK ||
        amb_style_to_clip(vae, &latent, "style_clip", &report, &clip) != AMB_OK)
        return puts(""), fail();
    printf("\n%s: a cycle of %.2f s at %.2f m/s, played %.2f times slower than decoded\n", mixture,
           report.period, report.speed, report.stretch);

    amb_clip_info info = {.size = sizeof info};
    amb_clip_get_info(clip, &info);
    const size_t frames = (size_t)info.frames, features = (size_t)amb_phase_feature_count();
    double *pose = malloc(frames * (size_t)info.pose_size * sizeof *pose);
    double *velocity = malloc((size_t)info.velocity_size * sizeof *velocity);
    double *unwrapped = malloc(frames * sizeof *unwrapped);
    float *seen = malloc(frames * features * sizeof *seen);
    amb_phase *phase = malloc(frames * sizeof *phase);
    void *workspace = malloc(amb_deepphase_workspace_size(deepphase));
    if (!pose || !velocity || !unwrapped || !seen || !phase || !workspace)
        return 1;
    for (size_t f = 0; f < frames; f++) {
        double *at = pose + f * (size_t)info.pose_size;
        if (amb_clip_frame(clip, (int)f, NULL, at, velocity) != AMB_OK ||
            amb_phase_features(skeleton, at, velocity, seen + f * features) != AMB_OK)
            return fail();
    }
    if (amb_deepphase_encode_sequence(deepphase, seen, info.frames, phase, unwrapped, workspace) != AMB_OK)
        return fail();

    puts(" time s   phase  amplitude   root x      y      z m");
    for (size_t f = 0; f < frames; f++) {
        const double *root = pose + f * (size_t)info.pose_size;
        printf("%7.3f %7.3f %10.3f %8.3f %6.3f %6.3f\n", info.duration * (double)f / (double)(frames - 1),
               unwrapped[f], phase[f].amplitude, root[0], root[1], root[2]);
    }

    char path[4096];
    if (argc > 2) {
        snprintf(path, sizeof path, "%s/style_clip.txt", argv[2]);
        if (amb_clip_save(clip, path) != AMB_OK)
            return fail();
        printf("written: %s\n", path);
    }
    free(workspace), free(phase), free(seen), free(unwrapped), free(velocity), free(pose), free(z);
    amb_clip_destroy(clip);
    amb_deepphase_destroy(deepphase);
    amb_stylevae_destroy(vae);
    return 0;
}
