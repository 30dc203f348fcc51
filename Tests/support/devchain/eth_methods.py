"""The methods that a public node has: web3_, net_, txpool_ and eth_."""

import time

from eth_utils import keccak

from .arguments import Method, Parameter
from .calls import Caller, parse_block_overrides, parse_call, parse_state_overrides
from .encoding import (
    LATEST,
    data,
    parse_address,
    parse_block,
    parse_block_number,
    parse_bool,
    parse_data,
    parse_hash,
    parse_list,
    parse_number,
    parse_object,
    parse_slot,
    quantity,
    word,
)
from .errors import SEND_SYNC_TIMEOUT, RpcError
from .estimates import Estimator
from .fees import Fees
from .logs import Logs
from .pool_view import pool_content, pool_status
from .proofs import account_proof, parse_storage_keys
from .simulate import Simulator
from .views import block_view, mined_transaction_view, receipt_view, transaction_view

CLIENT_VERSION = "teebridge-dev-chain/1.0 (py-evm, prague)"
SEND_SYNC_SECONDS = 20
MAX_SEND_SYNC_SECONDS = 60


class EthMethods:
    def __init__(self, node):
        self._node = node
        self._caller = Caller(node)
        self._estimator = Estimator(node, self._caller)
        self._fees = Fees(node)
        self._logs = Logs(node)
        self._simulator = Simulator(node)

    def table(self):
        block = Parameter(parse_block, LATEST)
        trial = (parse_call, block, Parameter(parse_state_overrides, {}), Parameter(parse_block_overrides, {}))
        methods = {
            "web3_clientVersion": Method(lambda: CLIENT_VERSION),
            "web3_sha3": Method(lambda payload: data(keccak(payload)), parse_data),
            "net_version": Method(lambda: str(self._node.settings.chain_id)),
            "net_listening": Method(lambda: True),
            "eth_chainId": Method(lambda: quantity(self._node.settings.chain_id)),
            "eth_blockNumber": Method(lambda: quantity(self._node.head.number)),
            "eth_syncing": Method(lambda: False),
            "eth_accounts": Method(list),
            "eth_getBalance": Method(self._balance, parse_address, block),
            "eth_getCode": Method(self._code, parse_address, block),
            "eth_getTransactionCount": Method(self._transaction_count, parse_address, block),
            "eth_getStorageAt": Method(self._storage, parse_address, parse_slot, block),
            "eth_getProof": Method(self._proof, parse_address, parse_storage_keys, block),
            "eth_getBlockByNumber": Method(self._block, parse_block_number, Parameter(parse_bool, False)),
            "eth_getBlockByHash": Method(self._block_by_hash, parse_hash, Parameter(parse_bool, False)),
            "eth_getBlockReceipts": Method(self._block_receipts, parse_block),
            "eth_getBlockTransactionCountByNumber": Method(self._count_in_block, parse_block_number),
            "eth_getTransactionByHash": Method(self._transaction, parse_hash),
            "eth_getTransactionReceipt": Method(self._receipt, parse_hash),
            "eth_getLogs": Method(self._logs.find, parse_object),
            "eth_call": Method(self._caller.run, *trial),
            "eth_estimateGas": Method(self._estimate, *trial),
            "eth_gasPrice": Method(lambda: quantity(self._fees.gas_price())),
            "eth_maxPriorityFeePerGas": Method(lambda: quantity(self._fees.suggested_tip())),
            "eth_feeHistory": Method(
                self._fees.history, parse_number, parse_block_number, Parameter(parse_list, [])
            ),
            "eth_sendRawTransaction": Method(lambda raw: data(self._node.send(raw)), parse_data),
            "txpool_status": Method(lambda: pool_status(self._node)),
            "txpool_content": Method(lambda: pool_content(self._node)),
        }
        if self._node.settings.simulate:
            methods["eth_simulateV1"] = Method(self._simulator.run, parse_object, block)
        if self._node.settings.send_sync:
            timeout = Parameter(parse_number, SEND_SYNC_SECONDS * 1000)
            methods["eth_sendRawTransactionSync"] = Method(self._send_sync, parse_data, timeout)
        return methods

    def _state(self, ref):
        return self._node.state_of(self._node.existing_block(ref))

    def _balance(self, address, ref):
        return quantity(self._state(ref).get_balance(address))

    def _code(self, address, ref):
        return data(self._state(ref).get_code(address))

    def _storage(self, address, slot, ref):
        return word(self._state(ref).get_storage(address, slot))

    def _transaction_count(self, address, ref):
        if ref.tag == "pending":
            return quantity(self._node.pending_nonce(address))
        return quantity(self._state(ref).get_nonce(address))

    def _proof(self, address, keys, ref):
        return account_proof(self._node, address, keys, ref)

    def _estimate(self, call, ref, state_overrides, block_overrides):
        return quantity(self._estimator.run(call, ref, state_overrides, block_overrides))

    def _block(self, ref, full):
        block = self._node.block(ref)
        return block_view(block, full) if block else None

    def _block_by_hash(self, block_hash, full):
        block = self._node.ledger.by_hash(block_hash)
        return block_view(block, full) if block else None

    def _block_receipts(self, ref):
        block = self._node.block(ref)
        if block is None or block.is_pending:
            return None
        return [receipt_view(block, index) for index in range(len(block.transactions))]

    def _count_in_block(self, ref):
        block = self._node.block(ref)
        return quantity(len(block.transactions)) if block else None

    def _transaction(self, transaction_hash):
        with self._node.lock:
            place = self._node.ledger.find_transaction(transaction_hash)
            waiting = self._node.pool.get(transaction_hash)
        if place:
            return mined_transaction_view(*place)
        return transaction_view(waiting) if waiting else None

    def _receipt(self, transaction_hash):
        with self._node.lock:
            place = self._node.ledger.find_transaction(transaction_hash)
        return receipt_view(*place) if place else None

    def _send_sync(self, raw, milliseconds):
        transaction_hash = self._node.send(raw)
        deadline = time.monotonic() + min(milliseconds / 1000, MAX_SEND_SYNC_SECONDS)
        with self._node.changed:
            while not self._node.ledger.find_transaction(transaction_hash):
                if not self._node.changed.wait(max(deadline - time.monotonic(), 0)):
                    raise RpcError(
                        SEND_SYNC_TIMEOUT,
                        "The transaction was added to the transaction pool but wasn't processed in "
                        f"{milliseconds} ms",
                        data(transaction_hash),
                    )
            return self._receipt(transaction_hash)
