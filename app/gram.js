/* The explorer's arithmetic: the rules of the game, seeded noise, the model in onnxruntime-web, trajectories.
   It knows nothing of the page; app.js shows what it finds. `make app-static` puts both into _app/. */
'use strict';

const SIDE = 8, CHUNK = 20;     // trajectories at once: little enough that the page stays responsive

// ---- the rules

/* A board is a list of columns by row; a negative number is a row without a queen. */
function attackers(board) {     // by row: does its queen attack another?
    const attack = (i, j) => i !== j && board[i] >= 0 && board[j] >= 0
        && (board[i] === board[j] || Math.abs(board[i] - board[j]) === Math.abs(i - j));
    return board.map((_, i) => board.some((_, j) => attack(i, j)));
}

function completions(puzzle) {  // every valid board, by backtracking
    const found = [];
    const place = cols => {
        const row = cols.length;
        if (row === SIDE) return found.push(cols);
        for (let c = 0; c < SIDE; c++) {
            const free = cols.every((q, r) => q !== c && Math.abs(q - c) !== row - r);
            if (free && (puzzle[row] < 0 || puzzle[row] === c)) place([...cols, c]);
        }
    };
    place([]);
    return found;
}

// ---- noise

function generator(seed, stream) {      // whole numbers below 2³²: xoshiro128**, its state from splitmix32
    const mix = z => {
        z = Math.imul(z ^ z >>> 16, 0x21f0aaad);
        z = Math.imul(z ^ z >>> 15, 0x735a2d97);
        return z ^ z >>> 15;
    };
    const turn = (v, by) => v << by | v >>> 32 - by;
    let z = mix(seed + 1) ^ mix(~stream);
    const s = Uint32Array.from({length: 4}, () => mix(z = z + 0x9e3779b9 | 0));
    return () => {
        const result = Math.imul(turn(Math.imul(s[1], 5), 7), 9) >>> 0, t = s[1] << 9;
        s[2] ^= s[0]; s[3] ^= s[1]; s[1] ^= s[2]; s[0] ^= s[3]; s[2] ^= t;
        s[3] = turn(s[3], 11);
        return result;
    };
}

function fillNormal(values, next) {     // Box–Muller
    for (let i = 0; i < values.length; i += 2) {
        const radius = Math.sqrt(-2*Math.log((next() + .5)/2**32)), angle = 2*Math.PI*next()/2**32;
        values[i] = radius*Math.cos(angle);
        values[i+1] = radius*Math.sin(angle);
    }
}

function noiseScales(scale, fading, steps) {    // as gram_nb.guidance.noise_scales, times the model's own
    const part = i => steps > 1 ? i/(steps-1) : 0;
    return Array.from({length: steps}, (_, i) =>
        scale * (fading ? 1 - part(i) : 1) * (NOISE[0] + part(i)*(NOISE[1] - NOISE[0])));
}

// ---- the model

const {length: LENGTH, dim: DIM, symbols: SYMBOLS, noise: NOISE, T} = window.files.sizes;
let session, firstState;

function bytes(text) {      // of base64; the first way is fast, but new in browsers
    return Uint8Array.fromBase64?.(text) ?? Uint8Array.from(atob(text), c => c.charCodeAt(0));
}

async function unzip(packed) {
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
    return new Response(stream).arrayBuffer();
}

async function load() {
    const {loader, wasm, model, start} = window.files;
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmPaths = {mjs: URL.createObjectURL(new Blob([bytes(loader)], {type: 'text/javascript'}))};
    ort.env.wasm.wasmBinary = await unzip(bytes(wasm));
    const how = {executionProviders: ['wasm'], graphOptimizationLevel: 'basic'};    // more loads longer
    session = await ort.InferenceSession.create(bytes(model), how);
    firstState = new Float32Array(bytes(start).buffer);     // h, then l
    window.files = null;
}

function tokens(puzzle) { return Int32Array.from(puzzle, c => c < 0 ? 1 : c + 2); }

/* One transition. States and noise are [trajectories, length, dim], logits [trajectories, length, symbols],
   each flat. */
async function transition(h, l, x, noise, scale) {
    const shape = [h.length/(LENGTH*DIM), LENGTH, DIM], float = v => new ort.Tensor('float32', v, shape);
    const out = await session.run({h: float(h), l: float(l), noise: float(noise),
        x: new ort.Tensor('int32', x, [LENGTH]), scale: new ort.Tensor('float32', [scale], [])});
    return {h: out.next_h.data, l: out.next_l.data, logits: out.logits.data};
}

function start(trajectories) {
    const size = LENGTH*DIM, room = () => new Float32Array(trajectories*size), state = {h: room(), l: room()};
    for (let i = 0; i < trajectories; i++) {
        state.h.set(firstState.subarray(0, size), i*size);
        state.l.set(firstState.subarray(size), i*size);
    }
    return state;
}

const pause = () => new Promise(done => setTimeout(done));

/* Trajectories of one puzzle in small parts: yields the share done, and the logits when a step is complete.
   Each trajectory has noise of its own: the first ten stay the same if a hundred are asked for. */
async function* walk(puzzle, {scale, fading, trajectories, steps, seed}) {
    const x = tokens(puzzle), parts = [], state = LENGTH*DIM, row = LENGTH*SYMBOLS;
    for (let first = 0; first < trajectories; first += CHUNK) {
        const size = Math.min(CHUNK, trajectories - first), noise = new Float32Array(size*state);
        const next = Array.from({length: size}, (_, i) => generator(seed, first + i));
        parts.push({first, noise, next, ...start(size)});
    }
    let done = 0;
    for (const s of noiseScales(scale, fading, steps)) {
        const logits = new Float32Array(trajectories*row);
        for (const p of parts) {
            await pause();
            for (let t = 0; t < T; t++) {
                p.next.forEach((next, i) => fillNormal(p.noise.subarray(i*state, (i+1)*state), next));
                Object.assign(p, await transition(p.h, p.l, x, p.noise, s));
            }
            logits.set(p.logits, p.first*row);
            done++;
            yield {share: done/(steps*parts.length), logits: p === parts.at(-1) ? logits : null};
        }
    }
}

// ---- what the logits say

function boards(logits) {       // the most probable board of each trajectory
    const rows = Array.from({length: logits.length/SYMBOLS}, (_, i) => {
        const v = logits.subarray(i*SYMBOLS, (i+1)*SYMBOLS);
        return Math.max(-1, v.indexOf(Math.max(...v)) - 2);
    });
    return Array.from({length: rows.length/SIDE}, (_, i) => rows.slice(i*SIDE, (i+1)*SIDE));
}

function belief(logits) {       // probability of a queen on each square, the mean over trajectories
    const mean = new Float64Array(SIDE*SIDE), trajectories = logits.length/(SIDE*SYMBOLS);
    for (let i = 0; i < logits.length/SYMBOLS; i++) {
        const v = logits.subarray(i*SYMBOLS, (i+1)*SYMBOLS), top = Math.max(...v);
        const e = Array.from(v, z => Math.exp(z - top)), sum = e.reduce((a, b) => a + b);
        for (let c = 0; c < SIDE; c++) mean[i % SIDE * SIDE + c] += e[c+2]/sum/trajectories;
    }
    return mean;
}

function tally(puzzle, drawn) { // different boards with counts: valid ones first, then the most frequent
    const found = new Map();
    for (const b of drawn) {
        const same = found.get(`${b}`);
        if (same) { same.count++; continue; }
        const wrong = attackers(b).map((a, r) => a || (puzzle[r] >= 0 && puzzle[r] !== b[r]));
        found.set(`${b}`, {board: b, count: 1, wrong, valid: !wrong.includes(true) && b.every(c => c >= 0)});
    }
    return [...found.values()].sort((a, b) => b.valid - a.valid || b.count - a.count);
}

/* What a program may ask of the page: tests feed `transition` the noise of Python. */
window.gram = {load, start, tokens, transition, walk, boards, belief, tally, attackers, completions,
    noiseScales, generator, fillNormal};
