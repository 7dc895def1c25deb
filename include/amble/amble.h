/* All of libamble but rendering (amble/render.h, in a library of its own). */
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
