/* BVH files (Biovision hierarchy) in and out.
 *
 * The reader believes nothing. What is wrong is named by line, with what was found and what was expected:
 * frames and joints beyond its limits, several roots, channels twice, numbers that are none ("nan", a decimal
 * comma), frames with more or fewer values than there are channels, more or fewer frames than announced, a
 * frame time that is none. It takes no more memory than a small multiple of the file's size.
 *
 * It takes any order of channels, also positions on joints that are not the root; 0 to 9 channels a joint
 * (scales must be 1); key words in any case; blanks, tabs, LF, CRLF and CR; names with blanks and colons; a
 * brace on the line of the name; numbers with exponents; blank lines between frames; no line break at the
 * end.
 *
 * Left to others: units, axes, names, the rest pose (motion/retarget.h). */
#ifndef AMI_MOTION_BVH_H
#define AMI_MOTION_BVH_H

#include "motion/clip.h"
#include "motion/mocap.h"

/* BVH has no place for whether a motion loops, and no comments. In amble's own files blanks behind the word MOTION
 * mean it, which every reader skips: two blanks, it loops; one, it does not; none, it is not known. */
#define AMI_BVH_LOOP "  "
#define AMI_BVH_NO_LOOP " "

/* text[size] must be a C string (a zero behind its end). NULL on error. */
ami_mocap *ami_bvh_decode(const char *text, size_t size, ami_error *err);

/* Whether the text begins as a BVH file does. */
bool ami_bvh_looks_like(const char *text, size_t size);

/* A clip as BVH text, malloc'd, *size long: y up, cm, even frames (a clip with uneven ones is sampled at its
 * mean rate), joints named as other programs expect them (Hips, Spine, Head, LeftUpLeg, ...), a zero pose
 * that stands upright with hanging arms, faces +z and is the humanoid's own, so that reading it back gives
 * the same motion. NULL and a sentence when memory is short. */
char *ami_bvh_encode(const ami_clip *clip, size_t *size, ami_error *err);

#endif
