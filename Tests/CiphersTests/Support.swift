import SecretMemory

extension SecretBytes {
    /// The bytes, which are no secret in a test.
    func copy() -> [UInt8] { withBytes { span in span.indices.map { span[$0] } } }
}
