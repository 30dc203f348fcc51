"""Hashes so many MiB with hashlib's SHA3-256, which is OpenSSL's; prints the seconds it took."""

import hashlib
import sys
import time

block = bytes(1 << 20)
hasher = hashlib.sha3_256()
start = time.monotonic()
for _ in range(int(sys.argv[1])):
    hasher.update(block)
hasher.digest()
print(time.monotonic() - start)
