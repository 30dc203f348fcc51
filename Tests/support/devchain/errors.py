"""Failures that reach a JSON-RPC client, with the codes that geth gives them."""

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
SERVER_ERROR = -32000
LIMIT_EXCEEDED = -32005
EXECUTION_REVERTED = 3
SEND_SYNC_TIMEOUT = 4


class RpcError(Exception):
    """An error object of JSON-RPC 2.0."""

    def __init__(self, code, message, data=None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    def as_json(self):
        body = {"code": self.code, "message": self.message}
        if self.data is not None:
            body["data"] = self.data
        return body


def invalid_params(message):
    return RpcError(INVALID_PARAMS, message)


def server_error(message):
    return RpcError(SERVER_ERROR, message)
