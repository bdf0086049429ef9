# SPDX-License-Identifier: Apache-2.0
"""Writes the integer model that a plan describes.

Tensors keep their names and, until unused ones are dropped, their indices. A tensor is stored as
its producer writes it; who reads it otherwise gets a copy from a QUANTIZE or DEQUANTIZE right
before the first such reader. Inputs and outputs of the graph keep name and place whatever their
type becomes, so signatures and metadata stay true; what is stored behind them is called
``<name>_int8`` and so on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from octet.errors import OctetError
from octet.quantize.config import FLOAT
from octet.quantize.plan import OperatorPlan, Plan, recorded_range
from octet.quantize.rules import DEQUANTIZE_VERSIONS, QUANTIZE_VERSIONS, RULES
from octet.quantize.schemes import (
    BY_ACTIVATION,
    SCHEMES,
    Params,
    QuantizedConstant,
    Scheme,
    activation_params,
    convert_params,
    quantize,
    quantize_bias,
    quantize_weights,
)
from octet.tflite.model import Model
from octet.tflite.simplify import drop_unused
from octet.tflite.types import TENSOR_TYPES, Array

IO_TYPES = (FLOAT, "uint8", "int8")

NO_DIRECT_STEP = {("uint8", "int16"), ("int16", "uint8")}
"""Types between which QUANTIZE does not convert."""


@dataclass(frozen=True)
class Interface:
    """Element types of the graph's float inputs and outputs, one of IO_TYPES each."""

    input: str = FLOAT
    output: str = FLOAT


@dataclass(frozen=True)
class Converted:
    """A quantized model.

    Attributes:
        model: the model.
        stored: by a tensor's index in the float model, the tensor that holds it, in integers where
            there is one that does.
    """

    model: Model
    stored: dict[int, int]


def convert(model: Model, plan: Plan, interface: Interface) -> Converted:
    """Return the quantized model.

    Args:
        model: the float model that ``plan`` was made for; it stays as it is.
        plan: from `make_plan`.
        interface: element types of inputs and outputs.
    """
    for dtype in (interface.input, interface.output):
        if dtype not in IO_TYPES:
            raise OctetError(f"input and output types: got {dtype!r}, expected one of {IO_TYPES}.")
    return _Converter(model.copy(), plan, interface).run()


Form = Params | str
"""How a tensor is stored: with these parameters, or as FLOAT."""


class _Converter:
    """Rewrites a model in place, operator by operator.

    ``_forms`` has, by a tensor's index in the float model, the tensors that hold it now: the first
    is the one that its producer writes.
    """

    def __init__(self, model: Model, plan: Plan, interface: Interface) -> None:
        self._model = model
        self._plan = plan
        self._interface = interface
        self._operators: list[Any] = []
        self._forms: dict[int, dict[Form, int]] = {}
        self._constants: dict[tuple[Any, ...], int] = {}
        self._names = {tensor.name for tensor in model.tensors}
        self._outside: dict[int, Form] = {}

    def run(self) -> Converted:
        model = self._model
        for index in dict.fromkeys(model.inputs):
            if model.dtype(index) == FLOAT:
                form = self._interface_form(index, self._plan.entry.get(index), "input")
                self._store(index, form)
                self._forms[index] = {form: index}
        for index in dict.fromkeys(model.outputs):
            if model.dtype(index) == FLOAT and index not in self._forms:
                inside = self._plan.home.get(index)
                self._outside[index] = self._interface_form(index, inside, "output")
        for operator, plan in zip(list(model.operators), self._plan.operators, strict=True):
            self._emit(operator, plan)
        for index, form in self._outside.items():
            self._form(index, form)
        model.graph.operators = self._operators
        _forget_ranges(model)
        new = drop_unused(model)
        return Converted(model, {i: new[forms] for i, forms in self._stored() if forms in new})

    def _stored(self) -> Iterator[tuple[int, int]]:
        for index, forms in self._forms.items():
            integer = [made for form, made in forms.items() if isinstance(form, Params)]
            yield index, (integer or list(forms.values()))[0]

    def _interface_form(self, index: int, inside: Params | None, side: str) -> Form:
        """Return how an input or output, stored as ``inside`` within the graph, is seen outside."""
        dtype = getattr(self._interface, side)
        if dtype == FLOAT:
            return FLOAT
        same = convert_params(inside, SCHEMES[dtype]) if inside is not None else None
        if same is not None:
            return same
        found = recorded_range(self._model, index) or (inside.range() if inside else None)
        if found is None:
            raise OctetError(
                f'{self._model.name}: {side} "{self._model.tensor_name(index)}": no recorded '
                f"range, which {dtype} needs. Run octet record-minmax first, or give --data."
            )
        return activation_params(*found, SCHEMES[dtype])

    # Operators -----------------------------------------------------------------------------------

    def _emit(self, operator: Any, plan: OperatorPlan) -> None:
        """Append an operator, preceded by the conversions that its inputs need."""
        model = self._model
        kind = model.operator_name(operator)
        originals = list(operator.inputs)
        for slot, index in enumerate(originals):
            if index >= 0 and model.dtype(index) == FLOAT or index in self._forms:
                operator.inputs[slot] = self._form(index, plan.inputs.get(slot, FLOAT))
        if plan.dtype != FLOAT:
            rule = RULES[kind]
            scheme = BY_ACTIVATION[plan.dtype]
            if rule.weights is not None:
                self._emit_weights(operator, originals, plan, scheme)
            _set_options(operator, kind, plan)
            model.set_version(operator, _version(kind, rule.versions[plan.dtype], plan))
        for slot, index in enumerate(operator.outputs):
            if index >= 0 and model.dtype(index) == FLOAT:
                operator.outputs[slot] = self._written(index, plan.outputs.get(slot, FLOAT))
        self._operators.append(operator)

    def _emit_weights(
        self, operator: Any, originals: list[int], plan: OperatorPlan, scheme: Scheme
    ) -> None:
        """Replace weights and bias by integers."""
        model, rule = self._model, RULES[self._model.operator_name(operator)]
        assert rule.weights is not None and rule.values is not None
        weights_index = originals[rule.weights]
        has_bias = rule.bias is not None and len(originals) > rule.bias
        bias_index = originals[rule.bias] if has_bias and rule.bias is not None else -1
        input_scale = plan.inputs[rule.values[0]].scale
        axis = rule.axis if plan.granularity == "channel" else None
        bias = model.constant(bias_index) if bias_index >= 0 else None
        weights = model.constant(weights_index)
        assert weights is not None
        result = quantize_weights(weights, scheme, axis, bias, input_scale)
        operator.inputs[rule.weights] = self._constant(weights_index, result)
        if bias is not None:
            assert rule.bias is not None
            quantized = quantize_bias(bias, input_scale, result, scheme)
            operator.inputs[rule.bias] = self._constant(bias_index, quantized)

    def _written(self, index: int, form: Form) -> int:
        """Return the tensor that the producer of ``index`` writes, in ``form``."""
        if self._outside.get(index, form) == form:
            self._store(index, form)
            target = index
        else:
            target = self._copy_of(index, form)
        self._forms[index] = {form: target}
        return target

    # Tensors -------------------------------------------------------------------------------------

    def _form(self, index: int, form: Form) -> int:
        """Return a tensor that holds ``index`` in ``form``, converted here if there is none yet."""
        forms = self._forms.setdefault(index, {FLOAT: index})
        if form in forms:
            return forms[form]
        value = self._model.constant(index)
        if value is not None and isinstance(form, Params):
            forms[form] = self._constant(index, _as_constant(quantize(value, form), form))
            return forms[form]
        source, made = next(iter(forms.items()))
        if (_dtype(source), _dtype(form)) in NO_DIRECT_STEP:
            made = self._form(index, FLOAT)
            source = FLOAT
        if self._outside.get(index) == form:
            self._store(index, form)
            target = index
        else:
            target = self._copy_of(index, form)
        forms[form] = target
        if form == FLOAT:
            version = DEQUANTIZE_VERSIONS[_dtype(source)]
            step = self._model.make_operator(
                "DEQUANTIZE", [made], [target], "DequantizeOptions", version=version
            )
        else:
            version = QUANTIZE_VERSIONS[_dtype(form)]
            step = self._model.make_operator(
                "QUANTIZE", [made], [target], "QuantizeOptions", version=version
            )
        self._operators.append(step)
        return target

    def _store(self, index: int, form: Form) -> None:
        """Let a tensor be stored in ``form``."""
        tensor = self._model.tensors[index]
        tensor.type = TENSOR_TYPES[_dtype(form)]
        tensor.quantization = None if isinstance(form, str) else parameters(form)

    def _copy_of(self, index: int, form: Form) -> int:
        """Return a new tensor with the shape of ``index``, named after it and its type."""
        tensor = self._model.tensors[index]
        new = self._model.add_tensor(self._new_name(tensor.name, _dtype(form)), tensor.shape, FLOAT)
        self._model.tensors[new].shapeSignature = tensor.shapeSignature
        self._model.tensors[new].hasRank = tensor.hasRank
        self._store(new, form)
        return new

    def _constant(self, index: int, value: QuantizedConstant) -> int:
        """Return a constant in integers; one for all readers that need the same."""
        key = (index, value.values.dtype.name, value.scale.tobytes(), value.zero_point.tobytes())
        if key not in self._constants:
            first = not any(known[0] == index for known in self._constants)
            name = self._model.tensors[index].name
            if not first:
                name = self._new_name(name, value.values.dtype.name)
            quantization = schema.QuantizationParametersT(
                scale=[float(scale) for scale in value.scale],
                zeroPoint=[int(point) for point in value.zero_point],
                quantizedDimension=value.axis,
            )
            self._constants[key] = self._model.add_constant(name, value.values, quantization)
        return self._constants[key]

    def _new_name(self, name: str, dtype: str) -> str:
        new, count = f"{name}_{dtype}", 1
        while new in self._names:
            count += 1
            new = f"{name}_{dtype}_{count}"
        self._names.add(new)
        return new


def _as_constant(values: Array, params: Params) -> QuantizedConstant:
    return QuantizedConstant(
        values, np.array([params.scale], np.float32), np.array([params.zero_point])
    )


def parameters(params: Params) -> Any:
    """Return ``params`` as the schema's table."""
    return schema.QuantizationParametersT(
        scale=[params.scale], zeroPoint=[params.zero_point], quantizedDimension=0
    )


def _dtype(form: Form) -> str:
    return form if isinstance(form, str) else form.dtype


def _version(kind: str, version: int, plan: OperatorPlan) -> int:
    """Return the kernel version; MUL demands a later one where its multiplier may reach 1."""
    if kind != "MUL" or plan.dtype == "int16":
        return version
    scales = [params.scale for params in plan.inputs.values()]
    product = scales[0] * scales[-1] / plan.outputs[0].scale
    return 3 if product >= 1 else version


def _set_options(operator: Any, kind: str, plan: OperatorPlan) -> None:
    """Tell ADD and SUB that 16-bit scales need not be powers of two."""
    if plan.dtype == "int16" and kind in ("ADD", "SUB"):
        if operator.builtinOptions is None:
            table = "AddOptions" if kind == "ADD" else "SubOptions"
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, table)
            operator.builtinOptions = getattr(schema, f"{table}T")()
        operator.builtinOptions.potScaleInt16 = False


def _forget_ranges(model: Model) -> None:
    """Remove recorded ranges, which belong to the float model, from what is left in float."""
    for tensor in model.tensors:
        quantization = tensor.quantization
        if quantization is not None:
            quantization.min = quantization.max = None
            if quantization.scale is None:
                tensor.quantization = None
