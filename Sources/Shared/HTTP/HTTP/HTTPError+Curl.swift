import CCurl
import Failures
import Glibc

extension HTTPError {
    /// What a code of curl means for a request.
    ///
    /// - Parameters:
    ///   - text: curl's sentence, free of what the endpoint hides.
    ///   - systemError: the errno of the connection, or 0.
    init(curl code: CURLcode, text: String, systemError: Int32, phase: HTTPPhase, of request: HTTPRequest) {
        let endpoint = request.endpoint.displayName
        let reason = String(text.split(whereSeparator: \.isNewline).joined(separator: " ").prefix(200))
            .escapingControlCharacters
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: self = .cannotResolve(endpoint: endpoint)
        case CURLE_COULDNT_CONNECT where systemError == ECONNREFUSED: self = .connectionRefused(endpoint: endpoint)
        case CURLE_COULDNT_CONNECT where systemError != 0:
            self = .cannotConnect(endpoint: endpoint, reason: Self.text(ofSystemError: systemError))
        case CURLE_COULDNT_CONNECT: self = .cannotConnect(endpoint: endpoint, reason: reason)
        case CURLE_OPERATION_TIMEDOUT:
            let limits = request.limits
            let limit = phase == .connecting ? min(limits.connectTimeout, limits.deadline) : limits.deadline
            self = .timedOut(endpoint: endpoint, phase, limit: limit)
        case CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE: self = .endedEarly(endpoint: endpoint, phase)
        case CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_SSL_CONNECT_ERROR:
            self = Self.broken(code, reason, systemError, endpoint, phase)
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CIPHER,
            CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS:
            self = .tlsFailed(endpoint: endpoint, reason: reason)
        default: self = .other(endpoint: endpoint, phase, code: Int(code.rawValue), reason: reason)
        }
    }

    /// A connection that broke under TLS or under a transfer.
    ///
    /// curl gives an end of file inside TLS no code and no errno of its own, only OpenSSL's words.
    private static func broken(
        _ code: CURLcode, _ reason: String, _ systemError: Int32, _ endpoint: String, _ phase: HTTPPhase
    ) -> HTTPError {
        let isReset = systemError == ECONNRESET || systemError == EPIPE
        if isReset || reason.contains("Connection reset") || reason.contains("Broken pipe") {
            return .connectionReset(endpoint: endpoint, phase)
        }
        if reason.contains("unexpected eof") || reason.contains("SSL_ERROR_SYSCALL") {
            return .endedEarly(endpoint: endpoint, phase)
        }
        if code == CURLE_SSL_CONNECT_ERROR { return .tlsFailed(endpoint: endpoint, reason: reason) }
        return .other(endpoint: endpoint, phase, code: Int(code.rawValue), reason: reason)
    }

    private static func text(ofSystemError number: Int32) -> String {
        guard let text = unsafe strerror(number) else { return "system error \(number)" }
        return unsafe String(cString: text).lowercased()
    }
}
