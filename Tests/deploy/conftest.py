"""Where the tests of deploy/ find the programs, and the chain and the guest agents that stand in for real ones."""

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path[1:1] = [str(TESTS / each) for each in ("programs", "support", "contract")]
