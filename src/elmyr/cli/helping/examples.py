"""The parts of the help: commands by what they are for, options by what they are about, and examples to copy."""

GROUPS = {
    "The main job": ("study", "predict", "explain", "counterfactual", "articles"),
    "Train and use a GAN": ("train", "sweep", "sample", "interpolate", "directions", "edit"),
    "See how good it is": ("evaluate", "compare", "survey"),
    "Other tasks": ("recognizer", "restorer", "translator"),
    "Whatever was trained": ("resume", "repeat", "plot", "report", "serve", "export"),
    "Data and machine": ("data", "presets", "doctor"),
}

# Of commands with many options; those that are named nowhere come first.
OPTIONS = {
    "Other runs and images": (
        *("--unlabeled", "--gan", "--realism", "--agreeing", "--teacher"),
        *("--target", "--translation", "--self-training"),
    ),
    "Images": (
        *("--size", "--fit", "--channels", "--range", "--label-column", "--classes", "--limit", "--folds"),
        *("--data-root", "--allow-duplicates"),
    ),
    "Data-scarcity scenarios": ("--images-per-class", "--labels-per-class", "--imbalance", "--label-noise"),
    "Computing": (
        "--device",
        "--precision",
        "--threads",
        "--processes",
        "--deterministic",
        "--keep",
        "--keep-going",
        "--track",
    ),
    "Output": ("--dry-run", "--plan", "--quiet", "--json", "--help"),
}
MANY = 12

EXAMPLES: dict[str, tuple[str, ...]] = {
    "elmyr": (
        "elmyr study digits                               would a GAN help to recognize these images?",
        "elmyr study path/to/folder --size 64             the same of your own images",
        "elmyr train digits --out runs/digits             train a GAN",
        "elmyr sample runs/digits -n 1000                 generate images",
        "elmyr evaluate runs/digits                       how good are they?",
        "elmyr recognizer train path/to/folder --size 64  train a classifier",
        "elmyr predict latest photo.jpg                   what does this image show?",
        "elmyr serve                                      a page with all of it",
    ),
    "study": ("elmyr study digits", "elmyr study path/to/folder --size 64 --budget 2h"),
    "articles": ("elmyr articles", "elmyr articles --only 0,4 --remedies --out articles/mnist"),
    "train": ("elmyr train digits --images 60k --out runs/digits", "elmyr train path/to/folder --size 64 --minutes 30"),
    "sweep": (
        "elmyr sweep digits --set adversarial.learning_rate=1e-4,5e-4,1e-3 --images 60k",
        "elmyr sweep path/to/folder --size 64 --set penalties.r1=1,3,10 --set batch=16,32 --seeds 3 --plan",
    ),
    "resume": ("elmyr resume latest", "elmyr resume runs/digits --images 400k"),
    "repeat": ("elmyr repeat runs/digits", "elmyr repeat latest --out runs/again"),
    "predict": ("elmyr predict latest photo.jpg", "elmyr predict runs/reader folder --out predictions.csv --least 0.8"),
    "explain": (
        "elmyr explain latest photo.jpg --out maps.png",
        "elmyr explain runs/reader folder --target 7 --method occlusion --check",
        "elmyr explain runs/digits --out pixels.png",
    ),
    "sample": (
        "elmyr sample runs/digits -n 1000 --out samples.npz",
        "elmyr sample latest -n 100 --label 3 --out 3.png",
        "elmyr sample latest --move thickness=1.5 --out thick.png",
    ),
    "interpolate": (
        "elmyr interpolate latest --from 3 --to 8 --out strip.png",
        "elmyr interpolate latest --from-seed 1 --to-seed 2 --rows 1 --out walk.gif",
    ),
    "edit": (
        "elmyr edit runs/digits photo.png --from 7 --move slant=-1 --out edited.png",
        "elmyr edit runs/digits folder --label all --recognizer runs/reader",
    ),
    "counterfactual": ("elmyr counterfactual runs/reader folder --gan runs/digits --target 9 --out why.png",),
    "directions": (
        "elmyr directions latest",
        "elmyr directions runs/digits --by thickness,slant --recognizer runs/reader",
    ),
    "plot": ("elmyr plot latest", "elmyr plot runs/digits --out curves.svg"),
    "evaluate": ("elmyr evaluate latest", "elmyr evaluate samples.npz --data digits --extractor random"),
    "compare": ("elmyr compare runs/one runs/two --out comparison.html",),
    "survey": ("elmyr survey latest", "elmyr survey latest --results"),
    "export": ("elmyr export runs/reader --out reader", "elmyr export latest --out maker --opset 18"),
    "report": ("elmyr report latest", "elmyr report runs/digits --lang zh"),
    "serve": ("elmyr serve", "elmyr serve latest --port 8400"),
    "presets": ("elmyr presets", "elmyr presets residual"),
    "doctor": ("elmyr doctor", "elmyr doctor --bench"),
    "recognizer": (
        "elmyr recognizer train digits --out runs/reader",
        "elmyr recognizer train digits --labels-per-class 10",
        "elmyr recognizer evaluate runs/reader",
    ),
    "recognizer train": (
        "elmyr recognizer train digits --out runs/reader",
        "elmyr recognizer train digits --labels-per-class 10",
        "elmyr recognizer train path/to/folder --size 64 --gan latest",
    ),
    "recognizer apply": ("elmyr recognizer apply latest images.npz --out predictions.csv",),
    "recognizer attack": ("elmyr recognizer attack latest --epsilon 0.1,0.2,0.3",),
    "recognizer evaluate": ("elmyr recognizer evaluate latest --mistakes mistakes.png",),
    "recognizer doubts": ("elmyr recognizer doubts path/to/folder --out errors.csv --picture errors.png",),
    "recognizer label": ("elmyr recognizer label latest --out labeled.npz",),
    "recognizer choose": ("elmyr recognizer choose runs/one runs/two runs/three",),
    "recognizer methods": ("elmyr recognizer methods",),
    "restorer": ("elmyr restorer train digits", "elmyr restorer apply latest folder --out repaired"),
    "restorer train": (
        "elmyr restorer train digits --minutes 10",
        "elmyr restorer train digits --corruption noise:0.2 --out runs/restorer",
    ),
    "restorer apply": ("elmyr restorer apply latest folder --out repaired",),
    "restorer evaluate": ("elmyr restorer evaluate latest --out repair.html",),
    "restorer damage": ("elmyr restorer damage digits --corruption noise:0.2 --limit 20 --out damaged",),
    "restorer corruptions": ("elmyr restorer corruptions",),
    "translator": (
        "elmyr translator train digits-thin digits-thick",
        "elmyr translator apply latest folder --out translated",
    ),
    "translator train": ("elmyr translator train digits-thin digits-thick --images 60k",),
    "translator apply": ("elmyr translator apply latest folder --out translated",),
    "translator evaluate": ("elmyr translator evaluate latest --out translation.html",),
    "translator methods": ("elmyr translator methods",),
    "data": (
        "elmyr data info path/to/folder --grid overview.png",
        "elmyr data convert path/to/folder images.npz --size 64",
    ),
    "data info": ("elmyr data info digits", "elmyr data info path/to/folder --grid overview.png"),
    "data convert": ("elmyr data convert path/to/folder images.npz --size 64",),
}
