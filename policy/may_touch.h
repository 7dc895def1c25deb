/* Which bodies may touch the floor without ending an episode: named, or found in a clip. */
#ifndef AMI_POLICY_MAY_TOUCH_H
#define AMI_POLICY_MAY_TOUCH_H

#include "policy/controller.h"

/* The bodies that may touch the floor, from --may-touch: "feet", "auto" (bodies that the clip itself brings
 * within 2 cm of the floor) or names separated by commas ("left_wrist,right_wrist"); the ankles are always
 * among them. Where it is not given (NULL): those that the policy was trained with, if it says (policy NULL:
 * there is none); else, for a clip and no policy, auto; else feet. clip: NULL where there is none; auto is
 * refused then. */
bool ami_choose_may_touch(const char *text, const ami_policy *policy, const ami_character *character,
                          const ami_clip *clip, unsigned *bits, ami_error *err);

/* How high above the floor the body's lowest point is in the clip's poses, m: the least and the mean over the
 * clip. Negative: in the floor; the public clips reach down to -.13, -.04 in the mean. */
bool ami_clip_height(const ami_character *character, const ami_clip *clip, double *lowest, double *mean,
                     ami_error *err);

#endif
