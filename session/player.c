#include "session/player.h"

#include "session/session.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool amb_player_init(amb_player *player, const amb_character *character, amb_clip *clip, amb_error *err)
{
    *player = (amb_player){.character = character, .clip = clip, .speed = 1, .playing = true};
    return amb_session_snapshot_init(&player->snapshot, 1, err);
}

void amb_player_free(amb_player *player)
{
    amb_clip_destroy(player->clip);
    free(player->snapshot.body);
    *player = (amb_player){0};
}

/* The time within the clip. */
static double clip_time(const amb_player *player)
{
    const double duration = amb_clip_duration(player->clip);
    if (!amb_clip_loops(player->clip))
        return fmin(fmax(player->time, 0), duration);
    const double t = fmod(player->time, duration);
    return t < 0 ? t + duration : t;
}

void amb_player_advance(amb_player *player, double seconds)
{
    if (!player->playing)
        return;
    player->time += seconds * player->speed;
    const double duration = amb_clip_duration(player->clip);
    if (!amb_clip_loops(player->clip) && player->time > duration + .7) { /* the last pose is worth a moment's
                                                                            look */
        player->time = 0;
        player->jumps++;
    }
}

void amb_player_seek(amb_player *player, double time)
{
    const double duration = amb_clip_duration(player->clip);
    player->time = fmin(fmax(time, 0), duration);
    player->playing = false;
    player->jumps++;
}

/* The last frame at or before the clip's time. */
static int frame_now(const amb_player *player)
{
    const double *times = amb_clip_times(player->clip), t = clip_time(player) + 1e-9;
    int frame = 0;
    for (int hi = amb_clip_frames(player->clip) - 1; frame < hi;) {
        const int mid = (frame + hi + 1) / 2;
        if (times[mid] <= t)
            frame = mid;
        else
            hi = mid - 1;
    }
    return frame;
}

void amb_player_step(amb_player *player, int frames)
{
    const int last = amb_clip_frames(player->clip) - 1;
    const int64_t wanted = (int64_t)frame_now(player) + frames;
    const int frame = wanted < 0 ? 0 : wanted > last ? last : (int)wanted;
    amb_player_seek(player, amb_clip_times(player->clip)[frame]);
}

const amb_snapshot *amb_player_look(amb_player *player)
{
    amb_snapshot *s = &player->snapshot;
    double vel[AMB_VEL];
    amb_view_body *body = &s->body[0];
    amb_clip_sample(player->clip, player->time, body->pose, vel);
    memcpy(body->before, body->pose, sizeof body->before);
    memcpy(s->reference, body->pose, sizeof s->reference);
    memcpy(s->reference_before, body->pose, sizeof s->reference_before);
    s->paused = !player->playing;
    s->speed = player->speed;
    s->jumps = player->jumps;
    s->dt = 1. / 30;
    s->value = NAN;
    s->pushed_ago = 1e9;
    s->phase = amb_clip_phase(player->clip, player->time);
    s->ground_speed = hypot(vel[0], vel[1]);
    s->clip_time = clip_time(player);
    s->clip_duration = amb_clip_duration(player->clip);
    s->clip_frames = amb_clip_frames(player->clip);
    s->clip_frame = frame_now(player);
    return s;
}
