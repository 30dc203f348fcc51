"""The primitives of dstack's key chain, on raw bytes.

Signatures are deterministic (RFC 6979) with low s, so equal inputs give equal bytes
on every implementation, and published vectors can be compared byte for byte.
"""

import hashlib
import hmac

from coincurve import PrivateKey, PublicKey
from Crypto.Hash import keccak
from Crypto.PublicKey import ECC

KDF_SALT = b"RATLS"


def keccak256(data: bytes) -> bytes:
    return keccak.new(digest_bits=256, data=data).digest()


def derive(secret: bytes, context: bytes) -> bytes:
    """HKDF-SHA256 with dstack's salt, 32 bytes: extract, then one block of expand."""
    extracted = hmac.digest(KDF_SALT, secret, hashlib.sha256)
    return hmac.digest(extracted, context + b"\x01", hashlib.sha256)


def public_key(secret: bytes) -> bytes:
    """The compressed secp256k1 public key, 33 bytes."""
    return PrivateKey(secret).public_key.format()


def ed25519_public_key(secret: bytes) -> bytes:
    """The Ed25519 public key, 32 bytes."""
    return ECC.construct(curve="ed25519", seed=secret).public_key().export_key(format="raw")


PUBLIC_KEY = {"secp256k1": public_key, "ed25519": ed25519_public_key}


def sign(secret: bytes, digest: bytes) -> bytes:
    """r, s and a recovery id of 0 or 1: 65 bytes."""
    return PrivateKey(secret).sign_recoverable(digest, hasher=None)


def recover(signature: bytes, digest: bytes) -> bytes:
    """The compressed public key of a signature's signer."""
    return PublicKey.from_signature_and_message(signature, digest, hasher=None).format()


def sign_message(secret: bytes, message: bytes) -> bytes:
    """An EIP-191 personal signature, with the v of 27 or 28 that wallets write."""
    prefix = b"\x19Ethereum Signed Message:\n" + str(len(message)).encode()
    signature = sign(secret, keccak256(prefix + message))
    return signature[:64] + bytes([signature[64] + 27])


def address(public: bytes) -> str:
    """The EIP-55 address of a public key."""
    point = PublicKey(public).format(compressed=False)[1:]
    digits = keccak256(point)[-20:].hex()
    mask = keccak256(digits.encode()).hex()
    return "0x" + "".join(
        digit.upper() if int(nibble, 16) >= 8 else digit
        for digit, nibble in zip(digits, mask)
    )
