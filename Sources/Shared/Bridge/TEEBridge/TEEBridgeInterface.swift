package import ABI

/// The TEEBridge contracts' interfaces: v1, v2, the dstack verifier of v2, and dstack's own app contract.
///
/// v1 is the first version of the contract, and the one in contracts/TEEBridge.vy with two functions more; v2 splits
/// the proof's check off into verifier contracts.
package enum TEEBridge {
    private static let word = ABIType.fixedBytes(.word)

    /// The parts of a proof as the contract takes them.
    package static let dstackProof = ABIType.tuple([
        ABIParameter(word, name: "messageHash"), ABIParameter(.bytes, name: "messageSignature"),
        ABIParameter(.bytes, name: "appSignature"), ABIParameter(.bytes, name: "kmsSignature"),
        ABIParameter(.bytes, name: "derivedCompressedPubkey"), ABIParameter(.bytes, name: "appCompressedPubkey"),
        ABIParameter(.string, name: "purpose"),
    ])

    /// Makes a CVM a member (v1).
    package static let registerDstack = ABIFunction(
        name: "registerDstack",
        inputs: [ABIParameter(word, name: "codeId"), ABIParameter(dstackProof, name: "dstackProof")],
        outputs: [ABIParameter(word, name: "memberId")], mutability: .nonpayable)
    /// Makes a CVM a member by what a verifier says of a proof of the verifier's own form (v2).
    package static let register = ABIFunction(
        name: "register",
        inputs: [ABIParameter(.address, name: "verifier"), ABIParameter(.bytes, name: "proof")],
        outputs: [ABIParameter(word, name: "memberId")], mutability: .nonpayable)
    /// What the dstack verifier takes as a proof, encoded like arguments (v2).
    package static let verifierProof = [word, dstackProof]
    /// Posts a sealed message to a member.
    package static let onboard = ABIFunction(
        name: "onboard",
        inputs: [
            ABIParameter(word, name: "fromMemberId"), ABIParameter(word, name: "toMemberId"),
            ABIParameter(.bytes, name: "encryptedPayload"),
        ],
        outputs: [], mutability: .nonpayable)

    /// A member's code, key and time (v1); zeros if there is no such member.
    package static let getMember = view(
        "getMember", [ABIParameter(word, name: "memberId")],
        [
            ABIParameter(word, name: "codeId"), ABIParameter(.bytes, name: "pubkey"),
            ABIParameter(.uint(.word), name: "registeredAt"),
        ])
    /// A member's code, verifier, key, what else the verifier said of it, and time (v2); zeros if there is no such
    /// member. The selector is that of v1.
    package static let getMemberV2 = view(
        "getMember", [ABIParameter(word, name: "memberId")],
        [
            ABIParameter(word, name: "codeId"), ABIParameter(.address, name: "verifier"),
            ABIParameter(.bytes, name: "pubkey"), ABIParameter(.bytes, name: "userData"),
            ABIParameter(.uint(.word), name: "registeredAt"),
        ])
    /// Whether a member is registered.
    package static let isMember = view("isMember", [ABIParameter(word, name: "memberId")], [ABIParameter(.bool)])
    /// A member's whole inbox.
    package static let getOnboarding = view(
        "getOnboarding", [ABIParameter(word, name: "memberId")],
        [ABIParameter(.array(.tuple(message)), name: "messages")])
    /// How many messages a member's inbox has (contracts/TEEBridge.vy).
    package static let onboardingCount = view(
        "onboardingCount", [ABIParameter(word, name: "memberId")], [ABIParameter(.uint(.word))])
    /// One message of a member's inbox (contracts/TEEBridge.vy).
    package static let onboardingMessage = view(
        "onboardingMessage", [ABIParameter(word, name: "memberId"), ABIParameter(.uint(.word), name: "index")], message)

    private static let message = [
        ABIParameter(word, name: "fromMember"), ABIParameter(.bytes, name: "encryptedPayload"),
    ]

    /// The owner's functions of the allow-lists, and the questions that go with them.
    package static let addKmsRoot = change("addKmsRoot", ABIParameter(.address, name: "root"))
    /// Takes a KMS root off the list.
    package static let removeKmsRoot = change("removeKmsRoot", ABIParameter(.address, name: "root"))
    /// Whether a KMS root is on the list.
    package static let allowedKmsRoots = view("allowedKmsRoots", [ABIParameter(.address)], [ABIParameter(.bool)])
    /// Puts a code id on the list.
    package static let addAllowedCode = change("addAllowedCode", ABIParameter(word, name: "codeId"))
    /// Takes a code id off the list.
    package static let removeAllowedCode = change("removeAllowedCode", ABIParameter(word, name: "codeId"))
    /// Whether a code id is on the list.
    package static let allowedCode = view("allowedCode", [ABIParameter(word)], [ABIParameter(.bool)])
    /// The account that may change the lists.
    package static let owner = view("owner", [], [ABIParameter(.address)])

    /// The same for the verifiers of v2; the KMS roots of v2 are on the dstack verifier's list.
    package static let addVerifier = change("addVerifier", ABIParameter(.address, name: "verifier"))
    /// Takes a verifier off the list.
    package static let removeVerifier = change("removeVerifier", ABIParameter(.address, name: "verifier"))
    /// Whether a verifier is on the list.
    package static let allowedVerifiers = view("allowedVerifiers", [ABIParameter(.address)], [ABIParameter(.bool)])

    /// dstack's app contract: allows a compose file's hash to boot.
    package static let addComposeHash = change("addComposeHash", ABIParameter(word, name: "composeHash"))
    /// Whether a compose file's hash may boot.
    package static let allowedComposeHashes = view("allowedComposeHashes", [ABIParameter(word)], [ABIParameter(.bool)])

    private static func view(_ name: String, _ inputs: [ABIParameter], _ outputs: [ABIParameter]) -> ABIFunction {
        ABIFunction(name: name, inputs: inputs, outputs: outputs, mutability: .view)
    }

    private static func change(_ name: String, _ input: ABIParameter) -> ABIFunction {
        ABIFunction(name: name, inputs: [input], outputs: [], mutability: .nonpayable)
    }
}

extension TEEBridge {
    private static func event(_ name: String, _ inputs: [(ABIType, String, isIndexed: Bool)]) -> ABIDefinition {
        .event(
            ABIEvent(
                name: name,
                inputs: inputs.map { ABIEvent.Parameter(ABIParameter($0.0, name: $0.1), isIndexed: $0.isIndexed) }))
    }

    private static func revert(_ name: String) -> ABIDefinition { .revert(ABIRevert(name: name, inputs: [])) }

    /// Everything that the contracts say back, for showing logs and reverts by name.
    package static let answers = ContractABI(eventsAndErrors)

    /// All functions, events and errors of the contracts.
    package static let interface = ContractABI(
        (functions + appFunctions).map(ABIDefinition.function) + eventsAndErrors)

    /// The functions of the bridges and of the dstack verifier.
    private static let functions = [
        registerDstack, register, onboard, getMember, getMemberV2, isMember, getOnboarding, onboardingCount,
        onboardingMessage, addKmsRoot, removeKmsRoot, allowedKmsRoots, addAllowedCode, removeAllowedCode, allowedCode,
        owner, addVerifier, removeVerifier, allowedVerifiers,
    ]

    /// Those of dstack's app contract.
    package static let appFunctions = [addComposeHash, allowedComposeHashes]

    private static let eventsAndErrors = [
        event(
            "MemberRegistered",
            [
                (word, "memberId", isIndexed: true), (word, "codeId", isIndexed: true),
                (.bytes, "pubkey", isIndexed: false),
            ]),
        event(
            "MemberRegistered",
            [
                (word, "memberId", isIndexed: true), (word, "codeId", isIndexed: true),
                (.address, "verifier", isIndexed: true), (.bytes, "pubkey", isIndexed: false),
                (.bytes, "userData", isIndexed: false),
            ]),
        event("OnboardingPosted", [(word, "toMember", isIndexed: true), (word, "fromMember", isIndexed: true)]),
        event("AllowedCodeAdded", [(word, "codeId", isIndexed: true)]),
        event("AllowedCodeRemoved", [(word, "codeId", isIndexed: true)]),
        event("KmsRootAdded", [(.address, "root", isIndexed: true)]),
        event("KmsRootRemoved", [(.address, "root", isIndexed: true)]),
        event("VerifierAdded", [(.address, "verifier", isIndexed: true)]),
        event("VerifierRemoved", [(.address, "verifier", isIndexed: true)]),
        event("ComposeHashAdded", [(word, "composeHash", isIndexed: false)]),
        event("ComposeHashRemoved", [(word, "composeHash", isIndexed: false)]),
        revert("NotOwner"), revert("CodeNotAllowed"), revert("AlreadyRegistered"), revert("MemberNotFound"),
        revert("InvalidDstackSignature"), revert("VerifierNotAllowed"),
        // OpenZeppelin's, which guards dstack's app contract.
        .revert(ABIRevert(name: "OwnableUnauthorizedAccount", inputs: [ABIParameter(.address, name: "account")])),
    ]
}
