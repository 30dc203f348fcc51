import COpenSSL
package import SecretMemory

/// HKDF with SHA-256 (RFC 5869), extract and expand.
package enum HKDF {
    /// `count` bytes derived from `key`.
    ///
    /// - Parameters:
    ///   - salt: RFC 5869's salt; none is the same as 32 zero bytes.
    ///   - info: RFC 5869's info.
    ///   - count: how many bytes are wanted, at most 8160.
    /// - Throws: ``CipherError/libraryFailed(call:)``.
    package static func derive(
        from key: borrowing SecretBytes, salt: [UInt8] = [], info: [UInt8] = [], count: Int
    ) throws(CipherError) -> SecretBytes {
        guard let method = unsafe method.pointer else { throw .libraryFailed(call: "EVP_KDF_fetch") }
        guard let context = unsafe EVP_KDF_CTX_new(method) else { throw .libraryFailed(call: "EVP_KDF_CTX_new") }
        defer { unsafe EVP_KDF_CTX_free(context) }
        return try SecretBytes(count: count) { target throws(CipherError) in
            let isDone = unsafe target.withUnsafeMutableBufferPointer { target in
                key.withBytes { key in
                    unsafe key.withUnsafeBufferPointer { key in
                        unsafe derive(context, key: key, salt: salt, info: info, into: target)
                    }
                }
            }
            guard isDone else { throw .libraryFailed(call: "EVP_KDF_derive") }
        }
    }

    private static let method = unsafe LibraryMethod(EVP_KDF_fetch(nil, "HKDF", nil))

    private static func derive(
        _ context: OpaquePointer, key: UnsafeBufferPointer<UInt8>, salt: [UInt8], info: [UInt8],
        into target: UnsafeMutableBufferPointer<UInt8>
    ) -> Bool {
        // OpenSSL takes mutable pointers, and only reads.
        var digest = Array("SHA256".utf8CString)
        var salt = salt
        var info = info
        return unsafe digest.withUnsafeMutableBufferPointer { digest in
            unsafe salt.withUnsafeMutableBytes { salt in
                unsafe info.withUnsafeMutableBytes { info in
                    let parameters = unsafe [
                        OSSL_PARAM_construct_utf8_string(name("digest"), digest.baseAddress, 0),
                        OSSL_PARAM_construct_octet_string(
                            name("key"), UnsafeMutableRawPointer(mutating: key.baseAddress), key.count),
                        OSSL_PARAM_construct_octet_string(name("salt"), salt.baseAddress, salt.count),
                        OSSL_PARAM_construct_octet_string(name("info"), info.baseAddress, info.count),
                        OSSL_PARAM_construct_end(),
                    ]
                    return unsafe EVP_KDF_derive(context, target.baseAddress, target.count, parameters) == 1
                }
            }
        }
    }

    /// A parameter's name in memory that outlives the call: OpenSSL keeps the pointer.
    private static func name(_ text: StaticString) -> UnsafePointer<CChar> {
        unsafe UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
    }
}
