/* Motions in binary glTF 2.0 files (.glb; Khronos Group 2021), in and out.
 *
 * The reader takes the longest animation of a file: translations and rotations of its nodes, by linear, step and cubic
 * interpolation, as floats or normalised integers. Joints are those of the first skin, or, without a skin, the
 * animated nodes; the zero pose is the nodes' rest pose. Shapes, cameras and materials are not read. Refused in a
 * sentence: text files (.gltf), compressed or sparse arrays, required extensions that concern more than meshes and
 * materials, interpolations that glTF does not have, scales that differ along the axes, numbers outside the
 * file, more than AMI_MOCAP_JOINTS nodes. Memory is a small multiple of the file's size, and at most
 * AMI_GLB_VALUES numbers of motion. */
#ifndef AMI_MOTION_GLB_H
#define AMI_MOTION_GLB_H

#include "motion/clip.h"
#include "motion/mocap.h"

#include <stdint.h>

enum { AMI_GLB_VALUES = 50000000 };

/* Whether it is a glTF file, binary or text. */
bool ami_glb_looks_like(const void *bytes, size_t size);

/* Whether the file at `path`, which begins with these bytes, is binary glTF that names animations. */
bool ami_glb_has_animation(const void *bytes, size_t size, const char *path);

/* The motion, in cm, sampled at the rate of the animation's closest keys (at most 240 Hz). NULL on error. */
ami_mocap *ami_glb_decode(const void *bytes, size_t size, ami_error *err);

/* A clip as such a file, malloc'd, *size long: m, y up, facing +z; a skeleton of joints named Hips, Spine, Head,
 * LeftUpLeg, ...; one mesh of the humanoid's own shapes, bound to it (a skin); one animation of the clip's name with
 * the clip's frames. Reading it back gives the same motion. Whether it loops is in the animation's extras, "loop": true
 * or false, which other programs pass over. NULL and a sentence when memory is short. */
uint8_t *ami_glb_encode(const ami_clip *clip, size_t *size, ami_error *err);

#endif
