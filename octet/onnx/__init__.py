# SPDX-License-Identifier: Apache-2.0
"""ONNX to TFLite: a float network with static shapes, in the layout that TFLite computes in.

``graph`` reads a file into plain nodes and constants; ``fold`` moves normalizations into weights;
``emitter`` holds the model that is written and the order in which each value's dimensions are
stored; ``operators_*`` have a function per ONNX operator; ``convert`` is the way through.
"""
