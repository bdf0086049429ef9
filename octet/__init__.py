# SPDX-License-Identifier: Apache-2.0
"""octet: 8-bit neural networks in the browser through WebNN."""

__version__ = "0.1.0"
