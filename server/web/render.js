// Draws figures made of capsules, spheres and boxes on a floor, with one shadow-casting light, by WebGL2. World: z up, metres.

const FLOATS = 16; // of an instance: position 3, kind, rotation 4 (w x y z), size 3, spare, colour 3, spare

const BODY_VERTEX = `#version 300 es
layout(location = 0) in vec3 unit; layout(location = 1) in float end;
layout(location = 2) in vec4 place; layout(location = 3) in vec4 turn; layout(location = 4) in vec4 size; layout(location = 5) in vec4 colour;
uniform mat4 matrix, light; uniform float kind;
out vec3 normal, at; out vec4 shade; out vec3 tint;
vec3 rotate(vec4 q, vec3 v) { return v + 2. * cross(q.yzw, cross(q.yzw, v) + q.x * v); }
void main() {
  vec3 local = kind > .5 ? unit * size.xyz : unit * mix(size.x, size.z, step(0., end)) + vec3(0, 0, end * size.y);
  if (place.w != kind) local = vec3(0);
  normal = rotate(turn, kind > .5 ? vec3(0) : unit);
  at = place.xyz + rotate(turn, local);
  tint = colour.rgb;
  shade = light * vec4(at, 1);
  gl_Position = matrix * vec4(at, 1);
}`;

const LIGHTING = `
precision highp float; precision highp sampler2DShadow;
uniform sampler2DShadow shadows; uniform vec3 sun, eye, haze;
float lit(vec4 shade, float slope) {
  vec3 p = shade.xyz / shade.w * .5 + .5;
  if (any(greaterThan(abs(p - .5), vec3(.499)))) return 1.;
  float sum = 0.;
  for (int i = -1; i <= 1; i++) for (int k = -1; k <= 1; k++)
    sum += texture(shadows, vec3(p.xy + vec2(i, k) * 1.3 / 2048., p.z - .0006 - .0012 * slope));
  vec2 edge = smoothstep(vec2(.5), vec2(.4), abs(p.xy - .5));
  return mix(1., sum / 9., edge.x * edge.y);
}`;

const BODY_FRAGMENT = `#version 300 es
${LIGHTING}
in vec3 normal, at, tint; in vec4 shade; uniform float kind; out vec4 result;
void main() {
  vec3 n = kind > .5 ? normalize(cross(dFdx(at), dFdy(at))) : normalize(normal);
  vec3 view = normalize(eye - at), middle = normalize(view + sun);
  float facing = dot(n, sun), sunlight = max(facing, 0.) * lit(shade, 1. - facing);
  vec3 sky = mix(vec3(.52, .49, .46), vec3(.74, .79, .86), n.z * .5 + .5);
  float rim = pow(1. - max(dot(n, view), 0.), 3.) * .16;
  float ground = .72 + .28 * smoothstep(0., .5, at.z);
  vec3 c = tint * tint * (sky * .62 * ground + vec3(1.12, 1.06, .96) * sunlight * .85) + vec3(.10) * pow(max(dot(n, middle), 0.), 38.) * sunlight + rim * sky;
  c = mix(c, haze * haze, smoothstep(14., 46., length(eye - at)));
  result = vec4(sqrt(c), 1);
}`;

const FLOOR_VERTEX = `#version 300 es
layout(location = 0) in vec3 unit; uniform mat4 matrix, light; uniform vec3 centre; out vec3 at; out vec4 shade;
void main() { at = vec3(unit.xy * 70. + centre.xy, 0); shade = light * vec4(at, 1); gl_Position = matrix * vec4(at, 1); }`;

const FLOOR_FRAGMENT = `#version 300 es
${LIGHTING}
in vec3 at; in vec4 shade; out vec4 result;
float grid(vec2 p, float width) {
  vec2 d = abs(fract(p - .5) - .5), w = fwidth(p);
  vec2 g = 1. - smoothstep(vec2(0), w * 1.4 + width, d);
  return max(g.x, g.y) * clamp(.45 / max(w.x, w.y) - .6, 0., 1.);
}
void main() {
  float far = smoothstep(6., 44., length(eye - at));
  vec3 c = vec3(.80, .82, .845);
  float tile = mod(floor(at.x) + floor(at.y), 2.);
  vec2 w = fwidth(at.xy);
  c += (tile - .5) * .025 * clamp(.5 / max(w.x, w.y) - .4, 0., 1.);
  c = mix(c, vec3(.66, .70, .745), .55 * grid(at.xy, .004));
  c *= mix(.66, 1., lit(shade, 0.));
  result = vec4(mix(c, haze, far), 1);
}`;

const SKY_VERTEX = `#version 300 es
layout(location = 0) in vec3 unit; out vec2 p; void main() { p = unit.xy; gl_Position = vec4(unit.xy, .9999, 1); }`;
const SKY_FRAGMENT = `#version 300 es
precision highp float; in vec2 p; uniform vec3 haze; uniform float horizon; out vec4 result;
void main() { result = vec4(mix(haze, vec3(.66, .75, .85), smoothstep(0., 1.5, p.y - horizon)), 1); }`;

const DEPTH_FRAGMENT = `#version 300 es
precision highp float; in vec3 normal; out vec4 result; void main() { result = vec4(1); }`;

// ---- vectors, matrices (column-major) ----

export const add = (a, b, s = 1) => [a[0] + b[0] * s, a[1] + b[1] * s, a[2] + b[2] * s];
export const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
export const norm = a => { const n = Math.hypot(...a) || 1; return [a[0] / n, a[1] / n, a[2] / n]; };
export function rotate(q, v) {
  const [w, x, y, z] = q;
  const tx = 2 * (y * v[2] - z * v[1]), ty = 2 * (z * v[0] - x * v[2]), tz = 2 * (x * v[1] - y * v[0]);
  return [v[0] + w * tx + y * tz - z * ty, v[1] + w * ty + z * tx - x * tz, v[2] + w * tz + x * ty - y * tx];
}
export const conjugate = q => [q[0], -q[1], -q[2], -q[3]];
export function multiply(a, b) {
  return [a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3], a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2],
    a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1], a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0]];
}
// The rotation that takes the z axis to a direction.
export function toward(d) {
  const n = norm(d), w = 1 + n[2];
  if (w < 1e-6) return [0, 1, 0, 0];
  const q = [w, -n[1], n[0], 0], l = Math.hypot(...q);
  return q.map(x => x / l);
}
function product(a, b) {
  const m = new Float32Array(16);
  for (let c = 0; c < 4; c++) for (let r = 0; r < 4; r++) for (let k = 0; k < 4; k++) m[4 * c + r] += a[4 * k + r] * b[4 * c + k];
  return m;
}
function looking(eye, to) {
  const f = norm(add(to, eye, -1)), s = norm(cross(f, [0, 0, 1])), u = cross(s, f);
  return new Float32Array([s[0], u[0], -f[0], 0, s[1], u[1], -f[1], 0, s[2], u[2], -f[2], 0, -dot(s, eye), -dot(u, eye), dot(f, eye), 1]);
}
function perspective(angle, aspect, near, far) {
  const f = 1 / Math.tan(angle / 2), d = near - far;
  return new Float32Array([f / aspect, 0, 0, 0, 0, f, 0, 0, 0, 0, (far + near) / d, -1, 0, 0, 2 * far * near / d, 0]);
}
function orthographic(size, near, far) {
  return new Float32Array([1 / size, 0, 0, 0, 0, 1 / size, 0, 0, 0, 0, -2 / (far - near), 0, 0, 0, -(far + near) / (far - near), 1]);
}

// ---- meshes: unit directions, and for capsules at which end they are ----

function capsuleMesh(around = 22, rings = 7) {
  const vertices = [], triangles = [];
  for (let side = -1; side <= 1; side += 2) for (let r = 0; r <= rings; r++) {
    const angle = Math.PI / 2 * (side < 0 ? r / rings - 1 : r / rings);
    for (let k = 0; k <= around; k++) {
      const a = 2 * Math.PI * k / around;
      vertices.push(Math.cos(angle) * Math.cos(a), Math.cos(angle) * Math.sin(a), Math.sin(angle), side);
    }
  }
  const row = around + 1;
  for (let r = 0; r < 2 * rings + 1; r++) for (let k = 0; k < around; k++) {
    const i = r * row + k;
    triangles.push(i, i + 1, i + row, i + 1, i + row + 1, i + row);
  }
  return { vertices: new Float32Array(vertices), triangles: new Uint16Array(triangles) };
}
function boxMesh() {
  const vertices = [], triangles = [];
  for (let i = 0; i < 8; i++) vertices.push(i & 1 ? 1 : -1, i & 2 ? 1 : -1, i & 4 ? 1 : -1, 0);
  for (const [a, b, c, d] of [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]]) triangles.push(a, b, c, a, c, d);
  return { vertices: new Float32Array(vertices), triangles: new Uint16Array(triangles) };
}

function program(gl, vertex, fragment) {
  const p = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const s = gl.createShader(kind);
    gl.shaderSource(s, text);
    gl.compileShader(s);
    if (!gl.getShaderParameter(s, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(s));
    gl.attachShader(p, s);
  }
  gl.linkProgram(p);
  if (!gl.getProgramParameter(p, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(p));
  const places = {};
  return { p, at: name => (name in places ? places[name] : (places[name] = gl.getUniformLocation(p, name))) };
}

export class Renderer {
  constructor(canvas) {
    this.canvas = canvas;
    const gl = canvas.getContext('webgl2', { antialias: true, alpha: false });
    if (!gl) throw new Error('This browser has no WebGL2, which the figures are drawn with.');
    this.gl = gl;
    this.body = program(gl, BODY_VERTEX, BODY_FRAGMENT);
    this.depth = program(gl, BODY_VERTEX, DEPTH_FRAGMENT);
    this.floor = program(gl, FLOOR_VERTEX, FLOOR_FRAGMENT);
    this.sky = program(gl, SKY_VERTEX, SKY_FRAGMENT);
    this.instances = gl.createBuffer();
    this.meshes = [this.mesh(capsuleMesh(), true), this.mesh(boxMesh(), true)];
    this.quad = this.mesh({ vertices: new Float32Array([-1, -1, 0, 0, 1, -1, 0, 0, 1, 1, 0, 0, -1, 1, 0, 0]), triangles: new Uint16Array([0, 1, 2, 0, 2, 3]) });
    this.shadow = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, this.shadow);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.DEPTH_COMPONENT24, 2048, 2048);
    for (const [k, v] of [[gl.TEXTURE_MIN_FILTER, gl.LINEAR], [gl.TEXTURE_MAG_FILTER, gl.LINEAR], [gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE],
      [gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE], [gl.TEXTURE_COMPARE_MODE, gl.COMPARE_REF_TO_TEXTURE]]) gl.texParameteri(gl.TEXTURE_2D, k, v);
    this.target = gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.target);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.DEPTH_ATTACHMENT, gl.TEXTURE_2D, this.shadow, 0);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    this.data = new Float32Array(FLOATS * 64);
    this.count = 0;
  }

  mesh({ vertices, triangles }, instanced) {
    const gl = this.gl, array = gl.createVertexArray();
    gl.bindVertexArray(array);
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, vertices, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 3, gl.FLOAT, false, 16, 0);
    gl.enableVertexAttribArray(1);
    gl.vertexAttribPointer(1, 1, gl.FLOAT, false, 16, 12);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, triangles, gl.STATIC_DRAW);
    if (instanced) {
      gl.bindBuffer(gl.ARRAY_BUFFER, this.instances);
      for (let k = 0; k < 4; k++) {
        gl.enableVertexAttribArray(2 + k);
        gl.vertexAttribPointer(2 + k, 4, gl.FLOAT, false, 4 * FLOATS, 16 * k);
        gl.vertexAttribDivisor(2 + k, 1);
      }
    }
    gl.bindVertexArray(null);
    return { array, n: triangles.length };
  }

  begin() { this.count = 0; }

  // kind 0: a capsule along z with radii size[0] (below) and size[2] (above) and half length size[1]; 1: a box with half lengths.
  put(kind, position, rotation, size, colour) {
    if (this.count * FLOATS === this.data.length) {
      const more = new Float32Array(2 * this.data.length);
      more.set(this.data);
      this.data = more;
    }
    this.data.set([...position, kind, ...rotation, ...size, 0, ...colour, 0], this.count++ * FLOATS);
  }

  segment(from, to, radius, colour, radiusTo = radius) {
    const d = add(to, from, -1);
    this.put(0, add(from, d, .5), toward(d), [radius, Math.hypot(...d) / 2, radiusTo], colour);
  }

  // camera: {eye, to, angle}; followed: where shadows are sharp.
  draw(camera, followed, radius) {
    const gl = this.gl, canvas = this.canvas, ratio = Math.min(devicePixelRatio || 1, 2);
    const width = Math.round(canvas.clientWidth * ratio), height = Math.round(canvas.clientHeight * ratio);
    if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
    this.view = looking(camera.eye, camera.to);
    this.projection = perspective(camera.angle, width / height, .05, 140);
    this.matrix = product(this.projection, this.view);
    const sun = norm([-.42, -.5, 1]), centre = [followed[0], followed[1], .6];
    const light = product(orthographic(radius, 1, 80), looking(add(centre, sun, 40), centre));
    gl.bindBuffer(gl.ARRAY_BUFFER, this.instances);
    gl.bufferData(gl.ARRAY_BUFFER, this.data.subarray(0, this.count * FLOATS), gl.STREAM_DRAW);
    gl.enable(gl.DEPTH_TEST);
    gl.disable(gl.CULL_FACE);
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.target);
    gl.viewport(0, 0, 2048, 2048);
    gl.clear(gl.DEPTH_BUFFER_BIT);
    gl.useProgram(this.depth.p);
    gl.uniformMatrix4fv(this.depth.at('matrix'), false, light);
    gl.uniformMatrix4fv(this.depth.at('light'), false, light);
    this.instancesOf(this.depth);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.viewport(0, 0, width, height);
    gl.clear(gl.DEPTH_BUFFER_BIT);
    const haze = [.915, .93, .945];
    const down = norm(add(camera.to, camera.eye, -1));
    gl.depthMask(false);
    gl.useProgram(this.sky.p);
    gl.uniform3fv(this.sky.at('haze'), haze);
    gl.uniform1f(this.sky.at('horizon'), -Math.tan(Math.asin(down[2])) / Math.tan(camera.angle / 2));
    this.draw1(this.quad);
    gl.depthMask(true);
    for (const shader of [this.floor, this.body]) {
      gl.useProgram(shader.p);
      gl.uniformMatrix4fv(shader.at('matrix'), false, this.matrix);
      gl.uniformMatrix4fv(shader.at('light'), false, light);
      gl.uniform3fv(shader.at('sun'), sun);
      gl.uniform3fv(shader.at('eye'), camera.eye);
      gl.uniform3fv(shader.at('haze'), haze);
      gl.uniform3fv(shader.at('centre'), centre);
      gl.uniform1i(shader.at('shadows'), 0);
      gl.bindTexture(gl.TEXTURE_2D, this.shadow);
      if (shader === this.floor) this.draw1(this.quad);
      else this.instancesOf(shader);
    }
  }

  draw1(mesh) {
    this.gl.bindVertexArray(mesh.array);
    this.gl.drawElements(this.gl.TRIANGLES, mesh.n, this.gl.UNSIGNED_SHORT, 0);
  }

  instancesOf(shader) {
    this.meshes.forEach((mesh, kind) => {
      this.gl.uniform1f(shader.at('kind'), kind);
      this.gl.bindVertexArray(mesh.array);
      this.gl.drawElementsInstanced(this.gl.TRIANGLES, mesh.n, this.gl.UNSIGNED_SHORT, 0, this.count);
    });
  }

  // The ray through a point of the canvas, in CSS pixels.
  ray(camera, x, y) {
    const f = norm(add(camera.to, camera.eye, -1)), s = norm(cross(f, [0, 0, 1])), u = cross(s, f);
    const t = Math.tan(camera.angle / 2), w = this.canvas.clientWidth, h = this.canvas.clientHeight;
    return norm(add(add(f, s, t * w / h * (2 * x / w - 1)), u, t * (1 - 2 * y / h)));
  }
}
