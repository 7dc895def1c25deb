/* Motions in NumPy's npz files (ZIP files of npy arrays), by libzip, of which a build can do without.
 *
 * Two layouts are read:
 * - AMASS: poses (T, at least 66) of rotation vectors, trans (T, 3) m, mocap_framerate or mocap_frame_rate
 *   Hz. The first 22 joints count (SMPL-H and SMPL-X have the same): root, then the body's 21. They are put
 *   on a mean skeleton, whose bones are in npz.c; shapes (betas) are not read, so a path is scaled by mean
 *   legs.
 * - Places: positions (T, J, 3) in any unit, names (J), and fps, framerate, frame_rate or mocap_framerate Hz.
 *
 * Written is the latter, with rotations: what AI4Animation and others read; and `loop`, 1 or 0, where that is known.
 * With rotations (T, 15, 4) of amble's own bodies the poses are read exactly, and not made from the places.
 *
 * Arrays are float32 or float64, little-endian, in C order. An array takes at most 512 MiB, whatever the file
 * claims. */
#ifndef AMI_MOTION_NPZ_H
#define AMI_MOTION_NPZ_H

#include "base/npy.h"
#include "motion/clip.h"
#include "motion/mocap.h"

/* Whether it is a ZIP file. */
bool ami_motion_npz_looks_like(const void *bytes, size_t size);

/* Whether it is one whose first file is an array. */
bool ami_motion_npz_holds_arrays(const void *bytes, size_t size);

/* NULL and a sentence on error, also where amble was built without libzip. */
ami_mocap *ami_motion_npz_decode(const void *bytes, size_t size, ami_error *err);

/* A clip as positions (T, 15, 3) m and rotations (T, 15, 4) wxyz, z up, names (15), fps, loop, at an even rate,
 * replacing `path` as a whole or not at all. */
AMI_MUST_CHECK bool ami_motion_npz_write(const ami_clip *clip, const char *path, ami_error *err);

/* The same with `more` (at most 27) further arrays under their names. */
AMI_MUST_CHECK bool ami_motion_npz_write_with(const ami_clip *clip, const char *path, int more,
                                              const char *const *names, const ami_npy *arrays,
                                              ami_error *err);

#endif
