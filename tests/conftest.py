"Tests use what lies in experiments/: the refused inputs, and JupyterLab in a browser."
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]/'experiments'))
