import CCurl

/// The header lines of a request in the form that curl takes; it owns their memory.
@safe
final class HeaderList {
    private let curl: Curl
    /// The first line, which knows the next.
    private(set) var first: UnsafeMutablePointer<curl_slist>?

    /// - Throws: ``HTTPError/invalidRequest(endpoint:reason:)`` for a header that would end its line or its name.
    init(_ request: HTTPRequest, _ curl: Curl) throws(HTTPError) {
        self.curl = curl
        // No Expect: curl would wait a second for a 100 that few servers send.
        let own = [(name: "Accept-Encoding", value: "identity"), (name: "Expect", value: "")]
        for (name, value) in own + request.headers {
            guard !name.isEmpty, name.utf8.allSatisfy({ 0x21...0x7E ~= $0 && $0 != UInt8(ascii: ":") }),
                value.utf8.allSatisfy({ 0x20...0x7E ~= $0 })
            else {
                throw .invalidRequest(
                    endpoint: request.endpoint.displayName, reason: "a header is not printable ASCII")
            }
            let line = value.isEmpty ? "\(name):" : "\(name): \(value)"
            guard let longer = unsafe curl.functions.pointee.slist_append(first, line) else {
                throw .invalidRequest(endpoint: request.endpoint.displayName, reason: "out of memory")
            }
            unsafe first = longer
        }
    }

    deinit { unsafe curl.functions.pointee.slist_free_all(first) }
}
