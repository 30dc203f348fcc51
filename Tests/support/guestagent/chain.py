"""An app's dstack key chain, and the registration proofs made from it.

The KMS root vouches for the app key, the app key for each derived key, and the
derived key signs the registration message.
"""

from dataclasses import dataclass

from guestagent import keys

REGISTER_MESSAGE = b"tee-bridge-register"


def kms_digest(app_id: bytes, app_public: bytes) -> bytes:
    """What a KMS root signs for an app key."""
    return keys.keccak256(b"dstack-kms-issued:" + app_id + app_public)


@dataclass(frozen=True)
class DerivedKey:
    """One answer of the agent's GetKey."""

    secret: bytes
    public: bytes
    signature_chain: list[bytes]


@dataclass(frozen=True)
class AppKeys:
    """What a KMS gives an app at boot, as the agent's .appkeys.json holds it.

    An app without a KMS has an empty `kms_signature`.
    """

    app_id: bytes
    app_key: bytes
    kms_signature: bytes

    @classmethod
    def from_kms_root(cls, kms_root: bytes, app_id: bytes) -> "AppKeys":
        """Issue the app's key as a KMS with this root key does."""
        app_key = keys.derive(kms_root, app_id + b"app-key")
        digest = kms_digest(app_id, keys.public_key(app_key))
        return cls(app_id, app_key, keys.sign(kms_root, digest))

    def without_kms(self) -> "AppKeys":
        return AppKeys(self.app_id, self.app_key, b"")

    @property
    def app_public(self) -> bytes:
        return keys.public_key(self.app_key)

    @property
    def kms_root(self) -> str | None:
        """The address of the KMS root that vouches for the app key."""
        if not self.kms_signature:
            return None
        digest = kms_digest(self.app_id, self.app_public)
        return keys.address(keys.recover(self.kms_signature, digest))

    def get_key(self, path: str, purpose: str, algorithm: str = "secp256k1") -> DerivedKey:
        """Derive a key; neither purpose nor algorithm changes the secret."""
        secret = keys.derive(self.app_key, path.encode())
        public = keys.PUBLIC_KEY[algorithm](secret)
        claim = keys.keccak256(f"{purpose}:{public.hex()}".encode())
        return DerivedKey(secret, public, [keys.sign(self.app_key, claim), self.kms_signature])


# The keys of dstack's simulator (0.5.6 and later) and of its cross-SDK test vectors.
# Both are published with their secrets, and so of use in tests alone.
PRESETS = {
    "simulator": AppKeys(
        app_id=bytes.fromhex("5bb4ff9a3837357f19dc176407a5709c62eb6c56"),
        app_key=bytes.fromhex("d6e88992cdeeee35fe70b5db61ab66cdb191fb9b6ec9313757ef162dd7214d5d"),
        kms_signature=bytes.fromhex(
            "9e618603e72d01fedb82deff6daf2d62a572becf0059eec3f89c1ab40e1f2e59"
            "4d2a283f843f34e8f39e4cc49a612496ce67223a12ac923f8efe330346dfc6c500"
        ),
    ),
    "cross-sdk": AppKeys.from_kms_root(
        kms_root=b"KMS-root-test-key-do-not-use!!!\x01",
        app_id=bytes.fromhex("a9019d1b2c3d4e5f60718293a4b5c6d7e8f90a1b"),
    ),
}


def proof_document(app: AppKeys, path: str = "/bridge", purpose: str = "ethereum") -> dict:
    """The full registration proof of one derived key, members in their usual order."""
    derived = app.get_key(path, purpose)
    message_hash = keys.keccak256(REGISTER_MESSAGE)
    dstack_proof = {
        "message_hash": _hex(message_hash),
        "message_signature": _hex(keys.sign_message(derived.secret, message_hash)),
        "app_signature": _hex(derived.signature_chain[0]),
        "kms_signature": _hex(derived.signature_chain[1]),
        "derived_compressed_pubkey": _hex(derived.public),
        "app_compressed_pubkey": _hex(app.app_public),
        "purpose": purpose,
    }
    return {
        "code_id": _hex(app.app_id + bytes(12)),
        "dstack_proof": dstack_proof,
        "kms_root": app.kms_root,
        "member_id": _hex(keys.keccak256(derived.public)),
        "app_id": app.app_id.hex(),
        "derived_address": keys.address(derived.public),
    }


def make_proof(
    kms_root: bytes, app_id: bytes, path: str = "/bridge", purpose: str = "ethereum"
) -> dict:
    """The registration proof that an app of the KMS with this root key would make."""
    return proof_document(AppKeys.from_kms_root(kms_root, app_id), path, purpose)


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
