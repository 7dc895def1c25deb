/* Motions in files of any format that amble reads: one function for every command.
 *
 * | format                    | known by             | what happens                                       |
 * |---------------------------|----------------------|----------------------------------------------------|
 * | DeepMimic's JSON          | an object            | taken as it is (motion/clip.h)                     |
 * | BVH                       | the word HIERARCHY   | retargeted (motion/retarget.h); one that amble     |
 * |                           |                      | wrote is taken as it is                            |
 * | npz: AMASS (SMPL-H, -X);  | a ZIP file           | retargeted (motion/npz.h); where amble was built   |
 * | places of joints by name  |                      | with libzip                                        |
 * | binary glTF               | its first bytes      | retargeted (motion/glb.h), unless amble wrote it   |
 * | FBX, binary and text      | its first bytes      | glTF by another process (motion/fbx.h), then so    |
 *
 * The content decides, not the name. */
#ifndef AMI_MOTION_MOTION_FILE_H
#define AMI_MOTION_MOTION_FILE_H

#include "motion/retarget.h"

enum { AMI_MOTION_FILE_MAX = 256 << 20 }; /* bytes */

/* def NULL: the usual. report NULL: none; where nothing was retargeted, report->own is set and the rest 0.
 * The clip's name is the file's. NULL on error; the sentence begins with the path. */
ami_clip *ami_motion_read(const char *path, const ami_retarget_def *def, ami_retarget_report *report,
                          ami_error *err);

/* The same from a file's bytes; `name` stands for its path. */
ami_clip *ami_motion_decode(const void *bytes, size_t size, const char *name, const ami_retarget_def *def,
                            ami_retarget_report *report, ami_error *err);

/* Whether the file is a motion of another format than DeepMimic's JSON, which says whether it loops. */
bool ami_motion_is_foreign(const char *path);

/* A file's skeleton and motion before retargeting, for what shows or maps it. NULL and a sentence where the
 * file has none (a clip) or is wrong. */
ami_mocap *ami_motion_read_mocap(const char *path, ami_error *err);

/* Inside: DeepMimic's JSON from memory, a C string. */
ami_clip *ami_clip_decode(const char *text, size_t size, const char *path, ami_error *err);

#endif
