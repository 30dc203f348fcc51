import CCurl
import Failures
import Glibc

/// libcurl's functions, which stand where they are until the process ends.
///
/// `@unchecked Sendable`: the table of them never changes once it is made.
@safe
struct Curl: @unchecked Sendable {
    let functions: UnsafePointer<ccurl>

    /// libcurl, opened when something first needs it, or why it is not there.
    static let library: Result<Curl, HTTPError> = {
        guard let functions = unsafe ccurl_open() else {
            let reason = unsafe dlerror().map { unsafe String(cString: $0) } ?? "no reason given"
            return .failure(.noLibrary(reason: reason))
        }
        // Not thread-safe in older versions of libcurl, as the first use of a static is.
        let code = unsafe functions.pointee.global_init(Int(CURL_GLOBAL_ALL))
        let curl = unsafe Curl(functions: functions)
        return code == CURLE_OK ? .success(curl) : .failure(.noLibrary(reason: curl.text(of: code)))
    }()

    /// curl's words for an error.
    func text(of code: CURLcode) -> String { unsafe text(functions.pointee.easy_strerror(code)) }

    /// curl's description of what is wrong with a URL.
    func text(of code: CURLUcode) -> String { unsafe text(functions.pointee.url_strerror(code)) }

    @unsafe private func text(_ words: UnsafePointer<CChar>?) -> String {
        unsafe words.map { unsafe String(cString: $0) } ?? "an unknown error"
    }
}

/// A handle of curl's, freed with its owner.
@safe
final class CurlHandle {
    let curl: Curl
    let pointer: UnsafeMutableRawPointer

    /// - Throws: ``HTTPError/noLibrary(reason:)``.
    init() throws(HTTPError) {
        curl = try Curl.library.get()
        guard let handle = unsafe curl.functions.pointee.easy_init() else {
            throw .noLibrary(reason: curl.text(of: CURLE_FAILED_INIT))
        }
        unsafe pointer = handle
    }

    deinit { unsafe curl.functions.pointee.easy_cleanup(pointer) }

    /// What curl knows of the last transfer; 0 if nothing.
    func integer(_ info: CURLINFO) -> Int {
        var value = 0
        return unsafe ccurl_get_long(curl.functions, pointer, info, &value) == CURLE_OK ? value : 0
    }
}

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
