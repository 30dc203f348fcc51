import CCurl
import Glibc

/// libcurl's functions, which stand where they are until the process ends.
///
/// `@unchecked Sendable`: nobody changes the table of them once it is made.
@safe
struct Curl: @unchecked Sendable {
    let functions: UnsafePointer<ccurl>

    /// libcurl, opened when something first needs it, or why it is not there.
    static let library: Result<Curl, HTTPError> = {
        guard let functions = unsafe ccurl_open() else {
            let reason = unsafe dlerror().map { unsafe String(cString: $0) } ?? "no reason is given"
            return .failure(.noLibrary(reason: reason))
        }
        // Not thread-safe in older versions of libcurl, as the first use of a static is.
        let code = unsafe functions.pointee.global_init(Int(CURL_GLOBAL_ALL))
        let curl = unsafe Curl(functions: functions)
        return code == CURLE_OK ? .success(curl) : .failure(.noLibrary(reason: curl.text(of: code)))
    }()

    /// curl's words for an error.
    func text(of code: CURLcode) -> String { unsafe text(functions.pointee.easy_strerror(code)) }

    /// curl's words for what is wrong with a URL.
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
