"""Where the tests of the packaging find what the programs' tests know."""

import sys
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "programs"))
