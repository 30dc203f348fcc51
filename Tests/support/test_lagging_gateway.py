"""The gateway whose backends lag, with web3 as the judge of what it shows."""

import time
from contextlib import contextmanager

import pytest
from devchain.testing.bench import Bench, hash_of, raw_of
from web3 import Web3
from web3.exceptions import BlockNotFound, TransactionNotFound, Web3RPCError

from lagging_gateway import Backend, History, LaggingGateway

LAG = 0.6


@pytest.fixture
def bench():
    bench = Bench()
    yield bench
    bench.chain.stop()


@pytest.fixture
def still():
    """A chain that mines when it is asked to."""
    bench = Bench("--manual")
    yield bench
    bench.chain.stop()


@contextmanager
def gateway(bench, *backends, **options):
    with History(bench.chain.url) as history, LaggingGateway(history, *backends, **options) as node:
        node.web3 = Web3(Web3.HTTPProvider(node.url))
        yield node


def soon(ask, seconds: float = LAG):
    """What becomes of a question once nothing lags any longer; it did not so at once."""
    time.sleep(seconds + 0.1)
    return ask()


def test_a_backend_that_does_not_lag_shows_the_chain(bench):
    with gateway(bench, Backend()) as node:
        account, eth = bench.signers[0].address, node.web3.eth
        sent = eth.send_raw_transaction(raw_of(bench.sign(value=5)))
        direct = bench.web3.eth
        assert eth.get_transaction_receipt(sent) == direct.get_transaction_receipt(sent)
        assert eth.get_transaction(sent) == direct.get_transaction(sent)
        assert eth.get_block("latest", True) == direct.get_block("latest", True)
        assert eth.block_number == direct.block_number == 1
        for tag in ("latest", "pending", 0, 1):
            assert eth.get_transaction_count(account, tag) == direct.get_transaction_count(account, tag)
            assert eth.get_balance(account, tag) == direct.get_balance(account, tag)
        assert eth.fee_history(4, "latest") == direct.fee_history(4, "latest")
        with pytest.raises(BlockNotFound):
            eth.get_block(2)
        with pytest.raises(Web3RPCError, match="header not found"):
            eth.get_transaction_count(account, 2)


def test_a_head_that_lags_takes_all_along(bench):
    account = bench.signers[0].address
    with gateway(bench, Backend(head=LAG)) as node:
        eth = node.web3.eth
        sent = eth.send_raw_transaction(raw_of(bench.sign(value=5)))

        def shown():
            return eth.block_number, eth.get_block("latest").number, eth.get_transaction_count(account)

        balance = eth.get_balance(account)
        assert shown() == (0, 0, 0) and eth.get_transaction(sent)["blockNumber"] is None
        with pytest.raises(TransactionNotFound):
            eth.get_transaction_receipt(sent)
        assert soon(shown) == (1, 1, 1)
        assert eth.get_balance(account) < balance and eth.get_transaction(sent)["blockNumber"] == 1
        assert eth.get_transaction_receipt(sent)["blockNumber"] == 1
        assert [eth.get_transaction_count(account, number) for number in (0, 1)] == [0, 1]


def test_a_head_that_lags_counts_what_is_waiting_as_far_as_it_is_known(bench):
    account = bench.signers[0].address
    with gateway(bench, Backend(head=30)) as node:
        counts = [node.web3.eth.get_transaction_count(account, "pending")]
        node.web3.eth.send_raw_transaction(raw_of(bench.sign(value=5)))
        counts.append(node.web3.eth.get_transaction_count(account, "pending"))
        bench.send(value=4)
        counts.append(node.web3.eth.get_transaction_count(account, "pending"))
        assert counts == [0, 1, 1] and bench.web3.eth.get_transaction_count(account) == 2


@pytest.mark.parametrize("lags, shown", [
    ({"count": LAG}, (1, 0, True)), ({"receipts": LAG}, (1, 1, False)), ({"head": LAG, "count": 0}, (0, 1, False)),
    ({"head": LAG, "receipts": 0}, (0, 0, True)),
])
def test_count_and_receipts_lag_by_themselves(bench, lags, shown):
    account = bench.signers[0].address
    with gateway(bench, Backend(**lags)) as node:
        eth = node.web3.eth
        sent = eth.send_raw_transaction(raw_of(bench.sign(value=5)))

        def seen():
            try:
                has_receipt = eth.get_transaction_receipt(sent) is not None
            except TransactionNotFound:
                has_receipt = False
            return eth.block_number, eth.get_transaction_count(account), has_receipt

        assert seen() == shown
        assert soon(seen) == (1, 1, True)


def test_a_mempool_that_lags(still):
    account = still.signers[0].address
    with gateway(still, Backend(mempool=LAG)) as node:
        eth = node.web3.eth
        still.send(value=4)
        first = eth.send_raw_transaction(raw_of(still.sign(value=5)))
        with pytest.raises(TransactionNotFound):
            eth.get_transaction(first)
        # What others sent is known.
        assert eth.get_transaction_count(account, "pending") == 1
        assert soon(lambda: eth.get_transaction(first)["blockNumber"]) is None
        assert eth.get_transaction_count(account, "pending") == 2


def test_what_backends_do_with_transactions(still):
    signed = [still.sign(value=5, nonce=nonce) for nonce in range(4)]
    with gateway(still, Backend(drops=1), Backend(holds=LAG), Backend(repeats=1)) as node:
        send, direct = node.web3.eth.send_raw_transaction, still.web3.eth
        # The first turn is the second one's.
        assert send(raw_of(signed[0])).to_0x_hex() == hash_of(signed[0])
        with pytest.raises(TransactionNotFound):
            direct.get_transaction(hash_of(signed[0]))
        with pytest.raises(Web3RPCError, match="already known"):
            send(raw_of(signed[1]))
        assert direct.get_transaction(hash_of(signed[1]))
        assert send(raw_of(signed[2])).to_0x_hex() == hash_of(signed[2])
        assert soon(lambda: direct.get_transaction(hash_of(signed[0])))
        with pytest.raises(TransactionNotFound):
            direct.get_transaction(hash_of(signed[2]))
        node.faithful_nonces = {2}
        [send(raw_of(signed[2])) for _ in range(1)]
        assert node.raws == [raw_of(signed[place]) for place in (0, 1, 2, 2)]


@pytest.mark.parametrize("says, heard", [(None, "nonce too low"), ("replacement transaction underpriced",) * 2])
def test_a_gateway_that_hands_on_twice_tells_the_second_answer(bench, says, heard):
    with gateway(bench, Backend(repeats=1, says=says)) as node, pytest.raises(Web3RPCError, match=heard):
        node.web3.eth.send_raw_transaction(raw_of(bench.sign(value=5)))
    assert bench.web3.eth.get_transaction_count(bench.signers[0].address) == 1


def test_a_backend_that_lags_shows_what_was_undone(still):
    with gateway(still, Backend(), Backend(head=LAG)) as node:
        time.sleep(LAG)
        sent = still.send(value=5)
        still.mine()
        heads = [node.web3.eth.get_block("latest") for _ in range(2)]
        assert sorted(block["number"] for block in heads) == [0, 1]
        time.sleep(LAG + 0.1)
        still.rpc("dev_reorg", 1, {"drop": True})
        ask = {}
        for _ in range(2):
            block = node.web3.eth.get_block("latest")
            ask[block["number"]] = block["transactions"]
        assert ask == {1: [Web3.to_bytes(hexstr=sent)], 2: []}
        time.sleep(LAG + 0.1)
        assert [node.web3.eth.block_number for _ in range(2)] == [2, 2]


@pytest.mark.parametrize("splits", [False, True])
def test_a_batch_goes_to_one_backend_or_is_split(bench, splits):
    with gateway(bench, Backend(), Backend(head=30), splits_batches=splits) as node:
        bench.mine(3)
        seen = set()
        for _ in range(2):
            with node.web3.batch_requests() as batch:
                for _ in range(2):
                    batch.add(node.web3.eth.get_block("latest"))
                seen.add(tuple(sorted(block["number"] for block in batch.execute())))
    assert seen == ({(0, 3)} if splits else {(0, 0), (3, 3)})


def test_chance_follows_from_the_seed(bench):
    def heads(seed):
        with gateway(bench, Backend(), Backend(head=30), seed=seed, is_random=True) as node:
            bench.mine()
            return [node.web3.eth.block_number for _ in range(12)]

    first, same, other = heads(1), heads(1), heads(2)
    assert [number - first[0] for number in first] == [number - same[0] for number in same]
    assert len(set(first)) == 2 and [each - min(first) for each in first] != [each - min(other) for each in other]
