"""Do two extractors rank the same generators alike? Prints a table.

python benchmarks/extractor_ranks.py cifar10 --data-root path/to/data --out runs/ranked --extractor efficientnet-lite0
python benchmarks/extractor_ranks.py mnist --data-root path/to/data --runs articles/runs/*

A run is trained and resumed from budget to budget, or finished runs are taken, with the split of the first. Of each
the Fréchet and the kernel distance of as many samples are taken by `domain` and by the other extractors, against the
validation part. Spearman's rank correlation with `domain` ends it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from scipy.stats import spearmanr

from elmyr import resume, train
from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.evaluation.extractors import Extraction, extractor_for
from elmyr.evaluation.figures import Evidence, take_figures
from elmyr.evaluation.paired_samples import first_of, sample_beside
from elmyr.evaluation.reference import embed, reference_of
from elmyr.images import open_source, split_source
from elmyr.tasks.gan.model import GAN
from elmyr.tasks.gan.plan import config_of, splits_of

FIGURES = ("frechet_distance", "kernel_distance")


def trained(options: argparse.Namespace) -> Iterator[tuple[str, Path]]:
    """A run at each budget, by what its row is called."""
    run = None
    for budget in options.budgets:
        how = {"images": budget, "data_root": options.data_root, "quiet": True}
        run = train(options.data, out=options.out, **how) if run is None else resume(run, **how)
        yield f"{budget:,} images seen", run.path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--data-root")
    parser.add_argument("--out", type=Path, help="where a GAN is trained")
    parser.add_argument("--runs", type=Path, nargs="+", help="finished ones, in place of a training")
    parser.add_argument("--extractor", nargs="+", default=["efficientnet-lite0"])
    parser.add_argument("--budgets", type=int, nargs="+", default=[4_000, 8_000, 16_000, 32_000, 64_000])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--figures", nargs="+", default=list(FIGURES), help="the Fréchet distance takes the longest")
    options = parser.parse_args()
    if options.runs:
        splits = splits_of(config_of(RunDirectory(options.runs[0])), options.data_root)
    else:
        splits = split_source(open_source(options.data, options.data_root), 0)
    beside = first_of(splits.validation, options.count)
    extractors = [extractor_for(splits.train, Extraction(name)) for name in ("domain", *options.extractor)]
    references = [reference_of(extractor, beside) for extractor in extractors]
    columns = [(extractor.name, figure) for extractor in extractors for figure in options.figures]
    print(f"{options.data}: {len(beside):,} samples against as many of the validation part, split of seed 0\n")
    print(f"| generator | {' | '.join(f'{name}, {figure}'.replace('_', ' ') for name, figure in columns)} |")
    print(f"| --- |{' --- |' * len(columns)}")
    rows = []
    generators = [(run.name, run) for run in options.runs] if options.runs else trained(options)
    for name, path in generators:
        samples = sample_beside(GAN.load(path), beside, seed=1)
        row = []
        for extractor, real in zip(extractors, references, strict=True):
            taken = take_figures(Evidence(real, embed(extractor, samples)), options.figures)
            row += [taken[figure].value for figure in options.figures]
        rows.append(row)
        print(f"| {name} | {' | '.join(f'{value:.4g}' for value in row)} |", flush=True)
    print()
    of_column = dict(zip(columns, zip(*rows, strict=True), strict=True))
    for name, figure in columns[len(options.figures) :]:
        found = spearmanr(of_column["domain", figure], of_column[name, figure]).statistic
        print(
            f"Spearman's rank correlation of the {figure.replace('_', ' ')} by {name} with that by domain: {found:.2f}"
        )


if __name__ == "__main__":
    main()
