"""A plot of lines on logarithmic axes, as SVG, without any library."""

import math

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 900, 480, 70, 330, 30, 50
COLOURS = ("#0b6e99", "#c4421a", "#3d7a2a", "#7a3d8f", "#a67c00", "#444444", "#d0508a", "#2a9d8f",
           "#6b4f2a")


def costs_by_size(figures):
    """What one agent pays, over the number of agents; each relative to the smallest herd, so that a
    line along the dashed one grows linearly. `figures` as sim_scale writes them."""
    sizes = [herd["agents"] for herd in figures]
    lines = {}
    for name in figures[0]["costs"]:
        values = [herd["costs"][name] for herd in figures]
        if min(values) > 0:
            lines[name] = [value / values[0] for value in values]
    linear = [size / sizes[0] for size in sizes]
    return draw(sizes, lines, linear)


def draw(sizes, lines, linear):
    top = max([*linear, *(value for line in lines.values() for value in line)])
    low = min([1.0, *(value for line in lines.values() for value in line)])

    def x(size):
        span = math.log(sizes[-1] / sizes[0]) or 1
        return LEFT + math.log(size / sizes[0]) / span * (WIDTH - LEFT - RIGHT)

    def y(value):
        span = math.log(top / low) or 1
        return HEIGHT - BOTTOM - math.log(value / low) / span * (HEIGHT - TOP - BOTTOM)

    def path(values):
        return " ".join(f"{x(size):.1f},{y(value):.1f}" for size, value in zip(sizes, values))

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
             'font-family="sans-serif" font-size="12">', '<rect width="100%" height="100%" '
             'fill="white"/>', f'<text x="{LEFT}" y="18">What one agent pays, relative to a herd '
             f'of {sizes[0]} (dashed: linear growth)</text>']
    for size in sizes:
        parts.append(f'<line x1="{x(size):.1f}" y1="{TOP}" x2="{x(size):.1f}" '
                     f'y2="{HEIGHT - BOTTOM}" stroke="#ddd"/><text x="{x(size):.1f}" '
                     f'y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{size} agents</text>')
    decade = 10.0 ** math.ceil(math.log10(low))
    while decade <= top:
        parts.append(f'<line x1="{LEFT}" y1="{y(decade):.1f}" x2="{WIDTH - RIGHT}" '
                     f'y2="{y(decade):.1f}" stroke="#ddd"/><text x="{LEFT - 8}" '
                     f'y="{y(decade) + 4:.1f}" text-anchor="end">{decade:g} ×</text>')
        decade *= 10
    parts.append(f'<polyline points="{path(linear)}" fill="none" stroke="black" '
                 'stroke-dasharray="6 4"/>')
    for number, (name, values) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        legend = TOP + 20 + 20 * number
        parts.append(f'<polyline points="{path(values)}" fill="none" stroke="{colour}" '
                     f'stroke-width="2"/><text x="{WIDTH - RIGHT + 20}" y="{legend}" '
                     f'fill="{colour}">{name}</text>')
    return "\n".join([*parts, "</svg>", ""])
