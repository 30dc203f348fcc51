"""The bridge for outside clients: the committed artefact, and version 1's ABI written by hand."""

import json

from web3 import Web3

from harness import ROOT
from v1_abi import V1_ABI

ARTEFACT_PATH = ROOT / "contracts" / "TEEBridge.json"
ARTEFACT = json.loads(ARTEFACT_PATH.read_text())
CONTRACT = Web3().eth.contract(abi=V1_ABI)
