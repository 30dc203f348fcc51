"""Where the tests of the packaging find what other tests know."""

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path[1:1] = [str(TESTS / each) for each in ("programs", "support", "contract")]
