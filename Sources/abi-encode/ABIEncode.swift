import ArgumentParser
import CommandLineTool
import Console
import JSON
import Transactions

@main
struct ABIEncode: CommandLineTool {
    static let configuration = CommandConfiguration(
        commandName: "abi-encode",
        abstract: "Turn proofs, sealed messages and calls into transaction requests, and decode what comes back.",
        discussion: """
            Reads JSON from FILE or standard input and prints one request per line for tx-send; decode prints what it \
            decoded.

            EXAMPLE
              proof-extract serial.log | abi-encode register --bridge 0x… | tx-send
            """,
        version: version,
        subcommands: [
            Register.self, Onboard.self, AddKMSRoot.self, RemoveKMSRoot.self, AddAllowedCode.self,
            RemoveAllowedCode.self, AddVerifier.self, RemoveVerifier.self, AddComposeHash.self, Deploy.self, Call.self,
            Decode.self,
        ])

    func run() throws { throw ValidationError("a command is needed") }
}

/// The most bytes that one proof or sealed message, or an array of them, may have as JSON.
let inputLimit = 16 << 20

/// Prints a request on a line of its own.
///
/// - Throws: ``ConsoleError`` if it cannot be written.
func emit(_ request: TransactionRequest) throws(ConsoleError) {
    try Descriptor.standardOutput.writeLine(request.json.compact)
}
