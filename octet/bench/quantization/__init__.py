# SPDX-License-Identifier: Apache-2.0
"""``build.py bench-quantize``: what quantization costs in accuracy, and recording in time.

octet beside the converter in LiteRT, ai-edge-quantizer and ONNX Runtime, on the same records.
``accuracy`` and ``speed`` measure, ``quantizers`` and ``recorders`` are the tables of who is
measured, ``render`` makes docs/QUANTIZATION.md of committed results.
"""
