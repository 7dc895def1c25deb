/* What no human does: how other units and wrong frame times show. For readers of any format. */
#ifndef AMI_MOTION_CLIP_CHECK_H
#define AMI_MOTION_CLIP_CHECK_H

#include "motion/clip.h"

/* Heights of the root (frames, 43): up to 2.5 m, not below the floor, not always above 1.5 m. `remedy` ends
 * the sentences. */
AMI_MUST_CHECK bool ami_clip_check_heights(int frames, const double *pose, const char *remedy,
                                           ami_error *err);

/* Up to 20 m/s and 200 rad/s; the latter may be exceeded in this fraction of the frames (0: in none). */
AMI_MUST_CHECK bool ami_clip_check_speeds(const ami_clip *clip, double spikes, const char *remedy,
                                          ami_error *err);

#endif
