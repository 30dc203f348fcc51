# pragma version 0.4.3
# What the tests of the development chain need of a contract: storage, logs, and every way to fail.

interface Self:
    def dive(): nonpayable

event Stored:
    key: indexed(uint256)
    sender: indexed(address)
    amount: uint256

amounts: public(HashMap[uint256, uint256])
size: public(uint256)

@deploy
def __init__(size: uint256):
    self.size = size

@external
def store(key: uint256, amount: uint256):
    self.amounts[key] = amount
    log Stored(key=key, sender=msg.sender, amount=amount)

@external
def clear(key: uint256):
    self.amounts[key] = 0

@external
def refuse():
    assert self.size == max_value(uint256), "not today"

@external
def refuse_by_name():
    raw_revert(method_id("NotToday()"))

@external
def panic():
    raw_revert(concat(method_id("Panic(uint256)"), convert(17, bytes32)))

@external
def needs_reserve():
    assert msg.gas > 300000, "keep more gas"
    self.amounts[0] += 1

@external
def waste():
    for i: uint256 in range(1000000):
        self.amounts[i] = i

@external
@view
def parent_hash() -> bytes32:
    return blockhash(block.number - 1)

@external
@view
def base_fee() -> uint256:
    return block.basefee

@external
def dive():
    extcall Self(self).dive()
