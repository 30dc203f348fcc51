import ABI
import BridgeClient
import EthereumNode
import Failures
import Glibc
import HTTP
import Primitives
import TEEBridge
import Transactions

/// A bridge as its contract answers.
struct BridgeContract {
    /// How its members are registered.
    enum Version: String {
        /// It checks proofs itself.
        case v1
        /// It has verifier contracts check them.
        case v2
    }

    let address: Address
    let version: Version
    let owner: Address?
    let node: EthereumNode

    /// Asks the contract at an address what it is.
    ///
    /// - Throws: `BridgeClientError`, `NodeError`, ``DoctorError/notABridge(_:)``.
    init(at address: Address, of node: EthereumNode) throws {
        self.address = address
        self.node = node
        guard !(try node.ask(.code(of: address, at: .latest)).isEmpty) else {
            throw BridgeClientError.noContract(address)
        }
        func answer(_ function: ABIFunction, _ arguments: [ABIValue] = []) throws -> ABIValue? {
            try Self.answer(function, arguments, of: address, node)
        }
        if case .address(let owner)? = try answer(TEEBridge.owner) { self.owner = owner } else { owner = nil }
        let nobody = try [ABIValue.address(Address([UInt8](repeating: 0, count: Address.byteCount)))]
        let isMember = try answer(TEEBridge.isMember, [.word(Bytes32([UInt8](repeating: 0, count: Bytes32.byteCount)))])
        guard isMember != nil else { throw DoctorError.notABridge(address) }
        if try answer(TEEBridge.allowedVerifiers, nobody) != nil {
            version = .v2
        } else if try answer(TEEBridge.allowedKmsRoots, nobody) != nil {
            version = .v1
        } else {
            throw DoctorError.notABridge(address)
        }
    }

    /// Whether the contract, or a verifier of it, answers a question with yes.
    ///
    /// - Throws: `NodeError`.
    func says(_ function: ABIFunction, _ argument: ABIValue, at contract: Address? = nil) throws -> Bool {
        try Self.answer(function, [argument], of: contract ?? address, node) == .bool(true)
    }

    /// What a function returns; nil where the contract does not have it.
    private static func answer(
        _ function: ABIFunction, _ arguments: [ABIValue], of contract: Address, _ node: EthereumNode
    ) throws -> ABIValue? {
        let request = CallRequest(to: contract, data: try function.encodeCall(arguments))
        guard case .returned(let data) = try node.ask(.call(request, at: .latest)) else { return nil }
        return try? function.decodeResult(data).first
    }
}

/// The clock of this machine beside those of a node.
enum Clock {
    /// By how much clocks may differ, in seconds.
    private static let tolerance = 15
    /// How old the newest block may be, in seconds; an older one causes a warning elsewhere, too.
    private static let oldest = 900

    /// Compares the clock with the time of the newest block, and with that of the server.
    ///
    /// - Parameter server: the server's time, if it shows one; it tells whose fault an odd block is.
    /// - Throws: ``DoctorError/otherClock(ahead:)``, ``DoctorError/oddBlock(age:isClockRight:)``.
    static func compare(block: UInt64, server: Int?) throws(DoctorError) -> String {
        let now = now
        if let server, abs(now - server) > tolerance { throw .otherClock(ahead: now - server) }
        let age = now - (Int(exactly: block) ?? .max)
        guard -tolerance...oldest ~= age else { throw .oddBlock(age: age, isClockRight: server != nil) }
        return "the newest block is \(max(age, 0)) s old"
    }

    /// Seconds of Unix time.
    private static var now: Int {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return time.tv_sec
    }

    /// What a node's server says in the header Date (RFC 9110, section 5.6.7); nil if it says nothing.
    static func date(of endpoint: Endpoint, over client: HTTPClient, limits: HTTPLimits) -> Int? {
        let question = #"{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}"#
        let request = HTTPRequest(
            endpoint, .post(Array(question.utf8)), subject: "eth_chainId",
            headers: [("Content-Type", "application/json")], limits: limits)
        guard let text = try? client.perform(request).header("Date") else { return nil }
        // Sun, 06 Nov 1994 08:49:37 GMT
        var words = text.split { $0 == " " || $0 == ":" }.dropFirst().makeIterator()
        func number() -> Int32? { words.next().flatMap { Int32($0) } }
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard let day = number(), let name = words.next(), let month = months.firstIndex(of: String(name)),
            let year = number(), 1900...9999 ~= year, let hour = number(), let minute = number(), let second = number()
        else { return nil }
        var date = unsafe tm()
        unsafe date.tm_year = year - 1900
        unsafe date.tm_mon = Int32(truncatingIfNeeded: month)
        unsafe date.tm_mday = day
        unsafe date.tm_hour = hour
        unsafe date.tm_min = minute
        unsafe date.tm_sec = second
        return unsafe timegm(&date)
    }
}
