"""Seals 32 bytes to each recipient of a file with eciespy; prints the seconds that it took, without its start."""

import json
import sys
import time

import ecies

with open(sys.argv[1]) as file:
    keys = [json.loads(line)["pubkey"] for line in file]
start = time.monotonic()
for key in keys:
    ecies.encrypt(key, b"a secret of thirty-two bytes....").hex()
print(time.monotonic() - start)
