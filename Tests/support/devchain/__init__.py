"""A development chain for the tests: one process, JSON-RPC on the loopback interface, py-evm underneath.

The modules, from the bottom up (each uses only those above it):

    errors        the failures a JSON-RPC client can see
    encoding      hexadecimal quantities, data, addresses and block references of JSON-RPC
    accounts      the funded development accounts and the system contracts of the genesis block
    transactions  signed transactions: decoding, sender, intrinsic gas
    evm           executing a transaction or a call on a state
    blocks        headers, receipts, the tries over them, the base fee rule
    ledger        which blocks are canonical, and indexes over them
    queues        waiting transactions in order of nonce and of price
    mempool       which transactions may wait
    builder       making a block out of a parent and the transactions that wait
    node          the chain as a whole: sending, mining, reorganising, snapshots
    views, calls, estimates, fees, logs, proofs, pool_view, simulate
                  one group of read-only answers each
    arguments, eth_methods, dev_methods
                  the table of JSON-RPC methods
    stats, rpc, server, clock, program
                  counters, JSON-RPC envelopes, HTTP, mining at intervals, the life of the process

`launcher` stands apart: with it tests in Python start a chain and talk to it. `testing` holds what the tests of the
chain itself need: a web3.py client and judges that share no code with the chain.
"""
