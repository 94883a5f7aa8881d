"""Labels from tables: found by their columns, in any usual form, told; what does not fit is told or refused."""

import json
import unicodedata
from pathlib import Path

import pytest

from elmyr.core.errors import InputError
from elmyr.images import take_account
from tests.images.layouts import laid, read

FOUR = {"a.png": 1, "b.png": 2, "c.png": 3, "d.png": 4}
LABELS = {1: "cat", 2: "dog", 3: "cat", 4: "dog"}
ROWS = [("a.png", "cat"), ("b.png", "dog"), ("c.png", "cat"), ("d.png", "dog")]


def csv(names: str, separator: str = ",", rows: list[tuple[str, str]] = ROWS) -> str:
    return "".join(f"{line}\n" for line in [names, *(separator.join(row) for row in rows)])


def of_records(names: tuple[str, str]) -> list[dict[str, str]]:
    return [dict(zip(names, row, strict=True)) for row in ROWS]


TABLES = {
    "labels.csv": csv("file,label"),
    "metadata.csv": csv("file_name,label"),
    "annotations.csv": csv("image,class"),
    "Train_Labels.csv": csv("filename,species"),
    "trainLabels.csv": csv("img,level"),
    "labels.tsv": csv("path\tcategory", "\t"),
    "labels-semicolon/labels.csv": csv("file;label", ";"),
    "pipes/labels.csv": csv("file|label", "|"),
    "spreadsheet/labels.csv": "sep=;\n" + csv("File Name;Label", ";"),
    "quoted/labels.csv": csv('"file","label"', rows=[(f'"{file}"', f' "{label}"') for file, label in ROWS]),
    "spaces/labels.csv": csv("file , label", rows=[(f"{file} ", f" {label}") for file, label in ROWS]),
    "ids/train.csv": csv("id,label", rows=[(file[:-4], label) for file, label in ROWS]),
    "other-suffix/labels.csv": csv("file,label", rows=[(file.replace("png", "jpg"), label) for file, label in ROWS]),
    "capitals/labels.csv": csv("FILE,LABEL", rows=[(file.upper(), label) for file, label in ROWS]),
    "with-folders/labels.csv": csv("file,label", rows=[(f"data/images/{file}", label) for file, label in ROWS]),
    "windows/labels.csv": csv("file,label", rows=[(f"C:\\data\\{file}", label) for file, label in ROWS]),
    "pandas/labels.csv": csv(",file,label", rows=[(f"{n},{file}", label) for n, (file, label) in enumerate(ROWS)]),
    "first-line-is-data/labels.csv": csv("a.png,cat", rows=ROWS[1:]),
    "names-unknown/labels.csv": csv("what,whose"),
    "lists/list.csv": csv("photo,kind"),
    "one-hot/labels.csv": "image,cat,dog\na.png,1,0\nb.png,0,1\nc.png,1.0,0.0\nd.png,0,1\n",
    "any-name/pets.csv": csv("file,label"),
    "metadata.jsonl": "".join(json.dumps(record) + "\n" for record in of_records(("file_name", "label"))),
    "stylegan/dataset.json": json.dumps({"labels": [list(row) for row in ROWS]}),
    "stylegan-dict/dataset.json": json.dumps({"labels": dict(ROWS)}),
    "records/labels.json": json.dumps(of_records(("file", "target"))),
    "records-inside/labels.json": json.dumps({"version": 1, "data": of_records(("file", "target"))}),
    "mapping/labels.json": json.dumps(dict(ROWS)),
    "mappings/labels.json": json.dumps({file: {"label": label} for file, label in ROWS}),
    "pairs/labels.json": json.dumps([list(row) for row in ROWS]),
    "label-studio/project.json": json.dumps(
        [
            {
                "data": {"image": f"/data/upload/1/0a1b2c3d-{file}"},
                "annotations": [{"result": [{"value": {"choices": [label]}}]}],
            }
            for file, label in ROWS
        ]
    ),
    "label-studio/project.csv": csv("image,choice", rows=[(f"/data/0a1b2c3d-{file}", label) for file, label in ROWS]),
    "pandas-json/labels.json": json.dumps(
        {name: {str(n): row[place] for n, row in enumerate(ROWS)} for place, name in enumerate(("file", "label"))}
    ),
    "pandas-split/labels.json": json.dumps({"columns": ["file", "label"], "index": [0, 1], "data": ROWS}),
    "urls/labels.csv": csv("url,label", rows=[(f"https://a.org/x/{file}?size=big", label) for file, label in ROWS]),
    "comments/labels.csv": "# made by a tool\n\n" + csv("file,label"),
    "german/labels.csv": csv("Dateiname;Klasse", ";"),
    "columns/labels.json": json.dumps({"file": [row[0] for row in ROWS], "label": [row[1] for row in ROWS]}),
    "by-class/labels.json": json.dumps({"cat": ["a.png", "c.png"], "dog": ["b.png", "d.png"]}),
    "coco/annotations.json": json.dumps(
        {
            "images": [{"id": n, "file_name": file} for n, (file, _) in enumerate(ROWS)],
            "annotations": [{"id": n, "image_id": n, "category_id": 1 + n % 2} for n in range(4)],
            "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        }
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_labels_are_found_in_a_table_and_told(tmp_path: Path, name: str) -> None:
    file = Path(name).name
    found = read(laid(tmp_path / "data", FOUR | {file: TABLES[name]}))
    assert (found.train, found.classes) == (LABELS, ("cat", "dog"))
    assert len(found.notes) == 1 or (file == "labels.csv" and not found.notes)
    assert all(note.startswith(f"labels from '{file}' (") for note in found.notes)


def test_lists_of_files_and_labels_are_read_and_other_text_is_not(tmp_path: Path) -> None:
    for name, text in (
        ("labels.txt", "a.png cat\nb.png dog\nc.png cat\nd.png dog\n"),
        ("train.txt", csv("file,label")),
    ):
        found = read(laid(tmp_path / name, FOUR | {name: text}))
        assert found.train == LABELS and found.notes[0].startswith(f"labels from '{name}'")
    found = read(laid(tmp_path / "classes", FOUR | {"classes.txt": "cat\ndog\n", "notes.txt": "a.png is good\n"}))
    assert set(found.train.values()) == {None}
    assert any("'classes.txt' is passed over" in note for note in found.notes)
    assert any("1 .txt ('notes.txt')" in note for note in found.notes)


def test_a_table_in_a_folder_of_its_own_is_found(tmp_path: Path) -> None:
    files = {f"images/{name}": gray for name, gray in FOUR.items()}
    found = read(laid(tmp_path, files | {"annotations/metadata.csv": csv("image,class")}))
    assert found.train == LABELS and len(found.notes) == 1


def test_accents_as_two_signs_are_the_same_name(tmp_path: Path) -> None:
    names = [unicodedata.normalize(form, "Käse.png") for form in ("NFD", "NFC")]
    assert names[0] != names[1]
    found = read(laid(tmp_path, {names[0]: 1, "b.png": 2, "metadata.csv": f"file,label\n{names[1]},x\nb.png,y\n"}))
    assert found.train == {1: "x", 2: "y"} and len(found.notes) == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le"])
def test_the_encodings_of_spreadsheets_are_read(tmp_path: Path, encoding: str) -> None:
    text = "file;label\r\na.png;Käse\r\nb.png;Öl\r\n"
    content = (b"\xff\xfe" if encoding == "utf-16-le" else b"") + text.encode(encoding)
    found = read(laid(tmp_path, {"a.png": 1, "b.png": 2, "labels.csv": content}))
    assert found.train == {1: "Käse", 2: "Öl"}
    assert ("utf-16" in found.notes[0], "cp1252" in found.notes[0]) == ("16" in encoding, encoding == "cp1252")


def test_cyrillic_tables_are_read_as_spreadsheets_on_windows_save_them(tmp_path: Path) -> None:
    rows = [("a.png", "кошка"), ("b.png", "собака"), ("c.png", "кошка"), ("d.png", "собака")]
    table = csv("файл;класс", ";", rows=rows).encode("cp1251")
    assert set(read(laid(tmp_path, FOUR | {"labels.csv": table})).train.values()) == {"кошка", "собака"}


def test_names_of_urls_are_those_of_files(tmp_path: Path) -> None:
    files = {"a b.png": 1, "ü.png": 2}
    found = read(laid(tmp_path, files | {"labels.csv": "image,label\n/data/a%20b.png,cat\n%C3%BC.png,dog\n"}))
    assert found.train == {1: "cat", 2: "dog"}


def test_files_of_single_images_are_no_tables_and_are_counted_once(tmp_path: Path) -> None:
    for kind in ("json", "xml", "txt"):
        beside = {f"{name[0]}.{kind}": '{"imagePath": "a.png", "label": "cat"}' for name in FOUR}
        found = read(laid(tmp_path / kind, FOUR | beside))
        assert set(found.train.values()) == {None}
        assert len(found.notes) == 1 and f"4 files of single images are passed over: 4 .{kind}" in found.notes[0]
    found = read(
        laid(
            tmp_path / "voc",
            {f"JPEGImages/{name}": gray for name, gray in FOUR.items()}
            | {"Annotations/a.xml": "<a/>", "Annotations/b.xml": "<b/>"},
        )
    )
    assert len(found.train) == 4 and any("2 files of single images" in note for note in found.notes)


def test_a_table_that_contradicts_the_class_folders_is_told(tmp_path: Path) -> None:
    table = "file,label\ncat/a.png,dog\ncat/b.png,dog\ncat/c.png,cat\ndog/d.png,dog\n"
    found = read(laid(tmp_path, {"cat/a.png": 1, "cat/b.png": 2, "cat/c.png": 3, "dog/d.png": 4, "labels.csv": table}))
    assert found.train == {1: "dog", 2: "dog", 3: "cat", 4: "dog"}
    assert any("2 images lie in the folder of another class than 'labels.csv' says" in note for note in found.notes)


def test_chinese_tables_are_read_as_spreadsheets_on_windows_save_them(tmp_path: Path) -> None:
    table = "文件名,类别\n照片1.png,猫\n照片2.png,狗\n".encode("gb18030")
    found = read(laid(tmp_path, {"照片1.png": 1, "照片2.png": 2, "标签.csv": table}))
    assert found.train == {1: "猫", 2: "狗"}
    assert found.notes == ["labels from '标签.csv' (column '类别', files in '文件名', gb18030)"]


def test_numbers_that_a_spreadsheet_changed_are_found_again(tmp_path: Path) -> None:
    files = {"0007.png": 7, "0012.png": 12, "0110.png": 110}
    found = read(laid(tmp_path, files | {"labels.csv": "id,label\n7,1.0\n12,0.0\n110,1.0\n"}))
    assert found.train == {7: "1", 12: "0", 110: "1"}


def test_the_column_that_names_files_is_not_that_of_labels_which_do_so_by_chance(tmp_path: Path) -> None:
    files = {f"{number}.png": number for number in range(1, 7)}
    rows = "".join(f"{number},{1 + number % 2}\n" for number in range(1, 7))
    found = read(laid(tmp_path, files | {"labels.csv": "a,b\n" + rows}))
    assert found.train == {number: str(1 + number % 2) for number in range(1, 7)}


def test_an_image_in_a_folder_is_found_by_its_path_or_by_its_name_where_that_is_its_own(tmp_path: Path) -> None:
    files = {"x/a.png": 1, "y/a.png": 2, "y/b.png": 3}
    found = read(laid(tmp_path, files | {"metadata.csv": "file,label\nx/a.png,p\ndata/y/a.png,q\nb.png,q\na.png,q\n"}))
    assert found.train == {1: "p", 2: "q", 3: "q"}
    told = "1 of 4 rows of 'metadata.csv' name several images each ('a.png'), which are left out: name the files with"
    assert any(told in note for note in found.notes)


# --- several columns


MANY = "file,label,category,age\na.png,cat,pet,3\nb.png,dog,pet,4\nc.png,cat,wild,3\nd.png,dog,wild,5\n"


def test_of_several_columns_one_is_taken_and_the_option_for_another_told(tmp_path: Path) -> None:
    laid(tmp_path / "data", FOUR | {"metadata.csv": MANY})
    found = read(tmp_path / "data")
    assert found.train == LABELS
    assert any("('category'): pass --label-column category to take that" in note for note in found.notes)
    assert read(tmp_path / "data", "category").train == {1: "pet", 2: "pet", 3: "wild", 4: "wild"}
    assert "columns of 'metadata.csv' that are passed over: 'age'" in found.notes
    assert read(tmp_path / "data", "Age").classes == ("3", "4", "5")
    refused = "has no column 'owner': choose from 'label', 'category', 'age' for --label-column"
    assert refused in read(tmp_path / "data", "owner").refused


def test_a_number_and_a_name_that_say_the_same_are_one_label_in_the_order_of_the_numbers(tmp_path: Path) -> None:
    table = "file,class_id,class_name\na.png,1,cat\nb.png,0,dog\nc.png,1,cat\nd.png,0,dog\n"
    found = read(laid(tmp_path, FOUR | {"annotations.csv": table}))
    assert (found.train, found.classes) == (LABELS, ("dog", "cat"))
    assert len(found.notes) == 1


def test_a_known_label_column_wins_over_others_and_a_column_is_asked_for_where_none_is_known(tmp_path: Path) -> None:
    table = "file,age,dx\na.png,30,x\nb.png,31,y\nc.png,32,x\nd.png,33,y\n"
    assert read(laid(tmp_path / "one", FOUR | {"metadata.csv": table})).train == {1: "x", 2: "y", 3: "x", 4: "y"}
    found = read(laid(tmp_path / "two", FOUR | {"metadata.csv": table.replace("dx", "finding")}))
    assert set(found.train.values()) == {None}
    assert found.notes[0].startswith(
        "'metadata.csv' is passed over: it has no column of labels (it has 'age', 'finding')"
    )
    assert read(tmp_path / "two", "finding").train == {1: "x", 2: "y", 3: "x", 4: "y"}


@pytest.mark.parametrize("column", ["finding_labels", "Image Class", "true label", "category_of_it"])
def test_a_name_that_holds_a_word_for_labels_is_one(tmp_path: Path, column: str) -> None:
    table = f"image_id,age,{column}\na,30,cat\nb,31,dog\nc,32,cat\nd,33,dog\n"
    found = read(laid(tmp_path, FOUR | {"HAM10000_metadata.csv": table}))
    assert found.train == LABELS and "columns of 'HAM10000_metadata.csv' that are passed over: 'age'" in found.notes


def test_captions_are_not_taken_for_classes(tmp_path: Path) -> None:
    table = csv("file_name,text", rows=[(file, f"a picture of {file}") for file in FOUR])
    found = read(laid(tmp_path, FOUR | {"metadata.csv": table}))
    assert set(found.train.values()) == {None}
    assert "'metadata.csv' is passed over: it has no column of labels (it has 'text')" in found.notes[0]


def test_a_column_is_asked_for_only_where_there_is_a_table(tmp_path: Path) -> None:
    laid(tmp_path / "data", {"cat/a.png": 1, "dog/b.png": 2})
    assert "has no table of labels: leave out --label-column" in read(tmp_path / "data", "label").refused
    with pytest.raises(InputError, match="'digits' has no columns to choose labels from"):
        take_account("digits", label_column="label")


# --- what does not fit


def test_rows_without_an_image_and_images_without_a_row_are_counted_and_named(tmp_path: Path) -> None:
    found = read(laid(tmp_path, FOUR | {"labels.csv": "file,label\na.png,cat\nx.png,cat\ny.png,dog\nb.png,dog\n"}))
    assert found.train == {1: "cat", 2: "dog"}
    assert any(
        "2 of 4 images are in no row of 'labels.csv' and are left out ('c.png', 'd.png')" in n for n in found.notes
    )
    assert "2 of 4 rows of 'labels.csv' name files that are not there ('x.png', 'y.png')" in found.notes


@pytest.mark.parametrize("name", ["labels.csv", "train.csv", "metadata.csv"])
def test_a_table_of_other_images_is_refused_with_a_name_of_each(tmp_path: Path, name: str) -> None:
    found = read(laid(tmp_path, FOUR | {name: "file,label\nx.png,cat\n"}))
    assert f"{name}' tells no labels: no column names an image here" in found.refused
    assert "an image is 'a.png'" in found.refused


def test_tables_of_another_meaning_are_passed_over_and_named(tmp_path: Path) -> None:
    others = {"sizes.csv": "file,width,height\na.png,4,3\n", "config.json": '{"lr": 0.1}', "notes.json": "{"}
    found = read(laid(tmp_path, FOUR | others))
    assert set(found.train.values()) == {None}
    assert all(any(note.startswith(f"'{name}' is passed over") for note in found.notes) for name in others)
    found = read(laid(tmp_path, {"sample_submission.csv": csv("file,label")}))
    assert set(found.train.values()) == {None}


def test_class_folders_win_over_a_table_whose_name_promises_no_labels(tmp_path: Path) -> None:
    files = {"cat/a.png": 1, "dog/b.png": 2, "answers.csv": "file,label\na.png,dog\nb.png,cat\n"}
    found = read(laid(tmp_path, files))
    assert found.train == {1: "cat", 2: "dog"}
    assert "answers.csv" in found.notes[0]
    (tmp_path / "answers.csv").rename(tmp_path / "annotations.csv")
    assert read(tmp_path).train == {1: "dog", 2: "cat"}


# --- training and test


@pytest.mark.parametrize("column", ["split", "Subset", "phase"])
def test_a_column_of_parts_gives_the_test_part(tmp_path: Path, column: str) -> None:
    table = f"file,label,{column}\na.png,cat,train\nb.png,dog,test\nc.png,cat,val\nd.png,dog,Train\n"
    found = read(laid(tmp_path, FOUR | {"metadata.csv": table}))
    assert (found.train, found.test) == ({1: "cat", 3: "cat", 4: "dog"}, {2: "dog"})
    assert found.notes == [f"labels from 'metadata.csv' (column 'label', files in 'file', test images by '{column}')"]


def test_a_column_of_other_words_is_no_split_and_is_told(tmp_path: Path) -> None:
    table = "file,label,split\na.png,cat,1\nb.png,dog,2\nc.png,cat,1\nd.png,dog,2\n"
    found = read(laid(tmp_path, FOUR | {"metadata.csv": table}))
    assert (found.train, found.test) == (LABELS, None)
    assert "columns of 'metadata.csv' that are passed over: 'split'" in found.notes


def test_a_table_beside_a_part_tells_its_labels_and_a_part_without_labels_is_left_out(tmp_path: Path) -> None:
    files = {f"train/{name}": gray for name, gray in FOUR.items()} | {"test/e.png": 5, "test/f.png": 6}
    laid(tmp_path, files | {"train.csv": csv("id,label"), "test.csv": "id\ne.png\nf.png\n"})
    (tmp_path / "sample_submission.csv").write_text("id,label\ne,cat\nf,cat\n")
    found = read(tmp_path)
    assert (found.train, found.test) == (LABELS, None)
    assert any("the 2 test images of" in note and "have no labels and are left out" in note for note in found.notes)


def test_one_table_tells_the_labels_of_both_parts(tmp_path: Path) -> None:
    files = {"train/a.png": 1, "train/b.png": 2, "test/c.png": 3, "test/d.png": 4}
    for name, rows in (
        ("bare", ROWS),
        ("full", [(f"{'train' if n < 2 else 'test'}/{f}", c) for n, (f, c) in enumerate(ROWS)]),
    ):
        found = read(laid(tmp_path / name, files | {"metadata.csv": csv("file_name,label", rows=rows)}))
        assert (found.train, found.test) == ({1: "cat", 2: "dog"}, {3: "cat", 4: "dog"})
        assert len(found.notes) == 1


@pytest.mark.parametrize("suffix", ["csv", "txt"])
def test_tables_of_parts_divide_the_images_of_one_place(tmp_path: Path, suffix: str) -> None:
    rows = [(f"pics/{file}", label) for file, label in ROWS]
    parts = {"train": rows[:2], "val": rows[2:3], "test": rows[3:]}
    if suffix == "csv":
        tables = {f"{part}.csv": csv("file,label", rows=of_part) for part, of_part in parts.items()}
    else:
        tables = {f"{part}.txt": "".join(f"{' '.join(row)}\n" for row in of_part) for part, of_part in parts.items()}
    found = read(laid(tmp_path, {f"pics/{name}": gray for name, gray in FOUR.items()} | tables))
    assert (found.train, found.test) == ({1: "cat", 2: "dog", 3: "cat"}, {4: "dog"})
    assert any(f"'train.{suffix}' (" in note and f"and 'test.{suffix}' (" in note for note in found.notes)


def test_each_part_has_its_own_table(tmp_path: Path) -> None:
    files = {"train/a.png": 1, "train/b.png": 2, "test/a.png": 3, "test/b.png": 4}
    tables = {
        "train/metadata.csv": "file_name,label\na.png,x\nb.png,y\n",
        "test/metadata.csv": "file_name,label\na.png,y\nb.png,x\n",
    }
    found = read(laid(tmp_path, files | tables))
    assert (found.train, found.test) == ({1: "x", 2: "y"}, {3: "y", 4: "x"})


def test_the_account_says_what_the_labels_were_read_from(tmp_path: Path) -> None:
    account = take_account(laid(tmp_path / "table", FOUR | {"metadata.csv": csv("file_name;label", ";")}))
    assert account.train.labels_from == "'metadata.csv' (column 'label', files in 'file_name', ';' between)"
    assert account.notes == (f"labels from {account.train.labels_from}",)
    assert take_account(laid(tmp_path / "flat", FOUR)).train.labels_from is None
