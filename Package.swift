// swift-tools-version: 6.2

import PackageDescription

/// Every target of this package is compiled alike: Swift 6, explicit `unsafe`, no warnings.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

/// What is compiled here and not only for tests leaves a symbol graph, which `make lint` and `make docs` read.
let product =
    strict + [
        .unsafeFlags([
            "-emit-symbol-graph", "-emit-symbol-graph-dir", "\(Context.packageDirectory)/.build/symbol-graphs",
            "-symbol-graph-minimum-access-level", "internal", "-symbol-graph-skip-synthesized-members",
        ])
    ]

/// The modules of Base, which every other target may import.
let baseNames = ["Failures", "JSON", "Primitives", "SecretMemory"]
let base = baseNames.map(Target.Dependency.init(stringLiteral:))
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

/// A product of swift-nio; only HTTPServer is built on it.
func nio(_ name: String) -> Target.Dependency { .product(name: name, package: "swift-nio") }

/// A library of a subject: one idea. It imports modules of its own subject, or of those listed before it.
func library(_ path: String, _ dependencies: [Target.Dependency] = []) -> Target {
    let names = path.split(separator: "/")
    return .target(
        name: String(names[1]), dependencies: names[0] == "Base" ? dependencies : base + dependencies,
        path: "Sources/Shared/\(path)", swiftSettings: product)
}

/// A C library of the system, imported by the one module that owns it.
func cLibrary(_ name: String, pkgConfig: String? = nil, package: String? = nil) -> Target {
    .systemLibrary(
        name: name, path: "Sources/Shared/C/\(name)", pkgConfig: pkgConfig, providers: package.map { [.apt([$0])] })
}

/// A program: its options and a run().
func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: base + ["CommandLineTool", "Console", argumentParser] + dependencies,
        path: "Sources/\(name)", swiftSettings: product)
}

/// The tests of one library: not optimised, which would take longer than running them.
func tests(of name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests",
        dependencies: (baseNames.filter { $0 != name } + [name, "TestSupport", "TestVectors"]).map(
            Target.Dependency.init(stringLiteral:))
            + dependencies,
        path: "Tests/\(name)Tests", swiftSettings: strict + [.unsafeFlags(["-Onone"])])
}

/// A library that tests share.
func support(_ name: String, _ dependencies: [Target.Dependency] = [], settings: [SwiftSetting] = []) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Tests/support/\(name)", swiftSettings: strict + settings)
}

let package = Package(
    name: "teebridge",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    ],
    targets: [
        cLibrary("CProcess"),
        cLibrary("CSecp256k1", pkgConfig: "libsecp256k1", package: "libsecp256k1-dev"),
        cLibrary("COpenSSL", pkgConfig: "libcrypto", package: "libssl-dev"),
        cLibrary("CCurl", package: "libcurl4-openssl-dev"),
        cLibrary("CZlib"),

        library("Base/Failures"),
        library("Base/Primitives", ["Failures"]),
        library("Base/JSON", ["Failures"]),
        library("Base/SecretMemory", ["CProcess", "Failures", "Primitives"]),

        library("System/Processes", ["CProcess"]),
        library("System/Files"),
        library("System/Console", ["Processes"]),

        library("HTTP/HTTP", ["CCurl"]),
        library("HTTP/HTTPServer", ["CProcess", nio("NIOCore"), nio("NIOHTTP1"), nio("NIOPosix")]),

        library("Crypto/Secp256k1", ["CSecp256k1"]),
        library("Crypto/Ciphers", ["COpenSSL"]),
        library("Crypto/ECIES", ["Ciphers", "Secp256k1"]),
        library("Crypto/Envelope", ["Ciphers", "Secp256k1"]),
        library("Crypto/KeySources", ["Ciphers", "Console", "Secp256k1"]),

        library("Ethereum/ABI"),
        library("Ethereum/Transactions", ["Secp256k1"]),
        library("Ethereum/EthereumNode", ["HTTP", "Transactions"]),
        library("Ethereum/StateProofs", ["EthereumNode", "HTTP", "Transactions"]),
        library(
            "Ethereum/Preparation", ["ABI", "EthereumNode", "Processes", "Secp256k1", "Transactions"]),
        library(
            "Ethereum/Sending",
            ["ABI", "Console", "EthereumNode", "Files", "Preparation", "Secp256k1", "Transactions"]),

        library("Dstack/Dstack", ["Secp256k1"]),
        library("Dstack/ProofLog", ["CZlib", "Console", "Dstack", "Processes"]),
        library("Dstack/GuestAgent", ["Dstack", "HTTP", "KeySources", "Processes", "ProofLog", "Secp256k1"]),

        library("Bridge/TEEBridge", ["ABI", "Dstack", "Secp256k1", "Transactions"]),
        library("Bridge/BridgeClient", ["ABI", "EthereumNode", "Secp256k1", "StateProofs", "TEEBridge"]),
        library("Bridge/Inbox", ["BridgeClient", "Console", "ECIES", "Envelope", "Files", "Secp256k1"]),
        library("Bridge/AgentSite", ["Dstack", "HTTP", "HTTPServer", "KeySources", "Secp256k1"]),

        library("CommandLine/Completions"),
        library("CommandLine/CommandLineTool", ["Completions", "Console", "Processes", "Secp256k1", argumentParser]),
        library(
            "CommandLine/NetworkOptions",
            [
                "BridgeClient", "CommandLineTool", "Console", "EthereumNode", "GuestAgent", "HTTP", "KeySources",
                "Secp256k1", "StateProofs", argumentParser,
            ]),

        program("proof-fetch", ["Dstack", "GuestAgent", "NetworkOptions"]),
        program("proof-extract", ["Dstack", "Processes", "ProofLog"]),
        program("abi-encode", ["ABI", "Dstack", "TEEBridge", "Transactions"]),
        program(
            "ecies-seal",
            [
                "BridgeClient", "ECIES", "Envelope", "KeySources", "NetworkOptions", "Processes", "Secp256k1",
                "TEEBridge",
            ]),
        program(
            "tx-send",
            [
                "ABI", "EthereumNode", "KeySources", "NetworkOptions", "Preparation", "Processes", "Secp256k1",
                "Sending", "TEEBridge", "Transactions",
            ]
        ),
        program(
            "inbox-watch",
            [
                "BridgeClient", "Files", "GuestAgent", "HTTP", "Inbox", "KeySources", "NetworkOptions", "Processes",
                "Secp256k1",
            ]),
        program(
            "bridge-agent",
            [
                "AgentSite", "BridgeClient", "Dstack", "GuestAgent", "HTTP", "HTTPServer", "Inbox", "KeySources",
                "NetworkOptions", "Processes", "Secp256k1",
            ]),

        program("teebridge", []),
        program(
            "teebridge-doctor",
            [
                "ABI", "BridgeClient", "EthereumNode", "GuestAgent", "HTTP", "KeySources", "NetworkOptions",
                "Secp256k1", "TEEBridge", "Transactions",
            ]),

        .target(
            name: "TestVectors", dependencies: ["JSON", "Primitives"], path: "Tests/TestVectors", swiftSettings: strict),
        support("TestSupport"),
        support("LoopbackServer"),
        support("FakeNode", ["EthereumNode", "HTTP", "JSON", "LoopbackServer"]),
        support(
            "FakeChain",
            ["EthereumNode", "FakeNode", "JSON", "Primitives", "Secp256k1", "SecretMemory", "Transactions"]),
        support("ModelChecker"),
        support("SendingModel", ["ModelChecker", "Sending"], settings: [.unsafeFlags(["-O"])]),
        tests(of: "Failures"),
        tests(of: "Primitives"),
        tests(of: "JSON"),
        tests(of: "SecretMemory"),
        tests(of: "Processes", ["LoopbackServer"]),
        tests(of: "Files"),
        tests(of: "Console"),
        tests(of: "HTTP", ["LoopbackServer"]),
        tests(of: "HTTPServer", [nio("NIOCore"), nio("NIOEmbedded"), nio("NIOHTTP1")]),
        tests(of: "Secp256k1"),
        tests(of: "Ciphers"),
        tests(of: "ECIES", ["Secp256k1"]),
        tests(of: "Envelope", ["Secp256k1"]),
        tests(of: "KeySources", ["Console", "Secp256k1"]),
        tests(of: "ABI"),
        tests(of: "Transactions", ["Secp256k1"]),
        tests(of: "EthereumNode", ["FakeNode", "HTTP", "LoopbackServer", "Transactions"]),
        tests(of: "StateProofs", ["Transactions"]),
        tests(
            of: "Preparation",
            [
                "ABI", "EthereumNode", "FakeChain", "FakeNode", "LoopbackServer", "Secp256k1", "TEEBridge",
                "Transactions",
            ]),
        tests(
            of: "Sending",
            [
                "ABI", "EthereumNode", "FakeChain", "FakeNode", "HTTP", "LoopbackServer", "Preparation", "Secp256k1",
                "SendingModel", "TEEBridge", "Transactions",
            ]),
        tests(of: "Dstack", ["Secp256k1"]),
        tests(of: "GuestAgent", ["Dstack", "HTTP", "LoopbackServer"]),
        tests(of: "ProofLog", ["Console", "Dstack"]),
        tests(of: "TEEBridge", ["ABI", "Dstack", "Transactions"]),
        tests(
            of: "BridgeClient",
            ["ABI", "EthereumNode", "FakeNode", "LoopbackServer", "Secp256k1", "TEEBridge"]),
        tests(
            of: "Inbox",
            [
                "ABI", "BridgeClient", "Console", "ECIES", "Envelope", "EthereumNode", "FakeNode", "Files",
                "LoopbackServer", "ModelChecker", "Secp256k1", "TEEBridge",
            ]),
        tests(of: "AgentSite", ["Dstack", "HTTP", "HTTPServer", "KeySources", nio("NIOHTTP1")]),
        tests(of: "Completions"),
        tests(of: "CommandLineTool", ["Console", argumentParser]),
        tests(
            of: "NetworkOptions",
            [
                "CommandLineTool", "EthereumNode", "FakeNode", "GuestAgent", "KeySources", "LoopbackServer",
                "Secp256k1", argumentParser,
            ]),
    ]
)

// The fuzzer links only with its sanitizers: `make fuzz` alone builds it.
if Context.environment["TEEBRIDGE_FUZZ"] != nil {
    package.targets += [
        .target(name: "CFuzzer", path: "Tests/fuzz/CFuzzer", publicHeadersPath: "include"),
        .executableTarget(
            name: "Fuzz",
            dependencies: base + [
                "ABI", "BridgeClient", "CFuzzer", "Dstack", "ECIES", "Envelope", "EthereumNode", "GuestAgent", "HTTP",
                "HTTPServer", "Inbox", "KeySources", "ProofLog", "Secp256k1", "StateProofs", "TEEBridge",
                "Transactions", nio("NIOCore"), nio("NIOEmbedded"), nio("NIOHTTP1"),
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
