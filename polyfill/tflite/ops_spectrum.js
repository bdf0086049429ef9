// SPDX-License-Identifier: Apache-2.0
// RFFT2D and what models of sound make of its complex numbers: COMPLEX_ABS, REAL, IMAG. WebNN has
// no Fourier transform; it is a product with the matrix of its sines and cosines, whose sums in
// float32 are as good as a fast transform's.

import { listed, UnsupportedError } from "./errors.js";

/** @typedef {import("./mapping.js").Complex} Complex */
/** @typedef {import("./operator_call.js").OperatorCall} OperatorCall */
/** @typedef {import("./webnn.js").MLOperand} MLOperand */

/** A matrix of 16 MB. */
const LONGEST = 2048;

/** @param {OperatorCall} op */
export function rfft2d(op) {
  const lengths = op.requireNumbers(1, "transform length");
  const whole = (/** @type {number} */ n) => n >= 1 && n <= LONGEST && (n & (n - 1)) === 0;
  if (lengths.length !== 2 || !lengths.every(whole)) {
    throw new UnsupportedError(
      `a transform of length ${listed(lengths)}, expected two powers of 2 up to ${LONGEST}`,
    );
  }
  const [rows, columns] = lengths;
  const x = fitted(op, op.float(0), rows, columns);
  const half = columns / 2 + 1;
  const along = (/** @type {"cos" | "sin"} */ part) =>
    product(op, x, matrix(op, part, columns, Math.floor(half)));
  // exp(-i·t) = cos t − i·sin t.
  const spectrum = { real: along("cos"), imaginary: op.build("neg", [along("sin")]) };
  op.mapping.setComplex(op.output(), rows === 1 ? spectrum : downColumns(op, spectrum, rows));
}

/** @param {OperatorCall} op */
export function magnitude(op) {
  const { real, imaginary } = complexInput(op);
  const squares = [real, imaginary].map((part) => op.build("mul", [part, part]));
  op.setFloat(op.build("sqrt", [op.build("add", squares)]));
}

/** @param {OperatorCall} op */
export function realPart(op) {
  op.setFloat(complexInput(op).real);
}

/** @param {OperatorCall} op */
export function imaginaryPart(op) {
  op.setFloat(complexInput(op).imaginary);
}

/** @param {OperatorCall} op @returns {Complex} */
function complexInput(op) {
  return op.mapping.complex(op.input(0));
}

/**
 * The last two dimensions cut to the transform's lengths, or filled up with zeros.
 *
 * @param {OperatorCall} op
 * @param {MLOperand} x
 * @param {number} rows
 * @param {number} columns
 * @returns {MLOperand}
 */
function fitted(op, x, rows, columns) {
  const rank = x.shape.length;
  if (rank < 2) throw op.malformed(`shape ${listed(x.shape)}`, "rank 2 or more", "rank");
  const target = [...x.shape.slice(0, rank - 2), rows, columns];
  const kept = x.shape.map((size, i) => Math.min(size, target[i]));
  const zeros = x.shape.map(() => 0);
  const cut = String(kept) === String(x.shape) ? x : op.build("slice", [x, zeros, kept]);
  if (String(kept) === String(target)) return cut;
  const missing = target.map((size, i) => size - kept[i]);
  return op.build("pad", [cut, zeros, missing], { mode: "constant", value: 0 });
}

/**
 * Of each row, as one product of two matrices.
 *
 * @param {OperatorCall} op
 * @param {MLOperand} x [..., n]
 * @param {MLOperand} factors [n, m]
 * @returns {MLOperand} [..., m]
 */
function product(op, x, factors) {
  const [n, m] = factors.shape;
  const leading = x.shape.slice(0, -1);
  const rows = leading.reduce((count, d) => count * d, 1);
  return op.reshape(op.build("gemm", [op.reshape(x, [rows, n]), factors]), [...leading, m]);
}

/**
 * The complex transform of each column.
 *
 * @param {OperatorCall} op
 * @param {Complex} spectrum [..., rows, m]
 * @param {number} rows
 * @returns {Complex}
 */
function downColumns(op, { real, imaginary }, rows) {
  const rank = real.shape.length;
  const permutation = real.shape.map((_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i));
  const turned = (/** @type {MLOperand} */ x) => op.build("transpose", [x], { permutation });
  const [re, im] = [turned(real), turned(imaginary)];
  const by = (/** @type {MLOperand} */ x, /** @type {"cos" | "sin"} */ part) =>
    product(op, x, matrix(op, part, rows, rows));
  return {
    real: turned(op.build("add", [by(re, "cos"), by(im, "sin")])),
    imaginary: turned(op.build("sub", [by(im, "cos"), by(re, "sin")])),
  };
}

/**
 * cos or sin of 2π·j·k / n.
 *
 * @param {OperatorCall} op
 * @param {"cos" | "sin"} part
 * @param {number} n
 * @param {number} columns
 * @returns {MLOperand} float32 [n, columns]
 */
function matrix(op, part, n, columns) {
  return op.mapping.table(`${part} ${n} × ${columns}`, "float32", [n, columns], () => {
    const circle = Float32Array.from({ length: n }, (_, k) => {
      const value = Math[part]((2 * Math.PI * k) / n);
      // π is not exact, nor is then a sine of 0.
      return Math.abs(value) < 1e-15 ? 0 : value;
    });
    return Float32Array.from(
      { length: n * columns },
      (_, i) => circle[(Math.floor(i / columns) * (i % columns)) % n],
    );
  });
}
