// The networks of the server: shapes, precision, load, and a form that runs one.
import { get, setToken } from './client.js';

const $ = id => document.getElementById(id), cards = new Map();
const element = (name, text, attributes = {}) => Object.assign(document.createElement(name), { textContent: text, ...attributes });
const time = ns => ns >= 1e6 ? (ns / 1e6).toFixed(2) + ' ms' : (ns / 1e3).toFixed(0) + ' µs';
const shape = t => `${t.name}  ${t.datatype} [${t.shape.map(n => n < 0 ? 'rows' : n).join(', ')}]`;
const json = async (path, options) => (await get(path, options)).json();

function fact(card, name) {
  const box = element('div', ''), value = element('b', '–');
  box.append(element('span', name + ' '), value);
  card.facts.append(box);
  return value;
}

function draw(canvas, values) {
  const ratio = Math.min(devicePixelRatio || 1, 2), w = canvas.clientWidth, h = canvas.clientHeight, c = canvas.getContext('2d');
  canvas.width = w * ratio; canvas.height = h * ratio;
  c.scale(ratio, ratio);
  const most = Math.max(1e-9, ...values.map(Math.abs)), step = w / values.length;
  values.forEach((v, i) => { c.fillStyle = v < 0 ? '#c2562c' : '#2c6ca8'; c.fillRect(i * step, h / 2, Math.max(step - 1, .5), -v / most * (h / 2 - 1)); });
}

async function run(card) {
  const rows = +card.rows.value, width = card.input.shape.slice(1).reduce((a, b) => a * b, 1), data = new Float32Array(rows * width);
  if (card.values.value !== 'zeros') for (let i = 0; i < data.length; i++) data[i] = Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
  const head = new TextEncoder().encode(JSON.stringify({ inputs: [{ name: card.input.name, shape: [rows, ...card.input.shape.slice(1)], datatype: 'FP32',
    parameters: { binary_data_size: data.byteLength } }], parameters: { binary_data_output: true } }));
  const begun = performance.now();
  try {
    const answer = await get(`v2/models/${card.name}/infer`, { method: 'POST', body: new Blob([head, data]), headers: { 'Inference-Header-Content-Length': head.length } });
    const bytes = await answer.arrayBuffer(), taken = performance.now() - begun, start = +answer.headers.get('Inference-Header-Content-Length');
    const out = JSON.parse(new TextDecoder().decode(bytes.slice(0, start))).outputs[0], n = out.shape.slice(1).reduce((a, b) => a * b, 1);
    const values = [...new Float32Array(bytes.slice(start, start + 4 * n))];
    card.result.className = 'result';
    card.result.textContent = `${out.name} of the first row, ${n} numbers from ${Math.min(...values).toPrecision(3)} to ${Math.max(...values).toPrecision(3)}; ${taken.toFixed(1)} ms with the network`;
    card.bars.hidden = false;
    draw(card.bars, values.slice(0, 512));
  } catch (error) {
    card.result.className = 'result bad';
    card.result.textContent = error.message;
  }
}

async function add(name) {
  const about = await json('v2/models/' + name), config = await json(`v2/models/${name}/config`);
  const box = element('section', '', { className: 'card' }), title = element('h2', name + ' ');
  const card = { name, input: about.inputs[0], facts: element('div', '', { className: 'facts' }) };
  title.append(element('small', 'version ' + about.versions.join(', ')));
  box.append(title, element('p', `${about.inputs.map(shape)} → ${about.outputs.map(shape).join(';  ')}`, { className: 'shapes' }), card.facts);
  if (config.platform === 'ensemble') {
    card.facts.append(element('span', 'several networks behind one name'));
    $('models').append(box);
    return;
  }
  const [precision, error] = config.parameters.precision.string_value.split(', mean squared error ');
  fact(card, 'precision').textContent = precision;
  if (error) fact(card, 'mean squared error').textContent = error;
  card.rate = fact(card, 'requests/s'); card.total = fact(card, 'requests'); card.queue = fact(card, 'queued'); card.compute = fact(card, 'computed'); card.batch = fact(card, 'rows a batch');
  const form = element('form', '', { className: 'try' });
  card.rows = element('select', ''); card.values = element('select', '');
  for (const n of [1, 8, 64, 256]) card.rows.append(element('option', n));
  for (const n of ['zeros', 'normal noise']) card.values.append(element('option', n));
  const a = element('label', 'rows '), b = element('label', 'of ');
  a.append(card.rows); b.append(card.values);
  form.append(element('button', 'Run'), a, b);
  form.onsubmit = event => { event.preventDefault(); run(card); };
  card.result = element('p', '', { className: 'result' }); card.bars = element('canvas', '', { className: 'bars', hidden: true });
  box.append(form, card.result, card.bars);
  $('models').append(box);
  cards.set(name, card);
}

async function measure() {
  const now = performance.now();
  const sums = new Map(); // of all versions of a model
  for (const s of (await json('v2/models/stats')).model_stats) {
    const sum = sums.get(s.name) || { n: 0, queue: 0, compute: 0, rows: 0, batches: 0 }, i = s.inference_stats;
    sum.n += i.success.count; sum.queue += i.queue.ns; sum.compute += i.compute_infer.ns;
    sum.rows += s.inference_count; sum.batches += s.execution_count;
    sums.set(s.name, sum);
  }
  for (const [name, s] of sums) {
    const card = cards.get(name), n = s.n;
    if (!card?.rate) continue;
    if (card.before) card.rate.textContent = ((n - card.before.n) / (now - card.before.now) * 1000).toFixed(1);
    card.before = { n, now };
    card.total.textContent = n;
    if (n) { card.queue.textContent = time(s.queue / n); card.compute.textContent = time(s.compute / n); }
    if (s.batches) card.batch.textContent = (s.rows / s.batches).toFixed(1);
  }
}

async function begin() {
  try {
    $('models').replaceChildren(); cards.clear();
    for (const name of (await json('v2/models')).models) await add(name);
    $('ask').hidden = true; $('notice').hidden = true;
    await measure();
    setInterval(() => measure().catch(() => {}), 2000);
  } catch (error) {
    $('ask').hidden = error.status !== 401;
    $('notice').hidden = error.status === 401;
    $('notice').textContent = error.message;
  }
}
$('ask').onsubmit = event => { event.preventDefault(); setToken($('token').value); begin(); };
begin();
