/* Poses from motion features: exact for exact features, smooth for noisy ones, and the root's path. If the
 * public clips are installed, each is converted to features and back. */
#include "tests/body.h"

#include "base/clock.h"
#include "motion/ik.h"
#include "motion/kinematics.h"

#include <dirent.h>
#include <unistd.h>

enum { MOST = 4000 }; /* frames in a test */

static ami_character *character;
static float features[MOST * AMI_FEATURES], noisy[MOST * AMI_FEATURES];
static double time_of[MOST + 1], got[(MOST + 1) * AMI_POSE], want[(MOST + 1) * AMI_POSE];

static int set_up(void **unused)
{
    (void)unused;
    character = load_character(120);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    ami_character_destroy(character);
    return 0;
}

static void features_of(const double pose[AMI_POSE], const double vel[AMI_VEL], float out[AMI_FEATURES])
{
    ami_state state;
    ami_points points;
    ami_fk_state(&character->skeleton, pose, vel, &state);
    ami_points_of_state(&character->skeleton, &state, &points);
    ami_features(&points, out);
}

/* Trusting def that starts where the first wanted pose stands. */
static ami_ik_def exact_def(double rate)
{
    ami_ik_def def = ami_ik_default_def(&character->skeleton);
    double forward[2];
    ami_points_heading(want + 3, forward);
    def.rate = rate;
    def.noise = 0;
    def.heading = atan2(forward[1], forward[0]);
    def.at[0] = want[0];
    def.at[1] = want[1];
    return def;
}

static void run(const ami_ik_def *def, int frames, const float *from, bool cyclic)
{
    ami_error err = {""};
    memset(got, 0xff, sizeof got); /* NaN: a number that is not written shows */
    if (!ami_ik_motion(def, frames, from, cyclic, time_of, got, &err))
        fail_msg("%s", err.text);
}

/* Angle between joint j of two poses, rad. */
static double joint_error(const double *a, const double *b, int j)
{
    const int at = ami_clip_joints[j].pose;
    return ami_clip_joints[j].ball ? ami_quat_angle(a + at, b + at) : fabs(a[at] - b[at]);
}

static void defaults_and_refusals(void **unused)
{
    (void)unused;
    ami_error err = {""};
    ami_ik ik;
    ami_ik_def def = ami_ik_default_def(&character->skeleton);
    assert_true(def.rate == 30 && def.noise == .01 && def.turn_speed == 3 && def.heading == 0 &&
                def.at[0] == 0 && def.at[1] == 0);
    assert_true(ami_ik_init(&ik, &def, &err));
    def.rate = .5;
    assert_false(ami_ik_init(&ik, &def, &err));
    assert_sentence(&err, "0.5 frames|1 to 1000");
    def = ami_ik_default_def(&character->skeleton);
    def.noise = -.1;
    assert_false(ami_ik_init(&ik, &def, &err));
    assert_sentence(&err, "noise|-0.1");
    def = ami_ik_default_def(&character->skeleton);
    def.turn_speed = 0;
    assert_false(ami_ik_init(&ik, &def, &err));
    assert_sentence(&err, "0 rad/s");
    def = ami_ik_default_def(&character->skeleton);
    def.heading = NAN;
    assert_false(ami_ik_init(&ik, &def, &err));
    assert_sentence(&err, "heading|nan");
    def = ami_ik_default_def(&character->skeleton);
    assert_false(ami_ik_motion(&def, 1, features, false, time_of, got, &err));
    assert_sentence(&err, "1 frames|expected 2");

    const double moved = character->skeleton.offset[AMI_LEFT_KNEE][0];
    character->skeleton.offset[AMI_LEFT_KNEE][0] = .01;
    const bool taken = ami_ik_init(&ik, &def, &err);
    character->skeleton.offset[AMI_LEFT_KNEE][0] = moved;
    assert_false(taken);
    assert_sentence(&err, "\"left_knee\"|0.01|y axis");
}

/* One frame alone says everything, where no limb is straight: any pose comes back, but for its place and
 * heading, which are not in it. */
static void any_pose_comes_back(void **unused)
{
    (void)unused;
    ami_rng rng = ami_rng_seed(1, 0);
    for (int n = 0; n < 500; n++) {
        double pose[AMI_POSE], vel[AMI_VEL] = {0}, out[AMI_POSE], forward[2];
        float frame[AMI_FEATURES];
        ami_error err = {""};
        ami_ik ik;
        random_pose(&rng, pose, ami_rng_range(&rng, .3, 2), 2.5);
        pose[pose_at[AMI_RIGHT_KNEE]] -= .4; /* a knee that is nearly straight could be overstretched */
        pose[pose_at[AMI_LEFT_KNEE]] -= .4;
        features_of(pose, vel, frame);
        ami_points_heading(pose + 3, forward);
        ami_ik_def def = ami_ik_default_def(&character->skeleton);
        def.noise = 0;
        def.at[0] = 3;
        def.at[1] = -4;
        def.heading = atan2(forward[1], forward[0]);
        assert_true(ami_ik_init(&ik, &def, &err));
        ami_ik_frame(&ik, frame, out);
        assert_near(out[0], 3, 0, "x", n);
        assert_near(out[1], -4, 0, "y", n);
        assert_near(out[2], pose[2], 1e-6, "height", n);
        assert_near(ami_quat_angle(out + 3, pose + 3), 0, 1e-4, "root", n);
        for (int j = 0; j < AMI_CLIP_JOINTS; j++)
            assert_near(joint_error(out, pose, j), 0, 1e-4, ami_clip_joints[j].name, n);
    }
}

/* Standing still, carried round by 1 m/s forward, .5 m/s to the left and .6 rad/s: two arcs on paper, seen
 * from the heading's start at .4.
 */
static void velocity_and_yaw_rate_make_the_way(void **unused)
{
    (void)unused;
    enum { FRAMES = 91 };
    double vel[AMI_VEL] = {1, .5, 0, 0, .6, 0};
    pose_at_rest(want, .9);
    for (int f = 0; f < FRAMES; f++)
        features_of(want, vel, features + f * AMI_FEATURES);
    ami_ik_def def = exact_def(30);
    def.heading = .4;
    def.at[0] = 2;
    run(&def, FRAMES, features, false);
    for (int f = 0; f < FRAMES; f++) {
        const double *p = got + f * AMI_POSE, t = f / 30., h = .4 + .6 * t;
        double forward[2];
        ami_points_heading(p + 3, forward);
        assert_near(time_of[f], t, 1e-12, "time", f);
        assert_near(remainder(atan2(forward[1], forward[0]) - h, 2 * M_PI), 0, 1e-6, "heading", f);
        /* the integral of (cos h - .5 sin h, sin h + .5 cos h) over t */
        const double x = 2 + (sin(h) - sin(.4) + .5 * (cos(h) - cos(.4))) / .6;
        const double y = (cos(.4) - cos(h) + .5 * (sin(h) - sin(.4))) / .6;
        assert_near(p[0], x, 2e-4, "x", f); /* trapezoids: h³/12 v w² a frame */
        assert_near(p[1], y, 2e-4, "y", f);
        assert_near(p[2], .9, 1e-6, "height", f);
    }

    for (int f = 0; f < FRAMES; f++) { /* faster and faster: the trapezoids are exact */
        vel[4] = .6 + .4 * f / 30;
        features_of(want, vel, features + f * AMI_FEATURES);
    }
    run(&def, FRAMES, features, false);
    for (int f = 0; f < FRAMES; f++) {
        const double t = f / 30., h = .4 + .6 * t + .2 * t * t;
        double forward[2];
        ami_points_heading(got + f * AMI_POSE + 3, forward);
        assert_near(remainder(atan2(forward[1], forward[0]) - h, 2 * M_PI), 0, 1e-5,
                    "heading, faster and faster", f);
    }
}

/* Turning over about a tilted axis: once a turn the root comes close to upside down, where the features'
 * frame spins round. */
static void a_somersault_does_not_turn_the_root_round(void **unused)
{
    (void)unused;
    static const double tilts[] = {0, .003, .02, -.1, .4};
    enum { FRAMES = 61 };
    for (size_t n = 0; n < sizeof tilts / sizeof *tilts; n++) {
        /* three turns in two seconds */
        const double speed = 2 * M_PI / 2 * 3, c = cos(tilts[n]), s = sin(tilts[n]);
        double spun = 0, last = 0;
        for (int f = 0; f < FRAMES; f++) {
            double *p = want + f * AMI_POSE, vel[AMI_VEL] = {0}, turn[4], forward[2];
            pose_at_rest(p, 2);
            turn_about(turn, 0, c, s, speed * f / 30); /* about the world's y, leaning to z by the tilt */
            ami_quat_mul(p + 3, turn, p + 3);
            ami_quat_unrotate(vel + 3, p + 3, (const double[3]){0, speed * c, speed * s});
            features_of(p, vel, features + f * AMI_FEATURES);
            ami_points_heading(p + 3, forward);
            const double heading = atan2(forward[1], forward[0]);
            spun = fmax(spun, f ? fabs(remainder(heading - last, 2 * M_PI)) : 0);
            last = heading;
        }
        if (n == 1)
            assert_true(spun > 1); /* it was about that */
        const ami_ik_def def = exact_def(30);
        run(&def, FRAMES, features, false);
        for (int f = 0; f < FRAMES; f++)
            assert_near(ami_quat_angle(got + f * AMI_POSE + 3, want + f * AMI_POSE + 3), 0, .01, "root", f);
    }
}

/* A walk of two bent legs and arms, frames of a cycle at 30 Hz, that turns a little to the left: a cycle may
 * not. */
static void make_cycle(int frames, double yaw_rate, double speed)
{
    for (int f = 0; f < frames; f++) {
        const double phase = 2 * M_PI * f / frames, wave = sin(phase), other = cos(phase);
        double *p = want + f * AMI_POSE, turn[4], vel[AMI_VEL] = {speed, 0, 0, 0, yaw_rate, 0};
        pose_at_rest(p, .85 + .02 * wave);
        turn_about(turn, .6, .8, 0, .1 * wave);
        turn_about(p + pose_at[AMI_CHEST], .6, 0, .8, .2 * wave);
        turn_about(p + pose_at[AMI_NECK], 0, .6, .8, .2 * other);
        for (int side = 0; side < 2; side++) {
            const int hip = side ? AMI_LEFT_HIP : AMI_RIGHT_HIP, sign = side ? 1 : -1;
            turn_about(p + pose_at[hip], 0, .28, .96, .4 * sign * wave);
            p[pose_at[hip + 1]] = -.5 - .4 * sign * other;
            turn_about(p + pose_at[hip + 2], .28, .96, 0, .3 * sign * wave);
            turn_about(p + pose_at[hip + 3], .6, .64, .48, .5 * sign * other);
            p[pose_at[hip + 4]] = .6 + .3 * sign * wave;
        }
        features_of(p, vel, features + f * AMI_FEATURES);
    }
}

static void a_cycle_is_closed(void **unused)
{
    (void)unused;
    enum { FRAMES = 30 };
    make_cycle(FRAMES, .3, 1);
    const ami_ik_def def = exact_def(30);
    run(&def, FRAMES, features, true);
    const double *first = got, *last = got + FRAMES * AMI_POSE;
    assert_near(time_of[FRAMES], 1, 1e-12, "duration", 0);
    assert_all_near(last + 2, first + 2, AMI_POSE - 2, 1e-9, "joints at the cycle's end");
    /* straight, then */
    assert_near(hypot(last[0] - first[0], last[1] - first[1]), 1, 1e-3, "length of the way", 0);
    for (int f = 0; f < FRAMES; f++)
        for (int j = 0; j < AMI_CLIP_JOINTS; j++)
            assert_near(joint_error(got + f * AMI_POSE, want + f * AMI_POSE, j), 0, 1e-4,
                        ami_clip_joints[j].name, f);
    ami_clip *clip = make_clip(FRAMES + 1, time_of, got, true);
    ami_clip_destroy(clip);

    /* A whole turn in a cycle is no gap. */
    make_cycle(FRAMES, 2 * M_PI, 1);
    run(&def, FRAMES, features, true);
    double forward[2], middle[2];
    ami_points_heading(got + FRAMES * AMI_POSE + 3, forward);
    ami_points_heading(got + FRAMES / 2 * AMI_POSE + 3, middle);
    assert_all_near(forward, (const double[2]){1, 0}, 2, 1e-6, "heading after a turn");
    assert_all_near(middle, (const double[2]){-1, 0}, 2, .05, "heading after half a turn");
}

/* Frame by frame is the same as all at once, where the first frame holds all there is to know. */
static void frame_by_frame_is_the_same(void **unused)
{
    (void)unused;
    enum { FRAMES = 60 };
    make_cycle(FRAMES, .3, 1);
    const ami_ik_def def = exact_def(30);
    run(&def, FRAMES, features, false);
    ami_ik ik;
    ami_error err = {""};
    assert_true(ami_ik_init(&ik, &def, &err));
    for (int f = 0; f < FRAMES; f++) {
        double pose[AMI_POSE];
        ami_ik_frame(&ik, features + f * AMI_FEATURES, pose);
        assert_all_near(pose, got + f * AMI_POSE, 3, 1e-9, "root");
        assert_near(ami_quat_angle(pose + 3, got + f * AMI_POSE + 3), 0, 1e-6, "root's rotation", f);
        for (int j = 0; j < AMI_CLIP_JOINTS; j++)
            assert_near(joint_error(pose, got + f * AMI_POSE, j), 0, 1e-6, ami_clip_joints[j].name, f);
    }
}

/* An arm held up to the side, twisted by .9 rad about itself, is stretched out for frames 0 to 9 and 20 to
 * 29: its twist shows in the others only, and stays. Of a straight leg, too, that is turned out. */
static void a_straight_limb_keeps_its_twist(void **unused)
{
    (void)unused;
    enum { FRAMES = 40 };
    for (int f = 0; f < FRAMES; f++) {
        double *p = want + f * AMI_POSE, vel[AMI_VEL] = {0}, lift[4], twist[4];
        const double bend = f / 10 % 2 ? .6 * sin(M_PI * (f % 10 + .5) / 10) : 0;
        pose_at_rest(p, .9);
        turn_about(lift, 1, 0, 0, -1.3 - .01 * f);
        turn_about(twist, 0, 1, 0, .9);
        ami_quat_mul(p + pose_at[AMI_RIGHT_SHOULDER], lift, twist);
        p[pose_at[AMI_RIGHT_ELBOW]] = bend;
        turn_about(lift, 0, 0, 1, .3 + .01 * f);
        turn_about(twist, 0, 1, 0, .5);
        ami_quat_mul(p + pose_at[AMI_LEFT_HIP], lift, twist);
        p[pose_at[AMI_LEFT_KNEE]] = -bend;
        features_of(p, vel, features + f * AMI_FEATURES);
    }
    const ami_ik_def def = exact_def(30);
    run(&def, FRAMES, features, false);
    for (int f = 0; f < FRAMES; f++) /* straight bones are followed without twisting, in which the true motion
                                        differs a little */
        for (int j = 0; j < AMI_CLIP_JOINTS; j++)
            assert_near(joint_error(got + f * AMI_POSE, want + f * AMI_POSE, j), 0, .08,
                        ami_clip_joints[j].name, f);
}

/* Knees bent forward by up to .2 rad, as some clips have them: they stop at straight, the hip does not turn
 * round, and the foot is nearly there. */
static void an_overstretched_knee_is_straight(void **unused)
{
    (void)unused;
    enum { FRAMES = 40 };
    for (int f = 0; f < FRAMES; f++) {
        double *p = want + f * AMI_POSE, vel[AMI_VEL] = {0};
        pose_at_rest(p, .9);
        turn_about(p + pose_at[AMI_RIGHT_HIP], 0, .6, .8, .3);
        p[pose_at[AMI_RIGHT_KNEE]] = -.2 + .4 * sin(M_PI * f / (FRAMES - 1));
        features_of(p, vel, features + f * AMI_FEATURES);
    }
    const ami_ik_def def = exact_def(30);
    run(&def, FRAMES, features, false);
    for (int f = 0; f < FRAMES; f++) {
        const double *p = got + f * AMI_POSE, *w = want + f * AMI_POSE, knee = w[pose_at[AMI_RIGHT_KNEE]];
        double joint[2][AMI_BODIES][3], rot[AMI_BODIES][4];
        assert_near(p[pose_at[AMI_RIGHT_KNEE]], knee < 0 ? knee : 0, 1e-4, "knee", f);
        assert_near(ami_quat_angle(p + pose_at[AMI_RIGHT_HIP], w + pose_at[AMI_RIGHT_HIP]), 0,
                    knee < 0 ? 1e-3 : .15, "hip", f);
        ami_fk(&character->skeleton, p, joint[0], rot);
        ami_fk(&character->skeleton, w, joint[1], rot);
        /* .08 if the knee's place were kept */
        assert_all_near(joint[0][AMI_RIGHT_ANKLE], joint[1][AMI_RIGHT_ANKLE], 3, .02, "ankle");
    }
}

static void add_noise(ami_rng *rng, int frames, double deviation)
{
    memcpy(noisy, features, (size_t)frames * AMI_FEATURES * sizeof *noisy);
    for (int f = 0; f < frames; f++)
        for (int k = 0; k < 3 * AMI_POINTS; k++)
            noisy[f * AMI_FEATURES + k] += (float)(deviation * ami_rng_normal(rng));
}

typedef struct errors {
    double joint, most_joint; /* rad: mean over joints and frames, worst */
    double point, most_point; /* m: of the pose's points from the true ones, both in their heading frames */
    double step, true_step;   /* rad: largest change of a joint between two frames */
    double way, turn;         /* m, rad: the root from where it should be */
} errors;

static errors compare(int frames)
{
    errors e = {0};
    for (int f = 0; f < frames; f++) {
        const double *p = got + (size_t)f * AMI_POSE, *w = want + (size_t)f * AMI_POSE, vel[AMI_VEL] = {0};
        float frame[AMI_FEATURES];
        for (int j = 0; j < AMI_CLIP_JOINTS; j++) {
            const double angle = joint_error(p, w, j);
            e.joint += angle / AMI_CLIP_JOINTS / frames;
            e.most_joint = fmax(e.most_joint, angle);
            if (f) {
                e.step = fmax(e.step, joint_error(p, p - AMI_POSE, j));
                e.true_step = fmax(e.true_step, joint_error(w, w - AMI_POSE, j));
            }
        }
        features_of(p, vel, frame);
        for (int i = 0; i < AMI_POINTS; i++) {
            double d2 = 0;
            for (int k = 0; k < 3; k++) {
                const double d = (double)frame[3 * i + k] - (double)features[f * AMI_FEATURES + 3 * i + k];
                d2 += d * d;
            }
            e.point += sqrt(d2) / AMI_POINTS / frames;
            e.most_point = fmax(e.most_point, sqrt(d2));
        }
        e.way = fmax(e.way, hypot(p[0] - w[0], p[1] - w[1]));
        e.turn = fmax(e.turn, ami_quat_angle(p + 3, w + 3));
    }
    return e;
}

static const double degree = M_PI / 180;

/* Noise makes noise and no more: points not further off than they came, nothing jumps. */
static void noise_stays_noise(void **unused)
{
    (void)unused;
    enum { FRAMES = 300 };
    make_cycle(FRAMES, 0, 1);
    ami_ik_def def = exact_def(30);
    for (int cm = 1; cm <= 2; cm++) {
        ami_rng rng = ami_rng_seed(5, (uint64_t)cm);
        add_noise(&rng, FRAMES, .01 * cm);
        def.noise = .01 * cm;
        run(&def, FRAMES, noisy, false);
        const errors e = compare(FRAMES);
        print_message("%d cm of noise: joints %.1f degrees off, at worst %.1f, points %.1f mm; largest step "
                      "%.1f degrees, truly %.1f\n",
                      cm, e.joint / degree, e.most_joint / degree, e.point * 1e3, e.step / degree,
                      e.true_step / degree);
        assert_true(e.joint < 7.5 * cm * degree);
        assert_true(e.point < .016 * cm); /* what came in: a vector of three deviations of 1 cm is 1.6 cm long
                                             on average */
        assert_true(e.step < e.true_step + (20 + 25 * cm) * degree);
    }
}

/* Whatever finite numbers come, a clip can be made of what comes out. */
static void nonsense_makes_poses_all_the_same(void **unused)
{
    (void)unused;
    enum { FRAMES = 64 };
    ami_rng rng = ami_rng_seed(6, 0);
    for (int n = 0; n < 60; n++) {
        const double scale = n < 20 ? 0 : n < 40 ? 1 : 30;
        for (int k = 0; k < FRAMES * AMI_FEATURES; k++)
            features[k] = (float)(scale * ami_rng_normal(&rng));
        ami_ik_def def = ami_ik_default_def(&character->skeleton);
        def.noise = n % 2 ? .01 : 0;
        run(&def, FRAMES, features, n % 3 == 0);
        for (int f = 0; f < FRAMES; f++)
            got[f * AMI_POSE + 2] = fmax(-99, fmin(99, got[f * AMI_POSE + 2])); /* a clip's limit */
        ami_clip_destroy(make_clip(FRAMES, time_of, got, false));
        for (int f = 0; f < FRAMES; f++)
            for (int i = 0; i < AMI_BODIES; i++)
                if (is_hinge(i)) {
                    const double angle = got[f * AMI_POSE + pose_at[i]];
                    const bool knee = i == AMI_RIGHT_KNEE || i == AMI_LEFT_KNEE;
                    assert_true(knee ? angle <= 0 && angle >= -M_PI : angle >= 0 && angle <= M_PI);
                }
    }
}

static int is_clip_file(const struct dirent *entry)
{
    const char *end = strrchr(entry->d_name, '.');
    return end && !strcmp(end, ".txt");
}

/* There and back, at 30 frames a second: the exact features, then with 1 and 2 cm of noise. A table, a clip a
 * line. */
static void clips_of(const char *dir, errors *worst)
{
    struct dirent **entries = NULL;
    const int clips = scandir(dir, &entries, is_clip_file, alphasort);
    if (clips <= 0)
        fail_msg("there is no clip in %s", dir);
    print_message(
        "%-30s frames | joints deg   most | points mm  most | root m   deg | 1 cm: deg  mm | 2 cm: deg  mm\n",
        "clip");
    ami_rng rng = ami_rng_seed(7, 0);
    for (int n = 0; n < clips; n++) {
        char path[1024];
        ami_error err = {""};
        snprintf(path, sizeof path, "%s/%s", dir, entries[n]->d_name);
        free(entries[n]);
        ami_clip *clip = ami_clip_read(path, &err);
        if (!clip)
            fail_msg("%s", err.text);
        const bool loop = ami_clip_loops(clip);
        const double duration = ami_clip_duration(clip);
        int frames = loop ? (int)lround(duration * 30) : (int)floor(duration * 30) + 1;
        frames = frames < MOST ? frames : MOST;
        const double rate = loop ? frames / duration : 30;
        for (int f = 0; f < frames; f++) {
            ami_clip_sample(clip, f / rate, want + (size_t)f * AMI_POSE, NULL);
            ami_features_of_clip(&character->skeleton, clip, f / rate, features + (size_t)f * AMI_FEATURES,
                                 NULL);
        }
        ami_ik_def def = exact_def(rate);
        run(&def, frames, features, loop);
        const errors e = compare(frames);
        errors with[2];
        for (int cm = 1; cm <= 2; cm++) {
            add_noise(&rng, frames, .01 * cm);
            def.noise = .01 * cm;
            run(&def, frames, noisy, loop);
            with[cm - 1] = compare(frames);
        }
        print_message("%-30s %6d | %10.3f %6.1f | %9.3f %5.1f | %6.3f %5.1f | %9.1f %3.0f | %9.1f %3.0f\n",
                      ami_clip_name(clip), frames, e.joint / degree, e.most_joint / degree, e.point * 1e3,
                      e.most_point * 1e3, e.way, e.turn / degree, with[0].joint / degree, with[0].point * 1e3,
                      with[1].joint / degree, with[1].point * 1e3);
        assert_true(e.joint <= 2 * degree);
        assert_true(e.point <= .005);
        assert_true(with[0].joint <= 12 * degree && with[0].point <= .016);
        assert_true(with[1].joint <= 24 * degree && with[1].point <= .034);
        worst->joint = fmax(worst->joint, e.joint);
        worst->point = fmax(worst->point, e.point);
        for (int k = 0; k < 2; k++) {
            const errors *w = &with[k];
            worst->step = fmax(worst->step, w->step - w->true_step);
            assert_true(w->step < w->true_step + 90 * degree); /* nothing turns round */
        }
        ami_clip_destroy(clip);
    }
    free(entries);
}

/* Those that are shipped, and DeepMimic's where they are at hand. */
static void all_clips_come_back(void **unused)
{
    (void)unused;
    const char *own = getenv("AMBLE_CLIPS"), *dir = own && *own ? own : AMB_SOURCE_DIR "/clips";
    errors worst = {0};
    clips_of(AMB_SOURCE_DIR "/assets/motions", &worst);
    if (access(dir, R_OK) == 0)
        clips_of(dir, &worst);
    else
        print_message(
            "not tested with DeepMimic's clips, there are none in %s (scripts/get-clips.sh fetches some)\n",
            dir);
    print_message("worst: joints %.3f degrees, points %.2f mm; largest step in noise beyond the clip's own "
                  "%.0f degrees\n",
                  worst.joint / degree, worst.point * 1e3, worst.step / degree);
}

static void time_is_within_five_microseconds(void **unused)
{
    (void)unused;
    enum { FRAMES = 60 };
    ami_error err = {""};
    double least = INFINITY;
    make_cycle(FRAMES, .3, 1);
    const ami_ik_def def = ami_ik_default_def(&character->skeleton);
    for (int n = 0; n < 300; n++) {
        const double begun = ami_clock_now();
        assert_true(ami_ik_motion(&def, FRAMES, features, false, time_of, got, &err));
        least = fmin(least, (ami_clock_now() - begun) / FRAMES);
    }
    print_message("a frame of a motion of %d: %.2f us\n", FRAMES, least * 1e6);
#ifdef NDEBUG
    assert_true(least < 5e-6);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_and_refusals),
        cmocka_unit_test(any_pose_comes_back),
        cmocka_unit_test(velocity_and_yaw_rate_make_the_way),
        cmocka_unit_test(a_somersault_does_not_turn_the_root_round),
        cmocka_unit_test(a_cycle_is_closed),
        cmocka_unit_test(frame_by_frame_is_the_same),
        cmocka_unit_test(a_straight_limb_keeps_its_twist),
        cmocka_unit_test(an_overstretched_knee_is_straight),
        cmocka_unit_test(noise_stays_noise),
        cmocka_unit_test(nonsense_makes_poses_all_the_same),
        cmocka_unit_test(all_clips_come_back),
        cmocka_unit_test(time_is_within_five_microseconds),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
