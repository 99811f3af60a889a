/* The explorer's page: puzzle and sliders in, boards and belief out. gram.js computes; see there. */
'use strict';

const $ = id => document.getElementById(id), gram = window.gram, EIGHT = [0, 1, 2, 3, 4, 5, 6, 7];
const EXAMPLES = {      // columns by row, from 1; a dot is an empty row
    'a queen in the corner': '1.......', 'empty board': '........', 'two queens': '..8..7..',
    'three queens': '4....13.', 'no answer': '1..2....',
};
let puzzle = read('1.......');      // columns by row, from 0; −1 is an empty row
let run = 0, trail = [];            // the number of the newest request; the logits after each of its steps

function read(text) { return [...text].map(c => c === '.' ? -1 : c - 1); }
function count(n, one, several) { return `${n} ${n === 1 ? one : several}`; }
function percent(share) { return `${Math.round(100*share)}%`; }
function settings() {
    const value = id => Number($(id).value);
    return {scale: value('scale'), fading: $('fading').checked, trajectories: value('trajectories'),
        steps: value('steps'), seed: value('seed')};
}

// ---- pictures

const DARK = EIGHT.flatMap(r => EIGHT.filter(c => (r+c) % 2).map(c => `M${c} ${r}h1v1h-1z`)).join('');

function picture(label, board, kind, shade) {   // kind of the queen in a row: given, added or wrong
    const tint = [...shade || []].map((p, i) => p < .005 ? '' : `<rect class="shade" x="${i % 8}"
        y="${i >> 3}" width="1" height="1" opacity="${(.95*p).toFixed(2)}"/>`).join('');
    const queens = board.map((c, r) => c < 0 ? '' : `<use href="#queen" class="${kind(r)}" x="${c + .06}"
        y="${r + .06}" width=".88" height=".88"/>`).join('');
    return `<svg class="board" viewBox="0 0 8 8" role="img" aria-label="${label}">
        <rect class="light" width="8" height="8"/><path class="dark" d="${DARK}"/>${tint}${queens}</svg>`;
}

function inWords(board) { return board.map(c => c < 0 ? 'none' : c + 1).join(' '); }

function figures(title, found) {
    if (!found.length) return '';
    const one = f => {
        const kind = r => f.wrong[r] ? 'wrong' : puzzle[r] >= 0 ? 'given' : 'added';
        const label = `${f.valid ? 'valid' : 'invalid'} board, columns by row: ${inWords(f.board)}`;
        return `<figure>${picture(label, f.board, kind)}<figcaption>${f.count} ×</figcaption></figure>`;
    };
    const size = found.length > 40 ? 'boards many' : found.length > 8 ? 'boards' : 'boards few';
    return `<h3>${title}</h3><div class="${size}">${found.map(one).join('')}</div>`;
}

// ---- results

function summary(logits) {
    const drawn = gram.boards(logits), found = gram.tally(puzzle, drawn), N = drawn.length;
    const valid = found.filter(f => f.valid), hits = valid.reduce((n, f) => n + f.count, 0);
    const exist = gram.completions(puzzle).length, ceiling = 1 - (1 - 1/exist)**N;
    return {found, valid, exist, N, share: hits/N, coverage: valid.length/exist, ceiling};
}

function warning() {    // why no board can be valid; nothing where one can
    const rows = EIGHT.filter(r => gram.attackers(puzzle)[r]).map(r => r + 1);
    if (rows.length) return `The queens in rows ${rows.join(', ')} attack one another: no valid board exists`;
    return gram.completions(puzzle).length ? '' : 'No valid board exists for these queens';
}

function showBoards() {
    const s = summary(trail[$('step').value - 1]);
    $('status').textContent = warning() || `${s.valid.length} of ${s.exist} valid boards found`;
    $('status').className = s.exist ? '' : 'bad';
    const different = count(s.found.length, 'board', 'different boards');
    const facts = [`${different} in ${count(s.N, 'trajectory', 'trajectories')}`];
    if (s.exist) facts.unshift(`coverage ${percent(s.coverage)} (ceiling ${percent(s.ceiling)})`,
        `${percent(s.share)} of the trajectories valid`);
    $('details').textContent = facts.join(' · ');
    $('found').innerHTML = figures('Valid', s.valid) + figures('Not valid', s.found.filter(f => !f.valid));
}

function showBelief(step) {
    const p = gram.belief(trail[step-1]), peak = EIGHT.map(r => Math.max(...p.slice(8*r, 8*r + 8)));
    const column = r => p.indexOf(peak[r], 8*r) - 8*r + 1;
    const likely = EIGHT.map(r => `row ${r+1} column ${column(r)} ${percent(peak[r])}`);
    const label = `belief after step ${step}, the likeliest squares: ${likely.join(', ')}`;
    const wrong = gram.attackers(puzzle);
    $('belief').innerHTML = picture(label, puzzle, r => wrong[r] ? 'wrong' : 'given', p);
    $('step').value = step;
    readouts();
}

// ---- computing

function failed(e) {
    $('status').textContent = `The model cannot run in this browser: ${e.message}`;
    $('status').className = 'bad';
}

async function compute() {
    const mine = ++run, asked = settings(), fresh = [];
    $('main').setAttribute('aria-busy', true);
    $('progress').value = 0;
    $('step').disabled = true;
    readouts();
    try {
        await window.ready;
        for await (const {share, logits} of gram.walk(puzzle, asked)) {
            if (mine !== run) return;       // something else is asked for by now
            $('progress').value = share;
            if (!logits) continue;
            trail = fresh;
            trail.push(logits);
            $('step').max = asked.steps;
            showBelief(trail.length);
        }
    } catch (e) {
        if (mine !== run) return;
        failed(e);
        $('main').setAttribute('aria-busy', false);
        return;
    }
    if (mine !== run) return;
    $('step').disabled = false;
    showBoards();
    $('main').setAttribute('aria-busy', false);
}

function readouts() {
    for (const out of document.querySelectorAll('output')) {
        const input = $(out.htmlFor.value);
        out.textContent = input.id === 'scale' ? Number(input.value).toFixed(2) : input.value;
    }
}

// ---- the board

function square(r, c) { return $('board').children[8*r + c]; }

function drawPuzzle() {
    const wrong = gram.attackers(puzzle);
    for (const r of EIGHT) for (const c of EIGHT) {
        const here = puzzle[r] === c, s = square(r, c), kind = wrong[r] ? 'wrong' : 'given';
        const queen = `<svg class="${kind}" aria-hidden="true" viewBox="0 0 1 1"><use href="#queen"/></svg>`;
        s.innerHTML = here ? queen : '';
        s.setAttribute('aria-pressed', here);
    }
}

function ask(board) {
    puzzle = board;
    const text = board.map(c => c < 0 ? '.' : c + 1).join('');
    $('example').value = Object.values(EXAMPLES).includes(text) ? text : '';
    drawPuzzle();
    compute();
}

function focusSquare(r, c) {    // one square takes the Tab key
    for (const s of $('board').children) s.tabIndex = -1;
    square(r, c).tabIndex = 0;
    square(r, c).focus();
}

function arrow(event, r, c) {
    const to = {ArrowUp: [r-1, c], ArrowDown: [r+1, c], ArrowLeft: [r, c-1], ArrowRight: [r, c+1],
        Home: [r, 0], End: [r, 7]}[event.key];
    if (!to) return;
    event.preventDefault();
    if (to.every(v => v >= 0 && v < 8)) focusSquare(...to);
}

function makeBoard() {
    for (const r of EIGHT) for (const c of EIGHT) {
        const s = document.createElement('button');
        s.type = 'button';
        s.className = (r+c) % 2 ? 'dark' : '';
        s.tabIndex = r || c ? -1 : 0;
        s.setAttribute('aria-label', `queen in row ${r+1}, column ${c+1}`);
        s.onkeydown = event => arrow(event, r, c);
        s.onclick = () => { focusSquare(r, c); ask(puzzle.with(r, puzzle[r] === c ? -1 : c)); };
        $('board').append(s);
    }
}

function randomPuzzle() {       // one to three queens of a valid board, as in training
    const pick = n => Math.floor(n*Math.random()), all = gram.completions(read('........'));
    const whole = all[pick(all.length)], rows = new Set(), n = 1 + pick(3);
    while (rows.size < n) rows.add(pick(8));
    return whole.map((c, r) => rows.has(r) ? c : -1);
}

// ---- start

makeBoard();
$('example').append(new Option('your own', ''));
for (const [name, text] of Object.entries(EXAMPLES)) $('example').append(new Option(name, text));
$('example').options[0].hidden = true;
$('example').onchange = () => ask(read($('example').value));
$('random').onclick = () => ask(randomPuzzle());
$('clear').onclick = () => ask(read('........'));
for (const id of ['scale', 'fading', 'trajectories', 'steps', 'seed']) $(id).oninput = compute;
$('step').oninput = () => { showBelief(Number($('step').value)); showBoards(); };
window.ready = gram.load();
window.ready.catch(failed);
ask(puzzle);
