"""Blocks, transactions, receipts and logs in the JSON shapes of geth."""

from .encoding import data, lower_address, quantity
from .transactions import TYPE_DYNAMIC_FEE, TYPE_LEGACY


def header_view(block):
    header = block.header
    hidden = block.is_pending
    return {
        "hash": None if hidden else data(header.hash),
        "parentHash": data(header.parent_hash),
        "sha3Uncles": data(header.uncles_hash),
        "miner": None if hidden else lower_address(header.coinbase),
        "stateRoot": data(header.state_root),
        "transactionsRoot": data(header.transaction_root),
        "receiptsRoot": data(header.receipt_root),
        "logsBloom": data(header.bloom.to_bytes(256, "big")),
        "difficulty": quantity(header.difficulty),
        "number": quantity(header.block_number),
        "gasLimit": quantity(header.gas_limit),
        "gasUsed": quantity(header.gas_used),
        "timestamp": quantity(header.timestamp),
        "extraData": data(header.extra_data),
        "mixHash": data(header.mix_hash),
        "nonce": None if hidden else data(header.nonce),
        "baseFeePerGas": quantity(header.base_fee_per_gas),
        "withdrawalsRoot": data(header.withdrawals_root),
        "blobGasUsed": quantity(header.blob_gas_used),
        "excessBlobGas": quantity(header.excess_blob_gas),
        "parentBeaconBlockRoot": data(header.parent_beacon_block_root),
        "requestsHash": data(header.requests_hash),
    }


def block_view(block, full):
    if full:
        transactions = [mined_transaction_view(block, index) for index in range(len(block.transactions))]
    else:
        transactions = [data(transaction.hash) for transaction in block.transactions]
    return {
        **header_view(block),
        "size": quantity(block.encoded_size()),
        "transactions": transactions,
        "uncles": [],
        "withdrawals": [],
    }


def mined_transaction_view(block, index):
    transaction = block.transactions[index]
    if block.is_pending:
        return transaction_view(transaction)
    place = {
        "blockHash": data(block.hash),
        "blockNumber": quantity(block.number),
        "blockTimestamp": quantity(block.header.timestamp),
        "transactionIndex": quantity(index),
    }
    return transaction_view(transaction, place, transaction.price_at(block.base_fee))


def transaction_view(transaction, place=None, price=None):
    """A transaction with its place in the chain, or as it waits in the pool."""
    view = {
        "blockHash": None,
        "blockNumber": None,
        "blockTimestamp": None,
        "transactionIndex": None,
        **(place or {}),
        "from": lower_address(transaction.sender),
        "gas": quantity(transaction.gas),
        "gasPrice": quantity(transaction.max_fee_per_gas if price is None else price),
        "hash": data(transaction.hash),
        "input": data(transaction.data),
        "nonce": quantity(transaction.nonce),
        "to": lower_address(transaction.to) if transaction.to else None,
        "value": quantity(transaction.value),
        "type": quantity(transaction.type_id),
        "chainId": quantity(transaction.chain_id),
        "v": quantity(transaction.v),
        "r": quantity(transaction.r),
        "s": quantity(transaction.s),
    }
    if transaction.type_id != TYPE_LEGACY:
        view["accessList"] = [_access_entry(*entry) for entry in transaction.access_list]
        view["yParity"] = quantity(transaction.v)
    if transaction.type_id == TYPE_DYNAMIC_FEE:
        view["maxFeePerGas"] = quantity(transaction.max_fee_per_gas)
        view["maxPriorityFeePerGas"] = quantity(transaction.max_priority_fee_per_gas)
    return view


def _access_entry(address, slots):
    return {"address": lower_address(address), "storageKeys": [data(slot.to_bytes(32, "big")) for slot in slots]}


def receipt_view(block, index):
    transaction, receipt = block.transactions[index], block.receipts[index]
    first_log = sum(len(earlier.logs) for earlier in block.receipts[:index])
    return {
        "transactionHash": data(transaction.hash),
        "transactionIndex": quantity(index),
        "blockHash": data(block.hash),
        "blockNumber": quantity(block.number),
        "from": lower_address(transaction.sender),
        "to": lower_address(transaction.to) if transaction.to else None,
        "status": "0x1" if receipt.succeeded else "0x0",
        "type": quantity(receipt.type_id),
        "gasUsed": quantity(receipt.gas_used),
        "cumulativeGasUsed": quantity(receipt.cumulative_gas_used),
        "effectiveGasPrice": quantity(receipt.effective_gas_price),
        "contractAddress": lower_address(receipt.contract_address) if receipt.contract_address else None,
        "logs": [log_view(log, block, index, first_log + offset) for offset, log in enumerate(receipt.logs)],
        "logsBloom": data(receipt.bloom.to_bytes(256, "big")),
    }


def log_view(log, block, transaction_index, log_index):
    return {
        "address": lower_address(log.address),
        "topics": [data(topic) for topic in log.topics],
        "data": data(log.data),
        "blockNumber": quantity(block.number),
        "transactionHash": data(block.transactions[transaction_index].hash),
        "transactionIndex": quantity(transaction_index),
        "blockHash": data(block.hash),
        "blockTimestamp": quantity(block.header.timestamp),
        "logIndex": quantity(log_index),
        "removed": False,
    }
