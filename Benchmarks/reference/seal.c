/* Seals a text of 32 bytes for one public key, COUNT times, as eciespy does, with libsecp256k1 and OpenSSL alone. */
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <secp256k1.h>
#include <secp256k1_ecdh.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int uncompressed(unsigned char *output, const unsigned char *x, const unsigned char *y, void *data) {
    (void)data;
    output[0] = 4;
    memcpy(output + 1, x, 32);
    memcpy(output + 33, y, 32);
    return 1;
}

static int seal(secp256k1_context *context, const secp256k1_pubkey *recipient, unsigned char *message) {
    static const unsigned char text[32] = "a secret of thirty-two bytes....";
    unsigned char key[32], shared[130], derived[32], *nonce = message + 65;
    secp256k1_pubkey point;
    size_t length = 65;
    int written;
    if (RAND_bytes(key, 32) != 1 || RAND_bytes(nonce, 16) != 1) return 0;
    if (!secp256k1_ec_pubkey_create(context, &point, key)) return 0;
    secp256k1_ec_pubkey_serialize(context, message, &length, &point, SECP256K1_EC_UNCOMPRESSED);
    memcpy(shared, message, 65);
    if (!secp256k1_ecdh(context, shared + 65, recipient, key, uncompressed, NULL)) return 0;

    EVP_PKEY_CTX *kdf = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
    size_t derived_length = sizeof derived;
    if (EVP_PKEY_derive_init(kdf) != 1 || EVP_PKEY_CTX_set_hkdf_md(kdf, EVP_sha256()) != 1
        || EVP_PKEY_CTX_set1_hkdf_key(kdf, shared, sizeof shared) != 1
        || EVP_PKEY_derive(kdf, derived, &derived_length) != 1)
        return 0;
    EVP_PKEY_CTX_free(kdf);

    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    if (EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, NULL, NULL) != 1
        || EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_IVLEN, 16, NULL) != 1
        || EVP_EncryptInit_ex(cipher, NULL, NULL, derived, nonce) != 1
        || EVP_EncryptUpdate(cipher, message + 97, &written, text, sizeof text) != 1
        || EVP_EncryptFinal_ex(cipher, message + 97 + written, &written) != 1
        || EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, 16, message + 81) != 1)
        return 0;
    EVP_CIPHER_CTX_free(cipher);
    return 1;
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    static const unsigned char key[32] = {[31] = 1};
    unsigned char message[129];
    secp256k1_context *context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    secp256k1_pubkey recipient;
    if (!secp256k1_ec_pubkey_create(context, &recipient, key)) return 1;
    for (long count = strtol(argv[1], NULL, 10); count > 0; count--) {
        if (!seal(context, &recipient, message)) return 1;
        for (size_t index = 0; index < sizeof message; index++) printf("%02x", message[index]);
        putchar('\n');
    }
    return 0;
}
