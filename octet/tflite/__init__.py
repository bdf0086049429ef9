# SPDX-License-Identifier: Apache-2.0
"""TFLite files in Python: read, change, write, run.

``files`` turns bytes into the schema's object tree and back; ``model`` is the view of that tree
that everything else works on; ``build`` writes models from nothing; ``simplify`` has rewrites that
leave what a model computes unchanged; ``runtime`` runs models in LiteRT.
"""
