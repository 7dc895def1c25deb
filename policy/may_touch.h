/* Chooses the bodies that may touch the floor without ending an episode: by name, or from a clip. */
#ifndef AMI_POLICY_MAY_TOUCH_H
#define AMI_POLICY_MAY_TOUCH_H

#include "policy/controller.h"

/* The bodies that may touch the floor. The ankles are always included. text is the value of --may-touch:
 *
 *   "feet"                      the ankles only
 *   "auto"                      bodies that come within 2 cm of the floor in the clip; refused without a clip
 *   "left_wrist,right_wrist"    names, separated by commas
 *   NULL (not given)            with a policy: the bodies of its metadata, else feet
 *                               with one that was trained on several clips: those of this clip, by its checksum,
 *                               else by its name; auto for another clip
 *                               without one: auto if there is a clip, else feet
 *
 * policy and clip may be NULL. */
bool ami_choose_may_touch(const char *text, const ami_policy *policy, const ami_character *character,
                          const ami_clip *clip, unsigned *bits, ami_error *err);

/* Height of the body's lowest point above the floor, m: min and mean over the clip's poses. Negative: the
 * body penetrates the floor; in the public clips down to -.13 (mean -.04). */
bool ami_clip_height(const ami_character *character, const ami_clip *clip, double *lowest, double *mean,
                     ami_error *err);

#endif
