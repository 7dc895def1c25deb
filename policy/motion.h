/* Loads the clip that characters follow: the one of --motion, or the one that a policy or a checkpoint was
 * trained on. A run folder keeps a copy of its clip, so that it does not depend on the clips folder. */
#ifndef AMI_POLICY_MOTION_H
#define AMI_POLICY_MOTION_H

#include "motion/edit.h"
#include "policy/controller.h"

/* A policy or a checkpoint, and the motion that it was trained on. */
typedef struct ami_origin {
    const char *file;   /* its folder may hold a copy of the clip */
    const char *motion; /* the clip's name, or "style:" and the name of the styles; NULL or empty: unknown */
    bool has_crc;
    uint32_t crc; /* ami_clip_crc of the clip */
    int motions;  /* several clips that it was trained on, of which `motion` is the first; else 0 */
    const ami_listed_motion *listed; /* (motions) */
} ami_origin;

/* The origin of `policy`, which was read from `file`. It points into both. */
ami_origin ami_policy_origin(const ami_policy *policy, const char *file);

/* The same origin as if it had been trained on one of its several motions alone. */
ami_origin ami_origin_of_one(const ami_origin *origin, const ami_listed_motion *motion);

/* Reads a clip. NULL and a sentence on error.
 *
 *   motion given   a file or a name, see ami_clip_find; if the clips folder does not have it and the origin
 *                  was trained on it, the copy in the origin's folder
 *   motion NULL    the clip that the origin was trained on (of several the first), in the clips folder or in the origin's folder; a
 *                  clip of the same name with another checksum is refused
 *
 * `origin` may be NULL. path[size] receives the file's path. */
ami_clip *ami_load_motion(const char *motion, const char *clips, const ami_origin *origin, char *path,
                          size_t size, ami_error *err);

/* For training on a file of another format than DeepMimic's JSON: replaces *clip, read from `path`, by what a
 * copy of it in that format holds, looped as `loop` says (motion/edit.h: AMI_LOOP_AUTO, ...; *cycle gets
 * where). *text gets the copy, malloc'd; NULL where nothing was to be done. False and a sentence on error. */
AMI_MUST_CHECK bool ami_settle_clip(ami_clip **clip, const char *path, int loop, ami_edit_cycle *cycle,
                                    char **text, ami_error *err);

/* Copies the clip's file into a run folder as humanoid3d_NAME.txt, unless it exists there. False and a
 * sentence if it cannot be written, or if another clip of that name exists there. text: the result of
 * ami_settle_clip, instead of the file's own; may be NULL. */
bool ami_keep_clip(const char *folder, const char *path, const char *text, const ami_clip *clip,
                   ami_error *err);

#endif
