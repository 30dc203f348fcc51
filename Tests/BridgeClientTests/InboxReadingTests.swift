import EthereumNode
import Failures
import FakeNode
import JSON
import LoopbackServer
import Primitives
import Synchronization
import TEEBridge
import TestSupport
import TestVectors
import Testing

@testable import BridgeClient

private let member = Bytes32(checked: [UInt8](repeating: 0x33, count: 32))

/// A payload of so many bytes, which no other length begins with.
private func payload(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(($0 &+ count) & 0xFF) } }

private func fingerprint(_ index: UInt64, _ payload: [UInt8]) -> MessageFingerprint {
    MessageFingerprint(index: index, from: UInt256(index + 1).word, count: UInt64(payload.count), start: payload)
}

/// What came of the messages of an inbox.
private struct Reading {
    var messages: [(index: UInt64, from: Bytes32, payload: [UInt8], fingerprint: MessageFingerprint)] = []
    var unread: [UInt64: BridgeClientError] = [:]
}

extension BridgeClient {
    /// The messages from an index on, at one poll.
    ///
    /// - Parameter fingerprint: a message that must stand: else what stands in its place is an error.
    fileprivate func read(from first: UInt64 = 0, after fingerprint: MessageFingerprint? = nil) throws -> Reading {
        let snapshot = try poll(member, for: fingerprint, beyond: first)
        if let fingerprint, snapshot.fingerprint != fingerprint || snapshot.count < first {
            throw snapshot.count < first ? Gone.shorter(snapshot.count) : Gone.replaced(snapshot.fingerprint)
        }
        var reading = Reading()
        var next = first
        while next < snapshot.count {
            let asked = Array(next..<(next + min(80, snapshot.count - next)))
            for entry in try snapshot.read(asked, fingerprint) {
                #expect(entry.fingerprint.index == next)
                switch entry.payload {
                case .success(let payload): reading.messages.append((next, entry.from, payload, entry.fingerprint))
                case .failure(let reason): reading.unread[next] = reason
                }
                next += 1
            }
        }
        return reading
    }
}

/// What a poll found of a message that is no more there.
private enum Gone: Error, Equatable {
    case replaced(MessageFingerprint?)
    case shorter(UInt64)
}

@Suite(.timeLimit(.minutes(1))) struct StoredInboxTests {
    @Test("payloads of every form are read from storage, in their order", arguments: [true, false])
    func forms(takesBatches: Bool) throws {
        let payloads = [0, 1, 31, 32, 33, 64, 97, 5000, 20_000, 8, 111].map(payload)
        var fake = FakeBridge().withStoredInbox(of: member, payloads)
        fake.takesBatches = takesBatches
        try fake.run { fake, client throws in
            let messages = try client.read().messages
            #expect(messages.map(\.payload) == payloads)
            #expect(messages.map(\.index) == Array(0..<UInt64(payloads.count)))
            #expect(messages.map(\.from) == messages.map { UInt256($0.index + 1).word })
        }
    }

    @Test("what is new costs requests, and nothing else does", arguments: [10, 1000, 100_000, UInt64.max - 1])
    func costs(count: UInt64) throws {
        var fake = FakeBridge().withStoredInbox(of: member, count: count)
        for index in (count - 5)..<count { fake.store(payload(111), at: index, of: member) }
        let last = fingerprint(count - 1, payload(111))
        try fake.run { fake, client throws in
            #expect(try client.read(from: count, after: last).messages.isEmpty)
            #expect(fake.server.requests.count == 1)
            // Seven words, and three answers that are no longer: less than a kilobyte.
            #expect(fake.methods.count == 10)
            #expect(fake.methods.filter { $0 == "eth_getStorageAt" }.count == 7)
            #expect(try client.read(from: count, after: last).messages.isEmpty)
            #expect(fake.server.requests.count == 2)
            // The size, three words of the last message, the newest block, the chain: how it is read is known now.
            #expect(fake.methods.suffix(6).filter { $0 == "eth_getStorageAt" }.count == 4)
            #expect(try client.read(from: count - 5).messages.map(\.index) == Array((count - 5)..<count))
            #expect(fake.server.requests.count == 5)
            #expect(!fake.calls.contains { $0.request?["data"]?.string?.hasPrefix("0x762e99ca") == true })
        }
    }

    @Test func `a request asks for a hundred things at most`() throws {
        let payloads = (0..<200).map { payload(90 + $0) } + [payload(30_000)]
        try FakeBridge().withStoredInbox(of: member, payloads).run { fake, client throws in
            #expect(try client.read().messages.map(\.payload) == payloads)
            let sizes = fake.server.requests.map { (try? JSONParser.parse($0.body))?.array?.count ?? 0 }
            #expect(sizes.max() ?? 0 <= 100)
            // Some 2,600 words, and the whole costs hardly more than their number asks for.
            #expect(sizes.count < 40)
        }
    }

    @Test func `a size that is none, or too large to read, spoils its own message alone`() throws {
        var fake = FakeBridge().withStoredInbox(of: member, [8, 8, 8, 8, 8].map(payload))
        func size(_ index: UInt64) -> Bytes32 {
            StorageLayout.solidity.message(index, of: member).advanced(by: 1).word
        }
        fake.storage?[size(0)] = Bytes32(checked: [UInt8](repeating: 0xFF, count: 32))
        fake.storage?[size(2)] = UInt256(UInt64(65_537 * 2 + 1)).word
        fake.storage?[size(3)] = UInt256(64).word
        try fake.run { _, client throws in
            let reading = try client.read()
            #expect(reading.messages.map(\.index) == [1, 4])
            #expect(
                reading.unread == [
                    0: .unknownLayout(bridge), 2: .payloadTooLarge(count: 65_537, limit: 65_536),
                    3: .unknownLayout(bridge),
                ])
        }
    }

    @Test func `what cannot be read has a fingerprint, by which a poll knows it again`() throws {
        var fake = FakeBridge().withStoredInbox(of: member, [8, 70_000, 8].map(payload))
        func size(_ index: UInt64) -> Bytes32 {
            StorageLayout.solidity.message(index, of: member).advanced(by: 1).word
        }
        fake.storage?[size(0)] = Bytes32(checked: [UInt8](repeating: 0xFF, count: 32))
        try fake.run { _, client throws in
            let snapshot = try client.poll(member, for: nil, beyond: 0)
            var entries: [InboxEntry] = []
            while entries.count < 3 {
                entries += try snapshot.read(
                    Array(UInt64(entries.count)..<3), entries.last?.fingerprint)
            }
            #expect(entries[1].fingerprint == fingerprint(1, payload(70_000)))
            for entry in entries {
                #expect(try client.poll(member, for: entry.fingerprint, beyond: 3).fingerprint == entry.fingerprint)
            }
        }
        // Another sender, another size that is none: another fingerprint.
        let first = try fake.run { _, client in try client.poll(member, for: fingerprint(0, []), beyond: 3).fingerprint
        }
        fake.storage?[size(0)] = Bytes32(checked: [UInt8](repeating: 0xFE, count: 31) + [0xFF])
        let second = try fake.run { _, client in try client.poll(member, for: fingerprint(0, []), beyond: 3).fingerprint
        }
        #expect(first != nil && second != nil && first != second)
    }

    @Test("a batch is of a chain in which the message before it stands", arguments: [true, false])
    func mixedChains(isStored: Bool) throws {
        let fake =
            isStored ? FakeBridge().withStoredInbox(of: member, [5, 6].map(payload)) : FakeBridge().withInbox(count: 2)
        try fake.run { _, client throws in
            let snapshot = try client.poll(member, for: nil, beyond: 0)
            let before = try #require(snapshot.read([0], nil).first).fingerprint
            #expect(try snapshot.read([1], before).map(\.fingerprint.index) == [1])
            #expect(throws: BridgeClientError.changedMeanwhile(index: 0)) {
                try snapshot.read([1], fingerprint(0, payload(9)))
            }
        }
    }

    @Test("the limit of a payload holds however messages are read", arguments: [true, false])
    func maxPayload(isStored: Bool) throws {
        let fake =
            isStored
            ? FakeBridge().withStoredInbox(of: member, [1, 2, 1].map(payload)) : FakeBridge().withInbox(count: 11)
        try withFakeNode({ fake.answer($0) }) { _, node throws in
            let client = BridgeClient(node, bridge: bridge, chainId: nil, maxPayload: 1)
            let reading = try client.read()
            let tooLong: UInt64 = isStored ? 1 : 10
            #expect(reading.unread == [tooLong: .payloadTooLarge(count: 2, limit: 1)])
            #expect(reading.messages.count == (isStored ? 2 : 10))
        }
    }

    @Test func `a message that changes between two requests is not made of both`() throws {
        let fake = FakeBridge().withStoredInbox(of: member, [payload(100)])
        let changed = FakeBridge().withStoredInbox(of: member, [payload(80)])
        try withFakeNode { call in
            // The poll has three words, and one request more asks for the size.
            call.method == "eth_getStorageAt" && call.ordinal > 2 ? changed.answer(call) : fake.answer(call)
        } _: { _, node throws in
            let client = BridgeClient(node, bridge: bridge, chainId: nil)
            let error = #expect(throws: BridgeClientError.changedMeanwhile(index: 0)) { try client.read() }
            #expect(error?.kind == .serviceFailed)
        }
    }

    @Test func `an inbox is empty only if its member is where the layout has it`() throws {
        var fake = FakeBridge().withStoredInbox(of: member, [])
        try fake.run { fake, client throws in
            #expect(try client.read().messages.isEmpty)
            #expect(fake.server.requests.count == 1)
        }
        // A member, and nothing of it in the storage: only the contract itself knows where its messages are.
        fake.storage = [:]
        #expect(throws: BridgeClientError.self) { try fake.run { _, client in try client.read() } }
        // So it is asked, again and again, and whether the last message stands is seen as well.
        let answer = try TestVectors.load("teebridge.json").object("answers").string("getOnboarding")
        try fake.with(TEEBridge.getOnboarding, .text(answer)).run { fake, client throws in
            let messages = try client.read().messages
            #expect(messages.count == 2)
            #expect(fake.server.requests.count == 2)
            for last in messages {
                #expect(try client.read(from: 2, after: last.fingerprint).messages.isEmpty)
                #expect(throws: Gone.replaced(last.fingerprint)) {
                    try client.read(from: 2, after: fingerprint(last.index, payload(7)))
                }
            }
            #expect(fake.server.requests.count == 10)
            #expect(throws: Gone.shorter(2)) { try client.read(from: 3, after: messages[0].fingerprint) }
        }
        // Nobody's inbox is empty.
        let nobody = fake.with(TEEBridge.isMember, .text(Bytes32.zero.hex))
        #expect(try nobody.run { _, client in try client.read().messages.isEmpty })
    }
}

@Suite(.timeLimit(.minutes(1))) struct FingerprintTests {
    private static let payloads = [5, 100, 40].map(payload)

    @Test("the last message stands, or another is in its place", arguments: [0, 1, 2] as [UInt64])
    func stands(index: UInt64) throws {
        let fake = FakeBridge().withStoredInbox(of: member, Self.payloads)
        let mark = BridgeClientTests.fingerprint(index, Self.payloads[Int(index)])
        #expect(
            try fake.run { _, client in try client.read(from: index + 1, after: mark).messages.count } == Int(2 - index)
        )
        for spoilt in [payload(6), payload(41), payload(101), Array(payload(100).reversed())] {
            var other = fake
            other.store(spoilt, at: index, of: member)
            let there = BridgeClientTests.fingerprint(index, spoilt)
            #expect(throws: Gone.replaced(there)) {
                try other.run { _, client in try client.read(from: index + 1, after: mark) }
            }
        }
        var other = fake
        other.storage?[StorageLayout.solidity.message(index, of: member).word] = UInt256(99).word
        let error = #expect(throws: Gone.self) {
            try other.run { _, client in try client.read(from: index + 1, after: mark) }
        }
        guard case .replaced(let found?) = error else { return unexpected(error) }
        #expect(found != mark)
    }

    @Test("fewer messages than were read are told", arguments: [0, 1, 2])
    func shorter(count: Int) throws {
        let fake = FakeBridge().withStoredInbox(of: member, Array(Self.payloads.prefix(count)))
        let mark = BridgeClientTests.fingerprint(2, Self.payloads[2])
        #expect(throws: Gone.shorter(UInt64(count))) {
            try fake.run { _, client in try client.read(from: 3, after: mark) }
        }
    }

    @Test("a contract that gives its messages is asked for its words, or for the message", arguments: [true, false])
    func called(showsStorage: Bool) throws {
        var fake = FakeBridge().withInbox(count: 3)
        if showsStorage {
            let slots = StorageLayout.vyper.fingerprintSlots(1, of: member).map(\.word)
            fake.storage = [
                slots[0]: UInt256(2).word, slots[1]: UInt256(1).word,
                slots[2]: Bytes32(checked: Array("1".utf8) + [UInt8](repeating: 0, count: 31)),
            ]
        }
        let payload = Array("1".utf8)
        let (last, other) = (fingerprint(1, payload), fingerprint(1, Array("2".utf8)))
        try fake.run { fake, client throws in
            #expect(try client.read(from: 2, after: last).messages.map(\.index) == [2])
            #expect(fake.server.requests.count == (showsStorage ? 2 : 3))
            #expect(throws: Gone.replaced(last)) { try client.read(from: 2, after: other) }
            #expect(throws: Gone.shorter(3)) { try client.read(from: 5, after: last) }
        }
    }

    @Test func `a fingerprint does not depend on the layout`() throws {
        let words = [
            UInt256(1).word, UInt256(40).word, Bytes32(checked: Array(payload(40).prefix(32))),
        ]
        #expect(StorageLayout.vyper.fingerprint(0, of: member, words[...]) == fingerprint(0, payload(40)))
        #expect(fingerprint(0, payload(31)) != fingerprint(0, payload(31) + [0]))
    }
}

@Suite(.timeLimit(.minutes(1))) struct BlockSelectorTests {
    /// The blocks that storage was read of, and the messages that were found where block 100 is the newest and one
    /// message comes with each.
    private func read(_ block: BlockSelector) throws -> (blocks: [String], count: Int, requests: Int) {
        let full = FakeBridge().withStoredInbox(of: member, (0..<100).map { _ in payload(8) })
        let size = StorageLayout.solidity.inboxSize(of: member).word.hex
        return try withFakeNode { call in
            let block = call.parameters.last?.string ?? ""
            guard call.parameters.dropFirst().first?.string == size, block.hasPrefix("0x") else {
                return full.answer(call)
            }
            return .text(((try? UInt256(quantity: block)) ?? 0).word.hex)
        } _: { fake, node throws in
            let client = BridgeClient(node, bridge: bridge, chainId: nil, block: block)
            let count = try client.read(from: 90).messages.count
            var blocks = fake.calls.filter { $0.method == "eth_getStorageAt" }.compactMap { $0.parameters.last?.string }
            blocks = blocks.reduce(into: []) { if $0.last != $1 { $0.append($1) } }
            return (blocks, count, fake.server.requests.count)
        }
    }

    @Test(
        "all is read after the block that was chosen",
        arguments: [
            (.latest, ["latest", "0x64"], 10, 3), (.newest(confirmations: 0), ["latest", "0x64"], 10, 3),
            (.newest(confirmations: 3), ["latest", "0x62"], 8, 4),
            (.newest(confirmations: 20), ["latest", "0x51"], 0, 2),
            (.newest(confirmations: .max), ["latest", "0x0"], 0, 2), (.safe, ["safe"], 10, 3),
            (.finalized, ["finalized"], 10, 3),
        ] as [(BlockSelector, [String], Int, Int)])
    func blocks(block: BlockSelector, blocks: [String], count: Int, requests: Int) throws {
        let read = try read(block)
        #expect(read.blocks == blocks)
        #expect(read.count == count)
        #expect(read.requests == requests)
    }

    @Test func `a node that takes over is of the same chain, or is refused`() throws {
        let fake = FakeBridge().withStoredInbox(of: member, [payload(5)])
        let isOther = Mutex(false)
        try withFakeNode { call in
            call.method == "eth_chainId" && isOther.withLock { $0 } ? .text("0x1") : fake.answer(call)
        } _: { _, node throws in
            let client = BridgeClient(node, bridge: bridge, chainId: nil)
            #expect(try client.chain() == 8453)
            isOther.withLock { $0 = true }
            #expect(throws: BridgeClientError.wrongChain(expected: 8453, actual: 1)) { try client.read() }
        }
    }
}
