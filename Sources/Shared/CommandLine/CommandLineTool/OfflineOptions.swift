package import ArgumentParser
package import Console
package import Failures
package import Primitives

/// `--bridge`, or BRIDGE_CONTRACT.
package struct BridgeOption: ParsableArguments {
    @Option(
        help: ArgumentHelp("The TEEBridge contract. [environment: BRIDGE_CONTRACT]", valueName: "address"),
        transform: { try Address($0) })
    package var bridge: Address?

    package init() {}

    /// The contract's address.
    ///
    /// - Throws: ``SettingError`` if neither names it.
    package func address() throws(SettingError) -> Address {
        if let address = try namedAddress() { return address }
        throw .missing(what: "the bridge address", option: "--bridge", environment: "BRIDGE_CONTRACT")
    }

    /// The contract's address; nil if neither names it.
    ///
    /// - Throws: ``SettingError`` if BRIDGE_CONTRACT is not an address.
    package func namedAddress() throws(SettingError) -> Address? {
        if let bridge { return bridge }
        return try Environment.parsed("BRIDGE_CONTRACT", by: Address.init)
    }
}

/// `--kms-root`, or KMS_ROOTS: the KMS roots that the operator trusts.
package struct KMSRootOptions: ParsableArguments {
    @Option(
        name: .customLong("kms-root"),
        help: ArgumentHelp(
            """
            KMS roots to trust, comma separated: addresses, public keys, or phala-base. Repeatable. \
            [environment: KMS_ROOTS]
            """, valueName: "roots"),
        completion: .list(KMSRoot.names), transform: { try KMSRoot.list($0) })
    package var kmsRoots: [[KMSRoot]] = []

    package init() {}

    /// The roots that the operator named, by options or by the environment; none is allowed.
    ///
    /// - Parameter diagnostics: says the addresses of those that were named by their public keys.
    /// - Throws: ``SettingError`` if KMS_ROOTS names something that is not a root.
    package func trusted(_ diagnostics: Diagnostics) throws(SettingError) -> Set<Address> {
        let roots =
            try kmsRoots.isEmpty ? Environment.parsed("KMS_ROOTS", by: KMSRoot.list) ?? [] : kmsRoots.flatMap { $0 }
        return Set(roots.map { $0.address(diagnostics) })
    }
}

/// `--timeout`, or ETH_TIMEOUT, and any other length of time; each program documents what it limits.
package enum TimeoutOption {
    /// The most that makes sense: a day.
    private static let longest = 86_400.0

    /// How many seconds each unit has.
    private static let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600]

    /// A number of seconds, or of the unit that follows it: s, m or h. Fractions are allowed.
    ///
    /// - Throws: ``DurationError`` if it is not such a number.
    package static func duration(_ text: String) throws(DurationError) -> Duration {
        guard let seconds = seconds(text), seconds <= longest else {
            throw DurationError(text: text, what: "a time from 0 to 24h")
        }
        return .seconds(seconds)
    }

    /// How many whole seconds an age of any length has.
    ///
    /// - Throws: ``DurationError`` if it is none.
    package static func age(_ text: String) throws(DurationError) -> UInt64 {
        guard let seconds = seconds(text), let age = UInt64(exactly: seconds.rounded(.down)) else {
            throw DurationError(text: text, what: "an age")
        }
        return age
    }

    private static func seconds(_ text: String) -> Double? {
        let unit = text.last.flatMap { units[$0] }
        let number = Double(unit == nil ? text[...] : text.dropLast())
        return number.map { $0 * (unit ?? 1) }.flatMap { $0 >= 0 ? $0 : nil }
    }

    /// The time from the option, the environment or the default, in this order.
    ///
    /// - Throws: ``SettingError`` if ETH_TIMEOUT is no length of time.
    package static func duration(
        _ option: Duration?, default defaultDuration: Duration
    ) throws(SettingError) -> Duration {
        if let option { return option }
        return try Environment.parsed("ETH_TIMEOUT", by: Self.duration(_:)) ?? defaultDuration
    }
}

/// A text that is no length of time.
package struct DurationError: UserFacingError {
    let text: String
    /// What it should be.
    let what: String
    package var kind: ErrorCategory { .badInput }
    package var description: String { "not \(what): \(text.quoted())" }
    package var hints: [String] { ["write seconds, or a number with s, m or h: 90, 90s, 1.5m, 1h"] }
}
