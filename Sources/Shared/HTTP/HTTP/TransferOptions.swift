import CCurl

/// Sets the options of a curl handle and remembers the first that curl refused.
@safe
struct TransferOptions {
    private let functions: UnsafePointer<ccurl>
    private let handle: UnsafeMutableRawPointer
    /// What curl said to the first option that it refused.
    private(set) var refusal: CURLcode?

    init(_ handle: CurlHandle) {
        unsafe functions = handle.curl.functions
        unsafe self.handle = handle.pointer
    }

    mutating func set(_ option: CURLoption, _ value: Int) {
        note(unsafe ccurl_set_long(functions, handle, option, value))
    }

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

    @unsafe mutating func set(_ option: CURLoption, pointer: UnsafeRawPointer?) {
        note(unsafe ccurl_set_pointer(functions, handle, option, pointer))
    }

    @unsafe mutating func set(_ option: CURLoption, list: UnsafeMutablePointer<curl_slist>?) {
        note(unsafe ccurl_set_list(functions, handle, option, list))
    }

    @unsafe mutating func setReceiver(_ option: CURLoption, _ receiver: curl_write_callback?) {
        note(unsafe ccurl_set_receiver(functions, handle, option, receiver))
    }

    @unsafe mutating func setProgress(_ progress: curl_xferinfo_callback?) {
        set(CURLOPT_NOPROGRESS, 0)
        note(unsafe ccurl_set_progress(functions, handle, progress))
    }

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
