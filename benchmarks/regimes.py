"""Where do generated images pay? The picture of the docs: a row a regime, as `results/regimes.json` has them.

A row is a verdict: best with a GAN minus best without, on the test images, in percentage points, 95 % interval.

python benchmarks/regimes.py docs/images/regimes.svg docs/images/regimes.zh.svg
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from elmyr.report.parts.markup import Markup, join, tag
from elmyr.report.parts.numbers import MINUS

RESULTS = Path(__file__).parent / "results" / "regimes.json"
ROW, TOP, WIDTH = 34, 64, 980
LEFT, RIGHT = 450, 950  # of the scale
COLORS = {"better": "#2f6f4e", "worse": "#9c3b2e", "no significant effect": "#5b6480"}
INK, QUIET, RULE, PAPER = "#22211f", "#6d6a64", "#d9d6cf", "#fbfaf6"
CHINESE = {
    "5 new classes, 10 images each": "5 个新类别，每类 10 张",
    "images a class": "张图像/类",
    "labels, 60,000 images": "个标签，60,000 张图像",
    "long tail,": "长尾",
    "all": "全部",
    "labels": "个标签",
    "best without a GAN": "不用 GAN 的最好结果",
    "percentage points by generated images, 95 % interval": "生成图像带来的百分点，95 % 置信区间",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("english", type=Path)
    parser.add_argument("chinese", type=Path)
    options = parser.parse_args()
    rows = json.loads(RESULTS.read_text(encoding="utf-8"))
    for path, words in ((options.english, {}), (options.chinese, CHINESE)):
        path.write_text(f"{picture(rows, words)}\n", encoding="utf-8")


def outcome(row: dict[str, Any]) -> str:
    """The verdict that the interval gives."""
    if row["low"] > 0:
        return "better"
    return "worse" if row["high"] < 0 else "no significant effect"


def picture(rows: list[dict[str, Any]], words: dict[str, str]) -> Markup:
    """An SVG: set and regime, the best without a GAN, and the difference with its interval on one scale."""
    low, high = float(min(row["low"] for row in rows)), float(max(row["high"] for row in rows))
    scale = (RIGHT - LEFT) / (high - low)

    def at(points: float) -> float:
        return LEFT + (points - low) * scale

    bottom = TOP + ROW * len(rows)
    parts = [tag("rect", width=WIDTH, height=bottom + 58, fill=PAPER)]
    parts += [_text(LEFT - 30, 34, told(words, "best without a GAN"), QUIET, "end")]
    parts += [tag("line", x1=at(0), x2=at(0), y1=TOP - 12, y2=bottom, stroke=INK, stroke_width=1.5)]
    for number in range(int(low) - 1, int(high) + 2):
        if low <= number <= high:
            parts.append(
                _text(at(number), bottom + 22, f"{number:+d}".replace("-", MINUS) if number else "0", QUIET, "middle")
            )
            if number:
                parts.append(tag("line", x1=at(number), x2=at(number), y1=TOP - 12, y2=bottom, stroke=RULE))
    for place, row in enumerate(rows):
        parts += _row(row, TOP + ROW * place + ROW / 2 - 6, at, words)
    what = told(words, "percentage points by generated images, 95 % interval")
    parts.append(_text((LEFT + RIGHT) / 2, bottom + 46, what, QUIET, "middle"))
    of_page: dict[str, str | float] = {"width": WIDTH, "height": bottom + 58, "viewBox": f"0 0 {WIDTH} {bottom + 58}"}
    of_page |= {"xmlns": "http://www.w3.org/2000/svg", "font_family": "sans-serif", "font_size": 15}
    return tag("svg", join(*parts), **of_page)


def _row(row: dict[str, Any], y: float, at: Callable[[float], float], words: dict[str, str]) -> list[Markup]:
    color = COLORS[outcome(row)]
    bar: dict[str, str | float] = {"stroke": color, "stroke_width": 2.5}
    return [
        _text(20, y + 5, f"{row['set']}: {told(words, row['regime'])}", INK),
        _text(LEFT - 30, y + 5, f"{row['without']:.2f} %", INK, "end"),
        tag("line", x1=at(row["low"]), x2=at(row["high"]), y1=y, y2=y, **bar),
        *(tag("line", x1=at(row[end]), x2=at(row[end]), y1=y - 6, y2=y + 6, **bar) for end in ("low", "high")),
        tag("circle", cx=at(row["difference"]), cy=y, r=6, fill=color),
    ]


def told(words: dict[str, str], text: str) -> str:
    """The text in the language of the words, phrase by phrase."""
    for english, other in words.items():
        text = text.replace(english, other)
    return text


def _text(x: float, y: float, text: str, color: str, anchor: str = "start") -> Markup:
    return tag("text", text, x=x, y=y, fill=color, text_anchor=anchor)


if __name__ == "__main__":
    main()
