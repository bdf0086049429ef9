# SPDX-License-Identifier: Apache-2.0
"""Lays out a model's operators as a graph from top to bottom: places of nodes, paths of edges."""

from __future__ import annotations

from dataclasses import dataclass

from octet.compare.pairs import INPUT
from octet.tflite.model import Model

WIDTH, HEIGHT = 148, 38
"""Of a node, in pixels."""

GAP_X, GAP_Y = 20, 26

MARGIN = 12

BOW = 26
"""How far an edge that passes other nodes keeps from them."""


@dataclass(frozen=True)
class Box:
    """A node.

    Attributes:
        key: position of the operator, or −1 − n for input n.
        kind: name of the operator, or INPUT.
        tensor: what it writes first, −1 if it writes nothing.
        x: left side.
        y: upper side.
    """

    key: int
    kind: str
    tensor: int
    x: float
    y: float


@dataclass(frozen=True)
class Drawing:
    """A graph.

    Attributes:
        boxes: nodes.
        edges: path data of an SVG.
        width: of all, in pixels.
        height: of all.
    """

    boxes: list[Box]
    edges: list[str]
    width: float
    height: float


def lay_out(model: Model) -> Drawing:
    """Return a drawing: an operator stands below all whose outputs it reads."""
    links, nodes = _links(model)
    ranks = _ranks(links, nodes)
    rows: dict[int, list[int]] = {}
    for key in nodes:
        rows.setdefault(ranks[key], []).append(key)
    centres: dict[int, float] = {}
    for rank in sorted(rows):
        _place_row(rows[rank], links, centres)
    left = min(centres.values(), default=0) - WIDTH / 2 - MARGIN
    centres = {key: x - left for key, x in centres.items()}
    tops = {key: MARGIN + ranks[key] * (HEIGHT + GAP_Y) for key in nodes}
    edges, right = [], max(centres.values(), default=0) + WIDTH / 2
    for target, sources in links.items():
        for source in sources:
            path, reach = _edge(
                (centres[source], tops[source] + HEIGHT),
                (centres[target], tops[target]),
                ranks[target] - ranks[source],
            )
            edges.append(path)
            right = max(right, reach)
    boxes = [
        Box(key, *nodes[key], x=centres[key] - WIDTH / 2, y=tops[key]) for key in sorted(nodes)
    ]
    height = max(tops.values(), default=0) + HEIGHT + MARGIN
    return Drawing(boxes, edges, right + MARGIN, height)


def _links(model: Model) -> tuple[dict[int, list[int]], dict[int, tuple[str, int]]]:
    """Return whose outputs each node reads, and kind and first tensor of each."""
    makers = {index: -1 - number for number, index in enumerate(model.inputs)}
    nodes = {-1 - number: (INPUT, index) for number, index in enumerate(model.inputs)}
    links: dict[int, list[int]] = {key: [] for key in nodes}
    for position, operator in enumerate(model.operators):
        sources = [makers[index] for index in operator.inputs if index in makers]
        links[position] = list(dict.fromkeys(sources))
        first = operator.outputs[0] if operator.outputs else -1
        nodes[position] = (model.operator_name(operator), first)
        makers |= dict.fromkeys(operator.outputs, position)
    return links, nodes


def _ranks(links: dict[int, list[int]], nodes: dict[int, tuple[str, int]]) -> dict[int, int]:
    ranks: dict[int, int] = {}
    for key in nodes:  # inputs first, then operators in the order in which they run
        ranks[key] = 1 + max((ranks[source] for source in links[key]), default=-1)
    return ranks


def _place_row(row: list[int], links: dict[int, list[int]], centres: dict[int, float]) -> None:
    """Put each node below the mean of what it reads, and move apart those that would overlap."""
    step = WIDTH + GAP_X
    wanted = {}
    for number, key in enumerate(row):
        above = [centres[source] for source in links[key]]
        wanted[key] = sum(above) / len(above) if above else number * step
    placed: list[float] = []
    order = sorted(row, key=lambda key: wanted[key])
    for key in order:
        placed.append(max(wanted[key], placed[-1] + step) if placed else wanted[key])
    shift = sum(x - wanted[key] for key, x in zip(order, placed, strict=True)) / len(row)
    centres |= {key: x - shift for key, x in zip(order, placed, strict=True)}


def _edge(start: tuple[float, float], end: tuple[float, float], ranks: int) -> tuple[str, float]:
    """Return an edge's path, and how far right it reaches."""
    (x0, y0), (x1, y1) = start, end
    if ranks == 1:
        middle = (y0 + y1) / 2
        return (
            f"M{x0:.0f} {y0:.0f}C{x0:.0f} {middle:.0f} {x1:.0f} {middle:.0f} {x1:.0f} {y1:.0f}",
            0,
        )
    side = max(x0, x1) + WIDTH / 2 + BOW
    turn = HEIGHT + GAP_Y
    leave = f"M{x0:.0f} {y0:.0f}C{x0:.0f} {y0 + GAP_Y:.0f} {side:.0f} {y0:.0f} {side:.0f}"
    arrive = f"C{side:.0f} {y1:.0f} {x1:.0f} {y1 - GAP_Y:.0f} {x1:.0f} {y1:.0f}"
    path = f"{leave} {y0 + turn:.0f}V{y1 - turn:.0f}{arrive}"
    return path, side
