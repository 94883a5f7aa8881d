"""Recognizer: an image classifier with scikit-learn's contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from elmyr.core import machine
from elmyr.core.errors import InputError
from elmyr.core.threads import steady
from elmyr.engine.loop import run_loop
from elmyr.engine.progress import Listener
from elmyr.engine.rules import is_tiny
from elmyr.engine.saving.places import Run, finished_model, home_of
from elmyr.images import AS_IT_IS, ImageSet, Pixels, Shaping, StoredPixels
from elmyr.nets import StridedClassifier
from elmyr.tasks.recognition.learning.class_weights import ClassWeight, as_json, from_json, settled_weight
from elmyr.tasks.recognition.learning.fitting import Fitting, choices_of, method_of, new_net
from elmyr.tasks.recognition.learning.lesson import Generated, Lesson, Pair, checked_images
from elmyr.tasks.recognition.learning.methods import chosen_method, read_method
from elmyr.tasks.recognition.learning.policy_choice import chosen_policy, with_policy
from elmyr.tasks.recognition.learning.selection import fitted_temperature
from elmyr.tasks.recognition.learning.task import Teacher
from elmyr.tasks.recognition.predicting.background import ground_of
from elmyr.tasks.recognition.predicting.inference import features_of, probabilities_of, softmax
from elmyr.tasks.recognition.predicting.predictions import Paths, Prediction, Prepare, predict_files, prepared_pixels
from elmyr.tasks.recognition.predicting.trained import FILES, KIND, Trained, open_trained
from elmyr.tasks.recognition.robust.judging import Withstood, withstood_after

TINY: Mapping[str, Any] = {"base": 8, "dimension": 32}  # parameters of a recognizer of a tenth of the weights


class Recognizer(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A small convolutional classifier of images.

    X is uint8, (N, H, W, C) or (N, H, W), at least 8x8; y holds any labels, and an integer label of -1 marks an image
    without one. After `fit`: `classes_` (sorted labels), `class_counts_` (labeled images of each), `image_shape_`
    (H, W, C), `ground_` (mean level of the outermost pixels), `preparation_` (how images of any form are brought into
    that shape), `method_`, `augment_` (the policy that training images were changed by), `temperature_` (by which
    logits are divided).
    Trained in bf16 where the machine has it, always used in fp32.

    method: how it learns: "supervised", "augment" (classical augmentation: small turns, scalings, shears and shifts; no
    flips), other policies and mixtures ("strong", "mixup", "cutmix" …), "decoupled" (as "augment", then the last layer
    anew with all classes alike), "gan-augment" (as "augment", beside generated images), "consistency", "gan-semi",
    "gan-consistency" (from unlabeled images, too), or "auto".
    updates, batch, base, dimension, learning_rate, weight_decay: those of the method where None; base are the channels
    of the first convolution, dimension the entries of the features. settings: other choices of the method, by dotted
    names, such as `{"semi.consistency.threshold": 0.9}` or `{"augment": "strong", "mixing": "cutmix"}`; with augment
    "auto", and by the method "auto-augment", `fit` chooses a policy on its `validation`, by a quarter more updates.
    robust: the most that a pixel may be changed, as a share of its range, by attacks that it is to withstand; for the
    methods "robust" and "gan-robust", which "auto" then is one of (0.3 where None for gray images of up to 28x28, 8/255
    for others). `robust_` says how much of the validation part it withstands.
    generated_share: share of each batch that comes from generated images, where `fit` is given some.
    class_weight: what an image of a class counts in the loss of the labels, by label (1 for those left out), or
    "balanced": in inverse proportion to how often the class is shown, or "auto": balanced where the classes of y differ
    by 3:1 or more; or "logit-adjusted": all alike, and logits that are trained with the log of their class's share.
    """

    path: Path | None = None  # the run or the folder that it was loaded from
    robust_: Withstood | None = None

    def __init__(
        self,
        *,
        method: str = "supervised",
        updates: int | None = None,
        batch: int | None = None,
        base: int | None = None,
        dimension: int | None = None,
        learning_rate: float | None = None,
        weight_decay: float | None = None,
        generated_share: float = 0.5,
        class_weight: ClassWeight = None,
        robust: float | None = None,
        settings: Mapping[str, Any] | None = None,
        seed: int = 0,
        device: str = "auto",
        precision: str = "auto",
    ) -> None:
        self.method = method
        self.updates = updates
        self.batch = batch
        self.base = base
        self.dimension = dimension
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.generated_share = generated_share
        self.class_weight = class_weight
        self.robust = robust
        self.settings = settings
        self.seed = seed
        self.device = device
        self.precision = precision

    def fit(
        self,
        X: ArrayLike | StoredPixels | ImageSet,
        y: ArrayLike | None = None,
        *,
        unlabeled: ArrayLike | StoredPixels | None = None,
        generated: Generated | None = None,
        validation: Pair | None = None,
        teacher: Recognizer | None = None,
        start: Recognizer | None = None,
        listener: Listener | None = None,
        say: Callable[[str], None] = lambda line: None,
    ) -> Self:
        """Trains on images and labels, and by the method on unlabeled and generated ones as well.

        X may be an image set, whose labels then are y, by the names of their classes. `generated` are images and
        labels, or `FreshSamples`, of which none is shown twice.
        With `validation` (images, labels) the weights that read it best are taken, and probabilities are calibrated on
        it. With a `teacher`, a fitted recognizer of the same classes, it learns what that reads in the images as they
        are shown, instead of y. With a `start`, a fitted recognizer of images of this form, maybe of other classes, it
        begins with the network of that, but for the last layer. `say` hears which policy was chosen, and what goes
        wrong on the way. The number of updates is the same whatever the number of images.
        """
        for of_another_fit in ("net_", "path", "robust_"):  # a fit that fails leaves no recognizer of other classes
            self.__dict__.pop(of_another_fit, None)
        for fitted in (teacher, start):
            if fitted is not None:
                check_is_fitted(fitted, "net_")
        lesson = Lesson.of(
            X,
            y,
            unlabeled=unlabeled,
            generated=generated,
            validation=validation,
            classes=None if teacher is None else teacher.classes_,
        )
        choice = chosen_policy(self, lesson, teacher)
        if choice is not None:
            say(choice.told)
        fitting = Fitting(self if choice is None else with_policy(self, choice.policy), lesson, teacher, start=start)
        with steady():
            outcome = run_loop(
                fitting.task, fitting.data, fitting.course, watcher=fitting.watcher, listener=listener, say=say
            )
        return self.learned(fitting, outcome.seconds)

    def learned(self, fitting: Fitting, seconds: float) -> Self:
        """Takes what a fit has learned in so many seconds."""
        lesson, chosen = fitting.lesson, fitting.watcher
        self.classes_: NDArray[Any] = lesson.classes
        self.class_counts_: NDArray[np.int64] = lesson.class_counts
        self.image_shape_ = lesson.shape
        self.preparation_: Shaping = AS_IT_IS.preparation(lesson.shape)
        self.ground_: float | None = ground_of(lesson.labeled)
        self.net_ = fitting.task.average if chosen is None else chosen.best
        self.temperature_ = 1.0 if lesson.validation is None else fitted_temperature(self.net_, lesson.validation)
        self.method_, self.augment_, self.seconds_ = fitting.method, fitting.config.policy, seconds
        self.robust_ = withstood_after(self.net_, fitting.config.robust, lesson.validation)
        return self

    def settled(self, lesson: Lesson, teacher: Recognizer | None = None) -> Self:
        """A copy whose parameters leave nothing open for this lesson; InputError for what cannot be trained."""
        method, config = method_of(self, lesson)
        robust = None if config.robust is None else config.robust.most
        device = machine.choose_device(self.device)
        copy: Self = clone(self).set_params(
            method=method,
            updates=config.updates,
            batch=config.batch,
            base=config.base,
            dimension=config.dimension,
            learning_rate=config.learning_rate,
            weight_decay=config.weight_decay,
            class_weight=settled_weight(self.class_weight, lesson, retrained=config.retraining > 0),
            robust=robust,
            device=str(device),
            precision=machine.choose_precision(self.precision, device),
        )
        Fitting(copy, lesson, teacher)
        return copy

    def budget(self, lesson: Lesson) -> int:
        """The images that a fit to this lesson sees."""
        _, config = method_of(self, lesson)
        return config.updates * config.batch

    def initialize(self, image_shape: tuple[int, int, int]) -> Self:
        """Takes the random weights that training would begin with, for images (H, W, C) of one class named 0."""
        self.classes_, self.image_shape_ = np.zeros(1, np.int64), image_shape
        self.class_counts_, self.ground_ = np.zeros(1, np.int64), None
        self.preparation_ = AS_IT_IS.preparation(image_shape)
        robust = self.robust is not None
        self.method_ = chosen_method(self.method, has_unlabeled=False, has_generated=False, robust=robust)
        self.temperature_, choices = 1.0, choices_of(self, self.method_)
        self.augment_ = choices.policy
        self.net_ = (
            new_net(choices, image_shape, 1, self.seed)
            .to(machine.choose_device(self.device))
            .requires_grad_(False)
            .eval()
        )
        return self

    def predict(self, X: ArrayLike | StoredPixels, *, average: int = 1) -> NDArray[Any]:
        """The most likely label of each image (N,); `average` as in `predict_proba`."""
        views = {} if average == 1 else {"average": average}  # a class derived from this one may take images alone
        most_likely = self.predict_proba(X, **views).argmax(1)
        return np.asarray(self.classes_[most_likely])

    def predict_proba(self, X: ArrayLike | StoredPixels, *, average: int = 1) -> NDArray[np.float64]:
        """Probabilities float64 (N, classes), columns as in `classes_`.

        average: over how many views of each image they are the mean: the image as it is, and moved a little in as many
        ways less one, the same for every image. Each takes as long again.
        """
        return probabilities_of(self._net(), self._checked(X), self.temperature_, average)

    def prepared(self, X: ArrayLike | StoredPixels, *, prepare: Prepare = "model") -> Pixels:
        """Images uint8 (N, H, W, C) or (N, H, W) of any size as `predict` takes them; `prepare` as in `predict_files`.

        Raises InputError where "digit" finds nothing drawn.
        """
        check_is_fitted(self, "net_")
        return prepared_pixels(self.trained(), checked_images(X), prepare)

    def predict_files(self, paths: Paths, *, prepare: Prepare = "model", least: float = 0.0) -> list[Prediction]:
        """What is read in image files, a `Prediction` each, in their order; folders stand for the images in them.

        The images may be of any size and mode: they are brought into the form of the training images (`preparation_`),
        or with `prepare="digit"` cut out and centered as MNIST's digits are. A file that cannot be read has a
        prediction that says so. least: the probability from 0 to 1 below which no class is given. Raises InputError for
        a folder without images.
        """
        return list(predict_files(self.trained(), paths, prepare=prepare, least=least))

    def features(self, X: ArrayLike | StoredPixels) -> NDArray[np.float64]:
        """Features float64 (N, dimension): the vector before the last layer."""
        return features_of(self._net(), self._checked(X))

    @property
    def feature_count(self) -> int:
        """The entries of an image's features."""
        return self._net().dense.out_features

    def proba_of_features(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities float64 (N, classes) from features (N, dimension): the last layer alone, in float64."""
        last = self._net().logits
        weight, bias = (tensor.detach().cpu().double().numpy() for tensor in (last.weight, last.bias))
        return softmax((features @ weight.T + bias) / self.temperature_)

    def save(self, folder: str | Path) -> None:
        """Writes `recognizer.safetensors`, and `recognizer.json` with its preparation.

        Labels must be numbers or strings.
        """
        parameters = self.get_params() | {"class_weight": as_json(self.class_weight)}
        content = {
            "parameters": {name: value for name, value in parameters.items() if name != "device"},
            "method": self.method_,
            "augment": self.augment_,
            "temperature": self.temperature_,
            "classes": self.classes_.tolist(),
            "class_counts": self.class_counts_.tolist(),
            "image_shape": list(self.image_shape_),
            "ground": self.ground_,
            "preparation": self.preparation_.model_dump(mode="json"),
            "robust": None if self.robust_ is None else self.robust_.as_json(),
        }
        FILES.write(Path(folder), self._net().state_dict(), content)

    @classmethod
    def load(cls, path: Run, *, device: str = "auto") -> Self:
        """The recognizer of a finished run (a path, "latest", or what training returns), or of what `save` wrote.

        Raises InputError where there is none, or where it is not whole.
        """
        folder = finished_model(path, KIND)
        trained = open_trained(folder, device=device)
        parameters = dict(trained.parameters)
        parameters["class_weight"] = from_json(parameters.get("class_weight"))
        try:
            recognizer = cls(**parameters, device=device)
        except TypeError as error:
            raise InputError(f"'{folder}' is no whole recognizer ({error}): train it again") from None
        recognizer.path = home_of(folder)
        recognizer.method_, recognizer.temperature_ = trained.method, trained.temperature
        recognizer.augment_, recognizer.robust_ = trained.augment, Withstood.of_json(trained.robust)
        recognizer.class_counts_, recognizer.ground_ = trained.class_counts, trained.ground
        recognizer.classes_, recognizer.image_shape_ = trained.classes, trained.image_shape
        recognizer.preparation_, recognizer.net_ = trained.preparation, trained.net
        return recognizer

    def __sklearn_tags__(self) -> Tags:
        """Images in, not rows of a table."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.non_deterministic = False
        return tags

    def trained(self) -> Trained:
        """What it has learned, without how."""
        net = self._net()
        shape, temperature, method = self.image_shape_, self.temperature_, self.method_
        learned = self.classes_, self.class_counts_, shape, temperature
        known, robust = (self.ground_, self.augment_), None if self.robust_ is None else self.robust_.as_json()
        return Trained(net, *learned, self.preparation_, method, self.get_params(), *known, robust=robust)

    def _net(self) -> StridedClassifier:
        check_is_fitted(self, "net_")
        net: StridedClassifier = self.net_
        return net

    def _checked(self, X: ArrayLike | StoredPixels) -> Any:
        check_is_fitted(self, "net_")
        images = checked_images(X)
        if images.shape[1:] != self.image_shape_:
            raise InputError(
                f"images are {images.shape[1:]}, this recognizer was trained on {self.image_shape_}: "
                "recognizer.prepared(X) makes them so"
            )
        return images

    def reading(self, image_shape: tuple[int, ...], device: torch.device) -> Teacher:
        """What it reads, as a function on a device: images (N, C, H, W) in [-1, 1] to probabilities (N, K)."""
        net, temperature = deepcopy(self._net()).to(device), self.temperature_
        if self.image_shape_ != image_shape:
            raise InputError(f"the teacher takes images {self.image_shape_}, X holds {image_shape}: make them alike")
        return lambda images: (net(images).float() / temperature).softmax(1)


def default_updates(images: ImageSet, method: str = "supervised") -> int:
    """The updates of a recognizer where no number is given: those of a method, for images of this size."""
    config = read_method(method)
    return config.updates_of_tiny if is_tiny(images) else config.updates
