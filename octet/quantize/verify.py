# SPDX-License-Identifier: Apache-2.0
"""Checks a quantized model against the rules of TFLite's 8-bit specification.

Runtimes enforce few of them: what breaks the others loads, runs, and is wrong. A finding says which
operator and tensor, what was found and expected, and what becomes of it: ``refused`` by XNNPACK or
by LiteRT's own kernels, silently ``wrong``, or ``advice`` where LiteRT is right all the same. Which
is which was measured in LiteRT 2.3; the tests do it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from octet.quantize.rules import (
    DEQUANTIZE_VERSIONS,
    FIXED,
    FIXED_OUTPUTS,
    QUANTIZE_VERSIONS,
    RULES,
    SAME,
    Rule,
    value_positions,
)
from octet.tflite.model import Model

ACTIVATIONS = ("uint8", "int8", "int16")

SCALE_TOLERANCE = 1e-5
"""Relative: scales that are products of others differ by some units in the last place."""

TARGETS = ("tflite", "nnapi")

UNCHECKED_FIXED = {
    ("SOFTMAX", "uint8"): "wrong",
    ("TANH", "uint8"): "advice",
    ("TANH", "int8"): "advice",
}
"""What becomes of another scale than that in FIXED_OUTPUTS where LiteRT does not refuse it."""

CHECKED_SAME = {"CONCATENATION", "MAX_POOL_2D"}
"""Operators for which LiteRT refuses two scales; the others are wrong with them."""

BIAS_SHARE = 0.02
"""Of the output's scale: how far LiteRT lets the bias scale of uint8 operators be off."""


@dataclass(frozen=True)
class Finding:
    """A rule that a model breaks.

    Attributes:
        severity: ``refused``, ``wrong`` or ``advice``.
        index: the operator's position.
        operator: its TFLite name.
        tensor: the tensor's name.
        rule: what is checked, in a few words.
        found: what is in the model.
        expected: what the rule says.
    """

    severity: str
    index: int
    operator: str
    tensor: str
    rule: str
    found: str
    expected: str

    def __str__(self) -> str:
        """Return the finding as a line."""
        return (
            f'{self.severity}: operator {self.index} {self.operator}, tensor "{self.tensor}": '
            f"{self.rule}: got {self.found}, expected {self.expected}."
        )


def verify_model(model: Model, target: str = "tflite") -> list[Finding]:
    """Return all findings, in the order of the operators.

    Args:
        model: a quantized model; operators in float have nothing to break.
        target: ``nnapi`` adds the rule of NNAPI 1.0 and 1.1 that products of scales stay below the
            output's.
    """
    findings: list[Finding] = []
    for index, operator in enumerate(model.operators):
        check = _Check(model, index, operator)
        findings += check.parameters()
        dtype = check.activation_type()
        if dtype is None:
            continue
        if check.name in ("QUANTIZE", "DEQUANTIZE"):
            findings += check.conversion()
            continue
        rule = RULES.get(check.name)
        if rule is None:
            continue
        findings += check.types(rule, dtype)
        findings += check.version(rule, dtype)
        findings += check.scales(rule, dtype)
        if rule.weights is not None:
            findings += check.weights(rule, dtype, target)
    return findings


class _Check:
    """The rules for one operator."""

    def __init__(self, model: Model, index: int, operator: Any) -> None:
        self._model = model
        self._index = index
        self._operator = operator
        self.name = model.operator_name(operator)

    def activation_type(self) -> str | None:
        """Return the integer type of the activations, None for an operator in float."""
        model, operator = self._model, self._operator
        rule = RULES.get(self.name)
        positions = value_positions(rule, len(operator.inputs)) if rule else [0]
        tensors = [operator.inputs[p] for p in positions if p < len(operator.inputs)]
        for tensor in (*tensors, *operator.outputs):
            if tensor >= 0 and model.dtype(tensor) in ACTIVATIONS and self._scales(tensor).size:
                return model.dtype(tensor)
        return None

    def parameters(self) -> Iterator[Finding]:
        """Check the numbers themselves, of every quantized tensor."""
        for tensor in dict.fromkeys((*self._operator.inputs, *self._operator.outputs)):
            if tensor < 0:
                continue
            scales, points = self._scales(tensor), self._points(tensor)
            if not scales.size:
                continue
            if not (np.isfinite(scales) & (scales > 0)).all():
                bad = scales[~(np.isfinite(scales) & (scales > 0))][0]
                yield self._finding("refused", tensor, "scale", f"{bad:g}", "a positive number")
            if points.size != scales.size:
                yield self._finding(
                    "refused", tensor, "zero points", f"{points.size}", f"{scales.size}, as scales"
                )
            dtype = self._model.dtype(tensor)
            if dtype in ACTIVATIONS and points.size:
                limits = np.iinfo(dtype)
                outside = points[(points < limits.min) | (points > limits.max)]
                if outside.size:
                    wanted = f"{limits.min} to {limits.max}"
                    yield self._finding("refused", tensor, "zero point", f"{outside[0]}", wanted)
            yield from self._axis(tensor, scales.size)

    def _axis(self, tensor: int, count: int) -> Iterator[Finding]:
        shape = self._model.shape(tensor)
        axis = int(self._model.tensors[tensor].quantization.quantizedDimension)
        if not 0 <= axis < max(1, len(shape)):
            expected = f"0 to {len(shape) - 1}"
            yield self._finding("refused", tensor, "quantized dimension", f"{axis}", expected)
        elif count > 1 and shape[axis] != count:
            expected = f"{shape[axis]}, the size of dimension {axis}"
            yield self._finding("refused", tensor, "scales", f"{count}", expected)

    def conversion(self) -> Iterator[Finding]:
        """Check QUANTIZE and DEQUANTIZE."""
        source, target = self._operator.inputs[0], self._operator.outputs[0]
        up = self.name == "DEQUANTIZE"
        kinds = DEQUANTIZE_VERSIONS if up else QUANTIZE_VERSIONS
        dtype = self._model.dtype(source if up else target)
        needed = kinds.get(dtype, 1)
        found = self._model.operator_version(self._operator)
        if found < needed:
            yield self._finding("advice", target, "version", f"{found}", f"{needed} or later")

    def types(self, rule: Rule, dtype: str) -> Iterator[Finding]:
        """Check that all activations have one type, and parameters."""
        for tensor in self._activations(rule):
            found = self._model.dtype(tensor)
            if found in (*ACTIVATIONS, "float32") and found != dtype:
                yield self._finding("refused", tensor, "type", found, dtype)
            elif found == dtype and not self._scales(tensor).size:
                yield self._finding("wrong", tensor, "quantization parameters", "none", "a scale")
            elif found == "int16" and self._points(tensor).any():
                point = self._points(tensor)[0]
                yield self._finding("refused", tensor, "zero point of int16", f"{point}", "0")

    def version(self, rule: Rule, dtype: str) -> Iterator[Finding]:
        """Check the version that the file demands of the kernel."""
        target = self._operator.outputs[0]
        if dtype not in rule.versions:
            kinds = " or ".join(rule.versions)
            yield self._finding("refused", target, "type", dtype, f"{kinds}: there is no kernel")
            return
        found = self._model.operator_version(self._operator)
        if found < rule.versions[dtype]:
            expected = f"{rule.versions[dtype]} or later for {dtype}, else old runtimes misread it"
            yield self._finding("advice", target, "version", f"{found}", expected)

    def scales(self, rule: Rule, dtype: str) -> Iterator[Finding]:
        """Check fixed scales, and those that have to be one."""
        if rule.scales == FIXED:
            wanted = FIXED_OUTPUTS[self.name].get(dtype)
            for tensor in self._operator.outputs if wanted else []:
                found = self._pair(tensor)
                if found is not None and wanted is not None and not _equal(found, wanted):
                    severity = UNCHECKED_FIXED.get((self.name, dtype), "refused")
                    yield self._finding(
                        severity, tensor, "scale and zero point", _words(found), _words(wanted)
                    )
        if rule.scales != SAME or (self.name == "CONCATENATION" and dtype == "uint8"):
            return  # concatenation of uint8 rescales its inputs
        target = self._operator.outputs[0]
        wanted = self._pair(target)
        for tensor in self._activations(rule):
            found = self._pair(tensor)
            if found is not None and wanted is not None and not _equal(found, wanted):
                severity = "refused" if self.name in CHECKED_SAME else "wrong"
                name = self._model.tensor_name(target)
                yield self._finding(
                    severity, tensor, f'one scale with "{name}"', _words(found), _words(wanted)
                )

    def weights(self, rule: Rule, dtype: str, target: str) -> Iterator[Finding]:
        """Check weights and bias."""
        assert rule.weights is not None and rule.values is not None
        inputs, model = self._operator.inputs, self._model
        tensor = inputs[rule.weights]
        wanted = "uint8" if dtype == "uint8" else "int8"
        if model.dtype(tensor) != wanted:
            severity = "refused" if self.name == "DEPTHWISE_CONV_2D" else "wrong"
            found = model.dtype(tensor)
            yield self._finding(severity, tensor, "weights' type", found, wanted)
            return
        scales, points = self._scales(tensor), self._points(tensor)
        if not scales.size:
            yield self._finding("wrong", tensor, "quantization parameters", "none", "a scale")
            return
        yield from self._weight_values(rule, tensor, scales, points, dtype)
        source = self._scales(inputs[rule.values[0]])
        if not source.size:
            return
        products = source[0].astype(np.float64) * scales.astype(np.float64)
        if rule.bias is not None and len(inputs) > rule.bias and inputs[rule.bias] >= 0:
            yield from self._bias(inputs[rule.bias], products, dtype)
        output = self._scales(self._operator.outputs[0])
        if target == "nnapi" and output.size and products.max() >= output[0]:
            yield self._finding(
                "advice",
                self._operator.outputs[0],
                "scale above input scale x weight scale (NNAPI 1.0 and 1.1)",
                f"{output[0]:g}",
                f"above {products.max():g}",
            )

    def _weight_values(
        self, rule: Rule, tensor: int, scales: Any, points: Any, dtype: str
    ) -> Iterator[Finding]:
        if dtype == "uint8":
            if scales.size > 1:
                yield self._finding(
                    "refused", tensor, "scales of uint8 weights", f"{scales.size}", "1"
                )
            return
        if points.any():
            bad = points[points != 0][0]
            yield self._finding("refused", tensor, "zero point of int8 weights", f"{bad}", "0")
        axis = int(self._model.tensors[tensor].quantization.quantizedDimension)
        if scales.size > 1 and axis != rule.axis:
            fits = self._model.shape(tensor)[rule.axis] == scales.size
            severity, expected = "wrong" if fits else "refused", f"{rule.axis}"
            yield self._finding(severity, tensor, "quantized dimension", f"{axis}", expected)
        values = self._model.constant(tensor)
        if values is not None and values.size and int(values.min()) < -127:
            yield self._finding("advice", tensor, "least weight", "-128", "-127 to 127")

    def _bias(self, tensor: int, products: Any, dtype: str) -> Iterator[Finding]:
        wanted = "int64" if dtype == "int16" else "int32"
        found = self._model.dtype(tensor)
        if found != wanted and not (dtype == "int16" and found == "int32"):
            severity = "wrong" if self.name == "FULLY_CONNECTED" else "refused"
            yield self._finding(severity, tensor, "bias type", found, wanted)
            return
        if self._points(tensor).any():
            point = self._points(tensor)[self._points(tensor) != 0][0]
            yield self._finding("refused", tensor, "zero point of the bias", f"{point}", "0")
        scales = self._scales(tensor).astype(np.float64)
        if not scales.size:
            yield self._finding(
                "advice", tensor, "bias scale", "none", "input scale x weight scale"
            )
            return
        if scales.size not in (1, products.size):
            expected = f"{products.size}, as of the weights"
            yield self._finding("wrong", tensor, "bias scales", f"{scales.size}", expected)
            return
        error = np.abs(scales - products) / np.maximum(products, np.finfo(np.float64).tiny)
        channel = int(error.argmax())
        if error[channel] > SCALE_TOLERANCE:
            output = self._scales(self._operator.outputs[0])
            off = np.abs(scales - products)[channel] / output[0] if output.size else 0.0
            yield self._finding(
                "refused" if dtype == "uint8" and off > BIAS_SHARE else "wrong",
                tensor,
                f"bias scale of channel {channel} (where LiteRT runs, it ignores it)",
                f"{np.broadcast_to(scales, products.shape)[channel]:g}",
                f"{products[channel]:g}, input scale x weight scale",
            )

    def _activations(self, rule: Rule) -> list[int]:
        inputs = self._operator.inputs
        values = [inputs[p] for p in value_positions(rule, len(inputs)) if inputs[p] >= 0]
        outputs = list(self._operator.outputs) if rule.numbers_out else []
        quantized = [t for t in (*values, *outputs) if self._model.dtype(t) != "int32"]
        return list(dict.fromkeys(quantized))

    def _scales(self, tensor: int) -> Any:
        quantization = self._model.tensors[tensor].quantization
        found = None if quantization is None else quantization.scale
        return np.zeros(0, np.float32) if found is None else np.asarray(found, np.float32)

    def _points(self, tensor: int) -> Any:
        quantization = self._model.tensors[tensor].quantization
        found = None if quantization is None else quantization.zeroPoint
        return np.zeros(0, np.int64) if found is None else np.asarray(found, np.int64)

    def _pair(self, tensor: int) -> tuple[float, int] | None:
        scales, points = self._scales(tensor), self._points(tensor)
        if scales.size != 1 or points.size != 1:
            return None
        return float(scales[0]), int(points[0])

    def _finding(self, severity: str, tensor: int, rule: str, found: str, expected: str) -> Finding:
        name = self._model.tensor_name(tensor)
        return Finding(severity, self._index, self.name, name, rule, found, expected)


def is_quantized(model: Model, operator: Any) -> bool:
    """Return whether an operator reads or writes quantized numbers."""
    return _Check(model, 0, operator).activation_type() is not None


def is_sound(findings: Sequence[Finding]) -> bool:
    """Return whether there is nothing but advice."""
    return all(finding.severity == "advice" for finding in findings)


def _equal(found: tuple[float, int], wanted: tuple[float, int]) -> bool:
    return found[1] == wanted[1] and abs(found[0] - wanted[0]) <= SCALE_TOLERANCE * wanted[0]


def _words(pair: tuple[float, int]) -> str:
    return f"{pair[0]:g} and {pair[1]}"
