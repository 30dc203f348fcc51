"""What the agent's Info method tells: the values of dstack's simulator.

Only the app id follows the keys. As in the simulator, the compose hash is not the
hash of the compose text, and nothing here can be verified.
"""

import json
from collections.abc import Callable

from guestagent.chain import AppKeys

INSTANCE_ID = bytes.fromhex("1691ed1b47506cad7d08834668691d88246f5b1f")
COMPOSE_HASH = bytes.fromhex("c143116fef3940e7f776bfc0919c256232ae5338a6e948c96b711e0b2383483a")
OS_IMAGE_HASH = bytes.fromhex("e61be43dd1cc6a6f5edefd7c51b608983780839b0000ce60dd99737dcffe09b9")
DEVICE_ID = bytes(32)
MR_AGGREGATED = bytes.fromhex("5f" * 32)
KMS_ID = (
    "3059301306072a8648ce3d020106082a8648ce3d0301070342000419b2457dd9b8aa6446d980f136fff7812ecd6c"
    "77740eeb0e28b10d56c0c00028a5b6e59dcea307d583bd1f70769e9c116df2bcfb1758a95d8613e7de1c8482c0"
)
REGISTERS = {
    "mrtd": "e53236d44a074bc78e784cdfa1a2c858a5f6b53afc1b60d8f079662314978b64"
            "241b646d8498dd767d5ea48e1e115822",
    "rtmr0": "6203948b7c12a0c2e14ed9b11170d7b85345870a304bb0959d6c198224ce621f"
             "e944e4623af9631cd64eeffdc0d7fa94",
    "rtmr1": "0ea1ad399114c5909c52c8b8c073f0c4e076b691495ca7d41f88c5bba6859e39"
             "11973ec95adce1503eb43f4670a2c306",
    "rtmr2": "1c9854088a35a1c44483d6ba5e88333cf6a7f5b5ec26713f722c80dfc2d2b337"
             "346d7fb52452eacda0a8a8fb6fd306f1",
    "rtmr3": "f28a1490ee924e9396c2ccf2d93ad536b83cbe159a1d45024d1fd7acdcc10214"
             "5efcfcd0cfa209416446c70226affadf",
}
APP_COMPOSE = json.dumps(
    {"manifest_version": 2, "name": "guest-agent", "features": ["kms"]}, indent=4
)
APP_CERT = "-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n"
EVENT = {"imr": 3, "event_type": 134217729, "digest": "00" * 48, "event": "app-id"}


def app_info(app: AppKeys, to_hex: Callable[[bytes], str], old: bool) -> dict:
    """Info's answer; `old` leaves out what agents up to 0.5.5 did not have."""
    info = {
        "app_id": to_hex(app.app_id),
        "instance_id": to_hex(INSTANCE_ID),
        "app_cert": APP_CERT,
        "tcb_info": _tcb_info(app),
        "app_name": "guest-agent",
        "device_id": to_hex(DEVICE_ID),
        "mr_aggregated": to_hex(MR_AGGREGATED),
        "os_image_hash": to_hex(OS_IMAGE_HASH),
        "key_provider_info": _key_provider(app),
        "compose_hash": to_hex(COMPOSE_HASH),
        "vm_config": '{"cpu_count":1,"memory_size":2147483648}',
    }
    return info if old else info | {"cloud_vendor": "", "cloud_product": ""}


def _tcb_info(app: AppKeys) -> str:
    """A JSON text within the JSON answer, pretty-printed as the agent has it."""
    tcb_info = REGISTERS | {
        "mr_aggregated": MR_AGGREGATED.hex(),
        "os_image_hash": OS_IMAGE_HASH.hex(),
        "compose_hash": COMPOSE_HASH.hex(),
        "device_id": DEVICE_ID.hex(),
        "event_log": [EVENT | {"event_payload": app.app_id.hex()}],
        "app_compose": APP_COMPOSE,
    }
    return json.dumps(tcb_info, indent=2)


def _key_provider(app: AppKeys) -> str:
    name, identity = ("kms", KMS_ID) if app.kms_signature else ("none", "")
    return json.dumps({"name": name, "id": identity}, separators=(",", ":"))
