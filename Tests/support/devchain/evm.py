"""Running one message on a state: the only module that drives py-evm's executor.

`execute` takes a signed `Transaction` or the unsigned message of a call: whatever has `sender`, `to`, `value`, `data`,
`gas`, fees and an access list. Whether the sender may do this is for the caller to check beforehand.
"""

from dataclasses import dataclass

from eth._utils.address import generate_contract_address
from eth.exceptions import (
    ContractCreationCollision,
    InsufficientStack,
    InvalidInstruction,
    InvalidJumpDestination,
    OutOfGas,
    Revert,
    StackDepthLimit,
    WriteProtection,
)
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.prague.state import PragueState

from .memo import RememberingAccounts

ERROR_TEXTS = (
    (Revert, "execution reverted"),
    (OutOfGas, "out of gas"),
    (InvalidJumpDestination, "invalid jump destination"),
    (InsufficientStack, "stack underflow"),
    (WriteProtection, "write protection"),
    (ContractCreationCollision, "contract address collision"),
    (StackDepthLimit, "max call depth exceeded"),
    (InvalidInstruction, "invalid opcode: INVALID"),
)


class ChainState(PragueState):
    """A Prague state that leaves the system contracts to the genesis block instead of writing them at each use."""

    account_db_class = RememberingAccounts

    def set_system_contracts(self):
        pass


@dataclass(frozen=True)
class LogEntry:
    address: bytes
    topics: tuple
    data: bytes


@dataclass(frozen=True)
class Outcome:
    """What became of a message. `gas_spent` is `gas_used` before refunds."""

    gas_used: int
    gas_spent: int
    output: bytes
    error: Exception | None
    logs: tuple
    created: bytes | None

    @property
    def succeeded(self):
        return self.error is None

    @property
    def reverted(self):
        return isinstance(self.error, Revert)

    @property
    def error_text(self):
        for kind, text in ERROR_TEXTS:
            if isinstance(self.error, kind):
                return text
        return str(self.error)


def execution_context(header, ancestor_hashes, chain_id, base_fee=None):
    return ExecutionContext(
        coinbase=header.coinbase,
        timestamp=header.timestamp,
        block_number=header.block_number,
        difficulty=header.difficulty,
        mix_hash=header.mix_hash,
        gas_limit=header.gas_limit,
        prev_hashes=ancestor_hashes,
        chain_id=chain_id,
        base_fee_per_gas=header.base_fee_per_gas if base_fee is None else base_fee,
        excess_blob_gas=header.excess_blob_gas,
    )


def execute(state, message):
    """Apply the message to the state, fees, nonce and refunds included."""
    nonce = state.get_nonce(message.sender)
    executor = state.get_transaction_executor()
    computation = executor.build_computation(executor.build_evm_message(message), message)
    executor.finalize_computation(message, computation)
    state.clear_transient_storage()
    state.lock_changes()
    return _outcome(executor, message, computation, nonce)


def _outcome(executor, message, computation, nonce):
    spent = message.gas - computation.get_gas_remaining()
    refund = executor.calculate_gas_refund(computation, spent)
    error = computation.error if computation.is_error else None
    return Outcome(
        gas_used=spent - refund + computation.data_floor_gas,
        gas_spent=spent,
        output=computation.output,
        error=error,
        logs=tuple(_log_entry(*entry) for entry in computation.get_log_entries()),
        created=None if message.to else generate_contract_address(message.sender, nonce),
    )


def _log_entry(address, topics, payload):
    return LogEntry(address, tuple(topic.to_bytes(32, "big") for topic in topics), payload)
