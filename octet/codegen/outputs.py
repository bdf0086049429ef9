# SPDX-License-Identifier: Apache-2.0
"""The table of generated files: what is rendered, from what, by which function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import jinja2

from octet.codegen.cheader import HeaderError, read_catalogue
from octet.codegen.render import render_kernel_bindings
from octet.codegen.tflite_schema import SchemaError, render_tflite_schema
from octet.errors import OctetError

CATALOGUE = "wasm_kernels/kernels.h"


@dataclass(frozen=True)
class Generated:
    """A generated file. Paths are relative to the checkout.

    Attributes:
        path: the file.
        sources: the files it is rendered from.
        renderer: takes the checkout and returns the file's text.
        key: the version of what else it is rendered from.
    """

    path: str
    sources: tuple[str, ...]
    renderer: Callable[[Path], str]
    key: str = ""

    def render(self, root: Path) -> str:
        """Return the file's text. Raises OctetError naming file and line of a bad source."""
        try:
            return self.renderer(root)
        except (HeaderError, SchemaError) as error:
            raise OctetError(str(error)) from None
        except jinja2.TemplateSyntaxError as error:
            raise OctetError(f"{error.filename}:{error.lineno}: {error.message}") from None
        except jinja2.TemplateError as error:
            raise OctetError(f"{' or '.join(self.sources)}: {error.message}") from None


def _kernel_bindings(path: str, template: str) -> Generated:
    def render(root: Path) -> str:
        return render_kernel_bindings(read_catalogue(root / CATALOGUE), root / template)

    return Generated(path, (CATALOGUE, template), render)


def _tflite_schema(path: str, template: str) -> Generated:
    def render(root: Path) -> str:
        return render_tflite_schema(root / template)

    return Generated(path, (template,), render, key=version("tflite"))


GENERATED = (
    _kernel_bindings("build/wasm/plan_kernels.inc", "wasm_kernels/plan_kernels.inc.j2"),
    _kernel_bindings("polyfill/gen/kernels.js", "polyfill/templates/kernels.js.j2"),
    _tflite_schema("polyfill/gen/tflite_schema.js", "polyfill/templates/tflite_schema.js.j2"),
)
