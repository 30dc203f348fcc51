"""Where the tests of what jobs cost find the programs and what plays a service."""

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path[1:1] = [str(TESTS / each) for each in ("programs", "support", "contract")]
