# SPDX-License-Identifier: Apache-2.0
"""What one model's numbers are to another's: how far they are apart, and from which layer on.

In the order of the work: ``engines`` run a model and let its tensors be read; ``pairs`` finds which
tensor of one model is which of the other; ``metrics`` measures a pair over records; ``compare``
puts it together; ``report`` draws it as a page.
"""
