/* A video file, written by ffmpeg at the other end of a pipe: .mp4 (H.264, .mov and .mkv too), .webm (VP9) or
 * .gif (with its own palette). The file is complete when ami_film_close returns, also after an early end; if
 * this program is killed, ffmpeg still finishes the file with the frames that it has. */
#ifndef AMI_VIEWER_FILM_H
#define AMI_VIEWER_FILM_H

#include "base/error.h"

#include <stdint.h>

typedef struct ami_film ami_film;

/* Checks at the start: ffmpeg is installed, the file's extension is known, the file can be written. False and
 * a sentence otherwise. */
bool ami_film_check(const char *path, ami_error *err);

/* Starts ffmpeg for frames of this size and rate. Odd sizes are made even where the format requires that. */
ami_film *ami_film_open(const char *path, int width, int height, double fps, ami_error *err);

/* Writes a frame, rgb (height, width, 3), the bottom row first. False and ffmpeg's message if that failed. */
bool ami_film_frame(ami_film *film, const unsigned char *rgb, ami_error *err);

/* Lets ffmpeg finish the file and waits for it. False and its message if that failed. NULL is fine and
 * true. */
bool ami_film_close(ami_film *film, ami_error *err);

int64_t ami_film_frames(const ami_film *film);

#endif
