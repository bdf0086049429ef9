// SPDX-License-Identifier: Apache-2.0
// Reductions over constant axes.

/** @typedef {import("./operator_call.js").OperatorCall} OperatorCall */
/** @typedef {(op: OperatorCall) => void} MapOperator */

/** @param {string} method @returns {MapOperator} */
export function reduction(method) {
  return (op) => op.compute([0], (x) => op.build(method, [x], reductionOptions(op)));
}

/** MEAN of integers is taken in float32 and cut towards zero. @param {OperatorCall} op */
export function mean(op) {
  op.compute([0], (x) => {
    if (x.dataType === "float32") return op.build("reduceMean", [x], reductionOptions(op));
    const real = op.build("cast", [x, "float32"]);
    return op.build("cast", [op.build("reduceMean", [real], reductionOptions(op)), x.dataType]);
  });
}

/** @param {OperatorCall} op */
function reductionOptions(op) {
  const rank = op.shape(0).length;
  const axes = op.requireNumbers(1, "axes").map((axis) => op.axis(axis, rank));
  return { axes: [...new Set(axes)].sort((a, b) => a - b), keepDimensions: op.options.keepDims };
}

/** ARG_MAX and ARG_MIN over real numbers. @param {string} method @returns {MapOperator} */
export function argument(method) {
  return (op) => {
    const x = op.mapping.isReal(op.input(0)) ? op.float(0) : op.raw(0);
    const axis = op.axis(op.requireNumber(1, "axis"), x.shape.length);
    const dataType = op.mapping.dataType(op.output());
    const direct = op.mapping.supportsOutput(method, dataType);
    const outputDataType = direct ? dataType : "int32";
    const y = op.build(method, [x, axis], { keepDimensions: false, outputDataType });
    op.setRaw(direct ? y : op.build("cast", [y, dataType]));
  };
}

/** @param {OperatorCall} op */
export function cumulativeSum(op) {
  const axis = op.axis(op.requireNumber(1, "axis"), op.shape(0).length);
  const { exclusive, reverse: reversed } = op.options;
  op.compute([0], (x) => op.build("cumulativeSum", [x, axis], { exclusive, reversed }));
}

/** REVERSE_V2 over constant axes. @param {OperatorCall} op */
export function reverse(op) {
  const rank = op.shape(0).length;
  const axes = op.requireNumbers(1, "axes").map((axis) => op.axis(axis, rank));
  op.move("reverse", [0], (x) => op.build("reverse", [x], { axes }));
}
