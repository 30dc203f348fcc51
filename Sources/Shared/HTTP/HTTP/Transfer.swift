import CCurl
import Glibc

/// What one request has received so far; curl's callbacks write to it.
final class Transfer {
    private(set) var headers: [(name: String, value: String)] = []
    private(set) var body: [UInt8] = []
    /// The part that grew beyond its limit, which ended the transfer.
    private(set) var overflow: HTTPResponsePart?
    private(set) var wasCancelled = false
    /// Whether the empty line after the headers has arrived. curl takes a connection that ends before it for an answer.
    private(set) var isHeadComplete = false

    private let limits: HTTPLimits
    private let isCancelled: () -> Bool
    private var headCount = 0

    init(limits: HTTPLimits, isCancelled: @escaping () -> Bool) {
        self.limits = limits
        self.isCancelled = isCancelled
        // An answer that holds a secret is small: it is not copied about in memory while it arrives.
        body.reserveCapacity(min(limits.body, 16 << 10))
    }

    /// Takes one line of the head, or says that it is too much.
    func receive(headLine bytes: UnsafeRawBufferPointer) -> Bool {
        headCount += bytes.count
        guard headCount <= limits.head else {
            overflow = .head
            return false
        }
        let line = unsafe String(decoding: bytes, as: UTF8.self).trimmed
        if line.hasPrefix("HTTP/") {
            // The next answer's head: what came before was an interim answer, such as 103.
            headers = []
            isHeadComplete = false
        } else if line.isEmpty {
            isHeadComplete = true
        } else if !isHeadComplete, let colon = line.firstIndex(of: ":") {
            headers.append((line[..<colon].trimmed, line[line.index(after: colon)...].trimmed))
        }
        return true
    }

    /// Takes more of the body, or says that it is too much.
    func receive(body bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count <= limits.body - body.count else {
            overflow = .body
            return false
        }
        unsafe body.append(contentsOf: bytes)
        return true
    }

    /// What the head says of how the body is encoded; empty if nothing.
    var encoding: String { headers.last { $0.name.lowercased() == "content-encoding" }?.value ?? "" }

    /// Whether the transfer should go on.
    func mayContinue() -> Bool {
        wasCancelled = isCancelled()
        return !wasCancelled
    }

    /// Tells curl to write to this object, which must live as long as the transfer.
    func attach(to options: inout TransferOptions) {
        let context = unsafe UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque())
        unsafe options.set(CURLOPT_WRITEDATA, pointer: context)
        unsafe options.set(CURLOPT_HEADERDATA, pointer: context)
        unsafe options.set(CURLOPT_XFERINFODATA, pointer: context)
        unsafe options.setReceiver(CURLOPT_WRITEFUNCTION) { start, size, count, context in
            unsafe Transfer.from(context, start, size, count) { unsafe $0.receive(body: $1) }
        }
        unsafe options.setReceiver(CURLOPT_HEADERFUNCTION) { start, size, count, context in
            unsafe Transfer.from(context, start, size, count) { unsafe $0.receive(headLine: $1) }
        }
        unsafe options.setProgress { context, _, _, _, _ in
            guard let context = unsafe context else { return 1 }
            return unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue().mayContinue() ? 0 : 1
        }
    }

    /// Hands a callback's bytes on, and gives curl their number if they were taken; another number ends the transfer.
    private static func from(
        _ context: UnsafeMutableRawPointer?, _ start: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int,
        take: (Transfer, UnsafeRawBufferPointer) -> Bool
    ) -> Int {
        let (byteCount, overflow) = size.multipliedReportingOverflow(by: count)
        guard !overflow, byteCount > 0, let context = unsafe context, let start = unsafe start else { return 0 }
        let transfer = unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
        return unsafe take(transfer, UnsafeRawBufferPointer(start: start, count: byteCount)) ? byteCount : 0
    }
}

extension StringProtocol {
    /// The text without the white space at its ends that HTTP allows there.
    fileprivate var trimmed: String {
        let isSpace: (Unicode.Scalar) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" || $0 == "\n" }
        let rest = unicodeScalars.drop(while: isSpace).reversed().drop(while: isSpace).reversed()
        var text = ""
        text.unicodeScalars.append(contentsOf: rest)
        return text
    }
}

/// Sets the options of a curl handle and remembers the first that curl refused.
@safe
struct TransferOptions {
    private let functions: UnsafePointer<ccurl>
    private let handle: UnsafeMutableRawPointer
    /// curl's error for the first option that it refused.
    private(set) var refusal: CURLcode?

    init(_ handle: CurlHandle) {
        unsafe functions = handle.curl.functions
        unsafe self.handle = handle.pointer
    }

    /// Sets an option to a number.
    mutating func set(_ option: CURLoption, _ value: Int) {
        note(unsafe ccurl_set_long(functions, handle, option, value))
    }

    /// Sets an option to a text, which curl copies.
    mutating func set(_ option: CURLoption, _ value: String) {
        note(unsafe ccurl_set_string(functions, handle, option, value))
    }

    /// A time in whole milliseconds; at least one, since zero would mean no limit to curl.
    mutating func set(_ option: CURLoption, milliseconds value: Duration) {
        let (seconds, attoseconds) = value.components
        let clamped = Int(min(max(seconds, 0), Int64(Int32.max / 1000 - 1)))
        set(option, seconds < 0 ? 1 : max(1, clamped * 1000 + Int(attoseconds / 1_000_000_000_000_000)))
    }

    /// The bytes that a POST sends; curl keeps a copy.
    mutating func set(postBody body: [UInt8]) {
        set(CURLOPT_POST, 1)
        note(unsafe ccurl_set_size(functions, handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count)))
        guard !body.isEmpty else { return set(CURLOPT_COPYPOSTFIELDS, "") }
        unsafe body.withUnsafeBytes {
            note(unsafe ccurl_set_pointer(functions, handle, CURLOPT_COPYPOSTFIELDS, $0.baseAddress))
        }
    }

    /// Sets an option to a pointer, which must outlive the transfer.
    @unsafe mutating func set(_ option: CURLoption, pointer: UnsafeRawPointer?) {
        note(unsafe ccurl_set_pointer(functions, handle, option, pointer))
    }

    /// Sets an option to a list, which must outlive the transfer.
    @unsafe mutating func set(_ option: CURLoption, list: UnsafeMutablePointer<curl_slist>?) {
        note(unsafe ccurl_set_list(functions, handle, option, list))
    }

    /// Sets the function that takes the head or the body.
    @unsafe mutating func setReceiver(_ option: CURLoption, _ receiver: curl_write_callback?) {
        note(unsafe ccurl_set_receiver(functions, handle, option, receiver))
    }

    /// Sets the function that curl calls often, and that may end the transfer.
    @unsafe mutating func setProgress(_ progress: curl_xferinfo_callback?) {
        set(CURLOPT_NOPROGRESS, 0)
        note(unsafe ccurl_set_progress(functions, handle, progress))
    }

    /// Restricts curl to HTTP/1.1 over HTTP and HTTPS, without redirects.
    mutating func allowOnlyHTTP() {
        note(unsafe ccurl_allow_only_http(functions, handle))
        note(unsafe ccurl_leave_slow_resolver(functions, handle))
        set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
        set(CURLOPT_FOLLOWLOCATION, 0)
    }

    private mutating func note(_ code: CURLcode) {
        if code != CURLE_OK, refusal == nil { refusal = code }
    }
}

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
        let own = [(name: "Expect", value: "")]
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

/// Runs `body` so that a connection closed by the other side cannot end the process.
///
/// OpenSSL writes to sockets without MSG_NOSIGNAL, and a library does not know what its program does with SIGPIPE. So the signal is held back in this thread only, and one that `body`
/// caused is taken off before the old mask returns.
func withoutBrokenPipeSignal<Result>(_ body: () -> Result) -> Result {
    var brokenPipe = sigset_t()
    var before = sigset_t()
    var pending = sigset_t()
    unsafe sigemptyset(&brokenPipe)
    unsafe sigaddset(&brokenPipe, SIGPIPE)
    unsafe sigpending(&pending)
    let wasPending = unsafe sigismember(&pending, SIGPIPE) == 1
    unsafe pthread_sigmask(SIG_BLOCK, &brokenPipe, &before)
    defer {
        if !wasPending {
            var now = timespec()
            while unsafe sigtimedwait(&brokenPipe, nil, &now) == -1, errno == EINTR {}
        }
        unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
    }
    return body()
}
