"""A chain with a client for tests: web3.py as the reader, eth-account as the signer."""

from functools import cache
from pathlib import Path

import pytest
from eth_account import Account
from vyper import compile_code
from web3 import Web3

from ..launcher import DevChain, RpcFailure

GWEI = 10**9
ETHER = 10**18
STRANGER = Web3.to_checksum_address("0x00000000000000000000000000000000000a11ce")
SAMPLE = Path(__file__).with_name("Sample.vy")


@cache
def compiled_sample():
    output = compile_code(SAMPLE.read_text(), output_formats=["bytecode", "abi"])
    return output["bytecode"], output["abi"]


class Bench:
    """A chain with a web3.py client and the development accounts as signers."""

    def __init__(self, *options):
        self.chain = DevChain(*options)
        self.rpc = self.chain.rpc
        self.web3 = Web3(Web3.HTTPProvider(self.chain.url))
        self.signers = [Account.from_key(account["privateKey"]) for account in self.chain.accounts]

    def sign(self, signer=0, **fields):
        account = self.signers[signer]
        transaction = {"chainId": self.chain.chain_id, "to": STRANGER, "value": 0, "gas": 21_000, **fields}
        if "gasPrice" not in transaction:
            transaction = {"maxFeePerGas": 4 * GWEI, "maxPriorityFeePerGas": GWEI, **transaction}
        if "nonce" not in transaction:
            transaction["nonce"] = int(self.rpc("eth_getTransactionCount", account.address, "pending"), 16)
        return account.sign_transaction(transaction)

    def send(self, signer=0, **fields):
        return self.send_signed(self.sign(signer, **fields))

    def send_signed(self, signed):
        return self.rpc("eth_sendRawTransaction", raw_of(signed))

    def receipt(self, transaction_hash):
        return self.rpc("eth_getTransactionReceipt", transaction_hash)

    def deploy(self, size=7):
        code, abi = compiled_sample()
        factory = self.web3.eth.contract(abi=abi, bytecode=code)
        data = factory.constructor(size).data_in_transaction
        receipt = self.receipt(self.send(to=b"", data=data, gas=2_000_000))
        assert receipt["status"] == "0x1"
        return self.web3.eth.contract(address=Web3.to_checksum_address(receipt["contractAddress"]), abi=abi)

    def invoke(self, contract, name, *arguments, signer=0, **fields):
        data = contract.encode_abi(name, list(arguments))
        return self.send(signer, to=contract.address, data=data, **{"gas": 400_000, **fields})

    def mine(self, count=1):
        return self.rpc("dev_mine", count)

    def refusal(self, signed):
        with pytest.raises(RpcFailure) as caught:
            self.send_signed(signed)
        assert caught.value.code == -32000
        return caught.value.message


def raw_of(signed):
    return "0x" + bytes(signed.raw_transaction).hex()


def hash_of(signed):
    return "0x" + bytes(signed.hash).hex()
