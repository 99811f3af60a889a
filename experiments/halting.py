"""When may a trajectory stop? `python experiments/halting.py [--weights WEIGHTS]`.

Writes data/results/halting.json. Ten minutes of one idle core for nqueens8-rows (the default), half an hour
for nqueens8-board, whose results lie under `board`.
`curve`: validation inputs. The two rules of the paper, a fixed depth and confidence are read out of the
same full rollouts, so that they differ in nothing but where they stop. Restarts are runs of their own. The
chosen rule is the one with the fewest steps whose accuracy and coverage lie below those of 16 steps by no
more than the standard error of the difference (bootstrap over inputs). `test`: test inputs, each way a run
of its own, on three thirds of the inputs in turn. Seconds are CPU seconds of one thread in fp32, so that
other programs on the machine hardly disturb them. Shares and errors are in percent."""
import statistics, time

import torch
from fastcore.script import call_parse
from gram_nb.checkpoints import load_heads, load_model, weights_path, WEIGHTS
from gram_nb.guidance import rollout
from gram_nb.halting import Halting, confidence
from gram_nb.inference import sample_with_confidence
from gram_nb.scores import bootstrap, count_distinct, score_answers
from gram_nb.selection import restart_until_confident
from store import every, load, machine, save, sha256, SAMPLES, STEPS

ATTEMPTS, CHUNK, ROUNDS = 8, 32_768, 3
DEPTHS, HALT = (1, 2, 3, 4, 6, 8, 12, 16), (.5, .8, .9, .95, .99, .999)
CONFIDENCE = (.5, .7, .8, .9, .95, .98, .99, .995, .999)
RESTARTS = tuple((n, c) for n in (4, 8) for c in (.9, .95, .98, .99, .995))    # steps, threshold
SIZES = {       # which inputs: every how many, of validation, timing and test
    'nqueens8-rows': dict(valid=1, timed=6, test=1, seeds=(0, 1)),
    'nqueens8-board': dict(valid=4, timed=16, test=6, seeds=(0,)),
}

def seeded(seed): return torch.Generator().manual_seed(seed)

def ways_to_stop(heads) -> list:
    "Every setting of the curve."
    ways = [dict(kind='fixed depth', max_steps=n) for n in DEPTHS]
    if heads: ways += [dict(kind='halt', threshold=t) for t in HALT] + [dict(kind='pair')]
    ways += [dict(kind='confidence', threshold=t) for t in CONFIDENCE]
    return ways + [dict(kind='restart', max_steps=n, threshold=t) for n,t in RESTARTS]

def run(model, heads, x, way, seed=0) -> tuple:     # answers [samples, inputs, out_len], steps
    "Answers by one way to stop, nothing else computed."
    if way['kind'] == 'restart':
        *_, s = restart_until_confident(model, x, SAMPLES, ATTEMPTS, way['max_steps'], way['threshold'],
                                        generator=seeded(seed), chunk=CHUNK)
    else:
        halting = None
        if way['kind'] != 'fixed depth': halting = Halting(way['kind'], way.get('threshold', .5), heads)
        s = sample_with_confidence(model, x, SAMPLES, way.get('max_steps', STEPS), halting=halting,
                                   generator=seeded(seed), chunk=CHUNK)
    return s.answers, s.steps

@torch.no_grad()
def full_rollouts(model, heads, x, seed) -> dict:       # each [steps, samples, inputs, …]
    "Answers and what the rules read, after every supervision step."
    parts = []
    for part in x.repeat(SAMPLES, 1).split(CHUNK//model.cfg.length):
        read = []
        for h,_ in rollout(model, part, STEPS, generator=seeded(seed + 1000*len(parts))):
            logits = model.decode(h)
            q = heads.q(h) if heads else h.new_zeros(len(h), 2)
            read.append((logits.argmax(-1), confidence(logits), q))
        parts.append([torch.stack(v) for v in zip(*read)])
    y, c, q = (torch.cat(v, 1).unflatten(1, (SAMPLES, len(x))) for v in zip(*parts))
    return dict(answers=y, confidence=c, q=q)

def stops(way, rolled) -> torch.Tensor:     # [samples, inputs] step, from 0
    "Where each trajectory of full rollouts stops."
    c, q = rolled['confidence'], rolled['q']
    if way['kind'] == 'fixed depth':
        return torch.full_like(c[0], way['max_steps'] - 1, dtype=torch.long)
    if way['kind'] == 'pair': fires = q[...,0] > q[...,1]
    else: fires = (c if way['kind'] == 'confidence' else q[...,0].sigmoid()) > way['threshold']
    fires[-1] = True
    return fires.int().argmax(0)

def by_input(problem, puzzles, y) -> tuple:     # valid share, answers found, each [inputs]
    ok = problem.valid(puzzles.inputs.repeat(len(y), 1), y.flatten(0, 1)).view(len(y), -1)
    return ok.double().mean(0), count_distinct(y, ok).double()

def difference(problem, puzzles, y, reference, draws=1000) -> dict:
    "How far accuracy and coverage lie from those of other answers to the same inputs, with standard errors."
    n = puzzles.n_answers.double()
    (a, f), (a0, f0) = by_input(problem, puzzles, y), by_input(problem, puzzles, reference)
    pick = torch.randint(len(n), (draws, len(n)), generator=seeded(0))
    right, found = a - a0, (f - f0)*n
    spread = found[pick].sum(1)/(n*n)[pick].sum(1)
    return dict(accuracy_difference=100*right.mean().item(),
                accuracy_difference_error=100*right[pick].mean(1).std().item(),
                coverage_difference=100*(found.sum()/(n*n).sum()).item(),
                coverage_difference_error=100*spread.std().item())

def score(problem, puzzles, y, steps, reference) -> dict:
    s = score_answers(problem, puzzles, y)
    return dict(accuracy=100*s['accuracy'], coverage=100*s['coverage']['pairs'],
                coverage_inputs=100*s['coverage']['inputs'], steps=steps.double().mean().item(),
                **difference(problem, puzzles, y, reference))

def seconds_of(model, heads, x, ways) -> list:
    "CPU seconds of each way: the median of some rounds, in which the ways take turns."
    times = [[] for _ in ways]
    for _ in range(ROUNDS):
        for way,t in zip(ways, times):
            start = time.process_time()
            run(model, heads, x, way)
            t.append(time.process_time() - start)
    return [statistics.median(t) for t in times]

def curve(model, problem, heads, puzzles, timed, seeds) -> list:
    "Every setting on validation inputs: the mean over seeds."
    ways = ways_to_stop(heads)
    scores = [[] for _ in ways]
    for seed in seeds:
        rolled = full_rollouts(model, heads, puzzles.inputs, seed)
        for way,s in zip(ways, scores):
            if way['kind'] == 'restart': y, steps = run(model, heads, puzzles.inputs, way, seed)
            else:
                at = stops(way, rolled)
                where = at[None,...,None].expand(1, -1, -1, problem.out_len)
                y, steps = rolled['answers'].gather(0, where)[0], at + 1
            s.append(score(problem, puzzles, y, steps, rolled['answers'][-1]))
    mean = [{k: statistics.fmean(s[k] for s in each) for k in each[0]} for each in scores]
    scale = len(puzzles)/len(timed)
    seconds = [scale*t for t in seconds_of(model, heads, timed.inputs, ways)]
    return [dict(way, **m, seconds=t) for way,m,t in zip(ways, mean, seconds)]

def choose(rows, kinds) -> dict:
    "The fewest steps that lose no more than the standard error; the most accurate if all lose more."
    def kept(r):
        return all(r[f'{k}_difference'] >= -r[f'{k}_difference_error'] for k in ('accuracy', 'coverage'))
    rows = [r for r in rows if r['kind'] in kinds]
    most_accurate = max(rows, key=lambda r: r['accuracy'])
    best = min((r for r in rows if kept(r)), key=lambda r: r['steps'], default=most_accurate)
    return {k: best[k] for k in ('kind', 'threshold', 'max_steps') if k in best}

def test(model, problem, heads, puzzles, ways) -> list:
    "Each way on three thirds of the test inputs in turn; seconds are those of all, the ratio is the median."
    parts = [torch.arange(i, len(puzzles), ROUNDS) for i in range(ROUNDS)]
    answers = [torch.zeros(SAMPLES, len(puzzles), problem.out_len, dtype=torch.long) for _ in ways]
    steps, times = [torch.zeros(SAMPLES, len(puzzles)) for _ in ways], torch.zeros(len(ways), ROUNDS)
    for k,part in enumerate(parts):
        for i,way in enumerate(ways.values()):
            start = time.process_time()
            y, s = run(model, heads, puzzles.inputs[part], way, seed=k)
            times[i,k] = time.process_time() - start
            answers[i][:,part], steps[i][:,part] = y, s.float()
    rows = []
    for i,(name,way) in enumerate(ways.items()):
        error, s = bootstrap(problem, puzzles, answers[i]), score_answers(problem, puzzles, answers[i])
        rows.append(dict(name=name, **way, **score(problem, puzzles, answers[i], steps[i], answers[0]),
                         accuracy_error=100*error['accuracy'], coverage_error=100*error['pairs'],
                         ceiling=100*s['ceiling']['pairs'], seconds=times[i].sum().item(),
                         steps_ratio=(steps[i].mean()/steps[0].mean()).item(),
                         seconds_ratio=(times[i]/times[0]).median().item()))
    return rows

def named(way) -> str:
    if way['kind'] == 'pair': return 'pair'
    again = f", restart after {way['max_steps']} steps" if way['kind'] == 'restart' else ''
    return f"{'confidence' if again else way['kind']} > {way['threshold']:g}{again}"

def measure(name, before) -> dict:
    "The curve, unless it was measured with the same weights before, the choice, and the test."
    size, weights = SIZES[name], weights_path(name)
    model, problem = load_model(name)
    heads = load_heads(name) if (WEIGHTS/f'{name}-heads.safetensors').is_file() else None
    parts = problem.parts()
    valid, tested = every(parts['valid'], size['valid']), every(parts['test'], size['test'])
    timed = every(parts['valid'], size['timed'])
    about = dict(weights=weights.name, weights_sha256=sha256(weights),
                 inputs=dict(valid=len(valid), timed=len(timed), test=len(tested)),
                 seeds=dict(curve=list(size['seeds']), test=list(range(ROUNDS))))
    same = all(before.get(k) == v for k,v in about.items())
    rows = before['curve'] if same else curve(model, problem, heads, valid, timed, size['seeds'])
    rules = ('halt', 'pair', 'confidence') if heads else ('confidence',)
    chosen, restart = choose(rows, rules), choose(rows, ('restart',))
    ways = {'16 steps': dict(kind='fixed depth', max_steps=STEPS)}
    if heads:
        ways |= {'pair (paper)': dict(kind='pair'), 'halt > 0.5 (paper)': dict(kind='halt', threshold=.5)}
    ways |= {f'{named(w)} (chosen)': w for w in (chosen, restart)}
    return dict(about, chosen=dict(rule=chosen, restart=restart), curve=rows,
                test=test(model, problem, heads, tested, ways))

@call_parse
def main(
    weights: str='nqueens8-rows',   # or nqueens8-board
):
    "Accuracy, coverage, steps and seconds of every way to stop."
    torch.set_num_threads(1)
    before = load('halting')
    measured = measure(weights, before if weights == 'nqueens8-rows' else before.get('board') or {})
    about = dict(command='python experiments/halting.py [--weights WEIGHTS]', machine=machine(),
                 torch=torch.__version__, precision='fp32', samples=SAMPLES, max_steps=STEPS,
                 attempts=ATTEMPTS, chunk=CHUNK,
                 timing='CPU seconds of one thread; curve: median of 3 rounds on some inputs, scaled to all')
    if weights == 'nqueens8-rows': result = dict(about, **measured, board=before.get('board'))
    else: result = dict(before, **about, board=measured)
    save('halting', result)
    for r in measured['test']:
        print(f"{r['name']:50} accuracy {r['accuracy']:6.2f} ± {r['accuracy_error']:.2f}"
              f"  coverage {r['coverage']:6.2f} ± {r['coverage_error']:.2f} (ceiling {r['ceiling']:.2f})"
              f"  {r['steps']:5.2f} steps ({r['steps_ratio']:.2f})"
              f"  {r['seconds']:.0f} s ({r['seconds_ratio']:.2f})")
