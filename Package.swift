// swift-tools-version: 6.2

import PackageDescription

/// Every target of this package is compiled alike: Swift 6, memory safety said aloud, no warning left.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

/// A library below Sources/Shared: one idea.
func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/Shared/\(name)", swiftSettings: strict)
}

/// A C library of the system, seen by the one module that owns it.
func system(_ name: String, pkgConfig: String, package: String) -> Target {
    .systemLibrary(
        name: name, path: "Sources/Shared/\(name)", pkgConfig: pkgConfig, providers: [.apt([package])])
}

/// A program: its options and a run().
func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies + ["Program", argumentParser], path: "Sources/\(name)",
        swiftSettings: strict)
}

/// The tests of one library.
func tests(of name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.byName(name: name), "TestVectors"] + dependencies,
        path: "Tests/\(name)Tests", swiftSettings: strict)
}

/// The tests of a library that talks to a service, which the test plays itself.
func serviceTests(of name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.byName(name: name), "LoopbackServer"] + dependencies,
        path: "Tests/\(name)Tests", swiftSettings: strict)
}

let bigInt = Target.Dependency.product(name: "BigInt", package: "BigInt")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

/// A product of swift-nio; the HTTP server alone stands on it.
func nio(_ name: String) -> Target.Dependency { .product(name: name, package: "swift-nio") }

let package = Package(
    name: "teebridge",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/attaswift/BigInt", from: "6.0.1"),
    ],
    targets: [
        // What everything stands on.
        library("Failures"),
        library("Primitives", ["Failures", bigInt]),
        library("JSON", ["Failures"]),
        .systemLibrary(name: "CProcess", path: "Sources/Shared/CProcess"),
        library("Secrets", ["CProcess", "Failures", "Primitives"]),
        library("Parallel", ["CProcess"]),
        library("Files", ["Failures"]),
        library("Signals"),
        library("ServiceNotice"),
        library("Handlers", ["CProcess", "Failures", "Secrets"]),
        library("RLP", ["Failures"]),
        library("StateProofs", ["Failures", "JSON", "Primitives", "RLP", bigInt]),
        library("ABI", ["Failures", "Primitives", "JSON", bigInt]),

        // Cryptography.
        system("CSecp256k1", pkgConfig: "libsecp256k1", package: "libsecp256k1-dev"),
        system("COpenSSL", pkgConfig: "libcrypto", package: "libssl-dev"),
        library("Secp256k1", ["CSecp256k1", "Failures", "Primitives", "Secrets"]),
        library("Ciphers", ["COpenSSL", "Failures", "Secrets"]),
        library("Keystore", ["Ciphers", "Failures", "JSON", "Primitives", "Secp256k1", "Secrets"]),
        library("ECIES", ["Ciphers", "Failures", "Secp256k1", "Secrets"]),
        library("Envelope", ["Ciphers", "Failures", "Primitives", "Secp256k1", "Secrets"]),

        // What is signed, and what flows between the programs.
        library("Dstack", ["Failures", "JSON", "Primitives", "Secp256k1"]),
        library("Transactions", ["Failures", "JSON", "Primitives", "RLP", "Secp256k1"]),
        library("TEEBridge", ["ABI", "Dstack", "JSON", "Primitives", "Secp256k1", "Transactions"]),

        // Other people's services.
        .systemLibrary(name: "CCurl", path: "Sources/Shared/CCurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        library("HTTP", ["CCurl", "Failures"]),
        library("HTTPServer", ["CProcess", "Failures", "JSON", nio("NIOCore"), nio("NIOHTTP1"), nio("NIOPosix")]),
        library("Retrying"),
        library("JSONRPC", ["Failures", "HTTP", "JSON"]),
        library("Node", ["Failures", "JSON", "JSONRPC", "Primitives", "Transactions", "Retrying", bigInt]),
        library("GuestAgent", ["Failures", "HTTP", "JSON", "Primitives", "Secrets"]),

        // What the programs do.
        library(
            "Sending",
            [
                "ABI", "Failures", "Files", "JSON", "JSONRPC", "Node", "Parallel", "Primitives", "Retrying",
                "Secp256k1", "TEEBridge", "Transactions", bigInt,
            ]),
        library(
            "ProofSource",
            [
                "Dstack", "Failures", "GuestAgent", "HTTP", "JSON", "Parallel", "Primitives", "Retrying", "Secp256k1",
                "Secrets",
            ]),
        library("ProofLog", ["Console", "Dstack", "Failures", "JSON", "Parallel"]),
        library("ProvenState", ["Failures", "JSON", "JSONRPC", "Node", "Primitives", "Retrying", "StateProofs"]),
        library(
            "BridgeClient",
            ["ABI", "Failures", "JSONRPC", "Node", "Primitives", "ProvenState", "Secp256k1", "TEEBridge", bigInt]),
        library(
            "Inbox",
            ["BridgeClient", "ECIES", "Envelope", "Failures", "Files", "JSON", "Primitives", "Secp256k1", "Secrets"]),

        // How the programs are used.
        library("Console", ["Failures", "JSON", "Parallel", "Secrets"]),
        library("Program", ["Console", "Failures", "JSON", "Primitives", "Signals", argumentParser]),
        library("Keys", ["Console", "Failures", "JSON", "Keystore", "Secp256k1", "Secrets"]),
        library(
            "NetworkOptions",
            [
                "BridgeClient", "Console", "Failures", "GuestAgent", "HTTP", "JSONRPC", "Keys", "Node", "Primitives",
                "Program",
                "ProvenState", "Secp256k1", "Secrets", argumentParser,
            ]),

        library(
            "MemberSite",
            ["Dstack", "Failures", "HTTP", "HTTPServer", "JSON", "Keys", "Primitives", "Secp256k1", "Secrets"]),

        // Programs.
        program(
            "abi-encode",
            ["ABI", "Console", "Dstack", "Failures", "JSON", "Primitives", "TEEBridge", "Transactions", bigInt]),
        program(
            "tx-send",
            [
                "ABI", "Console", "Failures", "JSON", "Keys", "NetworkOptions", "Node", "Primitives", "Sending",
                "Signals",
                "TEEBridge", "Transactions",
            ]),
        program("proof-fetch", ["Console", "Dstack", "JSON", "NetworkOptions", "ProofSource"]),
        program(
            "ecies-seal",
            [
                "BridgeClient", "Console", "ECIES", "Envelope", "Failures", "JSON", "Keys", "NetworkOptions",
                "Parallel",
                "Primitives", "Secp256k1", "Secrets", "TEEBridge",
            ]),
        program(
            "inbox-watch",
            [
                "Console", "Failures", "Files", "GuestAgent", "Handlers", "Inbox", "JSON", "Keys", "NetworkOptions",
                "Primitives", "Retrying", "Secp256k1", "ServiceNotice", "Signals",
            ]),
        program(
            "bridge-agent",
            [
                "BridgeClient", "Console", "Dstack", "GuestAgent", "HTTP", "HTTPServer", "Inbox", "JSON", "Keys",
                "MemberSite",
                "NetworkOptions", "Primitives", "ProofSource", "Retrying", "Secp256k1", "Secrets", "ServiceNotice",
            ]),
        program("proof-extract", ["Console", "Dstack", "Failures", "JSON", "Parallel", "ProofLog"]),

        // Tests.
        .target(
            name: "TestVectors", dependencies: ["JSON", "Primitives"], path: "Tests/TestVectors", swiftSettings: strict),
        .target(name: "LoopbackServer", path: "Tests/support/LoopbackServer", swiftSettings: strict),
        .target(
            name: "FakeNode", dependencies: ["HTTP", "JSON", "JSONRPC", "LoopbackServer", "Node"],
            path: "Tests/support/FakeNode", swiftSettings: strict),
        .target(name: "ModelChecker", path: "Tests/support/ModelChecker", swiftSettings: strict),
        .target(
            name: "SendingModel", dependencies: ["ModelChecker", "Sending"], path: "Tests/support/SendingModel",
            swiftSettings: strict + [.unsafeFlags(["-O"])]),
        tests(of: "Failures"),
        tests(of: "Primitives", ["JSON", bigInt]),
        tests(of: "JSON"),
        tests(of: "Secrets"),
        tests(of: "Parallel"),
        tests(of: "Files", ["Failures"]),
        tests(of: "Signals"),
        tests(of: "ServiceNotice"),
        tests(of: "Handlers", ["Secrets"]),
        tests(of: "RLP", ["JSON", "Primitives"]),
        tests(of: "StateProofs", ["JSON", "Primitives", "RLP", bigInt]),
        tests(of: "ABI", ["JSON", "Primitives", bigInt]),
        tests(of: "Secp256k1", ["JSON", "Primitives", "Secrets"]),
        tests(of: "Ciphers", ["JSON", "Secrets"]),
        tests(of: "ECIES", ["JSON", "Primitives", "Secp256k1", "Secrets"]),
        tests(of: "Envelope", ["Failures", "JSON", "Primitives", "Secp256k1", "Secrets"]),
        tests(of: "Dstack", ["JSON", "Primitives", "Secp256k1", "Secrets"]),
        tests(of: "Transactions", ["JSON", "Primitives", "RLP", "Secp256k1", "Secrets"]),
        tests(of: "TEEBridge", ["ABI", "Dstack", "JSON", "Primitives", "Transactions"]),
        tests(of: "ProofLog", ["Console", "Dstack", "Failures", "JSON"]),
        tests(of: "Keystore", ["JSON", "Primitives", "Secp256k1", "Secrets"]),
        tests(of: "Keys", ["Failures", "Primitives", "Secp256k1", "Secrets"]),
        .testTarget(
            name: "HTTPServerTests", dependencies: ["HTTPServer"], path: "Tests/HTTPServerTests", swiftSettings: strict),
        .testTarget(
            name: "MemberSiteTests", dependencies: ["HTTPServer", "JSON", "MemberSite", "Primitives", "Secrets"],
            path: "Tests/MemberSiteTests", swiftSettings: strict),
        tests(of: "Retrying"),
        serviceTests(of: "HTTP", ["Failures"]),
        serviceTests(of: "JSONRPC", ["Failures", "HTTP", "JSON"]),
        serviceTests(of: "GuestAgent", ["Failures", "HTTP", "JSON", "Primitives", "Secrets"]),
        serviceTests(
            of: "Node",
            ["FakeNode", "Failures", "HTTP", "JSON", "JSONRPC", "Primitives", "TestVectors", "Transactions", bigInt]),
        serviceTests(
            of: "Sending",
            [
                "ABI", "FakeNode", "Failures", "HTTP", "JSON", "JSONRPC", "Node", "Primitives", "Secp256k1", "Secrets",
                "ModelChecker", "SendingModel", "TEEBridge", "Transactions", "TestVectors", bigInt,
            ]),
        serviceTests(
            of: "BridgeClient",
            [
                "ABI", "FakeNode", "Failures", "JSON", "JSONRPC", "Node", "Primitives", "Secp256k1", "TEEBridge",
                "TestVectors", bigInt,
            ]),
        serviceTests(
            of: "Inbox",
            [
                "ABI", "BridgeClient", "ECIES", "Envelope", "FakeNode", "Failures", "Files", "JSON",
                "ModelChecker", "Node", "Primitives", "Secp256k1", "Secrets", "TEEBridge", bigInt,
            ]),
        serviceTests(
            of: "ProofSource",
            ["Dstack", "Failures", "GuestAgent", "HTTP", "JSON", "Primitives", "TestVectors"]),
        tests(of: "Console", ["Failures", "JSON", "Secrets"]),
        tests(of: "Program", ["Console", "Failures", "Primitives", argumentParser]),
        tests(
            of: "NetworkOptions",
            [
                "FakeNode", "Failures", "GuestAgent", "Keys", "LoopbackServer", "Node", "Primitives", "Program",
                "Secp256k1",
                argumentParser,
            ]),
    ]
)

// The fuzzer links only with its sanitizers: `make fuzz` alone builds it.
if Context.environment["TEEBRIDGE_FUZZ"] != nil {
    package.targets += [
        .target(name: "CFuzzer", path: "Tests/fuzz/CFuzzer", publicHeadersPath: "include"),
        .executableTarget(
            name: "Fuzz",
            dependencies: [
                "ABI", "BridgeClient", "CFuzzer", "Dstack", "ECIES", "Envelope", "GuestAgent", "HTTP", "HTTPServer",
                "Inbox", "JSON", "JSONRPC", "Keystore", "Node", "Primitives", "ProofLog", "RLP", "Secp256k1",
                "Secrets", "StateProofs", "TEEBridge", "Transactions", nio("NIOCore"), nio("NIOEmbedded"),
                nio("NIOHTTP1"),
            ], path: "Tests/fuzz/Fuzz",
            swiftSettings: strict),
    ]
}

// What `make bench` measures of single modules.
if Context.environment["TEEBRIDGE_BENCH"] != nil {
    package.targets.append(
        .executableTarget(
            name: "Measure", dependencies: ["Primitives"], path: "Benchmarks/Measure", swiftSettings: strict))
}
