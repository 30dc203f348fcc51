import CCurl
import Failures
import Glibc

/// Sends HTTP requests, one at a time, and keeps connections for the next one.
///
/// TLS certificates are checked against the system's roots, redirects are not followed, and no cookie or netrc file
/// takes part. Bodies may come compressed (RFC 9110, section 8.4); their limit counts the decompressed bytes. Proxies
/// come from the environment (`https_proxy`, `no_proxy`), except to this machine.
///
/// Not `Sendable`: the curl handle that it owns belongs to one thread at a time.
@safe
package final class HTTPClient {
    /// Made for the first request.
    private var handle: CurlHandle?
    private let errorText: UnsafeMutablePointer<CChar>
    private let caFile: String?
    private let observer: HTTPObserver
    private let isCancelled: () -> Bool

    /// - Parameters:
    ///   - caFile: a file of PEM certificates to trust instead of the system's.
    ///   - observer: hears of each request that is sent.
    ///   - isCancelled: asked about once a second while a request runs, and when bytes move; true ends the request
    ///     with ``HTTPError/cancelled(endpoint:)``.
    package init(
        caFile: String? = nil, observer: @escaping HTTPObserver = { _ in },
        isCancelled: @escaping () -> Bool = { false }
    ) {
        unsafe errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        unsafe errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        self.caFile = caFile
        self.observer = observer
        self.isCancelled = isCancelled
    }

    deinit { unsafe errorText.deallocate() }

    /// Sends a request and waits for the whole answer.
    ///
    /// - Throws: ``HTTPError``. An answer of any status is an answer, no error; see
    ///   ``HTTPResponse/successful(from:)``.
    package func perform(_ request: HTTPRequest) throws(HTTPError) -> HTTPResponse {
        let handle = if let handle { handle } else { try CurlHandle() }
        self.handle = handle
        let functions = unsafe handle.curl.functions
        let url = try request.endpoint.url(for: request.path)
        let headers = try HeaderList(request, handle.curl)
        let start = ContinuousClock.now
        let tell = { [observer] outcome in observer(HTTPExchange(request, outcome, after: .now - start)) }
        var isLate = false
        let transfer = Transfer(limits: request.limits) { [isCancelled] in
            tell(.waiting)
            if !isLate, .now - start >= .seconds(1) {
                isLate = true
                tell(.late)
            }
            return isCancelled()
        }

        unsafe functions.pointee.easy_reset(handle.pointer)
        var options = TransferOptions(handle)
        set(&options, for: request, url: url)
        unsafe options.set(CURLOPT_HTTPHEADER, list: headers.first)
        transfer.attach(to: &options)
        if let refusal = options.refusal { throw failure(refusal, of: request, handle) }

        unsafe errorText.pointee = 0
        let code = withoutBrokenPipeSignal { unsafe functions.pointee.easy_perform(handle.pointer) }
        withExtendedLifetime((transfer, headers)) {}
        do throws(HTTPError) {
            let response = try response(of: transfer, code, to: request, handle)
            tell(.answered(status: response.status, byteCount: response.body.count))
            return response
        } catch {
            tell(.failed(error))
            throw error
        }
    }

    /// Waits before a request is sent again, less if that is no longer wanted, and tells of it meanwhile.
    ///
    /// - Parameters:
    ///   - pause: how long.
    ///   - failure: why it is sent again; names the server.
    package func rest(for pause: Duration, after failure: String) {
        let start = ContinuousClock.now
        while !isCancelled() {
            let elapsed = ContinuousClock.now - start
            observer(HTTPExchange(nil, .pausing(after: failure), after: elapsed))
            guard elapsed < pause else { return }
            sleep(for: min(pause - elapsed, .milliseconds(200)))
        }
    }

    /// What a transfer that is over has brought.
    private func response(
        of transfer: Transfer, _ code: CURLcode, to request: HTTPRequest, _ handle: CurlHandle
    ) throws(HTTPError) -> HTTPResponse {
        let name = request.endpoint.displayName
        if let part = transfer.overflow {
            let limit = part == .body ? request.limits.body : request.limits.head
            throw .responseTooLarge(endpoint: name, part, limit: limit)
        }
        if transfer.wasCancelled { throw .cancelled(endpoint: name) }
        if code == CURLE_BAD_CONTENT_ENCODING {
            throw .badEncoding(endpoint: name, encoding: transfer.encoding)
        }
        guard code == CURLE_OK else { throw failure(code, of: request, handle) }
        guard transfer.isHeadComplete else { throw .endedEarly(endpoint: name, .exchanging) }
        return HTTPResponse(
            status: handle.integer(CURLINFO_RESPONSE_CODE), headers: transfer.headers, body: transfer.body)
    }

    private func set(_ options: inout TransferOptions, for request: HTTPRequest, url: String) {
        options.set(CURLOPT_URL, url)
        options.allowOnlyHTTP()
        unsafe options.set(CURLOPT_ERRORBUFFER, pointer: errorText)
        options.set(CURLOPT_NOSIGNAL, 1)
        options.set(CURLOPT_USERAGENT, "teebridge")
        // A guest agent's answer may be a key, which is not to stand in more places.
        if request.endpoint.socketPath == nil { options.set(CURLOPT_ACCEPT_ENCODING, "gzip, deflate") }
        options.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        if case .post(let body) = request.method { options.set(postBody: body) }
        if let path = request.endpoint.socketPath { options.set(CURLOPT_UNIX_SOCKET_PATH, path) }
        if request.endpoint.isLocal { options.set(CURLOPT_PROXY, "") }

        options.set(CURLOPT_SSL_VERIFYPEER, 1)
        options.set(CURLOPT_SSL_VERIFYHOST, 2)
        options.set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        if let caFile { options.set(CURLOPT_CAINFO, caFile) }

        options.set(CURLOPT_TIMEOUT_MS, milliseconds: request.limits.deadline)
        options.set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds: request.limits.connectTimeout)
        if !request.reusesConnection {
            options.set(CURLOPT_FRESH_CONNECT, 1)
            options.set(CURLOPT_FORBID_REUSE, 1)
        }
    }

    private func failure(_ code: CURLcode, of request: HTTPRequest, _ handle: CurlHandle) -> HTTPError {
        let detail = unsafe String(cString: errorText)
        return HTTPError(
            curl: code, text: request.endpoint.redacting(detail.isEmpty ? handle.curl.text(of: code) : detail),
            systemError: Int32(handle.integer(CURLINFO_OS_ERRNO)),
            phase: handle.integer(CURLINFO_REQUEST_SIZE) > 0 ? .exchanging : .connecting, of: request)
    }
}
