/* The clip that characters follow: as --motion names it, or the one that a policy or a checkpoint was trained
 * on. A run folder keeps a copy of its clip, so that what it holds can be used wherever it is moved and
 * whatever becomes of the clips folder. */
#ifndef AMI_POLICY_MOTION_H
#define AMI_POLICY_MOTION_H

#include "motion/edit.h"
#include "policy/controller.h"

/* A policy or a checkpoint, and what it says it was trained on. */
typedef struct ami_origin {
    const char *file;   /* a copy of the clip may lie beside it */
    const char *motion; /* the clip's name, or "style:" and that of the styles; NULL or empty where the file
                           does not say */
    bool has_crc;
    uint32_t crc; /* ami_clip_crc of the clip */
} ami_origin;

/* What `policy`, read from `file`, says; it points into both. */
ami_origin ami_policy_origin(const ami_policy *policy, const char *file);

/* Reads the clip that --motion names: a file or a name, see ami_clip_find; where the clips do not have it,
 * the copy beside an origin of that motion. Without --motion (NULL) the origin's own: among the clips or
 * beside the origin, whichever is the one it was trained on by its checksum; a clip of the same name that is
 * another one is refused in a sentence. `origin` may be NULL; path[size] gets the file's path. NULL and a
 * sentence on error. */
ami_clip *ami_load_motion(const char *motion, const char *clips, const ami_origin *origin, char *path,
                          size_t size, ami_error *err);

/* For training on a file of another format than DeepMimic's JSON: replaces *clip, read from `path`, by what a copy of
 * it in that format holds, looped as `loop` says (motion/edit.h: AMI_LOOP_AUTO, ...; *cycle gets where). *text gets
 * the copy, malloc'd; NULL where nothing was to be done. False and a sentence on error. */
AMI_MUST_CHECK bool ami_settle_clip(ami_clip **clip, const char *path, int loop, ami_edit_cycle *cycle,
                                    char **text, ami_error *err);

/* Puts a copy of the clip's file into a run folder, as humanoid3d_NAME.txt, if it is not there already. False
 * and a sentence where that cannot be written, or where another clip has the name there. text: what
 * ami_settle_clip gave, instead of the file's own; may be NULL. */
bool ami_keep_clip(const char *folder, const char *path, const char *text, const ami_clip *clip,
                   ami_error *err);

#endif
