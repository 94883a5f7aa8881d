"""Options, parameters and commands as people know them from elsewhere, and what elmyr calls them."""

from __future__ import annotations

from typing import NamedTuple


class Instead(NamedTuple):
    """What to write, and why.

    Of an option: `{}` stands for the value that was given, `{epochs}` and `{steps}` for so many of them in training
    images; `RUN` and `DATA` are the command's arguments; what begins with `elmyr` is another command; nothing leaves
    the option out.
    """

    text: str
    why: str


BUDGET = "a budget counts training images processed"
LIMIT = "--limit takes so many images"
DEVICE = "--device says where to compute"
PRECISION = "--precision is auto, bf16 or fp32"
TRACK = "--track is tensorboard or trackio"
FIT = "--fit says what happens where proportions differ"
CHANNELS = "--channels is 1 for gray, 3 for RGB"


def _setting(*names: str) -> tuple[Instead, ...]:
    return tuple(Instead(f"--set {name}", "settings are changed with --set") for name in names)


# The first that the command understands is taken. Case, dashes and underscores of the words do not count.
OPTIONS: dict[str, tuple[Instead, ...]] = {
    # which images
    "class cls digit category-name target-class label c y": (
        Instead("--label {}", "--label names the class"),
        Instead("--classes {}", "--classes names the classes to keep"),
        Instead("--from {}", "--from and --to name the two classes"),
    ),
    "n-classes num-classes nclasses n-class num-class": (Instead("", "the classes are found in the data"),),
    "num-samples n-samples nsamples samples num-images n-images n num count amount number": (
        Instead("--count {}", "--count says how many"),
        Instead("--limit {}", LIMIT),
        Instead("--questions {}", "--questions says how many"),
    ),
    "max-images max-samples subset first": (
        Instead("--limit {}", LIMIT),
        Instead("--count {}", "--count says how many"),
    ),
    "image-size resolution img-size imsize imgsize res resize image-resolution input-size crop-size height width": (
        Instead("--size {}", "--size is the height and width of the images, as 64 or 48x64"),
    ),
    "size": (Instead("", "--size belongs to commands that train, and to data convert"),),
    "excel for-excel utf8-bom": (Instead("--bom", "--bom marks a .csv file as UTF-8, as spreadsheets ask for"),),
    "grayscale gray grey greyscale mono": (Instead("--channels 1", CHANNELS),),
    "color colour rgb": (Instead("--channels 3", CHANNELS),),
    "nc in-channels image-channels img-channels num-channels n-channels": (Instead("--channels {}", CHANNELS),),
    "crop center-crop": (Instead("--fit crop", FIT),),
    "pad padding letterbox": (Instead("--fit pad", FIT),),
    "shots per-class samples-per-class n-per-class": (
        Instead("--images-per-class {}", "--images-per-class limits each class"),
    ),
    "labels n-labels num-labels labeled": (
        Instead("--labels-per-class {}", "--labels-per-class keeps so many labels of each class"),
    ),
    "split part": (Instead("--against {}", "--against is the part of the real images"),),
    "root datasets-dir": (Instead("--data-root {}", "--data-root is the folder of named data sets"),),
    # how long
    "epochs epoch n-epochs num-epochs max-epochs train-epochs n-epoch e ep": (
        Instead("--images {epochs}", BUDGET),
        Instead("", "no budget is in epochs"),
    ),
    "steps iterations iters iter num-steps max-steps n-iter n-iters niter total-steps num-iterations updates": (
        Instead("--images {steps}", BUDGET),
        Instead("--updates {}", "an update is one batch"),
        Instead("", "no budget is in steps"),
    ),
    "kimg total-kimg": (Instead("--images {}k", BUDGET),),
    "time timeout max-time time-limit minutes budget": (
        Instead("--budget {}", "--budget is a time, such as 2h"),
        Instead("--minutes {}", "--minutes is a time"),
    ),
    "repeats trials n-seeds num-seeds": (Instead("--seeds {}", "--seeds says how often"),),
    "patience early-stopping early-stop": (Instead("", "a training goes to the end of its budget"),),
    # how it learns
    "batch-size batch bs b batchsize minibatch mini-batch": (
        *_setting("batch={}"),
        Instead("", "the method has its own batch"),
    ),
    "lr learning-rate g-lr lr-g glr": (
        *_setting("adversarial.learning_rate={}", "learning_rate={}"),
        Instead("", "the method has its own learning rate"),
    ),
    "d-lr lr-d dlr": _setting("adversarial.discriminator_learning_rate={}", "discriminator_learning_rate={}"),
    "beta1 b1 beta-1": _setting("adversarial.beta1={}", "beta1={}"),
    "beta2 b2 beta-2": _setting("adversarial.beta2={}", "beta2={}"),
    "latent-dim z-dim nz latent noise-dim latent-size z zdim z-size": _setting("network.latent={}"),
    "ngf ndf base filters base-channels": _setting("network.base={}"),
    "loss gan-loss criterion gan-type objective loss-type": _setting("adversarial.objective={}"),
    "n-critic d-steps critic-steps critic-iters disc-steps": _setting("adversarial.discriminator_steps={}"),
    "gamma r1 r1-gamma": _setting("penalties.r1={}"),
    "gp lambda-gp gradient-penalty gp-weight": _setting("penalties.wgan_gp={}"),
    "clip-value grad-clip clip-grad max-grad-norm": _setting("stabilizers.clip_gradients={}"),
    "conditional cond cgan": _setting("conditional=true"),
    "unconditional uncond": _setting("conditional=false"),
    "logit-adjustment balanced-softmax": (
        Instead("--class-weight logit-adjusted", "--class-weight says how rare classes are evened out"),
    ),
    "balanced-sampling class-balanced weighted-sampler": _setting("class_balance=1"),
    "augment aug ada diffaug augmentation": _setting("augmentation.adaptive=true"),
    "save-every checkpoint-every snap save-interval checkpoint-interval": _setting("loop.checkpoint_every={}"),
    "sample-every sample-interval preview-every": _setting("loop.preview_every={}"),
    "log-every log-interval print-every print-freq": _setting("loop.log_every={}"),
    "arch architecture algorithm": (
        Instead("--preset {}", "--preset names the networks and the loss"),
        Instead("--method {}", "--method says how it learns"),
    ),
    "optimizer opt optim scheduler": (Instead("", "the optimizer is part of the preset"),),
    # from where, to where
    "dataset data input inputs data-dir datadir data-path train-dir train-data image-dir images-dir folder dataroot "
    "source real-images real i d path x images file files": (
        Instead("--data {}", "--data names the real images"),
        Instead("DATA", "the data are named without an option"),
    ),
    "model run net network gan model-path model-dir m recognizer weights load experiment ckpt checkpoint": (
        Instead("RUN", "the run is named without an option"),
        Instead("--from {}", "--from begins with the weights of a run"),
        Instead("--preset {}", "--preset names the networks and the loss"),
        Instead("--method {}", "--method says how it learns"),
    ),
    "pretrained init load-from start-from finetune transfer": (
        Instead("--from {}", "--from begins with the weights of a run"),
    ),
    "step iteration snapshot": (Instead("--checkpoint {}", "--checkpoint is latest, best, or of so many images"),),
    "output o output-dir outdir out-dir save-dir dest destination save save-to save-path result-dir results-dir "
    "log-dir logdir outfile output-file csv to": (Instead("--out {}", "--out says where to write"),),
    "name run-name experiment-name exp-name exp": (Instead("--out runs/{}", "--out names the directory"),),
    "resume continue resume-from restore": (Instead("elmyr resume {}", "resume is a command"),),
    "force overwrite f exist-ok yes": (Instead("", "nothing is overwritten: --out names a new place"),),
    # on what
    "gpu cuda gpus use-cuda use-gpu ngpu accelerator": (Instead("--device cuda", DEVICE),),
    "gpu-id cuda-id gpu-ids device-id": (Instead("--device cuda:{}", DEVICE),),
    "cpu no-cuda no-gpu": (Instead("--device cpu", DEVICE),),
    "mps": (Instead("--device mps", DEVICE),),
    "fp16 amp half bf16 autocast mixed-precision use-amp": (Instead("--precision bf16", PRECISION),),
    "fp32 float32 full-precision no-amp": (Instead("--precision fp32", PRECISION),),
    "dtype": (Instead("--precision {}", PRECISION),),
    "workers num-workers n-workers j jobs n-jobs parallel nproc num-processes loader-workers num-threads threads": (
        Instead("--processes {}", "--processes says how many work at once"),
        Instead("", "the images are kept in memory, so no process loads them"),
    ),
    "random-seed manual-seed random-state rng-seed rng": (
        Instead("--seed {}", "--seed is the seed of all that is drawn"),
    ),
    "ip bind address listen": (Instead("--host {}", "--host says where to listen"),),
    # what is told
    "wandb mlflow": (Instead("--track trackio", TRACK),),
    "tensorboard tb": (Instead("--track tensorboard", TRACK),),
    "logger report-to tracker": (Instead("--track {}", TRACK),),
    "verbose v progress": (Instead("", "progress is shown without an option"),),
    "silent no-progress s": (Instead("--quiet", "--quiet says nothing"),),
    "json-output as-json": (Instead("--json", "--json is one line for programs"),),
    "format": (Instead("", "the suffix of --out is the format; --json prints one line for programs"),),
    "language locale": (Instead("--lang {}", "--lang is en or zh"),),
    "metric metrics fid is kid": (Instead("", "all figures are computed"),),
    "threshold min-confidence confidence": (
        Instead("--least {}", "--least is the lowest probability that counts as an answer"),
        Instead("--sure {}", "--sure is the share of the named labels that is to be wrong"),
    ),
    "truncation-psi trunc psi": (Instead("--truncation {}", "--truncation is the factor of the latents"),),
    "dry": (
        Instead("--dry-run", "--dry-run says what would be trained"),
        Instead("--plan", "--plan says what would run"),
    ),
}

# The first command that there is, in the group of the word or else among all, is taken.
COMMANDS: dict[str, tuple[Instead, ...]] = {
    "fit learn start gan run train-gan pretrain": (Instead("train", "train learns from images"),),
    "test eval fid score metrics validate quality judge": (Instead("evaluate", "evaluate says how good it is"),),
    "classify recognize infer inference label read predict": (
        Instead("predict", "predict says which class each image has"),
        Instead("apply", "apply says which class each image has"),
        Instead("recognizer apply", "recognizer apply says which class each image has"),
    ),
    "restore repair inpaint denoise fix": (
        Instead("apply", "apply repairs images"),
        Instead("restorer apply", "restorer apply repairs images"),
    ),
    "translate stylize transfer": (
        Instead("apply", "apply translates images"),
        Instead("translator apply", "translator apply translates images"),
    ),
    "info stats describe inspect summary look dataset": (Instead("data info", "data info says what is in data"),),
    "convert export resize prepare preprocess": (Instead("data convert", "data convert writes data in another form"),),
    "download fetch get": (Instead("data info", "known data are downloaded when they are first used"),),
    "gen create make synthesize draw augment samples": (Instead("sample", "sample makes images with a trained GAN"),),
    "morph lerp gif animate walk slerp filmstrip": (
        Instead("interpolate", "interpolate goes from one image to another"),
    ),
    "curves chart charts graph losses visualize": (Instead("plot", "plot draws the curves of a run"),),
    "tensorboard ui web gui app dashboard monitor watch webui server api": (Instead("serve", "serve opens a page"),),
    "continue restart go-on": (Instead("resume", "resume trains on where a run stopped"),),
    "rerun reproduce again": (Instead("repeat", "repeat trains again and compares"),),
    "list ls runs show history experiments": (Instead("serve", "serve lists all runs on a page"),),
    "diff versus vs": (Instead("compare", "compare says which is better"),),
    "bench benchmark speed": (Instead("doctor --bench", "doctor --bench measures the speed of this machine"),),
    "check env diagnose health setup": (Instead("doctor", "doctor says what there is on this machine"),),
    "label-errors doubt noisy clean find-errors mislabeled": (
        Instead("doubts", "doubts lists suspected label errors"),
        Instead("recognizer doubts", "recognizer doubts lists suspected label errors"),
    ),
    "demo quickstart tutorial example": (Instead("study", "study is the whole way, from images to a verdict"),),
    "models architectures configs recipes": (
        Instead("presets", "presets lists networks and losses"),
        Instead("methods", "methods lists the ways to learn"),
    ),
    "version": (Instead("--version", "it is an option"),),
    "help": (Instead("--help", "it is an option, of every command"),),
    "classifier": (Instead("recognizer", "a recognizer is a classifier of images"),),
    "html page": (Instead("report", "report writes the page of a run"),),
    "degrade corrupt": (Instead("damage", "it damages images"), Instead("restorer damage", "it damages images")),
}


def plain(word: str) -> str:
    """A word as the tables have it."""
    return word.lstrip("-").replace("_", "-").lower()


def rows_of(word: str) -> list[Instead]:
    """All that an option or a parameter may stand for, the likeliest first."""
    return [row for words, rows in OPTIONS.items() if plain(word) in words.split() for row in rows]
