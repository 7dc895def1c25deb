// The stage: characters, camera, controls, measurements.
import { Client, get, setToken } from './client.js';
import { Renderer, add, conjugate, cross, dot, multiply, norm, rotate } from './render.js';

const $ = id => document.getElementById(id);
const canvas = $('view'), JOINT = [.23, .25, .28];
let renderer;
try { renderer = new Renderer(canvas); } catch (error) { notify(error.message); throw error; }

let skills, shapes = [], bodies = [], client;
const figures = new Map(); // by character: {frames, ...}
let own = 0, crowd = new Set(), wantCrowd = false, style = 'walk', heading = 0, lastMotion = {};
const stage = window.stage = { get figure() { return figures.get(own); }, figures, pushes: 0 }; // for tests and curious people

function notify(text) { $('notice').textContent = text || ''; $('notice').hidden = !text; }

// ---- connection ----

const handlers = {
  open(welcome) {
    bodies = welcome.bodies;
    figures.clear(); crowd.clear(); own = 0;
    notify('');
    client.send({ type: 'create', style, seed: Math.floor(Math.random() * 1e6), heading, format: 'quantised', rate: 60, id: 'own' });
    if (wantCrowd) gather();
  },
  frame(f) {
    const now = performance.now();
    let figure = figures.get(f.character);
    if (!figure) figures.set(f.character, figure = { frames: [], offset: Infinity });
    figure.frames.push(f);
    if (figure.frames.length > 8) figure.frames.shift();
    figure.offset = Math.min(figure.offset + .00002, now / 1000 - f.time); // the least delayed frame, with a slow drift
    if (f.character === own) measure(f, now);
  },
  message(m) {
    if (m.type === 'created' && m.id === 'own') { own = m.character; show(m); }
    else if (m.type === 'created') crowd.add(m.character);
    else if (m.type === 'state' && m.character === own) show(m);
    else if (m.type === 'ended') { figures.delete(m.character); crowd.delete(m.character); }
    else if (m.type === 'error') flash(m.error);
    if (m.type === 'event') stage.event = m;
  },
  lost(reason) {
    if (reason === 'idle') { clearTimeout(client.retry); idle = true; notify('Paused because nothing was asked for a long time. Click to go on.'); return; }
    notify(reason ? `Disconnected: ${reason}. Reconnecting…` : 'Reconnecting…');
  },
};
let idle = false;
addEventListener('pointerdown', () => { if (idle) { idle = false; notify('Reconnecting…'); client.connect(); } }, true);

let flashing;
function flash(text) { notify(text); clearTimeout(flashing); flashing = setTimeout(() => notify(''), 3500); }

async function begin() {
  try {
    skills = await (await get('v1/skills')).json();
  } catch (error) {
    if (error.status === 401) { $('ask').hidden = false; notify(''); return; }
    notify(error.status ? error.message : 'The server does not answer. Trying again…');
    setTimeout(begin, 1500);
    return;
  }
  $('ask').hidden = true;
  shapes = skills.shapes;
  if (!skills.styles.some(s => s.name === style)) style = skills.styles[0].name;
  makeButtons();
  client = new Client(handlers);
  stage.client = client;
}
$('ask').onsubmit = event => { event.preventDefault(); setToken($('token').value); begin(); };

// ---- controls ----

const request = (fields, id) => client && own && client.send({ type: 'request', character: own, ...fields, ...(id ? { id } : {}) });

function button(text, key, title, action) {
  const b = document.createElement('button');
  b.textContent = text.replaceAll('_', ' ');
  if (key) { const k = document.createElement('kbd'); k.textContent = key; b.append(k); keys.set(key, () => b.click()); }
  b.title = title;
  b.setAttribute('aria-pressed', 'false');
  b.onclick = action;
  return b;
}

const keys = new Map(), styleButtons = new Map(), skillButtons = new Map(), weights = new Map();
function makeButtons() {
  $('styles').replaceChildren(); $('skills').replaceChildren(); $('weights').replaceChildren();
  skills.styles.forEach((s, i) => {
    const b = button(s.name, i < 9 ? String(i + 1) : '', `${s.speed_mps.toFixed(1)} m/s`, () => { choose(s.name); setWeights({ [s.name]: 1 }); });
    styleButtons.set(s.name, b);
    $('styles').append(b);
    const label = document.createElement('label'), input = document.createElement('input'), output = document.createElement('output');
    input.type = 'range'; input.min = 0; input.max = 1; input.step = .05; input.value = s.name === style ? 1 : 0;
    input.oninput = () => { output.textContent = (+input.value).toFixed(2); mixLater(); };
    label.append(s.name.replaceAll('_', ' '), input, output);
    output.textContent = (+input.value).toFixed(2);
    weights.set(s.name, { input, output });
    $('weights').append(label);
  });
  const letters = 'qwertyuiop';
  skills.skills.filter(s => !s.styles).forEach((s, i) => {
    const b = button(s.name, letters[i] || '', 'Skill: ' + s.name, () => { pend(b); request({ skill: s.name }); });
    skillButtons.set(s.name, b);
    $('skills').append(b);
  });
  $('skills').parentElement.hidden = skillButtons.size === 0;
  show({ style });
}
function pend(b) {
  for (const x of [...styleButtons.values(), ...skillButtons.values()]) x.classList.remove('coming');
  b?.classList.add('coming');
}
function choose(text) { style = text; pend(styleButtons.get(text)); request({ style: text }); }
function setWeights(to) {
  for (const [name, { input, output }] of weights) { input.value = to[name] || 0; output.textContent = (+input.value).toFixed(2); }
}
let mixing;
function mixLater() {
  clearTimeout(mixing);
  mixing = setTimeout(() => {
    const parts = [...weights].filter(([, w]) => w.input.value > 0).map(([name, w]) => `${name}:${w.input.value}`);
    if (parts.length) choose(parts.join(','));
  }, 150);
}
function show(m) { // what the character does
  lastMotion = { ...lastMotion, ...m };
  const inSkill = skillButtons.has(lastMotion.skill);
  for (const [name, b] of styleButtons) b.setAttribute('aria-pressed', String(!inSkill && lastMotion.style === name));
  for (const [name, b] of skillButtons) b.setAttribute('aria-pressed', String(lastMotion.skill === name));
  pend();
  $('motion').textContent = (inSkill ? lastMotion.skill : lastMotion.style || '–').replaceAll('_', ' ').replaceAll(',', ' ');
  $('motion').title = $('motion').textContent;
}
function turn(by) { heading += by; request({ heading }); }
for (const b of document.querySelectorAll('[data-turn]')) b.onclick = () => turn(+b.dataset.turn);
$('pace').oninput = () => {
  const v = +$('pace').value;
  $('paced').textContent = v ? v.toFixed(1) + ' m/s' : 'own';
  clearTimeout(mixing);
  mixing = setTimeout(() => request({ speed: v }), 120);
};
$('mix').onclick = () => { const open = $('mixture').hidden; $('mixture').hidden = !open; $('mix').setAttribute('aria-expanded', String(open)); };
function gather() {
  const names = skills.styles.map(s => s.name), n = Math.min(24, (client.limit || 64) - 1), at = pose(figures.get(own))?.position[0] || [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const ring = 1 + Math.floor(i / 8), a = 2 * Math.PI * (i % 8 + ring / 2) / 8;
    client.send({ type: 'create', style: names[i % names.length], seed: i + 1, heading: a, format: 'quantised', rate: 30, id: 'crowd',
      position: [at[0] + (1 + 1.8 * ring) * Math.cos(a), at[1] + (1 + 1.8 * ring) * Math.sin(a)] });
  }
}
$('crowd').onclick = () => {
  wantCrowd = !wantCrowd;
  $('crowd').setAttribute('aria-pressed', String(wantCrowd));
  if (wantCrowd) { gather(); camera.distance = Math.max(camera.distance, 7); }
  else for (const c of crowd) client.send({ type: 'destroy', character: c });
};
function pushAway(character = own) {
  const f = norm(add(camera.to, camera.eye, -1)), n = Math.hypot(f[0], f[1]) || 1;
  stage.pushes++;
  client.send({ type: 'push', character, velocity: [1.6 * f[0] / n, 1.6 * f[1] / n, 0] });
  $('hint').classList.add('gone');
}
$('push').onclick = () => pushAway();
addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.type === 'password') return;
  const action = { ArrowLeft: () => turn(Math.PI / 6), ArrowRight: () => turn(-Math.PI / 6), ' ': () => pushAway(), m: () => $('mix').click(), c: () => $('crowd').click() }[event.key];
  if (event.target.type === 'range' && event.key.startsWith('Arrow')) return;
  if (!action && !keys.has(event.key)) return;
  event.preventDefault();
  if (!event.repeat) (action || keys.get(event.key))();
});

// ---- poses ----

function nlerp(a, b, w) {
  const s = a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3] < 0 ? -1 : 1, q = a.map((x, k) => x * (1 - w) + s * w * b[k]), n = Math.hypot(...q) || 1;
  return q.map(x => x / n);
}

// World transforms at the time that is drawn: a little in the past, between two frames.
function pose(figure) {
  if (!figure || !figure.frames.length) return null;
  const frames = figure.frames, last = frames[frames.length - 1], step = frames.length > 1 ? (last.time - frames[0].time) / (frames.length - 1) : .033;
  const time = performance.now() / 1000 - figure.offset - step - .012;
  let k = frames.length - 1;
  while (k > 0 && frames[k - 1].time > time) k--;
  const b = frames[k], a = k > 0 ? frames[k - 1] : b;
  const w = a === b ? 1 : Math.max(0, Math.min(1, (time - a.time) / (b.time - a.time)));
  const rotation = b.rotation.map((q, i) => nlerp(a.rotation[i], q, w)), position = [add(a.root, add(b.root, a.root, -1), w)];
  for (let i = 1; i < bodies.length; i++) {
    const p = bodies[i].parent;
    position.push(add(position[p], rotate(rotation[p], bodies[i].offset)));
  }
  return figure.pose = { position, rotation, last };
}

function putFigure(p, fade) {
  const tint = c => c.map(x => x * (1 - fade) + .72 * fade);
  const inBody = (b, local) => add(p.position[b], rotate(p.rotation[b], local));
  const torso = [];
  for (const s of shapes) {
    const at = inBody(s.body, s.position), turn = multiply(p.rotation[s.body], s.rotation), c = tint(s.colour);
    if (s.kind === 'box') renderer.put(1, at, turn, s.size, c);
    else renderer.put(0, at, turn, [s.size[0], s.kind === 'capsule' ? s.size[1] : 0, s.size[0]], c);
    if (s.kind === 'sphere' && s.size[0] > .06) torso.push([at, s.size[0], c]);
  }
  // Joints, and what connects the trunk: without collisions, for the eye only.
  for (let b = 1; b < bodies.length; b++) {
    const name = bodies[b].name;
    if (/hip|knee|ankle|shoulder|elbow/.test(name)) renderer.put(0, p.position[b], p.rotation[b], [.043, 0, .043], tint(JOINT));
    if (/shoulder|hip/.test(name)) renderer.segment(p.position[b], inBody(bodies[b].parent, [0, /hip/.test(name) ? .05 : .2, 0]), .038, tint(JOINT));
    if (/neck/.test(name)) renderer.segment(p.position[b], inBody(b, [0, .12, 0]), .04, tint(JOINT));
  }
  if (torso.length > 1) renderer.segment(torso[0][0], torso[1][0], torso[0][1], torso[0][2], torso[1][1]);
}

// ---- camera and pointer ----

const camera = { to: [0, 0, .85], eye: [3, -3, 1.6], yaw: -2.3, pitch: .2, distance: innerWidth < 720 ? 5.4 : 4.6, angle: .62 };
let towards = null, drift = [0, 0], lift = -.3;
function aim(target, dt) { // follows at the target's mean velocity, so that it lags behind neither a walker nor a runner
  if (towards && dt > 0) {
    const step = [0, 1].map(k => (target[k] - towards[k]) / dt);
    if (Math.hypot(...step) > 40) { camera.to = [...target]; drift = [0, 0]; } // another character
    else drift = drift.map((v, k) => v + (1 - Math.exp(-2.5 * dt)) * (step[k] - v));
  }
  towards = [...target];
  const k = 1 - Math.exp(-5 * dt);
  camera.to = [0, 1].map(i => camera.to[i] + drift[i] * dt + k * (target[i] - camera.to[i])).concat(.8);
  const c = Math.cos(camera.pitch), covered = $('controls').offsetHeight / innerHeight; // by the panel at the bottom
  lift += k * (-1.1 * covered * Math.tan(camera.angle / 2) * camera.distance + .12 - lift);
  const to = [camera.to[0], camera.to[1], camera.to[2] + lift];
  camera.eye = add(to, [c * Math.cos(camera.yaw), c * Math.sin(camera.yaw), Math.sin(camera.pitch)], camera.distance);
  camera.eye[2] = Math.max(camera.eye[2], .15);
  return { ...camera, to };
}
let drawn = camera;

// The nearest shape under a point: {character, body, point (in the body), at (world)}.
function pick(x, y) {
  const ray = renderer.ray(drawn, x, y), eye = drawn.eye;
  let best = null;
  for (const [character, figure] of figures) {
    const p = figure.pose;
    if (!p) continue;
    for (const s of shapes) {
      const centre = add(p.position[s.body], rotate(p.rotation[s.body], s.position));
      const axis = s.kind === 'capsule' ? rotate(multiply(p.rotation[s.body], s.rotation), [0, 0, s.size[1]]) : [0, 0, 0];
      const radius = (s.kind === 'box' ? .08 : s.size[0]) + .025;
      for (let k = -2; k <= 2; k++) {
        const c = add(centre, axis, k / 2), t = dot(add(c, eye, -1), ray), d = Math.hypot(...add(add(eye, ray, t), c, -1));
        if (t > 0 && d < radius && (!best || t < best.t)) {
          const at = add(eye, ray, t - Math.sqrt(Math.max(s.size[0] ** 2 - d * d, 0)));
          best = { t, character, body: s.body, at, point: rotate(conjugate(p.rotation[s.body]), add(at, p.position[s.body], -1)) };
        }
      }
    }
  }
  return best;
}

// Where the figure's chest is on the canvas, in CSS pixels.
stage.centre = () => {
  const p = figures.get(own).pose, at = add(p.position[1], rotate(p.rotation[1], [0, .12, 0])), d = add(at, drawn.eye, -1);
  const f = norm(add(drawn.to, drawn.eye, -1)), s = norm(cross(f, [0, 0, 1])), u = cross(s, f), t = Math.tan(drawn.angle / 2) * dot(d, f);
  const w = canvas.clientWidth, h = canvas.clientHeight;
  return [w / 2 * (1 + dot(d, s) / t * h / w), h / 2 * (1 - dot(d, u) / t)];
};

const pointers = new Map();
let hold = null, moved = 0, pinch = 0, sent = 0;
stage.pulling = () => !!hold?.pulling;
canvas.addEventListener('pointerdown', event => {
  canvas.setPointerCapture(event.pointerId);
  canvas.focus({ preventScroll: true });
  pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
  moved = 0;
  if (pointers.size === 1) hold = pick(event.offsetX, event.offsetY);
  else { letGo(); pinch = span(); }
});
const span = () => { const [a, b] = [...pointers.values()]; return Math.hypot(a[0] - b[0], a[1] - b[1]); };
function letGo() { if (hold?.pulling) client.send({ type: 'release', character: hold.character }); hold = null; }
canvas.addEventListener('pointermove', event => {
  const before = pointers.get(event.pointerId), now = [event.offsetX, event.offsetY];
  if (!before) { canvas.classList.toggle('over', !!pick(...now)); return; }
  pointers.set(event.pointerId, now);
  moved += Math.hypot(now[0] - before[0], now[1] - before[1]);
  if (pointers.size > 1) { const s = span(); camera.distance = Math.min(16, Math.max(1.6, camera.distance * pinch / s)); pinch = s; return; }
  if (hold) {
    if (moved < 7) return;
    const f = norm(add(drawn.to, drawn.eye, -1)), ray = renderer.ray(drawn, ...now);
    hold.target = add(drawn.eye, ray, dot(add(hold.at, drawn.eye, -1), f) / dot(ray, f));
    hold.pulling = true;
    $('hint').classList.add('gone');
    pull();
    return;
  }
  canvas.classList.add('dragging');
  camera.yaw -= (now[0] - before[0]) * .007;
  camera.pitch = Math.min(1.35, Math.max(-.02, camera.pitch + (now[1] - before[1]) * .006));
});
function pull() {
  if (!hold?.pulling || performance.now() - sent < 33) return;
  sent = performance.now();
  client.send({ type: 'pull', character: hold.character, body: hold.body, point: hold.point, target: hold.target });
}
function up(event) {
  if (hold && !hold.pulling && pointers.size === 1 && event.type === 'pointerup') pushAway(hold.character);
  pointers.delete(event.pointerId);
  letGo();
  canvas.classList.remove('dragging');
}
canvas.addEventListener('pointerup', up);
canvas.addEventListener('pointercancel', up);
canvas.addEventListener('wheel', event => { event.preventDefault(); camera.distance = Math.min(16, Math.max(1.6, camera.distance * Math.exp(event.deltaY * .001))); }, { passive: false });

// ---- measurements ----

const gaps = [], lates = [];
let arrived = 0, shown = 0, second = 0;
function measure(f, now) {
  if (arrived && f.time > .5) { gaps.push(now - arrived); lates.push(f.late); }
  arrived = now;
  if (gaps.length > 160) { gaps.shift(); lates.shift(); }
}
function plot() {
  const g = $('graph'), ratio = Math.min(devicePixelRatio || 1, 2), w = g.clientWidth, h = g.clientHeight;
  if (g.width !== w * ratio) { g.width = w * ratio; g.height = h * ratio; }
  const c = g.getContext('2d');
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  c.clearRect(0, 0, w, h);
  const top = Math.max(40, 1.3 * ([...gaps].sort((a, b) => a - b)[Math.floor(.97 * gaps.length)] || 0)), y = v => h - 1 - (h - 3) * Math.min(v / top, 1);
  c.fillStyle = '#5b6976'; c.font = '10px system-ui'; c.strokeStyle = '#22303d22';
  for (const v of [16.7, 33.3]) { c.beginPath(); c.moveTo(0, y(v)); c.lineTo(w, y(v)); c.stroke(); }
  for (const [list, colour] of [[gaps, '#2c6ca8'], [lates, '#c2562c']]) {
    c.strokeStyle = colour; c.lineWidth = 1.4; c.beginPath();
    list.forEach((v, i) => c[i ? 'lineTo' : 'moveTo'](w - (list.length - i) * w / 160, y(v)));
    c.stroke();
  }
}
function showMeasures(p) {
  const a = 2 * Math.PI * p.last.phase, x = 38 * Math.sin(a), y = -38 * Math.cos(a);
  $('arc').setAttribute('d', `M0-38A38 38 0 ${a > Math.PI ? 1 : 0} 1 ${x.toFixed(2)} ${y.toFixed(2)}`);
  $('dot').setAttribute('cx', x); $('dot').setAttribute('cy', y);
  if (performance.now() - shown < 250) return;
  shown = performance.now();
  $('speed').textContent = p.last.speed.toFixed(1);
  $('trip').textContent = client.trip === undefined ? '–' : client.trip.toFixed(1) + ' ms';
  const mean = gaps.slice(-60).reduce((s, x) => s + x, 0) / Math.max(1, Math.min(60, gaps.length));
  $('rate').textContent = mean ? (1000 / mean).toFixed(0) + ' Hz' : '–';
  plot();
}

// ---- drawing ----

function frame(now) {
  const dt = Math.min(.1, (now - second) / 1000);
  second = now;
  renderer.begin();
  let followed = [0, 0, 0];
  for (const [character, figure] of figures) {
    const p = pose(figure);
    if (!p) continue;
    if (character === own) { followed = p.position[0]; showMeasures(p); }
    putFigure(p, character === own || !own ? 0 : .35);
  }
  if (hold?.pulling) {
    const p = figures.get(hold.character)?.pose;
    if (p) renderer.segment(add(p.position[hold.body], rotate(p.rotation[hold.body], hold.point)), hold.target, .012, [.85, .2, .15]);
    pull();
  }
  drawn = aim(followed, dt);
  renderer.draw(drawn, followed, crowd.size ? 9 : 3.4);
  requestAnimationFrame(frame);
}
requestAnimationFrame(frame);
setTimeout(() => $('hint').classList.add('gone'), 15000);
begin();
