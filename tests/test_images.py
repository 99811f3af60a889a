"Images from the shell: the right names, and one line for what is wrong with files of MNIST."
import gzip

import pytest
import refused
import torch
from gram_nb.problems import get_problem
from gram_nb.problems.images import MNIST, Images
from gram_nb.settings import PRESETS

def idx(v) -> bytes:
    "The bytes of an IDX file."
    return bytes([0, 0, 8, v.ndim]) + b''.join(n.to_bytes(4, 'big') for n in v.shape) + v.numpy().tobytes()

@pytest.fixture
def folder(tmp_path):
    "Forty noisy images in the four files, two of them gzipped."
    g = torch.Generator().manual_seed(0)
    for i,name in enumerate(MNIST):
        v = torch.arange(20).byte() % 10 if 'labels' in name else \
            torch.randint(256, (20,28,28), generator=g, dtype=torch.uint8)
        (tmp_path/(name + '.gz'*(i < 2))).write_bytes(gzip.compress(idx(v)) if i < 2 else idx(v))
    return tmp_path

def tiny(problem, out, *more):
    command = 'gram_train --preset tiny --updates 4 --set n_sup=2 --set batch=4 --set validations=1'.split()
    return refused.answer([*command, '--set', f'problem={problem}', '--out', str(out), *more])

@pytest.mark.parametrize('name', ('digits8', 'digits8-class'))
def test_train_evaluate_and_write(name, tmp_path):
    status, out, _ = tiny(name, tmp_path/'run')
    assert status == 0 and 'accuracy' in out
    weights = ['--weights', str(tmp_path/'run'/'best.safetensors')]
    status, out, _ = refused.answer(['gram_eval', *weights, '--samples', '2'])
    assert status == 0 and 'held-out inputs' in out
    status, _, err = refused.answer(['gram_solve', '7', *weights])
    assert status == 2 and f'{name} cannot be typed' in err
    status, *_ = refused.answer(['gram_data', '--problem', name, '--out', str(tmp_path/'data.csv')])
    assert status == 0 and len((tmp_path/'data.csv').read_text().splitlines()) == 1751

def test_mnist_from_a_folder(folder, monkeypatch):
    monkeypatch.setattr(Images, 'min_draws', 4)     # of 196 tokens each
    for end in ('', '-class'):
        status, *_ = tiny(f'mnist{end}:{folder}', folder/f'run{end}', '--set', 'T=1')
        assert status == 0
        parts = get_problem(f'mnist{end}:{folder}').parts()
        assert [len(p.targets) for p in parts.values()] == [28, 4, 8]

def test_the_papers_size_is_known():
    assert PRESETS['mnist-paper'].problem == 'mnist' and get_problem('mnist').out_len == 196

BAD = {     # what is done to a file, and the words of the line that answers
    'missing': (lambda p: p.unlink(), 'lacks'),
    'empty': (lambda p: p.write_bytes(b''), 'begins with nothing'),
    'text': (lambda p: p.write_bytes(b'images'), 'not 000008'),
    'floats': (lambda p: p.write_bytes(b'\0\0\x0d\1' + bytes(8)), 'not 000008'),
    'head cut': (lambda p: p.write_bytes(b'\0\0\x08\3\0'), 'head is cut off'),
    'no dimensions': (lambda p: p.write_bytes(b'\0\0\x08\0'), 'head is cut off'),
    'gzip cut': (lambda p: p.write_bytes(gzip.compress(bytes(99))[:-9]), 'cannot read'),
    'too short': (lambda p: p.write_bytes(p.read_bytes()[:-1]), 'bytes are announced'),
    'a folder': (lambda p: (p.unlink(), p.mkdir()), 'lacks'),
    'other size': (lambda p: p.write_bytes(idx(torch.zeros(20, 8, 8).byte())), 'no images of 28 × 28'),
    'fewer images': (lambda p: p.write_bytes(idx(torch.zeros(19, 28, 28).byte())), 'has 19 images'),
}

@pytest.mark.parametrize('fault', BAD)
def test_a_bad_file_is_one_line(fault, folder, tmp_path):
    spoil, words = BAD[fault]
    spoil(folder/MNIST[2])
    status, _, err = tiny(f'mnist:{folder}', tmp_path/'run')
    assert status == 2 and words in err and len(err.strip().splitlines()) == 1, err

def test_bad_labels_are_one_line(folder, tmp_path):
    (folder/MNIST[3]).write_bytes(idx(torch.full((20,), 10).byte()))
    status, _, err = tiny(f'mnist:{folder}', tmp_path/'run')
    assert status == 2 and 'not all below 10' in err and len(err.strip().splitlines()) == 1

@pytest.mark.parametrize('name', ('mnist', 'mnist-class'))
def test_mnist_without_a_folder_names_the_files(name, tmp_path):
    status, _, err = tiny(name, tmp_path/'run')
    assert status == 2 and all(file in err for file in MNIST) and len(err.strip().splitlines()) == 1

def test_orbits_are_refused(tmp_path):
    status, _, err = tiny('digits8', tmp_path/'run', '--set', 'split=orbits')
    assert status == 2 and 'split it by inputs' in err
