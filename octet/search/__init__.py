# SPDX-License-Identifier: Apache-2.0
"""Chooses which operators of a network stay out of 8 bits, so that little accuracy is lost.

In the order of the work: ``candidates`` builds models with some operators left out, ``scores`` says
how far each is from the float model, ``costs`` what it takes, ``search`` decides.
"""
