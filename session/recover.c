/* Falls that are not the end: a body that has fallen takes the first pose of the motion of getting up, rises by
 * physics, and goes on with what is requested. For sessions with ami_session_def.get_up.
 *
 *   FALLEN    no network: the PD targets are the first pose of the motion for the side that the chest lies on,
 *             until the body rests in it, at most lie_s
 *   RISING    the actor of that motion follows it, from its first frame, from where the body lies. A body
 *             whose height leaves the motion's is FALLEN again
 *   STANDING  the motion has all but ended; the actor holds its last pose until the requested motion can be entered
 *             (transition.c)
 *   UP        all else */
#include "session/internal.h"

#include "motion/rotation.h"

#include <math.h>
#include <string.h>

enum { ATTEMPTS = 4 /* max of a session in a step, each of which simulates ahead; others wait */ };

/* s, max and min time of FALLEN; max time of STANDING, after which the motion is entered in any case, unless
 * a body touches the floor that may not: then it has not got up. */
static const double lie_s = 1.5, lie_min_s = .3, stand_s = 2;
static const double lead_s = .4;  /* s before the end of the motion of getting up: STANDING */
static const double lost_m = .25; /* max difference from the motion's height, as in the actors' training */
static const double side_changes = .2; /* how far the other side must be down: cosine of the chest's tilt */
/* Resting in the pose: m/s and m of the root, rad of its tilt, rad/s and rad, rms of the joints. */
static const double rest_speed = .2, rest_m = .1, rest_tilt = .5, rest_spin = .6, rest_rad = .35;

bool ami_recovers(const ami_session *s)
{
    return s->def.get_up[AMI_FACE_DOWN] != NULL;
}

const ami_skill *ami_member_skill(const ami_session *s, const member *m)
{
    return m->facts.stage == AMI_UP ? s->known[s->skill] : s->def.get_up[m->facts.face];
}

/* Cosine of the angle between the chest's front and up. */
static double front_up(const member *m)
{
    double front[3];
    ami_quat_rotate(front, m->env.state.rot[AMI_CHEST], (const double[3]){1, 0, 0});
    return front[2];
}

static int side(const member *m)
{
    const double up = front_up(m);
    if (fabs(up) < side_changes && m->facts.stage == AMI_FALLEN)
        return m->facts.face;
    return up < 0 ? AMI_FACE_DOWN : AMI_FACE_UP;
}

/* The angle about the vertical by which rotation `from` has to be turned to come nearest to `to`. */
static double turn_between(const double from[4], const double to[4])
{
    double back[4], q[4];
    ami_quat_conj(back, from);
    ami_quat_mul(q, to, back);
    return q[0] == 0 && q[3] == 0 ? 0 : 2 * atan2(q[3], q[0]);
}

/* Places the first frame of the motion for the side that is down where the body is. */
static void place(ami_session *s, member *m, int character)
{
    m->facts.face = side(m);
    const ami_skill *skill = s->def.get_up[m->facts.face];
    ami_reference *reference = &m->env.reference;
    double pose[AMI_POSE];
    ami_clip_sample(skill->clip, 0, pose, NULL);
    ami_member_use(s, m, character, skill);
    ami_reference_start(reference, skill->clip, 0, turn_between(pose + 3, m->env.state.pose + 3),
                        m->env.state.pose);
    ami_member_refresh(m);
}

void ami_recover_begin(ami_session *s, int character)
{
    member *m = &s->member[character];
    m->facts.face = side(m);
    m->facts.stage = AMI_FALLEN;
    m->facts.stage_since = s->step;
    place(s, m, character);
}

void ami_recover_end(ami_session *s, int character)
{
    member *m = &s->member[character];
    if (m->facts.stage == AMI_UP)
        return;
    m->facts.stage = AMI_UP;
    m->facts.down_since = -1;
    m->facts.up_since = s->step;
    ami_member_use(s, m, character, s->known[s->skill]);
}

void ami_recover_target(const ami_session *s, const member *m, double target[AMI_POSE])
{
    ami_clip_sample(s->def.get_up[m->facts.face]->clip, 0, target, NULL);
}

static double squared(const double *v, int n)
{
    double sum = 0;
    for (int k = 0; k < n; k++)
        sum += v[k] * v[k];
    return sum;
}

static bool rests(const member *m)
{
    const double *pose = m->env.state.pose, *vel = m->env.state.vel, *lying = m->env.reference_state.pose;
    if (squared(vel, 3) > rest_speed * rest_speed || fabs(pose[2] - lying[2]) > rest_m ||
        ami_quat_angle(pose + 3, lying + 3) > rest_tilt ||
        squared(vel + 6, AMI_VEL - 6) > rest_spin * rest_spin * (AMI_VEL - 6))
        return false;
    double sum = 0;
    for (int j = 0; j < AMI_CLIP_JOINTS; j++) {
        const int k = ami_clip_joints[j].pose;
        const double angle =
            ami_clip_joints[j].ball ? ami_quat_angle(pose + k, lying + k) : pose[k] - lying[k];
        sum += angle * angle;
    }
    return sum < rest_rad * rest_rad * AMI_CLIP_JOINTS;
}

static double since(const ami_session *s, const member *m)
{
    return (double)(s->step - m->facts.stage_since) * s->dt;
}

static void lie(ami_session *s, int character)
{
    member *m = &s->member[character];
    place(s, m, character);
    if (s->pull.kind == AMI_DO_PULL && s->pull.character == character) {
        m->facts.stage_since = s->step; /* it lies when it is released */
        return;
    }
    if (since(s, m) >= lie_s - 1e-9 || (since(s, m) >= lie_min_s && rests(m))) {
        m->facts.stage = AMI_RISING;
        m->facts.stage_since = s->step;
        m->rises++;
    }
}

static void rise(ami_session *s, int character)
{
    member *m = &s->member[character];
    if (fabs(m->env.state.pose[2] - m->env.reference_state.pose[2]) > lost_m) {
        ami_recover_begin(s, character);
    } else if (m->facts.stage == AMI_RISING &&
               m->env.reference.time >= ami_clip_duration(m->env.def.clip) - lead_s - 1e-9) {
        m->facts.stage = AMI_STANDING;
        m->facts.stage_since = s->step;
    }
}

/* Whether it attempted to enter the motion. */
static bool stand(ami_session *s, int character)
{
    member *m = &s->member[character];
    const bool late = since(s, m) >= stand_s;
    if (m->env.world.touching & ~s->known[s->skill]->may_touch) {
        if (late)
            ami_recover_begin(s, character);
        return false;
    }
    if (ami_enter_alone(s, character, (int)(s->step - m->facts.stage_since), late)) {
        m->facts.stage = AMI_UP;
        m->facts.down_since = -1;
        m->facts.up_since = s->step;
        m->stood++;
    }
    return true;
}

void ami_recover(ami_session *s)
{
    int attempts = 0;
    for (int i = 0; i < s->def.characters; i++) {
        const member *m = &s->member[i];
        if (m->facts.stage == AMI_FALLEN)
            lie(s, i);
        else if (m->facts.stage != AMI_UP)
            rise(s, i);
        if (m->facts.stage == AMI_STANDING && attempts < ATTEMPTS)
            attempts += stand(s, i);
    }
}
