"""The commands of evidence for people: the survey, and the report that shows it all."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from elmyr.cli.options import AsJson, DataRoot, Device, Language, Precision, Quiet, Run, computing, spread
from elmyr.cli.show import hush, say, show_json, show_table


def _questions(
    questions: Annotated[int, typer.Option(help="Questions for each person.", min=2)] = 20,
    pairs: Annotated[bool, typer.Option("--pairs", help="Show a real and a generated image side by side.")] = False,
    seats: Annotated[int, typer.Option(help="How many people at the same time.", min=1)] = 4,
    seed: Annotated[int, typer.Option(help="Seed of the choice of images and their order.", min=0)] = 0,
) -> dict[str, Any]:
    """What `Survey` is asked."""
    return {"form": "pairs" if pairs else "single", "questions": questions, "seats": seats, "seed": seed}


def _page(
    show: Annotated[float | None, typer.Option(help="Hide an image after so many seconds.", min=0.05)] = None,
    port: Annotated[int, typer.Option(help="Where the page is: a port of this machine; 0 for any.")] = 8321,
    next_port: Annotated[bool, typer.Option("--next-port", help="Take the next free one where it is in use.")] = False,
) -> tuple[float | None, int, bool]:
    """For how long the page shows an image, where it is, and whether another port will do."""
    return show, port, next_port


@computing
@partial(spread, name="asking", options=_questions)
@partial(spread, name="page", options=_page)
def survey(
    run: Run,
    results: Annotated[bool, typer.Option("--results", help="Show the answers so far, and stop.")] = False,
    asking: Any = None,
    page: Any = None,
    language: Language = "en",
    device: Device = "auto",
    precision: Precision = "auto",
    data_root: DataRoot = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Ask people, blind, which images are real: a page on this machine, until Ctrl-C."""
    from elmyr.core.errors import InputError
    from elmyr.engine.saving.places import GAN_KIND
    from elmyr.engine.saving.run_directory import open_run
    from elmyr.evaluation.people.answers import results_of
    from elmyr.evaluation.people.survey import Survey, identity_of, read_answers
    from elmyr.evaluation.people.survey_images import classes_of, generated_beside, real_to_ask_about
    from elmyr.report import write_report
    from elmyr.report.words import words_in

    tell, words = hush if quiet else say, words_in(language)
    opened = open_run(run, GAN_KIND)
    identity = identity_of(opened)
    if not results:
        try:
            from elmyr.serving.http.start import address_of, listening, port_of, serve_until_stopped
            from elmyr.serving.http.survey_app import survey_app
        except ImportError as error:
            raise InputError(f"a survey needs {error.name}: pip install 'elmyr[serve]'") from None
        show, port, next_free = page
        with listening(port, next_free=next_free) as listener:
            real = real_to_ask_about(opened, data_root=data_root)
            asked = Survey(opened.survey, identity, classes_of(real), **asking)
            pictures = generated_beside(opened, real, device=device, precision=precision)  # slow, so last
            app = survey_app(asked, pictures, port=port_of(listener), show=show, words=words)
            tell(f"the survey, on this machine alone: {address_of(listener)}")
            tell("Ctrl-C ends it; every answer is saved at once, and people continue where they stopped")
            serve_until_stopped(app, listener)
    found = results_of(read_answers(opened.survey, identity))
    report_page = write_report(opened.path)
    if as_json:
        show_json({"run": str(opened.path), "report": str(report_page), "results": [one.as_json() for one in found]})
    elif found:
        for one in found:
            _show_results(one)
        tell(f"the report: {report_page}")
    else:
        tell(f"nobody has answered yet: elmyr survey {opened.path}")


def report(
    path: Annotated[str, typer.Argument(metavar="RUN|STUDY", help="A run, a study, or latest: the newest run.")],
    out: Annotated[Path | None, typer.Option(help="An .html file (default: report.html in the directory).")] = None,
    language: Language = "en",
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Write the report of a run or a study again, with all that is known by now."""
    from elmyr.engine.saving.places import run_path
    from elmyr.report import write_report

    folder = Path(path) if Path(path).exists() else run_path(path)
    page = write_report(folder, language=language, out=out)
    if as_json:
        show_json({"report": str(page)})
    elif not quiet:
        say(f"the report: {page}")


def _show_results(found: Any) -> None:
    from elmyr.report.parts.evidence import people_sentence
    from elmyr.report.parts.numbers import duration, percent

    people = "person" if found.people == 1 else "people"
    asked = {"single": "one image at a time", "pairs": "in pairs"}[found.form]
    print(f"\n{found.answers} answers of {found.people} {people}, {asked}, {duration(found.seconds)} each (median)")
    print(people_sentence(found))
    for kind, shares in (("class", found.classes), ("person", found.persons)):
        rows = [[kind, "taken for real", "share", "95 % interval"]]
        for share in shares:
            interval = f"{percent(share.low, 0)} to {percent(share.high, 0)}"
            rows.append([share.name, f"{share.taken} of {share.count}", percent(share.share, 0), interval])
        if shares:
            print()
            show_table(rows)
