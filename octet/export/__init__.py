# SPDX-License-Identifier: Apache-2.0
"""Writes a model as a JavaScript module: the calls of a WebNN builder, recorded and rendered."""
