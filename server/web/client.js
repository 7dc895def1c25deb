// The server's side: HTTP with a token if it needs one, and the WebSocket of live characters (docs/serving.md).

let token = sessionStorage.getItem('amble-token') || '';
export function setToken(text) { token = text; sessionStorage.setItem('amble-token', text); }

export async function get(path, options = {}) {
  const headers = { ...options.headers, ...(token ? { Authorization: 'Bearer ' + token } : {}) };
  const answer = await fetch(path, { ...options, headers });
  if (!answer.ok) {
    const error = new Error((await answer.json().catch(() => ({}))).error || answer.statusText || 'HTTP ' + answer.status);
    error.status = answer.status;
    throw error;
  }
  return answer;
}

const SMALLEST = 24;

function rotationOf(view, at) { // 6 bytes: see docs/serving.md
  const low = view.getUint16(at, true), middle = view.getUint16(at + 2, true), high = view.getUint16(at + 4, true);
  const largest = low & 3, parts = [low >> 2 | (middle & 1) << 14, middle >> 1, high & 32767];
  const q = [0, 0, 0, 0];
  let rest = 1;
  for (let k = 0, i = 0; k < 4; k++) if (k !== largest) { q[k] = (parts[i++] / 32767 * 2 - 1) * Math.SQRT1_2; rest -= q[k] * q[k]; }
  q[largest] = Math.sqrt(Math.max(rest, 0));
  return q;
}

function readFrame(view, at, bodies) {
  const format = view.getUint8(at + 2), flags = view.getUint8(at + 3), n = bodies.length;
  const f = { down: !!(flags & 1), settled: !!(flags & 2), pulled: !!(flags & 4), skilled: !!(flags & 8), character: view.getUint32(at + 4, true),
    time: view.getFloat64(at + 8, true), late: view.getUint32(at + 16, true) / 1000,
    phase: format === 2 ? view.getUint16(at + 20, true) / 65536 : view.getFloat32(at + 20, true),
    speed: format === 2 ? view.getUint16(at + 22, true) / 1000 : view.getFloat32(at + 24, true), root: [0, 0, 0], rotation: [] };
  const vector = p => [view.getFloat32(p, true), view.getFloat32(p + 4, true), view.getFloat32(p + 8, true)];
  f.root = vector(at + (format === 2 ? 24 : 40));
  for (let b = 0; b < n; b++) {
    if (format === 2) f.rotation.push(rotationOf(view, at + 36 + 6 * b));
    else f.rotation.push([0, 4, 8, 12].map(k => view.getFloat32(at + 40 + 28 * b + 12 + k, true)));
  }
  return f;
}

// handlers: open(welcome), frame(frame), message(object), lost(reason)
export class Client {
  constructor(handlers) { this.handlers = handlers; this.wait = 300; this.pings = new Map(); this.count = 0; this.connect(); }

  connect() {
    const base = new URL('v1/characters' + (token ? '?access_token=' + encodeURIComponent(token) : ''), location.href.replace(/models$/, ''));
    base.protocol = base.protocol.replace('http', 'ws');
    const socket = this.socket = new WebSocket(base, 'amble.characters.v1');
    socket.binaryType = 'arraybuffer';
    socket.onmessage = event => this.receive(event.data);
    socket.onclose = event => {
      if (this.socket !== socket) return;
      clearInterval(this.timer);
      this.handlers.lost(event.reason);
      this.retry = setTimeout(() => this.connect(), this.wait);
      this.wait = Math.min(this.wait * 1.6, 4000);
    };
  }

  receive(data) {
    if (typeof data !== 'string') {
      const view = new DataView(data);
      for (let at = 0; at + SMALLEST <= view.byteLength; at += view.getUint16(at, true)) this.handlers.frame(readFrame(view, at, this.bodies));
      return;
    }
    const message = JSON.parse(data);
    if (message.type === 'welcome') {
      this.bodies = message.bodies;
      this.wait = 300;
      this.timer = setInterval(() => this.ping(), 1000);
      this.handlers.open(message);
    } else if (message.type === 'pong') {
      this.trip = performance.now() - this.pings.get(message.id);
      this.pings.delete(message.id);
    } else this.handlers.message(message);
  }

  ping() { this.pings.set(++this.count, performance.now()); this.send({ type: 'ping', id: this.count }); }
  send(message) { if (this.socket.readyState === 1) this.socket.send(JSON.stringify(message)); }
}
