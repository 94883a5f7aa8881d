"""A figure, or an extractor, is one entry of a table: all that shows it follows."""

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial import geometric_slerp

import elmyr
from elmyr import compare, evaluate, train
from elmyr.cli.show import show_figures
from elmyr.core import seeds
from elmyr.core.errors import InputError
from elmyr.core.files import read_json
from elmyr.evaluation import EXTRACTORS, FIGURES, ExtractorSpec, FigureSpec
from elmyr.evaluation.extractors import AUTO, INCEPTIONS, Extraction, auto_extractor, extractor_for
from elmyr.evaluation.figure_spec import NEEDS
from elmyr.evaluation.figure_specs import titled
from elmyr.evaluation.figures import Evidence
from elmyr.evaluation.requested import REQUESTED
from elmyr.evaluation.requested.paths import along_arcs
from elmyr.images import ImageSet, Source, save_npz, split_source
from elmyr.metrics import Estimate
from elmyr.nets import NetworkConfig
from elmyr.report import write_comparison, write_report
from elmyr.report.words import ENGLISH, figure_title, words_in
from elmyr.serving.pages.workbench_page import workbench_page
from elmyr.serving.runs import Runs
from elmyr.tasks.gan.model import GAN, GANConfig
from tests.conftest import small_image_set

DOCS = Path(__file__).parents[2] / "docs"


def mean_gap(real: np.ndarray, generated: np.ndarray) -> float:
    return float(np.abs(real.mean(0) - generated.mean(0)).max())


def stripes(images: np.ndarray) -> np.ndarray:
    return images.mean((2, 3))


@pytest.fixture
def own_metric() -> FigureSpec:
    spec = FigureSpec("mean_gap", "Gap of the means", "lower", ("features",), mean_gap, "how far the means are apart")
    return FIGURES.add(spec.name, spec)


@pytest.fixture
def own_extractor() -> ExtractorSpec:
    return EXTRACTORS.add("stripes", ExtractorSpec.of("the mean of each row", stripes))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    save_npz(small_image_set(400), tmp_path / "blobs.npz")
    return tmp_path / "blobs.npz"


def noised(folder: Path, amount: float) -> Path:
    images = small_image_set(120, seed=3)
    noise = np.random.default_rng(1).normal(0, amount, images.images.shape)
    save_npz(ImageSet(np.clip(images.images + noise, 0, 255).astype(np.uint8), images.labels, images.classes),
             folder / f"noise-{amount}.npz")  # fmt: skip
    return folder / f"noise-{amount}.npz"


def test_a_metric_of_ones_own_is_in_table_file_report_comparison_and_workbench(
    tmp_path: Path, data: Path, own_metric: FigureSpec, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {"network.base": 8, "batch": 16}
    run = train(data, out=tmp_path / "runs" / "one", images=32, settings=settings, device="cpu")
    found = evaluate(run.path, extractor="pixels", quiet=True)
    figure = found["mean_gap"]
    assert found.figures[-1] is figure is found["gap of the means"]
    assert figure.low < figure.value < figure.high and figure.yardstick < figure.value

    show_figures(found.as_json())
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Gap of the means ")]
    assert line.endswith("lower")
    (kept,) = run.path.glob("evaluation*.json")
    assert read_json(kept)["figures"][-1]["value"] == figure.value
    page = write_report(run.path).read_text()
    assert "Gap of the means</th>" in page and "how far the means are apart" in page
    assert "Gap of the means</th>" in write_report(run.path, language="zh").read_text()

    compared = compare([noised(tmp_path, 10), noised(tmp_path, 250)], data=data, extractor="pixels", quiet=True)
    assert compared["mean_gap"].sides[1].outcome == "worse"
    write_comparison(compared, tmp_path / "compared.html")
    assert "how far the means are apart" in (tmp_path / "compared.html").read_text()

    (row,) = Runs(tmp_path / "runs").listed()
    assert row["figures"][-1]["title"] == "Gap of the means"
    assert "Gap of the means" not in workbench_page([], words_in("zh"))  # said as it is, where there is no translation

    FIGURES.remove("mean_gap")  # as where the page is made without the plug-in
    assert "Gap of the means</th>" in write_report(run.path).read_text()
    assert Runs(tmp_path / "runs").listed() == [row]


def test_a_number_has_the_interval_of_the_jackknife() -> None:
    spec = FigureSpec(
        "gap", "Gap", "lower", ("features", "labels"), lambda a, b, x, y: (b[y == 0] - a[x == 0].mean()).mean()
    )
    random = np.random.default_rng(0)
    labels = np.zeros(2000, np.int64)
    covered = 0
    for _ in range(40):
        a, b = random.normal(0, 1, (2000, 1)), random.normal(1, 2, (2000, 1))
        found = spec.estimate([a, b, labels, labels])
        assert isinstance(found, Estimate) and found.value == pytest.approx(b.mean() - a.mean())
        assert found.high - found.low == pytest.approx(2 * 2.09 * np.sqrt(5 / 2000), rel=0.6)
        covered += found.low <= 1 <= found.high
    assert covered >= 34


def test_a_metric_of_one_s_own_that_fails_is_told_by_its_name(tmp_path: Path, data: Path) -> None:
    FIGURES.add("a", FigureSpec("a", "A", "lower", ("features",), lambda real, generated: real[generated]), "my.py")
    try:
        with pytest.raises(InputError, match="^metric 'a' fails: IndexError: .* .plug-in 'my.py'.$"):
            evaluate(noised(tmp_path, 10), data=data, extractor="pixels", quiet=True)
    finally:
        FIGURES.remove("a")


def test_a_figure_that_is_not_taken_is_left_out_and_a_wrong_one_refused() -> None:
    assert FigureSpec("a", "A", "lower", ("features",), lambda a, b: None).estimate([np.ones((4, 1))] * 2) is None
    with pytest.raises(InputError, match=r"'a' gives an array of the shape \(3,\), a number is wanted"):
        FigureSpec("a", "A", "lower", ("features",), lambda a, b: np.ones(3)).estimate([np.ones((4, 1))] * 2)
    for need in ("neighbors", "class distances"):
        with pytest.raises(InputError, match=f"'a' gives a plain number of its {need}: .* an elmyr.metrics.Estimate"):
            FigureSpec("a", "A", "lower", (need,), lambda found: 0.5).estimate([object()])
    with pytest.raises(InputError, match="the metric 'a' cannot be called with 2 values, which needs=.'features',. g"):
        FIGURES.add("a", FigureSpec("a", "A", "lower", ("features",), lambda real: 0.5))
    for wrong in (float("nan"), "high"):
        with pytest.raises(InputError, match="the metric 'a' gives .*: it is to give an Estimate or a finite number"):
            FigureSpec("a", "A", "lower", ("features",), lambda a, b, w=wrong: w).estimate([np.ones((4, 1))] * 2)
    with pytest.raises(InputError, match="the metric 'a' needs 'feature': did you mean 'features'"):
        FigureSpec("a", "A", "lower", ("feature",), mean_gap)
    for needs in ("features", ()):
        with pytest.raises(InputError, match=r"give names, as needs=\('features',\)"):
            FigureSpec("a", "A", "lower", needs, mean_gap)  # type: ignore[arg-type]  # a comma forgotten
    with pytest.raises(InputError, match="the metric 'a' is better when 'low': did you mean 'lower'"):
        FigureSpec("a", "A", "low", ("features",), mean_gap)  # type: ignore[arg-type]  # what a plug-in may try


def test_a_metric_cannot_change_what_others_are_taken_of() -> None:
    def greedy(real: np.ndarray, generated: np.ndarray) -> float:
        real *= 0
        return 0.0

    spec = FigureSpec(name="greedy", title="Greedy", better="lower", needs=("features",), take=greedy)
    features = np.ones((40, 3))
    with pytest.raises(ValueError, match="read-only"):
        spec.estimate([features, features.copy()])
    assert features.all()


def test_what_is_no_metric_and_no_extractor_is_refused_and_a_function_is_an_extractor() -> None:
    with pytest.raises(InputError, match="a metric is an elmyr.FigureSpec"):
        elmyr.register("metric", "mean_gap", mean_gap)
    with pytest.raises(InputError, match="an extractor is a function from images"):
        elmyr.register("extractor", "stripes", 3)
    elmyr.register("extractor", "stripes", stripes)
    assert extractor_for(small_image_set(), Extraction("stripes")).dimension == 8


def test_every_need_is_one_of_the_evidence() -> None:
    assert all(hasattr(Evidence, need.replace(" ", "_")) for need in NEEDS if need not in ("logits", "recognizers"))


def test_the_docs_tell_of_every_figure_and_extractor_what_the_tables_say() -> None:
    text = (DOCS / "figures.md").read_text(encoding="utf-8")
    better = {"lower": "low", "higher": "high"}
    rows = [f"| {s.title} | {s.meaning} | {better.get(s.better, s.better)} |" for s in FIGURES.values()]
    assert "\n".join(rows) in text.replace("`", "")
    flowing = " ".join(text.split())
    ends = [flowing.index(f"- `{name}`: {spec.about}") for name, spec in EXTRACTORS.items()]
    assert ends == sorted(ends)
    for glossary in ("glossary.md", "zh/glossary.md"):
        assert all(f"`{name}`" in (DOCS / glossary).read_text(encoding="utf-8") for name in EXTRACTORS)


def test_an_extractor_that_calls_itself_otherwise_is_refused_before_the_work(own_extractor: ExtractorSpec) -> None:
    EXTRACTORS.add(
        "other",
        ExtractorSpec("x", lambda training, _, stages: own_extractor.build(training, Extraction("stripes"), stages)),
    )
    try:
        with pytest.raises(InputError, match="^extractor 'other' calls itself 'stripes' once it is built"):
            extractor_for(small_image_set(), Extraction("other"))
    finally:
        EXTRACTORS.remove("other")


def test_an_extractor_of_ones_own_is_named_beside_its_figures(
    tmp_path: Path, data: Path, own_extractor: ExtractorSpec
) -> None:
    found = [evaluate(noised(tmp_path, amount), data=data, extractor="stripes", quiet=True) for amount in (10, 250)]
    assert {key: found[0].extractor[key] for key in ("name", "dimension", "resize")} == {
        "name": "stripes", "dimension": 8, "resize": "its own",
    }  # fmt: skip
    assert "seed" not in found[0].extractor
    assert found[0]["frechet_distance"].value < found[1]["frechet_distance"].low
    assert found[0]["fid"].title == "FID (stripes)" == titled(dataclasses.asdict(found[0]["fid"]))["title"]
    beside = compare([noised(tmp_path, 10), noised(tmp_path, 250)], data=data, extractor="stripes")
    assert beside["fid (stripes)"].title == "FID (stripes)"
    write_comparison(beside, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "FID (stripes)" in page and "elmyr&#x27;s features" not in page
    training = small_image_set()
    assert auto_extractor(training) == "domain"
    with pytest.raises(InputError, match="no extractor 'stripe': did you mean 'stripes'"):
        Extraction("stripe")


def test_functions_are_told_apart_by_what_they_make_and_refused_where_it_is_no_table(
    own_extractor: ExtractorSpec,
) -> None:
    training, own = small_image_set(), Extraction("stripes")
    first = extractor_for(training, own)
    assert first.sha256 == extractor_for(training, own).sha256 and first.probabilities(np.ones((2, 8))) is None
    row, endless = (lambda images: images.mean((1, 2, 3))), (lambda images: stripes(images) / 0)
    for about, function in {"of 16 images": row, "infinity for 16 of 16 images": endless}.items():
        EXTRACTORS.remove("stripes")
        EXTRACTORS.add("stripes", ExtractorSpec.of(about, function))
        with np.errstate(all="ignore"), pytest.raises(InputError, match=rf"'stripes' .*{about}"):
            extractor_for(training, own)
    EXTRACTORS.remove("stripes")
    EXTRACTORS.add("stripes", ExtractorSpec.of("other", lambda images: stripes(images) * 2))
    assert extractor_for(training, own).sha256 != first.sha256
    assert AUTO not in EXTRACTORS


def test_a_class_is_an_extractor_and_is_made_when_it_is_asked_for(own_extractor: ExtractorSpec) -> None:
    made: list[int] = []

    class Striped:
        def __init__(self) -> None:
            made.append(1)

        def features(self, images: np.ndarray) -> np.ndarray:
            return stripes(images)

    EXTRACTORS.remove("stripes")
    EXTRACTORS.add("stripes", ExtractorSpec.of("rows", Striped))
    assert not made
    training = small_image_set()
    assert (extractor_for(training, Extraction("stripes")).features(training) == stripes(training.images)).all()


def test_a_title_names_the_extractor_and_the_meaning_is_that_of_the_published_figure_by_inception() -> None:
    fid, score = FIGURES["frechet_distance"], FIGURES["inception_score"]
    for name in ("domain", "pixels", "random"):
        assert fid.title_by(name) == fid.title == "FID (elmyr's features)"
    for name in INCEPTIONS:
        assert (fid.title_by(name), score.title_by(name)) == (f"FID ({name})", f"Inception Score ({name})")
        assert "comparable" not in fid.meaning_by(name) and "in place of" not in score.meaning_by(name)
        assert titled({"name": fid.name, "title": fid.title_by(name)})["title"] == fid.title_by(name)
    assert "not comparable with a published FID" in fid.meaning_by("dinov2-s") and fid.title_by("a:B") == "FID (a:B)"
    assert titled({"name": fid.name, "title": "Fréchet distance"})["title"] == fid.title
    assert FIGURES["kernel_distance"].title_by("inception") == "KID"
    chinese = words_in("zh")
    assert figure_title("FID (inception)", chinese) == "FID（inception）"
    assert figure_title(fid.title, chinese) == "FID（elmyr 特征）" and figure_title("FID (a:B)", ENGLISH) == "FID (a:B)"


def test_the_names_of_figures_on_request_are_known_before_they_are_imported() -> None:
    assert list(REQUESTED) == [name for name, spec in FIGURES.items() if spec.on_request]
    code = "import sys, elmyr.cli.commands as c; sys.exit('elmyr.metrics' in sys.modules or not len(c.REQUESTED))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_of_a_clip_the_gaussian_kernel_distance_is_called_cmmd() -> None:
    spec = FIGURES["gaussian_kernel_distance"]
    assert (spec.title_by("clip"), spec.title_by("dinov2-s")) == ("CMMD (clip)", "MMD, Gaussian kernel")
    assert "ViT-B/32" in spec.meaning_by("clip")


@pytest.mark.usefixtures("quick_extractor")
def test_the_likelihood_divergence_sees_copies_of_training_images_and_is_fitted_to_no_side(
    tmp_path: Path, data: Path
) -> None:
    splits = split_source(Source("blobs", small_image_set(400), None), 0)
    copied, name = splits.train.take(np.arange(100)), "likelihood_divergence"
    asked = {"data": data, "extractor": "pixels", "figures": [name]}
    fresh, copies = (evaluate(images, **asked)["fld"] for images in (splits.validation, copied))
    assert fresh.title == "FLD (elmyr's features)"
    assert fresh.yardstick == copies.yardstick == pytest.approx(fresh.value)
    assert copies.low > fresh.high
    (_, worse) = compare([splits.validation, copied], **asked)[name].sides
    assert worse.outcome == "worse"
    by_validation = evaluate(splits.test, against="validation", **asked)["fld"]
    assert by_validation.yardstick == pytest.approx(by_validation.value, abs=30)  # its baseline is of training images
    said = list[str]()
    assert name not in evaluate(splits.test, against="train", say=said.append, **asked).keys()  # noqa: SIM118
    assert any("FLD" in line and "left out: it needs training images beside those" in line for line in said)


def test_the_path_length_of_a_gan_has_no_baseline_and_others_have_none(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = GANConfig(height=8, width=8, channels=1, classes=("a", "b", "c"), network=NetworkConfig(base=8, latent=9))
    with seeds.initialization(0, "test"):
        gan = GAN(config, *config.build(), device="cpu", precision="fp32")
    asked = {"data": data, "extractor": "pixels", "figures": ["path_length"]}
    found = evaluate(gan, **asked)
    figure = found["path length"]
    assert figure.yardstick is None and 0 <= figure.low < figure.value < figure.high
    assert evaluate(gan, **asked)["path length"] == figure
    show_figures(found.as_json())
    assert "path length (elmyr's features)" in capsys.readouterr().out
    beside = compare([gan, gan], **asked)["path_length"]
    assert beside.yardstick is None and beside.sides[0].value == figure.value
    assert beside.sides[1].outcome == "no significant effect"
    write_comparison(compare([gan, gan], **asked), tmp_path / "page.html")
    assert "path length" in (tmp_path / "page.html").read_text()
    assert "path_length" not in compare([gan, noised(tmp_path, 5)], **asked).keys()  # noqa: SIM118
    said = list[str]()
    assert "path_length" not in evaluate(noised(tmp_path, 5), say=said.append, **asked).keys()  # noqa: SIM118
    assert any("path length" in line and "left out: it is of a GAN, and some" in line for line in said)


def test_latents_walk_on_great_circles() -> None:
    random = np.random.default_rng(0)
    one, other = random.normal(size=(2, 6, 5))
    shares = random.uniform(size=(6, 1))
    found = along_arcs(*map(torch.from_numpy, (one, other, shares))).numpy()
    for a, b, share, latent in zip(one, other, shares, found, strict=True):
        lengths = np.linalg.norm(a), np.linalg.norm(b)
        direction = geometric_slerp(a / lengths[0], b / lengths[1], float(share[0]))
        np.testing.assert_allclose(latent, direction * np.interp(share[0], (0, 1), lengths), rtol=1e-9)


def test_json_of_a_figure_that_nobody_knows_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"kind": "gan", "data": {"name": "blobs"}}))
    old = {"name": "of_old", "title": "Figure of old", "value": 3.5, "better": "lower", "yardstick": 1.0}
    (tmp_path / "evaluation.json").write_text(json.dumps({"figures": [old]}))
    page = write_report(tmp_path).read_text()
    assert re.search(r"Figure of old</th>.*3\.5", page)


def test_figures_on_request_are_taken_where_they_are_named(tmp_path: Path, data: Path) -> None:
    samples, said = noised(tmp_path, 40), list[str]()
    usual = evaluate(samples, data=data, extractor="pixels")
    names = ["vendi_score", "gaussian_kernel_distance", "similarity_in_classes"]
    found = evaluate(samples, data=data, extractor="pixels", figures=names, say=said.append)
    assert set(found.keys()) - set(usual.keys()) == set(names[:2])
    assert found["vendi score"].low < found["vendi score"].value < found["vendi score"].high
    small = "MS-SSIM within classes is left out: these images are too few or too small"  # of 8 pixels a side
    assert any(small in line for line in said)
    beside = compare([samples, noised(tmp_path, 120)], data=data, extractor="pixels", figures=names[1:2])
    less, more = beside["gaussian_kernel_distance"].sides
    assert less.value < more.value and more.difference is not None
    with pytest.raises(InputError, match="no metric 'vendi_scores': did you mean 'vendi_score'"):
        evaluate(samples, data=data, figures=["vendi_scores"])
    with pytest.raises(InputError, match="--figures asks for figures that --as leaves out"):
        evaluate(samples, data=data, figures=names, convention="prdc")
