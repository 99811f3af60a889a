"""The explorer as a folder of static files that a browser opens without a server.
`python tools/app_static.py` writes _app/, `--out FOLDER` another; then open its index.html.

The shipped model goes into it as ONNX, weights in half precision, and onnxruntime-web from npm runs it.
A page from the file system may not read its neighbours, so bytes travel as text in plain scripts."""
import base64, gzip, json, logging, shutil, tempfile, warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from fastcore.script import call_parse
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from gram_nb.checkpoints import load_model

from npm import npm_files

ROOT = Path(__file__).resolve().parents[1]
RUNTIME = ('onnxruntime-web', '1.30.0', *(f'dist/{name}' for name in
           ('ort.wasm.min.js', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm')))
NAMES = ['h', 'l', 'x', 'noise', 'scale'], ['next_h', 'next_l', 'logits']

class OneTransition(nn.Module):
    "A transition of trajectories of one puzzle, and what the decoder reads from it."
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, h, l, x, noise, scale):   # three [batch, length, dim], x [in_len], scale a scalar
        s = self.model.transition(h, l, self.model.encode(x[None]), scale*noise)
        return s.h, s.l, self.model.decode(s.h)

def export(model) -> onnx.ModelProto:
    "One transition of any number of trajectories."
    (h, l), x = model.start(2), torch.ones(model.cfg.in_len, dtype=torch.int32)
    args = h.clone(), l.clone(), x, torch.randn(h.shape), torch.tensor(1.)
    batch = {0: torch.export.Dim('batch', min=1, max=4096)}
    shapes = dict(h=batch, l=batch, x=None, noise=batch, scale=None)
    logging.getLogger('torch.onnx').setLevel(logging.ERROR)     # torchvision is not needed
    with tempfile.TemporaryDirectory() as d, warnings.catch_warnings():
        warnings.simplefilter('ignore')                         # deprecations inside the exporter
        file = Path(d)/'model.onnx'
        torch.onnx.export(OneTransition(model), args, file, input_names=NAMES[0], output_names=NAMES[1],
                          dynamic_shapes=shapes, dynamo=True, external_data=False, verbose=False)
        return onnx.load(file)

def halve(graph: onnx.GraphProto):
    "Keep the weights in half precision; a cast makes them float32 again when the model is loaded."
    for w in list(graph.initializer):
        if w.data_type != TensorProto.FLOAT or np.prod(w.dims) < 1024: continue     # RoPE's tables stay
        half = numpy_helper.from_array(numpy_helper.to_array(w).astype(np.float16), f'{w.name}.half')
        graph.initializer.remove(w)
        graph.initializer.append(half)
        graph.node.insert(0, helper.make_node('Cast', [half.name], [w.name], to=TensorProto.FLOAT))

def strip(graph: onnx.GraphProto):
    "Leave out what the exporter notes about its own work."
    for part in (*graph.node, *graph.initializer, *graph.input, *graph.output, *graph.value_info):
        del part.metadata_props[:]
        part.doc_string = ''
    del graph.value_info[:]

def model_bytes(model) -> bytes:
    proto = export(model.eval())
    strip(proto.graph)
    halve(proto.graph)
    onnx.checker.check_model(proto, full_check=True)
    return proto.SerializeToString()

def as_script(**values) -> str:
    "A script that puts values into `window.files`; bytes as base64."
    ready = {k: base64.b64encode(v).decode() if isinstance(v, bytes) else v for k,v in values.items()}
    return f'window.files = Object.assign(window.files || {{}}, {json.dumps(ready)});\n'

@call_parse
def main(out: str='_app'):      # folder to write
    "Write the explorer as static files."
    out, (script, loader, binary) = ROOT/out, npm_files(*RUNTIME)
    model, problem = load_model('nqueens8-rows')
    c = model.cfg
    sizes = dict(length=c.length, dim=c.dim, symbols=c.n_symbols, noise=c.noise, T=c.T)
    shutil.copytree(ROOT/'app', out, dirs_exist_ok=True)
    (out/'ort.js').write_bytes(script.split(b'//# sourceMappingURL')[0])
    (out/'ort-wasm.js').write_text(as_script(loader=loader, wasm=gzip.compress(binary, mtime=0)))
    start = model.z0.numpy().astype('<f4').tobytes()
    (out/'model.js').write_text(as_script(model=model_bytes(model), start=start, sizes=sizes))
    size = sum(f.stat().st_size for f in out.iterdir())/2**20
    print(f'{out/"index.html"}: open it in a browser ({size:.1f} MiB in {out.name}/)')
