import Dstack
import ProofLog
import Testing

/// What gets into a line between the CVM and the reader, and must not cost the proof.
@Suite struct RepairTests {
    /// What may land in the middle of an object, wherever that is.
    static let interruptions = [
        "[vmm heartbeat]\n",
        "[vmm heartbeat]\r\n",
        "[vmm heartbeat]\n[vmm heartbeat]\n",
        "\n",
        "\r\n",
        "\n[   41.747276] virtio_net virtio0 eth0: renamed from ens3\n",
        "\r\n[   41.747276] usb 1-1: new {device} \"x\"\r\n",
        "[   12.345678] usb 1-1: new device\n",
        "[12345.678901] usb 1-1: {new \"device\n[12345.678902] usb 1-1: }\n",
        "[   12.345678][    T1] usb 1-1: new device\r\n",
        "\u{1B}[32m[   12.345678] \u{1B}[0musb 1-1: new device\n",
        "\n[   41.747276] app-compose.sh[768]:  Container dstack-kms-1  Starting\n",
        "\n[   41.7] app-compose.sh[768]: \"\n",
        "[   41.747276] app-compose.sh[768]: level=warning msg=\"The \\\"X\\\" variable is not set. }\"\n",
        "\napp-compose.sh[747]: time=\"2025-08-17T17:49:26Z\" level=warning msg=\"The \\\"X\\\" variable\"\n",
        "\n Container dstack-kms-1  Created\n Container dstack-kms-1  Started\n",
        "\n[  OK  ] Finished App Compose Service.\n         Starting Other Service...\n",
        "[  OK  ] Finished App Compose Service.\n",
        "[\u{1B}[0;32m  OK  \u{1B}[0m] Finished App Compose Service.\r\n",
        "         Starting Other Service...\n",
        "\nbr-1df48b1c448a: port 2(veth36ab5cb) entered forwarding state\n",
        "\n<failed to read line: stream did not contain valid UTF-8>\n",
        "\n\n===== boot @ 2025-11-20T10:00:00Z =====\n",
        "[   12.345678] usb 1-1: new [vmm heartbeat]\ndevice\n",
        "[   12.345678] usb 1-1: new device\n[vmm heartbeat]\n",
        "\n\u{FFFD}\u{FFFD}[   12.345678] usb 1-1: new device\n",
        "\0", "\0\0\0\r", "\u{1B}[0m", "\u{1B}[0;1;38;5;185m", "\u{1B}[?25l\u{1B}[K", "\u{1B}]0;title\u{07}",
        "\u{1B}]8;;http://x\u{1B}\\", "\u{1B}(B", "\u{1B}7", "\u{1B}P+q544e\u{1B}\\", "\u{07}\u{08}\u{7F}\t",
    ]

    @Test(arguments: interruptions)
    func whatLandsInsideTheObjectIsLeftOut(_ interruption: String) throws {
        let line = try SerialLog.line()
        let proof = try SerialLog.proof()
        for offset in stride(from: 12, to: line.utf8.count, by: 31) {
            let log = SerialLog.boot + line.inserting(interruption, at: offset) + "\r\n" + SerialLog.boot
            #expect(SerialLog.proofs(log) == [proof], "offset \(offset)")
        }
    }

    @Test(arguments: interruptions)
    func whatLandsInFrontOfTheObjectOrBehindItIsLeftOut(_ interruption: String) throws {
        let line = try SerialLog.line()
        let proof = try SerialLog.proof()
        for offset in [0, 11, line.utf8.count] {
            #expect(SerialLog.proofs(line.inserting(interruption, at: offset)) == [proof], "offset \(offset)")
        }
    }

    /// Not every document has the published members alone, so what looks foreign may still belong to it.
    @Test(arguments: [
        "[vmm heartbeat]\n", "[   12.345678] usb 1-1: new [vmm heartbeat]\ndevice\n", "\r\n", "\u{1B}[0m\r\n",
        "\n[   41.747276] app-compose.sh[768]:  Container dstack-kms-1  Starting\n",
        "[   12.345678] usb 1-1: {new \"device\n",
    ])
    func whatLandsInsideAnObjectWithOtherMembersIsLeftOut(_ interruption: String) throws {
        let note = #""note": "https://x.y/?a=b  (dstack-0.5.4) [é] \"}{\" \\", "#
        let line = try SerialLog.line().replacing("{\"code_id\"", with: "{\(note)\"code_id\"")
        let proof = try SerialLog.proof()
        #expect(SerialLog.proofs(line) == [proof])
        for offset in stride(from: 12, to: line.utf8.count, by: 31) {
            #expect(SerialLog.proofs(line.inserting(interruption, at: offset)) == [proof], "offset \(offset)")
        }
    }

    @Test func twoInterruptionsOfOneObjectAreLeftOut() throws {
        let line = try SerialLog.line()
        let proof = try SerialLog.proof()
        var numbers = SeededNumbers(state: 1)
        for _ in 0..<40 {
            let offsets = (0..<2).map { _ in Int.random(in: 12..<line.utf8.count, using: &numbers) }.sorted(by: >)
            let stamped = offsets.reduce(line) { text, offset in
                text.inserting("\n[   41.747276] usb 1-1: \"{\n", at: offset)
            }
            #expect(SerialLog.proofs(stamped) == [proof], "offsets \(offsets)")
            let mixed = line.inserting("[vmm heartbeat]\n", at: offsets[0])
                .inserting("\r\n[   41.747276] app-compose.sh[768]:  Container x  Starting\r\n", at: offsets[1])
            #expect(SerialLog.proofs(mixed) == [proof], "offsets \(offsets)")
        }
    }

    @Test(arguments: [12, 40, 80, 100, 120, 132, 255], ["\n", "\r\n", "\r\r\n", "\r", "\u{1B}[K\r\n"])
    func wrappedLinesAreJoined(_ columns: Int, _ end: String) throws {
        let log = try SerialLog.line().wrapped(at: columns, with: end)
        #expect(SerialLog.proofs(log + "\n") == [try SerialLog.proof()])
    }

    @Test(arguments: [80, 120])
    func wrappedLinesThatAreInterruptedAreJoined(_ columns: Int) throws {
        let lines = try SerialLog.line().wrapped(at: columns, with: "\r\n").split(separator: "\r\n")
        for place in 1..<lines.count {
            var log = lines.map(String.init)
            log.insert("app-compose.sh[768]:  Container dstack-kms-1  Started", at: place)
            log.insert("[   41.747276] usb 1-1: new \"device", at: place)
            #expect(SerialLog.proofs(log.joined(separator: "\r\n")) == [try SerialLog.proof()], "line \(place)")
        }
    }

    @Test(arguments: ["[   41.747276] app-compose.sh[768]: ", "app-compose.sh[768]: ", "[   41.747276] ", "    "])
    func anObjectOnSeveralLinesMayHaveAPrefixBeforeEach(_ prefix: String) throws {
        let text = try "PROOF_JSON=" + SerialLog.pretty(SerialLog.documents()[0])
        let log = prefix + text.split(separator: "\n").joined(separator: "\n" + prefix) + "\n"
        #expect(SerialLog.proofs(log) == [try SerialLog.proof()])
    }

    @Test func aLineInsideAJSONStringIsUnescaped() throws {
        let escaped = try SerialLog.line().split(separator: "\"", omittingEmptySubsequences: false)
            .joined(separator: "\\\"")
        let log = "{\"channel\":\"stdout\",\"message\":\"\(escaped)\\n\"}\n"
        #expect(SerialLog.proofs(log) == [try SerialLog.proof()])
    }

    @Test(arguments: [0x1B, 0x80, 0x9B, 0xC2, 0xFF] as [UInt8])
    func strayBytesAreLeftOut(_ stray: UInt8) throws {
        let line = Array(try SerialLog.line().utf8)
        let proof = try SerialLog.proof()
        // An escape byte in front of what could be a sequence's letter takes that with it: not in front of digits.
        for offset in stride(from: 40, to: 80, by: 5) where stray != 0x1B || !"78c".utf8.contains(line[offset]) {
            let log = line[..<offset] + [stray] + line[offset...] + [0x0A]
            #expect(SerialLog.proofs(Array(log)) == [proof], "offset \(offset)")
        }
    }

    @Test func aProofBehindSixtyLinesOfOthersIsStillOne() throws {
        let line = try SerialLog.line()
        let others = String(repeating: "[   41.747276] usb 1-1: new device\n", count: 60)
        #expect(SerialLog.proofs(line.inserting("\n" + others, at: 500)) == [try SerialLog.proof()])
    }
}
