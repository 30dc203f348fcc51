import Console
import JSON
import Secp256k1
import SecretMemory

/// A keystore file and where its password is.
struct KeystoreSource {
    let path: String
    /// The file of the password; nil asks for it on the terminal.
    let passwordFile: String?

    /// The most bytes that a keystore may have.
    private static let limit = 64 * 1024

    /// - Throws: ``KeyError``, `KeystoreError`, `ConsoleError`, `JSONError`.
    func load() throws -> SecretKey {
        let file = try Input(path: path, awaited: "a keystore", voice: Voice(program: "")).readAll(limit: Self.limit)
        guard let json = try JSONParser.parse(file).object else { throw JSONError.notAnObject(line: 1) }
        return try Keystore(json: json).key(password: password())
    }

    /// The password, without the one line end that may stand behind it in a file.
    private func password() throws -> SecretBytes {
        guard let passwordFile else { return try Terminal.readPassword(prompt: "password of the keystore") }
        return try SecretFile.read(passwordFile).withoutLineEnd()
    }
}
