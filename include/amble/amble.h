/* All of libamble except rendering (amble/render.h, a separate library). */
#ifndef AMBLE_AMBLE_H
#define AMBLE_AMBLE_H

#include <amble/base.h>
#include <amble/character.h>
#include <amble/clip.h>
#include <amble/env.h>
#include <amble/model.h>
#include <amble/phase.h>
#include <amble/rollout.h>
#include <amble/style.h>

#endif
