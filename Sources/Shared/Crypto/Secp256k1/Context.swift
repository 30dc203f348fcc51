import CSecp256k1
import Glibc

/// The library's context: made once, blinded with random bytes against side channels, then only read.
///
/// `@unchecked Sendable`: libsecp256k1 allows any number of threads to use a context that nobody changes.
@safe
final class Context: @unchecked Sendable {
    static let shared = Context()

    let pointer: OpaquePointer

    private init() {
        // Without memory for a context nothing can be signed or checked: libsecp256k1 aborts by itself.
        unsafe pointer = unsafe secp256k1_context_create(UInt32(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY))
        var seed = InlineArray<32, UInt8>(repeating: 0)
        // The blinding is a second line of defence; the library's arithmetic is constant-time without it.
        if unsafe getentropy(&seed, 32) == 0 { _ = unsafe secp256k1_context_randomize(pointer, &seed) }
    }
}
