import Foundation
import HTTP
import LoopbackServer
import TestSupport
import Testing

/// `openssl s_server` on loopback with a new certificate for the name localhost, which nobody trusts.
private final class TLSServer {
    let port: Int
    let certificate: String
    /// What it writes to its standard output: what clients send, too.
    let output: FileHandle
    private let process: Process

    /// - Parameter input: what is sent to whoever connects; nil for a web page.
    init(in directory: String, sending input: String? = nil) throws {
        certificate = "\(directory)/certificate.pem"
        let making = try Self.openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            "\(directory)/key.pem", "-out", certificate, "-days", "2", "-subj", "/CN=localhost", "-addext",
            "subjectAltName=DNS:localhost", output: FileHandle.nullDevice)
        making.waitUntilExit()
        try #require(making.terminationStatus == 0)

        let shown = Pipe()
        output = shown.fileHandleForReading
        let pipe = Pipe()
        var arguments = ["s_server", "-accept", "127.0.0.1:0", "-cert", certificate, "-key", "\(directory)/key.pem"]
        if input == nil { arguments.append("-www") }
        process = try Self.openssl(arguments, input: pipe, output: shown.fileHandleForWriting)
        var text = ""
        while !text.contains(/ACCEPT \S+:\d+\n/) {
            let part = output.availableData
            try #require(!part.isEmpty)
            text += String(decoding: part, as: UTF8.self)
        }
        port = try #require(text.firstMatch(of: /ACCEPT \S+:(\d+)\n/).flatMap { Int($0.1) })
        if let input { try pipe.fileHandleForWriting.write(contentsOf: Data(input.utf8)) }
    }

    private static func openssl(
        _ arguments: String..., input: Any = FileHandle.nullDevice, output: FileHandle
    ) throws -> Process { try openssl(arguments, input: input, output: output) }

    private static func openssl(_ arguments: [String], input: Any, output: FileHandle) throws -> Process {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/openssl")
        process.arguments = arguments
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }

    /// Whoever kills it ends its connections without TLS's closing words.
    var processID: pid_t { process.processIdentifier }

    deinit {
        kill(processID, SIGKILL)
        process.waitUntilExit()
    }
}

@Suite(.timeLimit(.minutes(1)), .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl")))
struct TLSTests {
    private func failure(at url: String, of client: HTTPClient = HTTPClient()) throws -> HTTPError? {
        let request = HTTPRequest(try Endpoint(url: url), limits: HTTPLimits(deadline: .seconds(20)))
        do throws(HTTPError) {
            _ = try client.perform(request)
            return nil
        } catch { return error }
    }

    @Test func `a certificate counts only with a trusted root and for the right name`() throws {
        try withTemporaryDirectory { directory throws in
            let server = try TLSServer(in: directory)
            let url = "https://localhost:\(server.port)"
            let trusting = HTTPClient(caFile: server.certificate)
            let answer = try trusting.perform(HTTPRequest(try Endpoint(url: url)))
            #expect(answer.status == 200)
            for untrusted in [try failure(at: url), try failure(at: "https://127.0.0.1:\(server.port)", of: trusting)] {
                guard case .tlsFailed(_, let reason) = untrusted else { return unexpected(untrusted) }
                #expect(reason.lowercased().contains("certificate") || reason.contains("SSL:"))
                #expect(untrusted?.isTransient == false)
                #expect(untrusted?.mayHaveBeenSent == false)
            }
            let missing = try failure(at: url, of: HTTPClient(caFile: "\(directory)/none.pem"))
            guard case .tlsFailed = missing else { return unexpected(missing) }
        }
    }

    @Test(
        "an answer cut short inside TLS ended early",
        arguments: ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf\n"])
    func cutShort(text: String) throws {
        try withTemporaryDirectory { directory throws in
            let server = try TLSServer(in: directory, sending: text)
            Thread.detachNewThread { [processID = server.processID, output = server.output] in
                // It sends its own text before it shows what the client has sent.
                var shown = ""
                while !shown.contains("GET ") {
                    let part = output.availableData
                    guard !part.isEmpty else { return }
                    shown += String(decoding: part, as: UTF8.self)
                }
                kill(processID, SIGKILL)
            }
            let error = try failure(
                at: "https://localhost:\(server.port)", of: HTTPClient(caFile: server.certificate))
            guard case .endedEarly(_, .exchanging) = error else { return unexpected(error) }
        }
    }

    @Test func `a connection that closes in the handshake ended early and sent nothing`() throws {
        let server = try LoopbackServer(speaksFirst: [.endSending]) { _ in [] }
        defer { server.stop() }
        let error = try failure(at: "https://127.0.0.1:\(server.port)")
        guard case .endedEarly(_, .connecting) = error else { return unexpected(error) }
        #expect(error?.isTransient == true)
        #expect(error?.mayHaveBeenSent == false)
    }

    @Test func `a reset in the handshake is told as one`() throws {
        let server = try LoopbackServer(speaksFirst: [.pause(milliseconds: 100), .reset]) { _ in [] }
        defer { server.stop() }
        let error = try failure(at: "https://127.0.0.1:\(server.port)")
        guard case .connectionReset(_, .connecting) = error else { return unexpected(error) }
        #expect(error?.isTransient == true)
    }

    @Test func `a server without TLS is no trusted connection`() throws {
        let server = try LoopbackServer(speaksFirst: [.text("HTTP/1.1 400 Bad Request\r\n\r\n")]) { _ in [] }
        defer { server.stop() }
        let error = try failure(at: "https://127.0.0.1:\(server.port)")
        guard case .tlsFailed = error else { return unexpected(error) }
    }

    @Test func `a handshake that does not come meets the connect timeout`() throws {
        let server = try LoopbackServer(speaksFirst: [.pause(milliseconds: 20_000)]) { _ in [] }
        defer { server.stop() }
        let endpoint = try Endpoint(url: "https://127.0.0.1:\(server.port)")
        let limits = HTTPLimits(deadline: .seconds(20), connectTimeout: .milliseconds(300))
        let expected = HTTPError.timedOut(endpoint: endpoint.displayName, .connecting, limit: .milliseconds(300))
        #expect(throws: expected) { try HTTPClient().perform(HTTPRequest(endpoint, limits: limits)) }
    }
}
