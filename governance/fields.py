# SPDX-License-Identifier: Apache-2.0
"""The chain's types as database types, once: no view pads hex, no sum meets a float."""

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import models

UINT256_MAX = 2**256 - 1


class Uint256Field(models.DecimalField):
    """An unsigned 256-bit integer in `numeric(78,0)`. Python sees `int`; floats and fractions are refused.

    PostgreSQL's own sum() over the column is exact; Python's Decimal is not past 28 digits, so values leave as int.
    """

    def __init__(self, *args, **kwargs):
        kwargs["max_digits"], kwargs["decimal_places"] = 78, 0
        super().__init__(*args, **kwargs)

    def deconstruct(self):
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_digits"], kwargs["decimal_places"]
        return name, path, args, kwargs

    def from_db_value(self, value, _expression, _connection):
        return None if value is None else int(value)

    def to_python(self, value):
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            checked = value
        elif (isinstance(value, Decimal) and value == value.to_integral_value()) or (
            isinstance(value, str) and value.isascii() and value.isdigit()
        ):
            checked = int(value)
        else:
            raise ValidationError(f"{value!r} is not a whole number of base units")
        if not 0 <= checked <= UINT256_MAX:
            raise ValidationError(f"{checked} is outside 0 .. 2^256-1")
        return checked

    def get_prep_value(self, value):
        return self.to_python(value)

    def get_db_prep_value(self, value, connection, prepared=False):  # noqa: ARG002 -- Django's own signature
        value = self.to_python(value)
        return None if value is None else Decimal(value)


class _FixedBytesField(models.BinaryField):
    length = 0

    def __init__(self, *args, **kwargs):
        kwargs.setdefault("editable", True)
        super().__init__(*args, **kwargs)

    def from_db_value(self, value, _expression, _connection):
        return None if value is None else bytes(value)

    def get_db_prep_value(self, value, connection, prepared=False):
        if value is not None:
            if not isinstance(value, (bytes, bytearray, memoryview)):
                raise ValidationError(f"expected {self.length} bytes, got {type(value).__name__}")
            value = bytes(value)
            if len(value) != self.length:
                raise ValidationError(f"expected {self.length} bytes, got {len(value)}")
        return super().get_db_prep_value(value, connection, prepared)


class AddressField(_FixedBytesField):
    """A 20-byte account or contract address. Bytes inside, checksummed text (EIP-55) outside."""

    length = 20


class Bytes32Field(_FixedBytesField):
    """A 32-byte hash, word or topic."""

    length = 32
