package import ArgumentParser
import Failures
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
            "A KMS root to trust: an address, or phala-base. Repeatable. [environment: KMS_ROOTS, comma separated]",
            valueName: "address|name"),
        transform: { try KMSRootOptions.root($0) })
    package var kmsRoots: [Address] = []

    package init() {}

    /// The roots known by name.
    package static let named = [
        // The signer behind Phala's KMS contract on Base, 0x2f83172A49584C017F2B256F0FB2Dca14126Ba9C.
        "phala-base": "0x52d3CF51c8A37A2CCfC79bBb98c7810d7Dd4CE51"
    ]

    /// A root by its address or its name.
    ///
    /// - Throws: `PrimitiveError`, ``UnknownName``.
    package static func root(_ text: String) throws -> Address {
        let address = named[text] ?? text
        guard address.hasPrefix("0x") else {
            throw UnknownName(what: "a 0x address or a KMS root's name", text: text, names: named.keys)
        }
        return try Address(address)
    }

    /// The roots that the operator named, by options or by the environment; none is allowed.
    ///
    /// - Throws: ``SettingError`` if KMS_ROOTS names something that is not a root.
    package func trusted() throws(SettingError) -> Set<Address> {
        guard kmsRoots.isEmpty else { return Set(kmsRoots) }
        let fromEnvironment = try Environment.parsed("KMS_ROOTS") { text in
            try text.split(separator: ",").map { try Self.root(String($0).filter { !$0.isWhitespace }) }
        }
        return Set(fromEnvironment ?? [])
    }
}

/// `--timeout`, or ETH_TIMEOUT, and any other number of seconds; each program documents what it limits.
package enum TimeoutOption {
    /// The most that makes sense: a day.
    private static let longest = 86_400.0

    /// A number of seconds, fractions allowed.
    ///
    /// - Throws: ``DurationError`` if it is not such a number.
    package static func seconds(_ text: String) throws(DurationError) -> Duration {
        guard let seconds = Double(text), seconds >= 0, seconds <= longest else { throw DurationError(text: text) }
        return .seconds(seconds)
    }

    /// The time from the option, the environment or the default, in this order.
    ///
    /// - Throws: ``SettingError`` if ETH_TIMEOUT is not a number of seconds.
    package static func duration(
        _ option: Duration?, default defaultDuration: Duration
    ) throws(SettingError) -> Duration {
        if let option { return option }
        return try Environment.parsed("ETH_TIMEOUT", by: seconds) ?? defaultDuration
    }
}

/// A text that is no length of time.
package struct DurationError: Error, CustomStringConvertible {
    let text: String
    package var description: String { "not a number of seconds from 0 to 86400: \(text.quoted())" }
}
