import JSON
import Primitives
import Testing
import Transactions

@Suite struct TransactionRequestTests {
    static func request(_ text: String) throws -> TransactionRequest {
        try TransactionRequest(json: #require(JSONParser.parse(text).object))
    }

    static let full =
        #"{"label":"x","to":"0x52d3CF51c8A37A2CCfC79bBb98c7810d7Dd4CE51","data":"0x01","value":"0x2","chainId":"0x2105","nonce":"0x3","gas":"0x4","maxFeePerGas":"0x5","maxPriorityFeePerGas":"0x6","id":"i","unless":{"to":"0x52d3CF51c8A37A2CCfC79bBb98c7810d7Dd4CE51","data":"0x07","equals":"0x08"}}"#

    @Test(arguments: [full, #"{"data":"0x60","value":"0x0"}"#])
    func documentsComeBack(_ text: String) throws {
        #expect(try Self.request(text).json.compact == text)
    }

    @Test(
        "what is not a request names the member",
        arguments: [
            ("{}", "data"), (#"{"to":1,"data":"0x"}"#, "to"), (#"{"to":"0x00"}"#, "to"), (#"{"data":"60"}"#, "data"),
            (#"{"data":"0x6"}"#, "data"), (#"{"data":"0x60","value":"1"}"#, "value"),
            (#"{"data":"0x60","value":0}"#, "value"),
            (#"{"data":"0x60","nonce":"0x00"}"#, "nonce"), (#"{"data":"0x60","gas":"0x10000000000000000"}"#, "gas"),
            (#"{"data":"0x60","unless":1}"#, "unless"), (#"{"data":"0x60","unless":{"data":"0x"}}"#, "unless.to"),
            (#"{"data":"0x60","label":null}"#, "label"), (#"{"from_member":"0x","payload":"0x"}"#, "data"),
        ])
    func refusals(_ text: String, _ member: String) throws {
        let error = #expect(throws: JSONError.self) { try Self.request(text) }
        #expect(error?.description.contains("\"\(member)\"") == true)
    }
}
