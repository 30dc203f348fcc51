import ABI
import JSON
import Primitives
import TEEBridge
import TestVectors
import Testing

@Suite struct InterfaceTests {
    private static let functions = [
        TEEBridge.registerDstack, TEEBridge.onboard, TEEBridge.getMember, TEEBridge.isMember, TEEBridge.getOnboarding,
        TEEBridge.onboardingCount, TEEBridge.onboardingMessage, TEEBridge.addKmsRoot, TEEBridge.removeKmsRoot,
        TEEBridge.allowedKmsRoots, TEEBridge.addAllowedCode, TEEBridge.removeAllowedCode, TEEBridge.allowedCode,
        TEEBridge.owner, TEEBridge.register, TEEBridge.getMemberV2, TEEBridge.addVerifier, TEEBridge.removeVerifier,
        TEEBridge.allowedVerifiers, TEEBridge.addComposeHash, TEEBridge.allowedComposeHashes,
    ]
    /// Those that contracts/TEEBridge.vy does not have.
    private static let others = functions.suffix(7)

    private static func function(_ name: String) throws -> ABIFunction {
        try #require(functions.first { $0.name == name })
    }

    @Test(
        "functions have the selectors of the deployed contracts",
        arguments: [
            ("registerDstack", "8dcb6d9e"), ("onboard", "983895bf"), ("getMember", "dc4b93a1"),
            ("isMember", "511bcee5"), ("getOnboarding", "762e99ca"), ("addKmsRoot", "77a35f6c"),
            ("removeKmsRoot", "1620d718"), ("addAllowedCode", "8ac6f810"), ("removeAllowedCode", "8fcebb6e"),
            ("allowedKmsRoots", "12c604da"), ("allowedCode", "b78d9c13"), ("owner", "8da5cb5b"),
            ("register", "24b8fbf6"), ("addVerifier", "9000b3d6"), ("removeVerifier", "ca2dfd0a"),
            ("allowedVerifiers", "7e148502"), ("addComposeHash", "dfc77223"), ("allowedComposeHashes", "2f6622e5"),
        ])
    func selectors(name: String, selector: String) throws {
        #expect(try Self.function(name).selector.hex == "0x" + selector)
    }

    @Test(
        "events have the topics of the deployed contracts",
        arguments: [
            (
                "MemberRegistered(bytes32,bytes32,bytes)",
                "d3c1f175f923383bd4f79981304ad1d2b1e3bfa901d4a684c51bf6a51dcbad33"
            ),
            (
                "MemberRegistered(bytes32,bytes32,address,bytes,bytes)",
                "1d6d2331179278db5b22e76d879dae4c82b7af80917e3663e3b59c5a324ef3f3"
            ),
            ("OnboardingPosted(bytes32,bytes32)", "dd4724f3d8b4ef052c612776a50440b006f54d58753a5c2abdbc28fbb015f87b"),
            ("AllowedCodeAdded(bytes32)", "baf1dd09c46aa1915ee39b17661d7a579d3eb6d40ad29ae7027080f7a95a5596"),
            ("AllowedCodeRemoved(bytes32)", "2546fc2f6af297a8c360e3b9ffa0f36beace497a1701a33aa8032e5060160a5d"),
            ("KmsRootAdded(address)", "585e8a3ab07986be1f7e3a3c9681819f53ad36480f4cad0406a5f56e59a06b68"),
            ("KmsRootRemoved(address)", "9b93bd469da5933605a62ef2c8d68363c7fdb759762408fd4d7e0eba7df5be90"),
            ("VerifierAdded(address)", "6d05492139c5ea989514a5d2150c028041e5c087e2a39967f67dc7d2655adb81"),
            ("VerifierRemoved(address)", "44a3cd4eb5cc5748f6169df057b1cb2ae4c383e87cd94663c430e095d4cba424"),
            ("ComposeHashAdded(bytes32)", "fecb34306dd9d8b785b54d65489d06afc8822a0893ddacedff40c50a4942d0af"),
            ("ComposeHashRemoved(bytes32)", "755b79bd4b0eeab344d032284a99003b2ddc018b646752ac72d681593a6e8947"),
        ])
    func topics(signature: String, topic: String) throws {
        #expect(try TEEBridge.answers.events(named: signature).first?.topic.hex == "0x" + topic)
    }

    @Test(
        "errors have the selectors of the deployed contracts",
        arguments: [
            ("NotOwner", "30cd7471"), ("CodeNotAllowed", "dd04bd0d"), ("AlreadyRegistered", "3a81d6fc"),
            ("MemberNotFound", "1fdd7d63"), ("InvalidDstackSignature", "8de52096"), ("VerifierNotAllowed", "34aa1c50"),
            ("OwnableUnauthorizedAccount", "118cdaa7"),
        ])
    func errors(name: String, selector: String) throws {
        #expect(try TEEBridge.answers.reverts(named: name).first?.selector.hex == "0x" + selector)
    }

    @Test func `every function is as the signatures say, its results too`() throws {
        let vectors = try TestVectors.load("teebridge.json", member: "functions")
        #expect(vectors.count == Self.functions.count)
        #expect(Set(TEEBridge.interface.functions) == Set(Self.functions))
        for (vector, function) in zip(vectors, Self.functions) {
            #expect(try function.signature == vector.string("signature"))
            #expect(try function.selector.hex == vector.string("selector"))
            let results = try vector.array("returns").compactMap(\.string)
            #expect(function.outputs?.map { $0.type.description } == results)
        }
    }

    @Test func `every function that our contract has is as its compiler says`() throws {
        let artefact = JSONValue.object(try TestVectors.load("../../contracts/TEEBridge.json"))
        let compiled = try ContractArtefact.list(in: artefact).contract(named: nil).interface()
        let ours = Self.functions.filter { !Self.others.contains($0) }
        #expect(Set(compiled.functions.map(\.signature)) == Set(ours.map(\.signature)))
        for function in ours {
            let other = try compiled.function(function.name)
            #expect(function.outputs?.map(\.type.description) == other.outputs?.map(\.type.description))
            #expect(function.mutability == other.mutability)
        }
        let known = TEEBridge.answers
        for event in compiled.events { #expect(try known.events(named: event.signature).first?.inputs == event.inputs) }
        for revert in compiled.reverts { #expect(known.reverts.contains(revert)) }
    }

    @Test func `every event's log is read, with its values by name`() throws {
        let vectors = try TestVectors.load("teebridge.json", member: "events")
        #expect(vectors.count == TEEBridge.answers.events.count)
        for vector in vectors {
            let topics = try vector.array("topics").map { try Bytes32(hex: $0.string ?? "") }
            let (event, values) = try TEEBridge.answers.decodeLog(topics: topics, data: vector.bytes("data"))
            #expect(try event.signature == vector.string("signature"))
            let members = try #require(event.json(values).object).members
            let expected = try vector.object("args").members
            #expect(members.map(\.name) == expected.map(\.name))
            #expect(members.map { $0.value.string?.lowercased() } == expected.map { $0.value.string })
        }
    }

    @Test func `every error is read, with its values`() throws {
        let vectors = try TestVectors.load("teebridge.json", member: "errors")
        #expect(vectors.count == TEEBridge.answers.reverts.count)
        for vector in vectors {
            let revert = try TEEBridge.answers.decodeRevert(vector.bytes("data"))
            guard case .declared(let error, let values) = revert else {
                Issue.record("not declared: \(revert)")
                return
            }
            #expect(try error.signature == vector.string("signature"))
            #expect(values.count == error.inputs.count)
        }
    }
}
