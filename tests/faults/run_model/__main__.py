"""The long form of the check of boards and runs: ``python -m tests.faults.run_model --examples 200 --seed 7``.

It starts its own servers, and checks the product and then every mutant: first all scenarios, of a mutant those that it
names, then random sequences. It prints a line for each. The exit code is 1 if the product fails or a mutant passes.
"""

import sys

from tests.faults.model_check import main
from tests.faults.run_model.mutants import MODULES, MUTANTS

if __name__ == "__main__":
    sys.exit(main(__doc__, MUTANTS, MODULES))
