# SPDX-License-Identifier: Apache-2.0
"""Random one-operator models for every operator that the loader maps."""

from tests.tflite.operators import arithmetic as arithmetic
from tests.tflite.operators import indexing as indexing
from tests.tflite.operators import movement as movement
from tests.tflite.operators import pictures as pictures
from tests.tflite.operators import products as products
from tests.tflite.operators import recurrent as recurrent
from tests.tflite.operators import spectrum as spectrum
