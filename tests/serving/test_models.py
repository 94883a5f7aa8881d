import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from pydantic import BaseModel, Field

from elmyr.core.errors import InputError
from elmyr.serving.catalog import WorkerOptions, find_served
from elmyr.serving.http.answers import Answer, json_answer
from elmyr.serving.http.model_routes import model_routes
from elmyr.serving.http.service import Service
from elmyr.serving.kinds import JSON, SERVED, Described, Operation, ServedKind
from elmyr.serving.runs import Runs
from elmyr.serving.worker.models import Gone, KindWork, Models, Opened
from elmyr.serving.worker.operations import Query, answer_together, one_by_one
from elmyr.serving.worker.supervisor import Supervisor
from elmyr.tasks.recognition import Recognizer
from tests.serving.workbench import as_npy


def saved(folder: Path, seed: int = 0) -> Path:
    Recognizer(base=8, dimension=16, seed=seed, device="cpu").initialize((8, 8, 1)).save(folder)
    return folder


def test_models_are_opened_when_asked_for_and_the_least_used_is_closed(tmp_path: Path) -> None:
    served = find_served([str(saved(tmp_path / name)) for name in "abc"])
    models = Models(WorkerOptions(served, memory=1e9))
    assert models.names == []
    size = models["a"].nbytes
    assert size > 1000 and models["a"] is models["a"]
    few = Models(WorkerOptions(served, memory=2.5 * size / (1 << 20)))
    for name in "abacb":
        few[name]
    assert few.names == ["c", "b"]
    tight = Models(WorkerOptions(served, memory=size / 2 / (1 << 20)))
    assert tight["b"].served.name == "b" and tight.names == ["b"]  # what is asked for stays, whatever its size


def test_a_model_that_was_trained_again_is_opened_again_and_a_removed_one_is_gone(tmp_path: Path) -> None:
    folder = saved(tmp_path / "a")
    models = Models(WorkerOptions(find_served([str(folder)])))
    before = models["a"]
    saved(folder, seed=1)
    after = models["a"]
    assert after is not before and models["a"] is after
    shutil.rmtree(folder)
    with pytest.raises(Gone, match="has been removed since it is served"):
        models["a"]
    assert models.names == []
    saved(folder)
    assert models["a"].served.name == "a"
    (folder / "recognizer.safetensors").write_bytes(b"broken")
    (folder / "recognizer.json").touch()
    with pytest.raises(Gone, match="cannot be opened any more"):
        models["a"]


def test_a_recognizer_that_was_trained_again_for_other_images_reads_these(tmp_path: Path) -> None:
    folder = saved(tmp_path / "a")
    models = Models(WorkerOptions(find_served([str(folder)])))
    other = Recognizer(base=8, dimension=16, device="cpu", updates=1)
    other.fit(np.zeros((4, 16, 16, 1), np.uint8), np.array(["cat", "dog"] * 2)).save(folder)
    body = as_npy(np.zeros((1, 16, 16), np.uint8))
    (answer,) = answer_together(models, "a", "recognize", [{}], [body])
    assert answer.status == 200 and set(json.loads(answer.content)["images"][0]["probabilities"]) == {"cat", "dog"}


def test_what_is_served_is_known_without_opening_it(small_runs: Path, tmp_path: Path) -> None:
    gan, reader, restorer = find_served([str(small_runs / name) for name in ("gan", "reader", "restorer")])
    assert (gan.kind, gan.name, gan.trained_on, gan.image_shape) == ("gan", "gan", "digits", (8, 8, 1))
    assert reader.classes == tuple("0123456789") == gan.classes and reader.trained_on == "digits"
    assert (restorer.kind, restorer.classes, restorer.image_shape) == ("restorer", (), (8, 8, 1))
    named, plain = find_served([f"mine={small_runs / 'gan'}", str(saved(tmp_path / "a b"))])
    assert (named.name, named.path) == ("mine", gan.path) and plain.name == "a-b" and plain.trained_on is None
    saved(tmp_path / "rate=0.1")
    (chosen,) = find_served([f"mine={tmp_path / 'rate=0.1'}"])
    assert (chosen.name, chosen.path.name) == ("mine", "rate=0.1")
    (translator,) = find_served([str(small_runs / "translator")])
    assert (translator.kind, translator.image_shape, translator.trained_on) == (
        "translator",
        (8, 8, 1),
        "digits-thin and digits-thick",
    )
    assert translator.as_json()["directions"] == {
        "a-to-b": ["digits-thin", "digits-thick"],
        "b-to-a": ["digits-thick", "digits-thin"],
    }
    options = WorkerOptions([gan, named, translator], 5.0, "cpu", "fp32", "data")
    assert WorkerOptions.of_word(options.as_word()) == options


def test_what_cannot_be_served_is_one_line(small_runs: Path, tmp_path: Path) -> None:
    unfinished = tmp_path / "unfinished"
    unfinished.mkdir()
    shutil.copy(small_runs / "gan" / "config.json", unfinished)
    empty = tmp_path / "empty"
    empty.mkdir()
    broken = saved(tmp_path / "broken")
    (broken / "recognizer.json").write_text("{}")
    for words, expected in (
        ([str(tmp_path / "nowhere")], "there is no run directory"),
        ([str(empty)], "is not a run directory"),
        ([str(unfinished)], "has no finished model: elmyr resume"),
        ([str(broken)], "is no whole recognizer"),
        ([str(small_runs / "gan")] * 2, "two models are named 'gan': name them, as NAME="),
        ([f"a/b={small_runs / 'gan'}"], "cannot be named 'a/b'"),
    ):
        with pytest.raises(InputError, match=expected):
            find_served(words)


def test_of_an_adaptation_its_recognizer_is_served(small_runs: Path, tmp_path: Path) -> None:
    adapted = tmp_path / "adapted"
    adapted.mkdir()
    (adapted / "config.json").write_text(json.dumps({"kind": "adaptation", "source": "digits", "target": "b"}))
    with pytest.raises(InputError, match=f"'{adapted}' has no finished model: elmyr resume {adapted}"):
        find_served([str(adapted)])
    shutil.copytree(small_runs / "reader", adapted / "recognizer")
    (served,) = find_served([str(adapted)])
    assert (served.name, served.kind, served.trained_on) == ("adapted", "recognizer", "digits")
    assert served.path == adapted / "recognizer" / "model"


def test_of_a_study_its_best_recognizer_is_served(small_runs: Path, tmp_path: Path) -> None:
    study = tmp_path / "study"
    study.mkdir()
    (study / "config.json").write_text(json.dumps({"kind": "study", "name": "digits"}))
    with pytest.raises(InputError, match=f"'{study}' has no best recognizer yet: make it with elmyr resume {study}"):
        find_served([str(study)])
    shutil.copytree(small_runs / "reader" / "model", study / "best")
    (served,) = find_served([str(study)])
    assert (served.name, served.kind, served.trained_on) == ("study", "recognizer", "digits")
    assert served.path == study / "best"


def test_a_kind_of_another_version_is_not_served(tmp_path: Path) -> None:
    (tmp_path / "dreamer").mkdir()
    (tmp_path / "dreamer" / "config.json").write_text(json.dumps({"kind": "dreamer"}))
    with pytest.raises(InputError, match="is the run of a dreamer: name one of its runs, or another"):
        find_served([str(tmp_path / "dreamer")])


def test_a_kind_of_one_s_own_is_one_entry(tmp_path: Path) -> None:
    class Word(BaseModel):
        times: int = Field(1, ge=1, le=9)

    def shout(opened: Opened, query: Query, body: bytes) -> Answer:
        return json_answer({"said": opened.model * query["times"]})

    parrot = ServedKind(
        file="parrot.json",
        describe=lambda content, config: Described((None, None, 1), more={"word": content["word"]}),
        work=KindWork(
            lambda served, options: Opened(served, json.loads(served.description.read_text())["word"], []),
            {"shout": one_by_one(shout)},
        ),
        operations={"shout": Operation("Say it", Word, (JSON,), {"said": "hello"})},
        tab="runs",
        train="my-parrot train",
    )
    SERVED.add("parrot", parrot)
    try:
        (tmp_path / "polly").mkdir()
        (tmp_path / "polly" / "parrot.json").write_text('{"word": "hello"}')
        (polly,) = found = find_served([str(tmp_path / "polly")])
        assert polly.as_json()["word"] == "hello" and WorkerOptions(found) == WorkerOptions.of_word(
            WorkerOptions(found).as_word()
        )
        (answer,) = answer_together(Models(WorkerOptions(found)), "polly", "shout", [{"times": 2}], [b""])
        assert json.loads(answer.content) == {"said": "hellohello"}
        (refused,) = answer_together(Models(WorkerOptions(found)), "polly", "generate", [{}], [b""])
        assert json.loads(refused.content)["error"] == "'polly' is a parrot, which does not generate: ask a GAN"
        service = Service(found, Supervisor([]), Runs(tmp_path))
        app = FastAPI()
        app.include_router(model_routes(service))
        (asked,) = app.openapi()["paths"]["/v1/models/{model}/shout"]["get"]["parameters"][1:]
        assert asked["name"] == "times" and asked["schema"]["maximum"] == 9
    finally:
        SERVED.remove("parrot")
