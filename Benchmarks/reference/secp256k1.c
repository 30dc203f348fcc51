/* What libsecp256k1 alone takes for work that the programs do with it: the floor that they are measured against.
 *
 *   secp256k1 recover COUNT [PROCESSES]   public keys recovered from a signature, as the check of a proof does three
 *                                         times; each of the processes, of which there is one, does its part
 *   secp256k1 sign COUNT [PROCESSES]      recoverable signatures made
 */
#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const unsigned char key[32] = {[31] = 1};

int main(int argc, char **argv) {
    if (argc != 3 && argc != 4) return 2;
    long processes = argc == 4 ? strtol(argv[3], NULL, 10) : 1;
    long count = strtol(argv[2], NULL, 10) / processes;
    for (long index = 1; index < processes; index++)
        if (fork() == 0) break;
    unsigned char hash[32] = {0};
    secp256k1_context *context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    secp256k1_ecdsa_recoverable_signature signature;
    unsigned long sum = 0;
    if (!secp256k1_ecdsa_sign_recoverable(context, &signature, hash, key, NULL, NULL)) return 1;
    for (long index = 0; index < count; index++) {
        memcpy(hash, &index, sizeof index);
        if (strcmp(argv[1], "sign") == 0) {
            unsigned char bytes[64];
            int recovery;
            if (!secp256k1_ecdsa_sign_recoverable(context, &signature, hash, key, NULL, NULL)) return 1;
            secp256k1_ecdsa_recoverable_signature_serialize_compact(context, bytes, &recovery, &signature);
            sum += bytes[0];
        } else {
            secp256k1_pubkey found;
            unsigned char bytes[65];
            size_t length = sizeof bytes;
            if (!secp256k1_ecdsa_recover(context, &found, &signature, hash)) return 1;
            secp256k1_ec_pubkey_serialize(context, bytes, &length, &found, SECP256K1_EC_UNCOMPRESSED);
            sum += bytes[1];
        }
    }
    printf("%lu\n", sum);
    while (wait(NULL) > 0) {
    }
    return 0;
}
