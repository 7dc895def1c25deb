/* Plays a clip and fills snapshots from its poses. */
#include "session/player.h"

#include "base/assert.h"
#include "session/session.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool ami_player_init(ami_player *player, const ami_character *character, ami_clip *clip, ami_error *err)
{
    AMI_ASSERT(player && character && clip);
    *player = (ami_player){.character = character, .clip = clip, .speed = 1, .playing = true};
    return ami_session_snapshot_init(&player->snapshot, 1, err);
}

void ami_player_free(ami_player *player)
{
    ami_clip_destroy(player->clip);
    free(player->snapshot.body);
    *player = (ami_player){0};
}

/* The time within the clip. */
static double clip_time(const ami_player *player)
{
    const double duration = ami_clip_duration(player->clip);
    if (!ami_clip_loops(player->clip))
        return fmin(fmax(player->time, 0), duration);
    const double t = fmod(player->time, duration);
    return t < 0 ? t + duration : t;
}

void ami_player_advance(ami_player *player, double seconds)
{
    AMI_ASSERT(player && player->clip && seconds >= 0);
    if (!player->playing)
        return;
    player->time += seconds * player->speed;
    const double duration = ami_clip_duration(player->clip);
    if (!ami_clip_loops(player->clip) && player->time > duration + .7) { /* shows the last pose for .7 s */
        player->time = 0;
        player->jumps++;
    }
}

void ami_player_seek(ami_player *player, double time)
{
    AMI_ASSERT(player && player->clip && isfinite(time));
    const double duration = ami_clip_duration(player->clip);
    player->time = fmin(fmax(time, 0), duration);
    player->playing = false;
    player->jumps++;
}

/* The last frame at or before the clip's time. */
static int frame_now(const ami_player *player)
{
    const double *times = ami_clip_times(player->clip), t = clip_time(player) + 1e-9;
    int frame = 0;
    for (int hi = ami_clip_frames(player->clip) - 1; frame < hi;) {
        const int mid = (frame + hi + 1) / 2;
        if (times[mid] <= t)
            frame = mid;
        else
            hi = mid - 1;
    }
    return frame;
}

void ami_player_step(ami_player *player, int frames)
{
    AMI_ASSERT(player && player->clip);
    const int last = ami_clip_frames(player->clip) - 1;
    const int64_t target = (int64_t)frame_now(player) + frames;
    const int frame = target < 0 ? 0 : target > last ? last : (int)target;
    ami_player_seek(player, ami_clip_times(player->clip)[frame]);
}

const ami_snapshot *ami_player_look(ami_player *player)
{
    AMI_ASSERT(player && player->clip);
    ami_snapshot *s = &player->snapshot;
    double vel[AMI_VEL];
    ami_view_body *body = &s->body[0];
    ami_clip_sample(player->clip, player->time, body->pose, vel);
    memcpy(body->before, body->pose, sizeof body->before);
    memcpy(s->reference, body->pose, sizeof s->reference);
    memcpy(s->reference_before, body->pose, sizeof s->reference_before);
    s->paused = !player->playing;
    s->speed = player->speed;
    s->jumps = player->jumps;
    s->dt = 1 / AMI_CONTROL_HZ;
    s->value = NAN;
    s->pushed_ago = 1e9;
    s->phase = ami_clip_phase(player->clip, player->time);
    s->ground_speed = hypot(vel[0], vel[1]);
    s->clip_time = clip_time(player);
    s->clip_duration = ami_clip_duration(player->clip);
    s->clip_frames = ami_clip_frames(player->clip);
    s->clip_frame = frame_now(player);
    return s;
}
