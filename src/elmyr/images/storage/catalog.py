"""The data sets that elmyr knows by name: their files, where these are had, and on what terms.

Sizes and sha256 are those of TensorFlow Datasets' `url_checksums`; the md5 of USPS are torchvision's.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DataFile:
    """A file of a data set: its name, its checksum as `algorithm:hex`, its bytes where they are known."""

    name: str
    checksum: str
    size: int | None = None


@dataclass(frozen=True)
class DataSet:
    """A data set that can be downloaded.

    mirrors: base addresses, each ending in `/`, tried in turn. folder: where its files lie below a data root, the
    cache or a mirror, if not under its name. classes: their names where the files do not tell them.
    """

    name: str
    title: str
    files: tuple[DataFile, ...]
    mirrors: tuple[str, ...]
    license: str
    citation: str
    folder: str | None = None
    classes: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """The folder that its files lie in."""
        return self.folder or self.name


def _idx_files(*known: tuple[str, int]) -> tuple[DataFile, ...]:
    """The four files of MNIST and of its like; `known` are the sha256 and the bytes of each."""
    names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    return tuple(
        DataFile(f"{name}-ubyte.gz", f"sha256:{sha256}", size)
        for name, (sha256, size) in zip(names, known, strict=True)
    )


def _emnist(part: str) -> DataSet:
    """EMNIST's sets come in one archive, which is downloaded once for all of them."""
    return DataSet(
        name=f"emnist-{part.lower()}",
        title=f"EMNIST {part}",
        files=(
            DataFile(
                "gzip.zip", "sha256:fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e", 561_753_746
            ),
        ),
        mirrors=("https://biometrics.nist.gov/cs_links/EMNIST/",),
        license="none stated (made from NIST Special Database 19)",
        citation="Cohen, Afshar, Tapson & van Schaik 2017, EMNIST: an extension of MNIST to handwritten letters",
        folder="emnist",
    )


SETS = (
    DataSet(
        name="mnist",
        title="MNIST: handwritten digits",
        files=_idx_files(
            ("440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", 9_912_422),
            ("3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28_881),
            ("8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1_648_877),
            ("f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4_542),
        ),
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        license="CC BY-SA 3.0, Yann LeCun and Corinna Cortes",
        citation="LeCun, Cortes & Burges 1998, The MNIST database of handwritten digits",
    ),
    DataSet(
        name="fashion-mnist",
        title="Fashion-MNIST: articles of clothing",
        files=_idx_files(
            ("3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", 26_421_880),
            ("a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29_515),
            ("346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 4_422_102),
            ("67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5_148),
        ),
        mirrors=(
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",  # S3's websites have no https
        ),
        license="MIT, Zalando SE",
        citation="Xiao, Rasul & Vollgraf 2017, Fashion-MNIST: a novel image dataset for benchmarking machine learning",
        classes=(
            *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
            *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        ),
    ),
    DataSet(
        name="kmnist",
        title="Kuzushiji-MNIST: cursive Japanese characters",
        files=_idx_files(
            ("51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4", 18_165_135),
            ("e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17", 29_497),
            ("edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5", 3_041_136),
            ("20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c", 5_120),
        ),
        mirrors=("https://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
        license='CC BY-SA 4.0, "KMNIST Dataset" (created by CODH), adapted from "Kuzushiji Dataset" '
        "(created by NIJL and others), doi:10.20676/00000341",
        citation="Clanuwat, Bober-Irizar, Kitamoto, Lamb, Yamamoto & Ha 2018, Deep learning for classical Japanese "
        "literature",
        classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    ),
    _emnist("Letters"),
    _emnist("Digits"),
    _emnist("Balanced"),
    DataSet(
        name="usps",
        title="USPS: handwritten digits of postal codes",
        files=(
            DataFile("usps.bz2", "md5:ec16c51db3855ca6c91edd34d0e9b197"),
            DataFile("usps.t.bz2", "md5:8ea070ee2aca1ac39742fdd1ef5ed118"),
        ),
        mirrors=("https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/",),
        license="none stated",
        citation="Hull 1994, A database for handwritten text recognition research",
    ),
    DataSet(
        name="cifar10",
        title="CIFAR-10: photographs of animals and vehicles",
        files=(
            DataFile(
                "cifar-10-binary.tar.gz",
                "sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                170_052_171,
            ),
        ),
        mirrors=(
            "https://www.cs.toronto.edu/~kriz/",
            "https://cave.cs.toronto.edu/kriz/",
            "https://storage.googleapis.com/mirror.tensorflow.org/www.cs.toronto.edu/~kriz/",
        ),
        license="none stated",
        citation="Krizhevsky 2009, Learning multiple layers of features from tiny images",
    ),
)
CATALOG = {data_set.name: data_set for data_set in SETS}
