"""A stand-in for the dstack guest agent, and the keys and proofs it hands out.

    keys     Keccak-256, HKDF and recoverable signatures as dstack makes them
    chain    an app's key chain, and the proof documents made from it
    rpc      the agent's methods and the exact shape of their JSON
    info     the answer of one of them, Info
    server   HTTP/1.1 over a unix socket, with faults on demand; /proof over TCP
    command  the options of the guest-agent program

Other tests need `chain` alone:

    from guestagent.chain import make_proof
    proof = make_proof(kms_root=bytes(31) + b"\\x01", app_id=bytes(20))
"""
