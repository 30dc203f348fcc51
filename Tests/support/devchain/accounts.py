"""What the genesis block holds: funded development accounts and the system contracts of the fork.

The keys are made up (the hash of a public phrase), so anybody can know them: they are worth nothing elsewhere.
"""

from dataclasses import dataclass

from eth.vm.forks.cancun.constants import BEACON_ROOTS_ADDRESS, BEACON_ROOTS_CONTRACT_CODE
from eth.vm.forks.prague.constants import HISTORY_STORAGE_ADDRESS, HISTORY_STORAGE_CONTRACT_CODE
from eth_keys import keys
from eth_utils import keccak

ETHER = 10**18
DEV_ACCOUNTS = 5
DEV_BALANCE = 10_000 * ETHER


@dataclass(frozen=True)
class DevAccount:
    private_key: bytes
    address: bytes


def dev_accounts():
    secrets = (keccak(text=f"teebridge development account {index}") for index in range(DEV_ACCOUNTS))
    return [DevAccount(secret, keys.PrivateKey(secret).public_key.to_canonical_address()) for secret in secrets]


def fill_genesis(state, funds):
    """Write the first balances (a mapping from address to wei) and the system contracts into an empty state."""
    for address, balance in funds.items():
        state.set_balance(address, balance)
    for address, code in (
        (BEACON_ROOTS_ADDRESS, BEACON_ROOTS_CONTRACT_CODE),
        (HISTORY_STORAGE_ADDRESS, HISTORY_STORAGE_CONTRACT_CODE),
    ):
        state.set_code(address, code)
        state.set_nonce(address, 1)
