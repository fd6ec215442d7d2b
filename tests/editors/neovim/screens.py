#!/usr/bin/env python3
"""Converts a terminal screen, as printed by `tmux capture-pane -p -e`, to SVG with the colours of each cell.

    screens.py FILE.ansi > FILE.svg
"""

import html
import re
import sys

WIDTH, HEIGHT, SIZE = 9.0, 20, 15
FOREGROUND, BACKGROUND = "#e0e2ea", "#14161b"  # Neovim's own
ANSI = "#14161b #ffc0b9 #b3f6c0 #fce094 #a6dbff #ffcaff #8cf8f7 #eef1f8".split()
ANSI += "#4f5258 #ffc0b9 #b3f6c0 #fce094 #a6dbff #ffcaff #8cf8f7 #eef1f8".split()


def colour(codes):
    """The colour after a 38 or 48, and the number of codes it consists of."""
    if codes[0] == 2:
        return "#{:02x}{:02x}{:02x}".format(*codes[1:4]), 4
    number = codes[1]
    if number < 16:
        return ANSI[number], 2
    if number >= 232:
        return "#" + "{:02x}".format(8 + 10 * (number - 232)) * 3, 2
    steps = [0, 95, 135, 175, 215, 255]
    number -= 16
    return "#{:02x}{:02x}{:02x}".format(steps[number // 36], steps[number // 6 % 6], steps[number % 6]), 2


def change(look, codes):
    """Applies an SGR sequence to a style: foreground, background, bold, reversed."""
    look = dict(look)
    while codes:
        code, taken = codes[0], 1
        if code == 0:
            look = {}
        elif code in (1, 7):
            look[code] = True
        elif code in (22, 27):
            look.pop({22: 1, 27: 7}[code], None)
        elif code in (38, 48):
            look["fg" if code == 38 else "bg"], taken = colour(codes[1:])
            taken += 1
        elif code in (39, 49):
            look.pop("fg" if code == 39 else "bg", None)
        elif 30 <= code <= 37 or 90 <= code <= 97:
            look["fg"] = ANSI[code % 10 + (8 if code >= 90 else 0)]
        elif 40 <= code <= 47 or 100 <= code <= 107:
            look["bg"] = ANSI[code % 10 + (8 if code >= 100 else 0)]
        codes = codes[taken:]
    return look


def runs(line, look):
    """Splits a line into runs of equal style."""
    pieces = []
    for text, sequence in re.findall(r"([^\x1b]*)(?:\x1b\[([\d;:]*)m|\x1b[^m]*|$)", line):
        if text:
            pieces.append((text, look))
        if sequence is not None:
            look = change(look, [int(code or 0) for code in re.split("[;:]", sequence)]) if sequence else look
    return pieces, look


def main():
    lines = open(sys.argv[1], encoding="utf-8").read().rstrip("\n").split("\n")
    look, rows = {}, []
    for line in lines:
        pieces, look = runs(line, look)
        rows.append(pieces)
    columns = max(sum(len(text) for text, _ in pieces) for pieces in rows)
    width, height = columns * WIDTH + 24, len(rows) * HEIGHT + 20
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" font-size="{SIZE}"'
          ' font-family="ui-monospace,Menlo,Consolas,DejaVu Sans Mono,monospace">')
    print(f'<rect width="{width:.0f}" height="{height}" rx="8" fill="{BACKGROUND}"/>')
    for row, pieces in enumerate(rows):
        column = 0
        for text, look in pieces:
            ink, paper = look.get("fg", FOREGROUND), look.get("bg")
            if look.get(7):
                ink, paper = paper or BACKGROUND, ink
            x, y, wide = 12 + column * WIDTH, 10 + row * HEIGHT, len(text) * WIDTH
            if paper:
                print(f'<rect x="{x:g}" y="{y}" width="{wide:g}" height="{HEIGHT}" fill="{paper}"/>')
            if text.strip():
                bold = ' font-weight="bold"' if look.get(1) else ""
                print(f'<text x="{x:g}" y="{y + 15}" fill="{ink}" textLength="{wide:g}" xml:space="preserve"{bold}>'
                      f"{html.escape(text)}</text>")
            column += len(text)
    print("</svg>")


main()
