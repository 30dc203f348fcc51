package import Failures
package import HTTP
package import JSON

/// Why a call has no result. `endpoint` is the endpoint's display name.
package enum RPCError: UserFacingError, Equatable {
    /// No HTTP answer came.
    case transport(HTTPError)
    /// An HTTP status other than success. `reason` is the server's explanation, if there is one, and `retryAfter`
    /// the pause that it asked for.
    case status(endpoint: String, code: Int, reason: String?, retryAfter: Duration?)
    /// An answer that is no JSON.
    case notJSON(endpoint: String, NotJSON)
    /// JSON that is not an answer to the request (JSON-RPC 2.0, section 5). `reason` is a clause.
    case malformed(endpoint: String, reason: String)
    /// No answer to this call in the answers to a batch.
    case missingAnswer(endpoint: String, method: String)
    /// The node's own error: the call was understood and failed.
    ///
    /// What it means for the exit status is the caller's to say: a reverted eth_call is an answer. `status` is that of
    /// the HTTP response.
    case response(code: Int, message: String, data: JSONValue?, status: Int = 200)
    /// The server takes no batches, or none of this size: at most `mostCalls` should be sent next, 1 without a batch.
    /// `reason` is a clause.
    case batchRefused(endpoint: String, reason: String, mostCalls: Int)

    /// What stood in place of JSON.
    package enum NotJSON: Equatable, Sendable {
        /// A web page: a gateway's, a login's, or another site's; with its title, if it has one.
        case html(title: String?)
        /// No byte.
        case empty
        /// JSON whose end is missing.
        case truncated
        /// Anything else, with the parser's reason.
        case other(JSONError)
    }

    package var kind: ErrorCategory {
        if case .transport(let error) = self { error.kind } else { .serviceFailed }
    }

    /// Whether the same call may well succeed a little later; see `HTTPError/isTransient`.
    package var isTransient: Bool {
        switch self {
        case .transport(let error): error.isTransient
        case .status(_, let code, _, let retryAfter): retryAfter != nil || HTTPResponse.isTransient(status: code)
        case .response(let code, let message, _, _):
            Self.isRateLimit(code: code, message: message) || Self.isOutage(code: code, message: message)
        // A gateway's page stands for a node that is away.
        case .notJSON, .missingAnswer: true
        case .malformed, .batchRefused: false
        }
    }

    /// The pause that the server asked for before another request.
    package var retryAfter: Duration? {
        if case .status(_, _, _, let pause) = self { pause } else { nil }
    }

    /// Whether the server may have seen the call, so that a second one may meet the effect of the first.
    package var mayHaveBeenSent: Bool {
        if case .transport(let error) = self { error.mayHaveBeenSent } else { true }
    }

    /// Whether an error is a provider's rate limit. Providers agree on no code, so their words count as well.
    static func isRateLimit(code: Int, message: String) -> Bool {
        if [429, -32005, -32007, -32012, -32016, -32055, 1008].contains(code) { return true }
        let text = message.lowercased()
        return ["rate limit", "too many requests", "request limit"].contains { text.contains($0) }
    }

    /// Whether an error says that the node behind a gateway is away or busy, and nothing of the call.
    static func isOutage(code: Int, message: String) -> Bool {
        if code == -32011 { return true }
        let text = message.lowercased()
        // A call that was made and undone may say anything.
        guard code != 3, code != -32602, !["revert", "execution aborted", "out of gas"].contains(where: text.contains)
        else { return false }
        return [
            "no backend", "backend offline", "no available", "upstream", "temporar", "overloaded", "timed out",
            "timeout", "unavailable",
            "bad gateway", "at capacity", "try again later", "please retry",
        ].contains { text.contains($0) }
    }

    /// Whether it is about one method, and not about the request as a whole.
    var isOfMethod: Bool {
        switch self {
        case .response: true
        case .status: isMethodUnavailable
        default: false
        }
    }

    /// The status that a server's words stand for, whichever it sent: some say with 200 that a key is wrong.
    private static func status(said reason: String?) -> Int? {
        guard let text = reason?.lowercased() else { return nil }
        func says(_ words: String...) -> Bool { words.contains { text.contains($0) } }
        if says("quota", "rate limit", "too many requests") { return 429 }
        if says("api key", "apikey", "api-key", "project id", "unauthorized", "authenticat") { return 401 }
        return nil
    }

    /// Whether the server does not offer the method, or forbids it. Providers agree on no code.
    package var isMethodUnavailable: Bool {
        switch self {
        case .status(_, let code, _, _): return [403, 404, 405, 501].contains(code)
        case .response(let code, let message, _, _):
            let text = message.lowercased()
            return [-32601, -32600, -32604, -32053, -32001, -32002, -32004].contains(code)
                || [
                    "not found", "does not exist", "not available", "not supported", "unsupported", "not allowed",
                    "not whitelisted", "disabled",
                ].contains { text.contains($0) }
        default: return false
        }
    }

    /// The node's own error, in its words: the first line of them.
    var told: String {
        guard case .response(let code, let message, _, let status) = self else { return description }
        let line = message.firstLine ?? ""
        return "error \(code)" + (200..<300 ~= status ? "" : " (HTTP status \(status))")
            + ": \(line.quoted(limit: 196))"
    }

    package var description: String {
        switch self {
        case .transport(let error): error.description
        case .status(let endpoint, let code, let reason, _):
            "\(endpoint): answered HTTP status \(code)" + (reason.map { ": \($0.quoted(limit: 196))" } ?? "")
        case .notJSON(let endpoint, let what): "\(endpoint): \(what)"
        case .malformed(let endpoint, let reason): "\(endpoint): not a JSON-RPC answer: \(reason)"
        case .missingAnswer(let endpoint, let method):
            "\(endpoint): the batch response has no answer to \(method.quoted())"
        case .response: "the node answered \(told)"
        case .batchRefused(let endpoint, let reason, _): "\(endpoint): does not accept this batch: \(reason)"
        }
    }

    package var hints: [String] {
        switch self {
        case .transport(let error): error.hints
        case .status(let endpoint, let code, let reason, _):
            HTTPError.status(endpoint: endpoint, code: Self.status(said: reason) ?? code).hints
        case .notJSON, .malformed: ["is this the full URL of a node's JSON-RPC endpoint?"]
        case .response(_, let message, _, let status):
            HTTPError.status(endpoint: "", code: Self.status(said: message) ?? status).hints
        case .missingAnswer, .batchRefused: []
        }
    }
}

extension RPCError.NotJSON: CustomStringConvertible {
    package var description: String {
        switch self {
        case .html(let title): "answered HTML, not JSON" + (title.map { ": \($0.quoted(limit: 200))" } ?? "")
        case .empty: "answered with an empty body, not JSON"
        case .truncated: "answered truncated JSON"
        case .other(let error): "answered something that is not JSON (\(error))"
        }
    }
}

extension HTTPResponse {
    /// The body as JSON.
    ///
    /// - Throws: `RPCError/notJSON(endpoint:_:)`.
    func json(from endpoint: Endpoint) throws(RPCError) -> JSONValue {
        func notJSON(_ what: RPCError.NotJSON) -> RPCError { .notJSON(endpoint: endpoint.displayName, what) }
        let first = body.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
        guard let first else { throw notJSON(.empty) }
        guard first != UInt8(ascii: "<") else { throw notJSON(.html(title: title)) }
        do {
            return try JSONParser.parse(body)
        } catch .truncated {
            throw notJSON(.truncated)
        } catch {
            throw notJSON(.other(error))
        }
    }

    /// The node's error in an answer that is one, or nil.
    fileprivate func nodeError(from endpoint: Endpoint) -> RPCFailure? {
        guard let value = try? json(from: endpoint), case .error(let error) = RPCAnswer(value).outcome else {
            return nil
        }
        return error
    }

    /// A server's explanation in its own words: a message in JSON (that of JSON-RPC, of RFC 9457, or an error that is a
    /// sentence), a web page's title, or the first line of a text.
    fileprivate func explanation(from endpoint: Endpoint) -> String? {
        do throws(RPCError) {
            let value = try json(from: endpoint)
            let object = (value.array?.first ?? value).object
            let error = object?["error"]
            let texts = [
                error?.object?["message"], error, object?["message"], object?["detail"], object?["title"], value,
            ]
            return texts.lazy.compactMap { $0?.string }.first { !$0.isEmpty }?.firstLine
        } catch .notJSON(_, .html(let title)) {
            return title
        } catch .notJSON(_, .other) {
            return String(decoding: body.prefix(400), as: UTF8.self).firstLine
        } catch {
            return nil
        }
    }

    /// What stands between a web page's title tags.
    fileprivate var title: String? {
        let text = Array(body.prefix(4096))
        let lowercased = text.map { UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0 ? $0 | 0x20 : $0 }
        guard let tag = lowercased.firstRange(of: Array("<title".utf8)),
            let begin = lowercased[tag.upperBound...].firstIndex(of: UInt8(ascii: ">")),
            let end = lowercased[begin...].firstRange(of: Array("</title".utf8))
        else { return nil }
        return String(decoding: text[begin..<end.lowerBound].dropFirst(), as: UTF8.self).firstLine
    }
}

extension String {
    /// The first line with something in it, its white space made single spaces.
    fileprivate var firstLine: String? {
        split(whereSeparator: \.isNewline).lazy
            .map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") }.first { !$0.isEmpty }
    }

}

extension RPCClient {
    /// The node's error as it is thrown; nodes quote the URL that they were asked, with its key.
    func failure(of error: RPCFailure, status: Int = 200) -> RPCError {
        .response(
            code: error.code, message: endpoint.redacting(error.message), data: error.data, status: status)
    }

    /// What a status that is no success means for a call.
    ///
    /// Many nodes send their errors with one, so an error in the body comes first, but for a rate limit: there the
    /// status and its Retry-After say more.
    func failure(of response: HTTPResponse) -> RPCError {
        if response.status != 429, response.retryAfter == nil, let error = response.nodeError(from: endpoint) {
            return failure(of: error, status: response.status)
        }
        let failure = response.failure(from: endpoint)
        if case .wantsHTTPS = failure { return .transport(failure) }
        let reason = response.explanation(from: endpoint).map { endpoint.redacting($0) }
        return .status(
            endpoint: endpoint.displayName, code: response.status, reason: reason, retryAfter: response.retryAfter)
    }

    /// An error that is a sentence alone, as the gateway's refusal that it is.
    func refusal(_ sentence: String, in response: HTTPResponse) -> RPCError {
        .status(
            endpoint: endpoint.displayName, code: response.status,
            reason: endpoint.redacting(sentence.firstLine ?? ""), retryAfter: response.retryAfter)
    }

    /// What a status that is no success means for a batch: a refusal, unless single calls would meet it as well.
    func batchFailure(of response: HTTPResponse, callCount: Int) -> RPCError {
        let isRefusal = 400..<500 ~= response.status && ![401, 407, 408, 425, 429].contains(response.status)
        let explanation = response.explanation(from: endpoint)
        let speaksOfBatches = explanation?.lowercased().contains("batch") == true
        guard isRefusal || speaksOfBatches, response.retryAfter == nil else { return failure(of: response) }
        return refusal(
            "it answered HTTP status \(response.status)", explanation,
            of: callCount, isOfSize: response.status == 413)
    }

    /// What one error for a whole batch means.
    func batchFailure(of error: RPCFailure, callCount: Int) -> RPCError {
        let failure = failure(of: error)
        guard error.speaksOfBatches || !failure.isTransient else { return failure }
        return refusal("it answered error \(error.code)", error.message, of: callCount)
    }

    private func refusal(
        _ what: String, _ explanation: String?, of callCount: Int, isOfSize: Bool = false
    ) -> RPCError {
        let reason = what + (explanation.map { ": \(endpoint.redacting($0).quoted(limit: 160))" } ?? "")
        let text = explanation?.lowercased() ?? ""
        let isOfSize = isOfSize || Self.sizeWords.contains { text.contains($0) }
        // Most say how many they take. Where they do not, half as many are tried next.
        let named = text.split { !$0.isASCII || !$0.isNumber }.compactMap { Int($0) }.filter { 1..<callCount ~= $0 }
            .max()
        let mostCalls = isOfSize ? named ?? max(callCount / 2, 1) : 1
        return .batchRefused(endpoint: endpoint.displayName, reason: reason, mostCalls: mostCalls)
    }

    /// Of a batch that would be taken if it were smaller.
    private static let sizeWords = ["large", "more than", "too many", "exceed", "limit", "size", "max", "big"]
}
