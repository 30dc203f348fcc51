/* Encrypts BYTES zero bytes with AES-256-GCM, 16 KiB at a time in the same place, as `openssl speed` does. */
#include <openssl/evp.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    static unsigned char block[16384], key[32], nonce[16];
    int written;
    if (argc != 2) return 2;
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    if (EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, NULL, NULL) != 1
        || EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_IVLEN, sizeof nonce, NULL) != 1
        || EVP_EncryptInit_ex(cipher, NULL, NULL, key, nonce) != 1)
        return 1;
    for (long rest = strtol(argv[1], NULL, 10); rest > 0; rest -= sizeof block)
        if (EVP_EncryptUpdate(cipher, block, &written, block, sizeof block) != 1) return 1;
    if (EVP_EncryptFinal_ex(cipher, block, &written) != 1) return 1;
    EVP_CIPHER_CTX_free(cipher);
    return 0;
}
