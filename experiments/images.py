"""Digits of notebook 43: trains what it shows, and measures it.

    python experiments/images.py                # about half an hour of one core
    python experiments/images.py --only beta    # what has this in its name
    python experiments/images.py --movie        # make images/digits.gif from the shipped weights, and stop

Each training is a command of gram_train, kept below data/runs as tools/keep_run.py keeps it. Presets of
notebook 07a; weights of the best validation, ordinary rollouts unless a figure says otherwise. Samples are
measured in sets of 175 against halves of the 350 test images: 10 sets and halvings for each of three sampling
seeds. `beta` compares short runs by halves of the validation images. Writes data/results/images.json. What is
in the file is kept, and a training that was stopped goes on."""
import torch
from fastcore.script import call_parse
from matplotlib.figure import Figure
from gram_nb.checkpoints import load_model, load_run
from gram_nb.explore import save_gif
from gram_nb.guidance import rollout
from gram_nb.inference import fastest_precision, sample
from gram_nb.problems import EMPTY, get_problem
from gram_nb.problems.images import halves, image_scores, ks_test, nearest, train_classifier

from store import ROOT, load, machine, save
from sudoku import gram_train, keep, mean as mean_of

RUNS = {        # folder: command
    'digits8/gram': '--preset digits8-fast',
    'digits8-class/gram': '--preset digits8-class-fast',
    'digits8/baseline': '--preset digits8-fast --set model=rrm --set compile=false --updates 300',
}
BETAS = (.2, .28, .4, .56)
SHORT = '--updates 1000 --set validations=1'
SETS, SEEDS, STEPS = 10, (0, 1, 2), (1, 2, 4, 8, 16, 32, 64)

def drawn(model, problem, part, sets, seed, steps=None):    # labels [n], images [n, side, side]
    "Samples, as many as `part` has images, half as often as there are sets; classes as in `part`."
    label = part.owner.repeat(sets).chunk(2)[0]
    x = problem.condition(label) if problem.by_class else torch.full((len(label), problem.in_len), EMPTY)
    g, precision = torch.Generator().manual_seed(seed), fastest_precision()
    return label, problem.decode(sample(model, x, 1, steps, generator=g, precision=precision)[0])

def scored(problem, image, real, sets, seed) -> list:
    "The scores of sets of samples, each against a half of the real images."
    pairs = halves(real, sets, seed)
    order = torch.randperm(len(image), generator=torch.Generator().manual_seed(seed))
    parts = zip(image[order].chunk(sets), pairs)
    return [image_scores(a, b, problem.data, problem.folder) for a,(_,b) in parts]

def counts(v) -> list: return v.long().bincount(minlength=16).tolist()     # of whole pixels

def mean(scores) -> dict: return {k: sum(s[k] for s in scores)/len(scores) for k in scores[0]}

def measured(folder) -> dict:
    "What the notebook shows of a run."
    model, problem, _ = load_run(folder/'best.safetensors')
    parts = problem.parts()
    known, real = (problem.decode(parts[k].targets) for k in ('train','test'))
    if not model.stochastic:
        image = drawn(model, problem, parts['test'], 2, 0)[1]
        return dict(different=len(image.flatten(1).unique(dim=0)))
    pools = {seed: drawn(model, problem, parts['test'], SETS, seed) for seed in SEEDS}
    near = {seed: nearest(image, known)[0] for seed,(_,image) in pools.items()}
    far, net = nearest(real, known)[0], train_classifier(problem.data, problem.folder)
    result = dict(
        scores=[scored(problem, image, real, SETS, seed) for seed,(_,image) in pools.items()],
        near=counts(near[0]), near_real=counts(far),
        ks={seed: ks_test(v, far) for seed,v in near.items()},
        ks_new={seed: ks_test(v[v > 0], far) for seed,v in near.items()})
    if problem.by_class:
        asked = [mean_of(net.logits(image).argmax(1) == label) for label,image in pools.values()]
        result['as_asked'] = asked
    by_steps = {k: drawn(model, problem, parts['test'], SETS, 0, k)[1] for k in STEPS}
    return result | dict(steps={k: mean(scored(problem, v, real, SETS, 0)) for k,v in by_steps.items()})

def real_scores() -> dict:
    "Mean scores of one half of the test images against the other."
    problem = get_problem('digits8')
    real = problem.decode(problem.parts()['test'].targets)
    pairs = [pair for seed in SEEDS for pair in halves(real, SETS, seed)]
    return mean([image_scores(a, b, problem.data, problem.folder) for a,b in pairs])

def tried(folder) -> dict:
    "Scores of a short run against halves of the validation images."
    model, problem, _ = load_run(folder/'best.safetensors')
    part = problem.parts()['valid']
    image = drawn(model, problem, part, 2*SETS, 0)[1]
    return mean(scored(problem, image, problem.decode(part.targets), 2*SETS, 0))

def work(name: str):
    "Train and measure what is not in the file yet."
    kind, _, key = name.partition(':')
    folder = ROOT/'runs'/(key if kind == 'runs' else f'digits8-beta/{key}')
    words = RUNS[key] if kind == 'runs' else f'--preset digits8-fast {SHORT} --set beta={key}'
    gram_train(words, folder)
    if key in load('images')[kind]: return
    if kind == 'runs': keep(folder.parent.name)
    result = measured(folder) if kind == 'runs' else tried(folder)
    file = load('images')
    file[kind][key] = result
    save('images', file)
    print(key, flush=True)

@torch.no_grad()
def make_movie(path, steps: int=16, count: int=24):
    "Samples over their steps. Shades are the decoder's probabilities of ink."
    model, problem = load_model('digits8')
    x, g = torch.full((count, problem.in_len), EMPTY), torch.Generator().manual_seed(1)
    states = rollout(model, x, steps, generator=g)
    ink = [problem.ink(model.decode(h).softmax(-1)) for h,_ in states]
    def draw(step):
        fig = Figure(figsize=(6,2.2))
        for i,v in enumerate(ink[step]):
            ax = fig.add_subplot(3, count//3, i+1)
            ax.imshow(v, cmap='gray_r', vmin=0, vmax=1)
            ax.axis('off')
        fig.text(.5, .93, f'step {step+1}', ha='center', fontsize=9)
        return fig
    save_gif(path, draw, steps, fps=3, dpi=80)
    print(path.name, f'{path.stat().st_size/1024:.0f} KiB')

@call_parse
def main(
    only: str=None,         # Work that has this in its name
    movie: bool=False,      # Make images/digits.gif, and stop
):
    "Train and measure, or make the movie."
    torch.set_num_threads(1)
    if movie: return make_movie(ROOT/'images'/'digits.gif')
    if not load('images'):
        save('images', dict(command='python experiments/images.py', machine=machine(),
                            torch=torch.__version__, images=175, sets=SETS, seeds=SEEDS, short=SHORT,
                            real=real_scores(), runs={}, beta={}))
    for name in [f'runs:{k}' for k in RUNS] + [f'beta:{k}' for k in BETAS]:
        if not only or only in name: work(name)
