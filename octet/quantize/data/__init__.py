# SPDX-License-Identifier: Apache-2.0
"""Representative data: records from files, checked against a model's inputs; records from images.

A record is one array per input of a model, in the model's order. ``source`` says what a source of
records is and opens one; ``hdf5`` and ``files`` are the kinds; ``check`` compares a record with
what the model takes; ``images`` makes a dataset.
"""
