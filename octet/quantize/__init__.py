# SPDX-License-Identifier: Apache-2.0
"""Post-training quantization: from a float model and representative data to an 8-bit model.

In the order of the work: ``data`` reads records; ``record`` finds the range of every activation;
``config`` says what is wanted of each operator; ``plan`` decides types, groups of equal scale and
their parameters; ``convert`` writes the integer model; ``verify`` checks one against the rules.
"""
