"""An Ethereum machine in this process, with no node, blocks or waiting.

Transactions run by py-evm's Prague rules on one state that is gone with the test.
Unlike a node's answer, a result holds everything a test may judge: return or revert
bytes as they are, gas used and logs; and any word of storage can be read.
"""

from dataclasses import dataclass

from eth import constants
from eth.chains.base import MiningChain
from eth.consensus import NoProofConsensus
from eth.db.atomic import AtomicDB
from eth.vm.forks import PragueVM
from eth.vm.spoof import SpoofTransaction
from eth_utils import to_canonical_address

GAS_LIMIT = 2**40
FUNDS = 10**30
GAS_PRICE = 10**10


@dataclass(frozen=True)
class Log:
    address: bytes
    topics: list[bytes]
    data: bytes


@dataclass(frozen=True)
class Result:
    """Outcome of a transaction; `output` is the revert data if it failed."""

    success: bool
    output: bytes
    gas_used: int
    logs: list[Log]
    contract: bytes


class Evm:
    def __init__(self, accounts: list[str]):
        rules = MiningChain.configure(
            "TestChain",
            vm_configuration=((constants.GENESIS_BLOCK_NUMBER, PragueVM),),
            consensus_context_class=NoProofConsensus,
            chain_id=1,
        )
        account = {"balance": FUNDS, "nonce": 0, "code": b"", "storage": {}}
        genesis = {
            "difficulty": 0,
            "gas_limit": GAS_LIMIT,
            "timestamp": 1_700_000_000,
        }
        state = {to_canonical_address(address): account for address in accounts}
        self._chain = rules.from_genesis(AtomicDB(), genesis, state)
        self._vm = self._chain.get_vm()
        self.timestamp = self._vm.state.timestamp

    @property
    def _state(self):
        return self._vm.state

    def send(self, sender: str, to: bytes, data: bytes = b"", value: int = 0,
             gas: int = 2**30) -> Result:
        """Run a transaction and keep what it changes; `to` b"" makes a contract."""
        result = self._run(sender, to, data, value, gas)
        self._state.lock_changes()
        return result

    def call(self, sender: str, to: bytes, data: bytes) -> Result:
        """Run a transaction and undo what it changed."""
        snapshot = self._state.snapshot()
        result = self._run(sender, to, data, 0, 2**30)
        self._state.revert(snapshot)
        return result

    def _run(self, sender: str, to: bytes, data: bytes, value: int, gas: int) -> Result:
        origin = to_canonical_address(sender)
        before = self._state.get_balance(origin)
        unsigned = self._vm.create_unsigned_transaction(
            nonce=self._state.get_nonce(origin), gas_price=GAS_PRICE, gas=gas, to=to,
            value=value, data=data,
        )
        computation = self._state.apply_transaction(SpoofTransaction(unsigned, from_=origin))
        paid = before - self._state.get_balance(origin)
        return Result(
            success=computation.is_success,
            output=computation.output,
            gas_used=(paid - (value if computation.is_success else 0)) // GAS_PRICE,
            logs=[_log(*entry) for entry in computation.get_log_entries()],
            contract=computation.msg.storage_address,
        )

    def code(self, address: bytes) -> bytes:
        return self._state.get_code(address)

    def storage(self, address: bytes, slot: int) -> int:
        return self._state.get_storage(address, slot)


def _log(address: bytes, topics: tuple[int, ...], data: bytes) -> Log:
    return Log(address, [topic.to_bytes(32, "big") for topic in topics], data)
