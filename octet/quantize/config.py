# SPDX-License-Identifier: Apache-2.0
"""What is wanted of each operator: a default and rules that select operators, as JSON or in Python.

    {"default": {"dtype": "int8", "granularity": "channel"},
     "layers": [{"type": "FULLY_CONNECTED", "granularity": "layer"},
                {"regex": "^head/", "dtype": "float32"}],
     "tensors": [{"name": "input", "min": -1, "max": 1}],
     "quantize_after": [], "dequantize_after": ["logits"]}

A rule selects operators by ``name`` or ``names`` (of their output tensors), ``regex`` (found
anywhere in such a name), ``type`` and ``index``; it applies where all that it gives match, and
later rules win.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from octet.errors import OctetError, unknown
from octet.quantize.schemes import SCHEMES
from octet.tflite.files import read_bytes
from octet.tflite.types import OPERATOR_CODES

FLOAT = "float32"
DTYPES = (*SCHEMES, FLOAT)
GRANULARITIES = ("layer", "channel")


class ConfigError(OctetError):
    """A configuration that says something impossible."""


@dataclass(frozen=True)
class Layer:
    """An operator as rules see it.

    Attributes:
        type: its TFLite name.
        names: of its output tensors, those of a fused activation included.
        indices: its position in the float model, and that of a fused activation.
    """

    type: str
    names: tuple[str, ...]
    indices: tuple[int, ...]


@dataclass(frozen=True)
class LayerRule:
    """What is wanted of the operators that all given selectors match; None changes nothing."""

    names: tuple[str, ...] = ()
    regex: str | None = None
    type: str | None = None
    index: int | None = None
    dtype: str | None = None
    granularity: str | None = None

    def matches(self, layer: Layer) -> bool:
        """Return whether the rule applies to ``layer``."""
        if self.names and not set(self.names) & set(layer.names):
            return False
        if self.regex is not None and not any(re.search(self.regex, n) for n in layer.names):
            return False
        if self.type is not None and self.type != layer.type:
            return False
        return self.index is None or self.index in layer.indices


@dataclass(frozen=True)
class TensorRule:
    """A range, or scale and zero point, that replaces what was recorded for a tensor."""

    name: str
    min: float | None = None
    max: float | None = None
    scale: float | None = None
    zero_point: int | None = None


@dataclass(frozen=True)
class Wanted:
    """What is wanted of one operator.

    Attributes:
        dtype: one of DTYPES.
        granularity: one of GRANULARITIES.
        explicit: whether a rule, not the default, gave the type.
    """

    dtype: str
    granularity: str
    explicit: bool


@dataclass(frozen=True)
class Config:
    """A whole configuration; see the module for its JSON form."""

    dtype: str = "int8"
    granularity: str | None = None
    layers: tuple[LayerRule, ...] = ()
    tensors: tuple[TensorRule, ...] = ()
    quantize_after: tuple[str, ...] = ()
    dequantize_after: tuple[str, ...] = ()

    def wanted(self, layers: Sequence[Layer]) -> list[Wanted]:
        """Return what is wanted of each of ``layers``.

        Raises:
            ConfigError: for a rule that matches no operator, or scales per channel for uint8.
        """
        used: set[int] = set()
        result = []
        for layer in layers:
            dtype, granularity, explicit = self.dtype, self.granularity, False
            for number, rule in enumerate(self.layers):
                if rule.matches(layer):
                    used.add(number)
                    dtype, explicit = rule.dtype or dtype, explicit or rule.dtype is not None
                    granularity = rule.granularity or granularity
            result.append(Wanted(dtype, _granularity(dtype, granularity, layer), explicit))
        for number, rule in enumerate(self.layers):
            if number not in used:
                raise _matches_nothing(number, rule, layers)
        return result

    def to_json(self) -> str:
        """Return the configuration as JSON that `load_config` reads."""
        default = {"dtype": self.dtype}
        if self.granularity:
            default["granularity"] = self.granularity
        data: dict[str, Any] = {"default": default}
        for key in ("layers", "tensors"):
            data[key] = [_without_defaults(rule) for rule in getattr(self, key)]
        for key in ("quantize_after", "dequantize_after"):
            if getattr(self, key):
                data[key] = list(getattr(self, key))
        return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def load_config(path: Path) -> Config:
    """Read a configuration file. Raises ConfigError naming file, key, found and expected."""
    try:
        data = json.loads(read_bytes(path))
    except ValueError as error:
        raise ConfigError(f"{path}: not JSON: {error}.") from None
    return parse_config(data, str(path))


def parse_config(data: Any, place: str = "config") -> Config:
    """Return the configuration in parsed JSON. Raises ConfigError."""
    _check_keys(data, ("default", "layers", "tensors", "quantize_after", "dequantize_after"), place)
    default = data.get("default", {})
    _check_keys(default, ("dtype", "granularity"), f"{place}: default")
    dtype = _choice(default.get("dtype", "int8"), DTYPES, f"{place}: default: dtype")
    granularity = default.get("granularity")
    if granularity is not None:
        _choice(granularity, GRANULARITIES, f"{place}: default: granularity")
    layers = _list(data, "layers", place)
    tensors = _list(data, "tensors", place)
    return Config(
        dtype=dtype,
        granularity=granularity,
        layers=tuple(_layer(rule, f"{place}: layers[{i}]") for i, rule in enumerate(layers)),
        tensors=tuple(_tensor(rule, f"{place}: tensors[{i}]") for i, rule in enumerate(tensors)),
        quantize_after=tuple(_list(data, "quantize_after", place)),
        dequantize_after=tuple(_list(data, "dequantize_after", place)),
    )


def _layer(data: Any, place: str) -> LayerRule:
    keys = ("name", "names", "regex", "type", "index", "dtype", "granularity")
    _check_keys(data, keys, place)
    names = tuple(data.get("names", ())) + ((data["name"],) if "name" in data else ())
    rule = LayerRule(
        names=names,
        regex=data.get("regex"),
        type=data.get("type"),
        index=data.get("index"),
        dtype=data.get("dtype"),
        granularity=data.get("granularity"),
    )
    if not names and rule.regex is None and rule.type is None and rule.index is None:
        raise ConfigError(f"{place}: selects nothing: expected name, names, regex, type or index.")
    if rule.regex is not None:
        try:
            re.compile(rule.regex)
        except re.error as error:
            raise ConfigError(f"{place}: regex {rule.regex!r}: {error}.") from None
    if rule.type is not None and rule.type not in OPERATOR_CODES:
        raise ConfigError(str(unknown("operator", rule.type, _near(rule.type, OPERATOR_CODES))))
    if rule.dtype is not None:
        _choice(rule.dtype, DTYPES, f"{place}: dtype")
    if rule.granularity is not None:
        _choice(rule.granularity, GRANULARITIES, f"{place}: granularity")
    return rule


def _tensor(data: Any, place: str) -> TensorRule:
    _check_keys(data, ("name", "min", "max", "scale", "zero_point"), place)
    if "name" not in data:
        raise ConfigError(f"{place}: name is missing.")
    given = {key for key in data if key != "name"}
    if given not in ({"min", "max"}, {"scale", "zero_point"}):
        raise ConfigError(
            f"{place}: got {', '.join(sorted(given)) or 'nothing'}, "
            "expected min and max, or scale and zero_point."
        )
    return TensorRule(**data)


def _granularity(dtype: str, granularity: str | None, layer: Layer) -> str:
    if dtype == FLOAT:
        return "layer"
    allowed = SCHEMES[dtype].per_channel
    if granularity == "channel" and not allowed:
        raise ConfigError(
            f'{layer.type} "{layer.names[0] if layer.names else ""}": granularity: got channel for '
            f"{dtype}, expected layer ({dtype} weights have one scale; per channel: int8)."
        )
    return granularity or default_granularity(dtype)


def default_granularity(dtype: str) -> str:
    """Return the granularity of weights where none is asked for: the finest that there is."""
    return "channel" if dtype != FLOAT and SCHEMES[dtype].per_channel else "layer"


def _matches_nothing(number: int, rule: LayerRule, layers: Sequence[Layer]) -> ConfigError:
    selectors = {
        k: v for k, v in _without_defaults(rule).items() if k not in ("dtype", "granularity")
    }
    hint = ""
    if rule.names:
        names = [name for layer in layers for name in layer.names]
        near = difflib.get_close_matches(rule.names[0], names, 1, 0.3)
        hint = f' Did you mean "{near[0]}"?' if near else ""
    return ConfigError(f"layers[{number}]: {selectors} matches no operator.{hint}")


def _check_keys(data: Any, known: Iterable[str], place: str) -> None:
    if not isinstance(data, Mapping):
        raise ConfigError(f"{place}: got {type(data).__name__}, expected an object.")
    for key in data:
        if key not in known:
            raise ConfigError(f"{place}: {unknown('key', str(key), known)}")


def _choice(value: Any, known: Sequence[str], place: str) -> str:
    if value not in known:
        raise ConfigError(f"{place}: got {value!r}, expected one of {', '.join(known)}.")
    return str(value)


def _list(data: Mapping[str, Any], key: str, place: str) -> list[Any]:
    value = data.get(key, [])
    if not isinstance(value, list):
        raise ConfigError(f"{place}: {key}: got {type(value).__name__}, expected a list.")
    return value


def _near(word: str, known: Iterable[str]) -> list[str]:
    return difflib.get_close_matches(word, list(known), 5, 0.3) or ["CONV_2D", "ADD"]


def _without_defaults(rule: Any) -> dict[str, Any]:
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in asdict(rule).items()
        if value not in (None, ())
    }
