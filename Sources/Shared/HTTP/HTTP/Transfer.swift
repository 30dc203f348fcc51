import CCurl

/// What one request has received so far; curl's callbacks write to it.
final class Transfer {
    private(set) var headers: [(name: String, value: String)] = []
    private(set) var body: [UInt8] = []
    /// The part that grew beyond its limit, which ended the transfer.
    private(set) var overflow: HTTPResponsePart?
    private(set) var wasCancelled = false
    /// Whether the empty line behind the headers came. curl takes a connection that ends before it for an answer.
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
