import ArgumentParser
import ECIES

/// The settings in which eciespy's messages may differ from its default.
struct SealSettings: ParsableArguments {
    @Flag(help: "The ephemeral key in the message has 33 bytes.")
    var ephemeralCompressed = false

    @Flag(help: "The points that the key is derived from have 33 bytes.")
    var hkdfCompressed = false

    @Option(help: ArgumentHelp("The nonce has 16 bytes, or 12.", valueName: "n"))
    var nonceLength: Int = 16

    func validate() throws {
        guard ECIES.NonceLength(rawValue: nonceLength) != nil else {
            throw ValidationError("--nonce-length is 12 or 16")
        }
    }

    var ecies: ECIES {
        ECIES(
            ephemeralCompressed: ephemeralCompressed, derivationCompressed: hkdfCompressed,
            nonceLength: ECIES.NonceLength(rawValue: nonceLength) ?? .sixteen)
    }
}
