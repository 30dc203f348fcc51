#!/usr/bin/env python3
"""Makes keystore.json: the published test vectors of Web3 Secret Storage, and keystores that eth-account made.

Each is opened with eth-keyfile before it is written. Salts are random, so that each run writes other keystores.
"""

import json
from pathlib import Path

import eth_keyfile
from eth_account import Account

# From the definition of Web3 Secret Storage (Ethereum wiki), password "testpassword".
PUBLISHED = {
    "pbkdf2": {
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": {"iv": "6087dab2f9fdbbfaddc31a909735c1e6"},
            "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
            "kdf": "pbkdf2",
            "kdfparams": {
                "c": 262144,
                "dklen": 32,
                "prf": "hmac-sha256",
                "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
            },
            "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
        },
        "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
        "version": 3,
    },
    "scrypt": {
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": {"iv": "83dbcc02d8ccb40e466191a123791e0e"},
            "ciphertext": "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
            "kdf": "scrypt",
            "kdfparams": {
                "dklen": 32,
                "n": 262144,
                "r": 1,
                "p": 8,
                "salt": "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19",
            },
            "mac": "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097",
        },
        "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
        "version": 3,
    },
}
PUBLISHED_KEY = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d"
MADE_UP_KEY = "95d3c5e483e9b1d4f5fc8e79b2deaf51362980de62dbb082a9a4257eef653d7d"


def vectors() -> list[dict]:
    made = [
        {"name": f"published, {kdf}", "password": "testpassword", "secret_key": PUBLISHED_KEY, "keystore": keystore}
        for kdf, keystore in PUBLISHED.items()
    ]
    for kdf, cost, password in [("scrypt", 4096, "päss wörd"), ("pbkdf2", 1000, "x"), ("scrypt", 1024, "")]:
        keystore = Account.encrypt(MADE_UP_KEY, password, kdf=kdf, iterations=cost)
        made.append(
            {"name": f"eth-account, {kdf}", "password": password, "secret_key": MADE_UP_KEY, "keystore": keystore}
        )
    for vector in made:
        opened = eth_keyfile.decode_keyfile_json(vector["keystore"], vector["password"].encode())
        assert opened.hex() == vector["secret_key"], vector["name"]
    return made


source = "Web3 Secret Storage's published vectors, and eth-account, by make-keystore-vectors.py"
path = Path(__file__).parent / "keystore.json"
path.write_text(json.dumps({"source": source, "vectors": vectors()}, indent=1, ensure_ascii=False) + "\n")
