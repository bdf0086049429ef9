# SPDX-License-Identifier: Apache-2.0
"""Where things are in the checkout. Standard library only."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

KERNELS = ROOT / "wasm_kernels"
POLYFILL = ROOT / "polyfill"
NODE_MODULES = ROOT / "node_modules"
NODE_BIN = NODE_MODULES / ".bin"

BUILD = ROOT / "build"
STAMPS = BUILD / "stamps"
WASM = BUILD / "wasm"
NATIVE = BUILD / "native"
DIST = BUILD / "dist"
SITE = BUILD / "site"
LOADERS = BUILD / "loaders"
SIZES = BUILD / "sizes.json"
