import JSON
import Primitives
import Testing
import Transactions

@Suite struct TransactionRequestTests {
    static func request(_ text: String) throws -> TransactionRequest {
        try TransactionRequest(json: #require(JSONParser.parse(text).object))
    }

    static let full =
        #"{"label":"x","to":"0x52d3CF51c8A37A2CCfC79bBb98c7810d7Dd4CE51","data":"0x01","value":"0x2","from":"0x52d3CF51c8A37A2CCfC79bBb98c7810d7Dd4CE51","chainId":"0x2105","nonce":"0x3","gas":"0x4","maxFeePerGas":"0x5","maxPriorityFeePerGas":"0x6","accessList":[{"address":"0x52d3CF51c8A37A2CCfC79bBb98c7810d7Dd4CE51","storageKeys":["0x0000000000000000000000000000000000000000000000000000000000000007"]}],"id":"i","unless":{"to":"0x52d3CF51c8A37A2CCfC79bBb98c7810d7Dd4CE51","data":"0x07","equals":"0x08"}}"#

    @Test(arguments: [full, #"{"data":"0x60","value":"0x0"}"#])
    func documentsComeBack(_ text: String) throws {
        #expect(try Self.request(text).json.compact == text)
    }

    @Test(
        "what is not a request names the member",
        arguments: [
            ("{}", "data"), (#"{"to":1,"data":"0x"}"#, "to"), (#"{"to":"0x00"}"#, "to"), (#"{"data":"60"}"#, "data"),
            (#"{"data":"0x6"}"#, "data"), (#"{"data":"0x60","value":"1"}"#, "value"),
            (#"{"data":"0x60","value":0.5}"#, "value"), (#"{"data":"0x60","value":-1}"#, "value"),
            (#"{"data":"0x60","value":1e3}"#, "value"), (#"{"data":"0x60","nonce":18446744073709551616}"#, "nonce"),
            (#"{"data":"0x60","nonce":"0x00"}"#, "nonce"), (#"{"data":"0x60","gas":"0x10000000000000000"}"#, "gas"),
            (#"{"data":"0x60","unless":1}"#, "unless"), (#"{"data":"0x60","unless":{"data":"0x"}}"#, "unless.to"),
            (#"{"data":"0x60","label":null}"#, "label"), (#"{"from_member":"0x","payload":"0x"}"#, "from_member"),
            (#"{"data":"0x60","from":"0x00"}"#, "from"), (#"{"data":"0x60","unless":{"to":"0x","if":1}}"#, "unless.if"),
            (#"{"data":"0x60","input":"0x61"}"#, "input"), (#"{"data":"0x60","gas":"0x1","gasLimit":2}"#, "gasLimit"),
            (#"{"data":"0x60","accessList":{}}"#, "accessList"), (#"{"data":"0x60","accessList":[1]}"#, "accessList"),
            (
                #"{"data":"0x60","accessList":[{"address":"0x52d3CF51c8A37A2CCfC79bBb98c7810d7Dd4CE51"}]}"#,
                "accessList.0.storageKeys"
            ),
        ])
    func refusals(_ text: String, _ member: String) throws {
        let error = #expect(throws: JSONError.self) { try Self.request(text) }
        #expect(error?.description.contains("\"\(member)\"") == true)
    }

    @Test(
        "a member that is not known is named, with the near one",
        arguments: [
            ("imput", "input"), ("gaslimit", "gasLimit"), ("maxFeePerGass", "maxFeePerGas"), ("Value", "value"),
            ("comment", nil), ("x", nil),
        ])
    func unknown(name: String, near: String?) throws {
        let expected = JSONError.unknownMember(line: 1, member: name, near: near)
        #expect(throws: expected) { try Self.request(#"{"data":"0x60","\#(name)":"0x1"}"#) }
        #expect(expected.hints == (near.map { ["did you mean \"\($0)\"?"] } ?? []))
    }

    @Test(
        "what would be sent as something else is refused, unless it is null",
        arguments: [
            "gasPrice", "hash", "r", "s", "v", "yParity", "raw", "sig", "blockHash", "blockNumber", "transactions",
            "maxFeePerBlobGas", "blobVersionedHashes", "authorizationList",
        ])
    func refused(name: String) throws {
        let error = #expect(throws: JSONError.self) { try Self.request(#"{"data":"0x60","\#(name)":"0x1"}"#) }
        guard case .refusedMember(1, name, _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(try Self.request(#"{"data":"0x60","\#(name)":null}"#) == Self.request(#"{"data":"0x60"}"#))
    }

    @Test(
        "documents of other tools mean what they say",
        arguments: [
            // web3.py
            (#"{"value":2,"gas":4,"maxFeePerGas":5,"maxPriorityFeePerGas":6,"chainId":8453,"nonce":3,"to":"0x52d3CF51c8A37A2CCfC79bBb98c7810d7Dd4CE51","data":"0x01"}"#),
            // cast
            (#"{"type":"0x2","chainId":"0x2105","nonce":"0x3","gas":"0x4","maxFeePerGas":"0x5","maxPriorityFeePerGas":"0x6","to":"0x52d3cf51c8a37a2ccfc79bbb98c7810d7dd4ce51","value":"0x2","accessList":[],"input":"0x01"}"#),
            // ethers, its numbers as JSON-RPC has them
            (#"{"type":2,"to":"0x52d3CF51c8A37A2CCfC79bBb98c7810d7Dd4CE51","data":"0x01","nonce":3,"gasLimit":"0x4","gasPrice":null,"maxPriorityFeePerGas":"0x6","maxFeePerGas":"0x5","value":"0x2","chainId":"0x2105","sig":null,"accessList":null}"#),
        ])
    func otherTools(_ text: String) throws {
        let request = try Self.request(text)
        #expect(
            request.json.compact
                == #"{"to":"0x52d3CF51c8A37A2CCfC79bBb98c7810d7Dd4CE51","data":"0x01","value":"0x2","chainId":"0x2105","nonce":"0x3","gas":"0x4","maxFeePerGas":"0x5","maxPriorityFeePerGas":"0x6"}"#
        )
    }

    @Test("only type 2 is sent", arguments: ["0", "1", "3", #""0x0""#, #""0x4""#])
    func types(_ type: String) throws {
        let error = #expect(throws: JSONError.self) { try Self.request(#"{"data":"0x60","type":\#(type)}"#) }
        #expect(error?.description.contains("\"type\"") == true)
    }
}
