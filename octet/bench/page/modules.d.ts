// SPDX-License-Identifier: Apache-2.0
// Modules of the page's import map; their types are their own business.

declare module "octet";
declare module "octet/tflite";
declare module "@litertjs/core";
declare module "onnxruntime-web/wasm";
declare module "onnxruntime-web/all";
