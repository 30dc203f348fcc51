"""How a method of JSON-RPC takes its parameters: by position, each with a parser and perhaps a default."""

from .errors import invalid_params

REQUIRED = object()


class Parameter:
    def __init__(self, parser, default=REQUIRED):
        self.parser = parser
        self.default = default

    def read(self, values, index):
        value = values[index] if index < len(values) else None
        if value is None and self.default is not REQUIRED:
            return self.default
        if index >= len(values):
            raise invalid_params(f"missing value for required argument {index}")
        return self.parser(value)


class Method:
    """A handler with its parameters; parsers stand for required ones, `Parameter` for those with a default."""

    def __init__(self, handler, *parameters):
        self._handler = handler
        self._parameters = [item if isinstance(item, Parameter) else Parameter(item) for item in parameters]

    def __call__(self, values):
        if not isinstance(values, list):
            raise invalid_params("non-array args")
        if len(values) > len(self._parameters):
            raise invalid_params(f"too many arguments, want at most {len(self._parameters)}")
        return self._handler(*(parameter.read(values, index) for index, parameter in enumerate(self._parameters)))
